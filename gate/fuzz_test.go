package gate_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// FuzzPath: whatever the application and the name, an encoded path reaches the
// pipeline it names, and a raw path never brings the server down.
func FuzzPath(f *testing.F) {
	for _, seed := range [][2]string{{"shop", "a b"}, {"v2", "start"}, {"a/b", "%2f"}, {"..", "é"}, {"start", "+"}, {"x", "\x00\x7f"}, {"\xff", "//"}, {"%", "?#"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, app, name string) {
		w := newWorld(t)
		raw := &url.URL{Path: "/pipelines/" + app + "/" + name}
		if out := w.do("POST", raw.String(), ""); out.Code >= 500 {
			t.Fatalf("raw path: %d %s", out.Code, out.Body)
		}
		trimmedApp, trimmedName := strings.TrimSpace(app), strings.TrimSpace(name)
		if !utf8.ValidString(app) || !utf8.ValidString(name) || trimmedApp != app || trimmedName != name || app == "" || name == "" || len(name) > pipeline.MaxNameLength {
			return
		}
		document, err := pipeline.EncodeValue(map[string]any{"application": app, "name": name, "stages": []any{}})
		require.NoError(t, err)
		if w.do("POST", "/pipelines", string(document)).Code != http.StatusOK {
			return // the store's rules refuse the name
		}
		target := "/pipelines/" + dots(url.PathEscape(app)) + "/" + dots(url.PathEscape(name))
		out := w.do("POST", target, "")
		require.Equal(t, http.StatusAccepted, out.Code, "%s: %s", target, out.Body)
		x := w.engine.started[len(w.engine.started)-1]
		require.Equal(t, name, x.Name)
		require.Equal(t, app, x.Application)
	})
}

// dots escapes segments that clients would resolve away.
func dots(segment string) string {
	if segment == "." || segment == ".." {
		return strings.ReplaceAll(segment, ".", "%2E")
	}
	return segment
}

// FuzzTrigger: any body either starts one execution or is refused with a
// message.
func FuzzTrigger(f *testing.F) {
	for _, seed := range []string{``, `{}`, `null`, `[]`, `{"trigger":{"parameters":{"a":1}}}`, `{"parameters":5}`, `{"artifacts":[{"type":"x","unknown":[1,2]}]}`,
		`{"type":"","correlationId":null,"notifications":[null]}`, `{"resolvedExpectedArtifacts":[{"id":7}]}`, `{"a":{"a":{"a":1e400}}}`, `{"Type":7,"PARAMETERS":"x"}`, "\x00", `{"dryRun":"true"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld(t)
		w.pipeline(`{"application":"shop","name":"p","id":"1","stages":[{"type":"wait"}]}`)
		out := w.do("POST", "/pipelines/shop/p", body)
		switch {
		case out.Code == http.StatusAccepted:
			require.Len(t, w.engine.started, 1)
			read := w.do("GET", w.object(out).String("ref"), "")
			require.Equal(t, http.StatusOK, read.Code, "what was started can be shown: %s", read.Body)
		case out.Code >= 400 && out.Code < 500:
			require.NotEmpty(t, w.object(out).String("message"))
			require.Empty(t, w.engine.started)
		default:
			t.Fatalf("%d %s", out.Code, out.Body)
		}
	})
}

// FuzzSearchTrigger: whatever a search asks of triggers is answered or refused
// with a message.
func FuzzSearchTrigger(f *testing.F) {
	for _, seed := range []string{``, `{}`, `[]`, `{"type":"manual"}`, `{"type":"(m|M).*"}`, `{"artifacts":[{},{}]}`, `{"user":"["}`, `{"parameters":{"a":[1,[2]]}}`, `{"a":1e400}`, "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, subset string) {
		w := newWorld(t)
		w.pipeline(`{"application":"shop","name":"one","id":"c1"}`)
		x := &pipeline.Execution{ID: "e1", Application: "shop", PipelineConfigID: "c1", Status: pipeline.Succeeded, BuildTime: 1}
		require.NoError(t, x.Trigger.UnmarshalJSON([]byte(`{"type":"manual","user":"ines","artifacts":[{"name":"a"},{"name":"b","version":"1"}],"parameters":{"a":[1,2]}}`)))
		w.execution(x)
		out := w.do("GET", "/applications/shop/executions/search?trigger="+url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(subset))), "")
		if out.Code != http.StatusOK && out.Code != http.StatusBadRequest && out.Code != http.StatusRequestEntityTooLarge {
			t.Fatalf("%q: %d %s", subset, out.Code, out.Body)
		}
	})
}
