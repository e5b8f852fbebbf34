package gate_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// operation is one entry of the document.
type operation struct{ method, path string }

// operations lists what does not stream, in order.
func operations(t testing.TB) []operation {
	t.Helper()
	d, err := document()
	require.NoError(t, err)
	var out []operation
	for path := range d.paths {
		for method := range d.paths.Map(path) {
			if d.paths.Map(path).Map(method).Map("responses").Map("200").Map("content")["text/event-stream"] == nil {
				out = append(out, operation{strings.ToUpper(method), path})
			}
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.path+" "+a.method, b.path+" "+b.method) })
	return out
}

// FuzzEveryRoute: whatever stands in the path, the query and the body, every
// handler answers what the document says, or refuses with a message; none fails.
func FuzzEveryRoute(f *testing.F) {
	all := operations(f)
	for i := range all {
		f.Add(uint16(i), "shop", "limit=1&expand=false&statuses=RUNNING&q=abc", `{"application":"shop","name":"p","stages":[],"job":[{"type":"savePipeline"}]}`)
		f.Add(uint16(i), "a b%2f", "limit=x&page=-1&startIndex=99999999999999999999&trigger=e30%3D&expression=${", `[{"key":1,"value":{"a":[1,null,"x"]}}]`)
	}
	f.Add(uint16(0), "\x00", "%zz&;=&a=%", "\xff\xfe{")
	f.Add(uint16(1), "..", "a[]=1&a[b]=2", strings.Repeat("[", 300)+strings.Repeat("]", 300))
	f.Fuzz(func(t *testing.T, n uint16, value, query, body string) {
		op := all[int(n)%len(all)]
		if value == "" || value == "." || value == ".." || !utf8.ValidString(value) {
			return // other tests' paths
		}
		segments := strings.Split(op.path, "/")
		for i, s := range segments {
			if strings.HasPrefix(s, "{") {
				segments[i] = url.PathEscape(value)
			}
		}
		target := strings.Join(segments, "/")
		if (&url.URL{RawQuery: query}).String() != "?"+query || strings.Contains(query, "#") {
			query = url.QueryEscape(query)
		}
		if _, err := url.Parse(target + "?" + query); err != nil {
			return
		}
		w := newTemplateWorld(t)
		w.pipeline(`{"application":"shop","name":"p","id":"shop","stages":[{"type":"wait"}]}`)
		out := w.do(op.method, target+"?"+query, body)
		switch out.Code {
		case http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusNotImplemented:
		default:
			require.Less(t, out.Code, 500, "%s %s?%s %q: %s", op.method, target, query, body, out.Body)
		}
		if out.Code >= 400 && op.path != "/health" {
			require.NotEmpty(t, w.object(out).String("message"), "%s %s", op.method, target)
		}
	})
}
