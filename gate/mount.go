package gate

import (
	"slices"
	"strconv"
	"strings"
)

// mounted is a path under which gin knows a route.
type mounted struct {
	route *route
	// segments are the route's, "{name}" for a parameter; a parameter that a
	// word of another route would hide stands as that word.
	segments []string
}

// mounts returns every path to register for a table. gin does not always find
// its way back from a word to a parameter: with /pipelines/v2/{a}/{b} beside
// /pipelines/{a}/{b} it takes the path /pipelines/v2/x for neither. So each
// route is also registered with such words in its parameters' places, and gin
// never has to turn back.
func mounts(table []route) []mounted {
	var out []mounted
	for i := range table {
		out = append(out, mounted{route: &table[i], segments: split(table[i].Path)})
	}
	for i := 0; i < len(out); i++ { // out grows: a path with one word in place may need another
		m := out[i]
		for at, own := range m.segments {
			if !isParam(own) {
				continue
			}
			for _, other := range out {
				if !hides(other, m, at) {
					continue
				}
				twin := mounted{route: m.route, segments: slices.Clone(m.segments)}
				twin.segments[at] = other.segments[at]
				if !slices.ContainsFunc(out, func(o mounted) bool {
					return o.route.Method == m.route.Method && o.ginPath() == twin.ginPath()
				}) {
					out = append(out, twin)
				}
			}
		}
	}
	return out
}

// hides reports whether other has a word where m has its parameter at, on an
// otherwise common way.
func hides(other, m mounted, at int) bool {
	if other.route.Method != m.route.Method || len(other.segments) <= at || isParam(other.segments[at]) {
		return false
	}
	for i := range at {
		a, b := other.segments[i], m.segments[i]
		if a != b && (!isParam(a) || !isParam(b)) {
			return false
		}
	}
	return true
}

// ginPath returns the path in gin's notation. Parameters are named by their
// position, because gin wants one name where several routes meet.
func (m mounted) ginPath() string {
	var b strings.Builder
	for i, s := range m.segments {
		if isParam(s) {
			s = ":" + strconv.Itoa(i)
		}
		b.WriteString("/" + s)
	}
	return b.String()
}

// values returns the route's parameters, decoded. raw looks a gin parameter up.
func (m mounted) values(raw func(string) string) (map[string]string, error) {
	out := map[string]string{}
	for i, declared := range split(m.route.Path) {
		if !isParam(declared) {
			continue
		}
		name := strings.Trim(declared, "{}")
		escaped := m.segments[i]
		if isParam(escaped) {
			escaped = raw(strconv.Itoa(i))
		}
		value, err := segment(name, escaped)
		if err != nil {
			return nil, err
		}
		out[name] = value
	}
	return out, nil
}

func split(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

func isParam(segment string) bool { return strings.HasPrefix(segment, "{") }
