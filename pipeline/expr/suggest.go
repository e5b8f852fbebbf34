package expr

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// suggest names the keys of m that are nearest to name.
func (ev *evaluator) suggest(name string, m mapping) string {
	var names []string
	count := 0
	if r, ok := m.(*rootMap); ok {
		names = r.keys()
		for _, s := range r.env.known() {
			names = slices.AppendSeq(names, maps.Keys(s.Outputs))
		}
		slices.Sort(names)
		names = slices.Compact(names)
	} else {
		m.entries(func(k, _ any) bool {
			if s, ok := k.(string); ok {
				names = append(names, s)
			}
			count++
			return count < 1000
		})
	}
	return suggestFrom(name, names, "Known here:")
}

// suggestFrom words a hint from the names nearest to name; when none is near, it
// lists the first few after intro, or nothing without one.
func suggestFrom(name string, names []string, intro string) string {
	type scored struct {
		name string
		d    int
	}
	var near []scored
	for _, n := range names {
		if n == name {
			continue
		}
		if len(n) > 3*len(name)+8 && !strings.HasPrefix(n, name) {
			continue
		}
		d := editDistance(strings.ToLower(name), strings.ToLower(n))
		switch {
		case d <= max(1, len(name)/3):
		case len(name) > 3 && strings.HasPrefix(strings.ToLower(n), strings.ToLower(name)):
			d = 50
		default:
			continue
		}
		near = append(near, scored{n, d})
	}
	slices.SortFunc(near, func(a, b scored) int {
		if a.d != b.d {
			return a.d - b.d
		}
		return strings.Compare(a.name, b.name)
	})
	if len(near) > 0 {
		var list []string
		for _, s := range near[:min(3, len(near))] {
			if s.d > near[0].d {
				break
			}
			if s.name != "" && !slices.Contains(list, "'"+s.name+"'") {
				list = append(list, "'"+s.name+"'")
			}
		}
		return "Did you mean " + strings.Join(list, " or ") + "?"
	}
	if intro == "" || len(names) == 0 {
		return ""
	}
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	more := ""
	if len(sorted) > 12 {
		sorted, more = sorted[:12], ", …"
	}
	return intro + " " + strings.Join(sorted, ", ") + more + "."
}

// editDistance is the number of characters to insert, remove, replace or swap
// with their neighbour between two names, of which it looks at 40 characters.
func editDistance(a, b string) int {
	const limit = 40
	var x, y [limit]rune
	var rows [limit + 1][limit + 1]int
	fill := func(to *[limit]rune, from string) int {
		n := 0
		for _, r := range from {
			if n == limit {
				break
			}
			to[n] = r
			n++
		}
		return n
	}
	n, m := fill(&x, a), fill(&y, b)
	for i := range n + 1 {
		rows[i][0] = i
	}
	for j := range m + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= n; i++ {
		for j := 1; j <= m; j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[n][m]
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
