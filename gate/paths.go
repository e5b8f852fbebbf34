package gate

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gennaker/gennaker/pipeline"
)

// trimSlashes returns r without slashes at the end of its path, as Spinnaker
// accepts them. The escaped form is kept beside the plain one, because routes
// are matched on it: an escaped slash belongs to a name.
func trimSlashes(r *http.Request) *http.Request {
	escaped := r.URL.EscapedPath()
	trimmed := strings.TrimRight(escaped, "/")
	if trimmed == escaped {
		return r
	}
	if trimmed == "" {
		trimmed = "/"
	}
	if trimmed == escaped {
		return r
	}
	plain, err := url.PathUnescape(trimmed)
	if err != nil {
		return r // an impossible path of a hand-made request; no route will match
	}
	out := *r
	u := *r.URL
	u.Path, u.RawPath = plain, trimmed
	out.URL = &u
	return &out
}

// segment decodes one path segment. A plus sign stays what it is, unlike in a
// query.
func segment(name, escaped string) (string, error) {
	value, err := url.PathUnescape(escaped)
	if err != nil || !utf8.ValidString(value) {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The %s in the path, %q, is not percent-encoded UTF-8: encode the address again.", name, escaped)
	}
	return value, nil
}

// list returns a query parameter as a list: repeated keys and comma-separated
// values mean the same (reference: gate section 1). Empty elements are dropped.
func list(q url.Values, name string) []string {
	var out []string
	for _, v := range q[name] {
		for e := range strings.SplitSeq(v, ",") {
			if e = strings.TrimSpace(e); e != "" {
				out = append(out, e)
			}
		}
	}
	return out
}

// integer returns a query parameter as a number of at least zero, or def when
// it is absent or empty.
func integer(q url.Values, name string, def int) (int, error) {
	v := strings.TrimSpace(q.Get(name))
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, pipeline.Errorf(pipeline.CodeInvalid, "The query parameter %s is %q: use a whole number of at least 0.", name, v)
	}
	return n, nil
}

// boolean returns a query parameter as a truth value, or def when it is absent
// or empty. It takes the words that Spring takes.
func boolean(q url.Values, name string, def bool) (bool, error) {
	switch v := strings.TrimSpace(q.Get(name)); strings.ToLower(v) {
	case "":
		return def, nil
	case "true", "on", "yes", "1":
		return true, nil
	case "false", "off", "no", "0":
		return false, nil
	default:
		return false, pipeline.Errorf(pipeline.CodeInvalid, "The query parameter %s is %q: use true or false.", name, v)
	}
}

// statuses returns a query parameter as statuses.
func statuses(q url.Values, name string) ([]pipeline.Status, error) {
	words := list(q, name)
	out := make([]pipeline.Status, 0, len(words))
	for _, w := range words {
		s := pipeline.Status(w)
		if !s.Valid() {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The query parameter %s holds %q, which is no status: use %s.", name, w, statusWords())
		}
		out = append(out, s)
	}
	return out, nil
}

func statusWords() string {
	all := pipeline.Statuses()
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}
