package gate_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
)

// TestSecurityHeaders: every answer, whoever gives it, tells browsers to be
// careful.
func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, r := range []struct{ method, target string }{
		{"GET", "/applications"}, {"GET", "/nowhere"}, {"OPTIONS", "/applications"}, {"TRACE", "/applications"}, {"POST", "/pipelines"}, {"GET", "/docs"}, {"GET", "/openapi.json"},
	} {
		h := w.do(r.method, r.target, "").Header()
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), r.target)
		require.Equal(t, "DENY", h.Get("X-Frame-Options"), r.target)
		require.Equal(t, "same-origin", h.Get("Referrer-Policy"), r.target)
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", r.target)
		require.Contains(t, h.Get("Content-Security-Policy"), "frame-ancestors 'none'", r.target)
		require.Empty(t, h.Get("Strict-Transport-Security"), "plain HTTP")
	}
	files := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Security-Policy", "its own") })
	out := httptest.NewRecorder()
	gate.WithDeck(files, w.server.Handler()).ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	require.Equal(t, "DENY", out.Header().Get("X-Frame-Options"))
	require.Equal(t, "its own", out.Header().Get("Content-Security-Policy"))
}

// TestDocumentIsShown: the page and its files are there, under the API's own path
// and under that of a proxy, and Spinnaker's addresses lead to them.
func TestDocumentIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	files := http.NotFoundHandler()
	for _, under := range []string{"", gate.APIPrefix} {
		server := httptest.NewServer(gate.WithDeck(files, w.server.Handler()))
		if under == "" {
			server.Config.Handler = w.server.Handler()
		}
		t.Cleanup(server.Close)
		for path, want := range map[string]string{
			"/docs": "/docs", "/docs/": "/docs", "/swagger-ui": "/docs", "/swagger-ui/": "/docs", "/swagger-ui.html": "/docs", "/swagger-ui/index.html": "/docs",
			"/v3/api-docs": "/openapi.json", "/v3/api-docs/": "/openapi.json", "/docs/page.js": "/docs/page.js", "/docs/page.css": "/docs/page.css",
		} {
			r, err := http.Get(server.URL + under + path)
			require.NoError(t, err)
			require.NoError(t, r.Body.Close())
			require.Equal(t, http.StatusOK, r.StatusCode, under+path)
			require.Equal(t, under+want, r.Request.URL.Path, under+path)
		}
	}
	page := w.do("GET", "/docs", "")
	require.Equal(t, "text/html; charset=utf-8", page.Header().Get("Content-Type"))
	require.Contains(t, page.Header().Get("Content-Security-Policy"), "script-src 'self'")
	require.NotContains(t, page.Body.String(), "//", "it loads nothing from elsewhere")
}

func TestQueriesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.do("GET", "/executions?"+strings.Repeat("executionIds=a&", 2500), "")
	require.Equal(t, http.StatusBadRequest, out.Code)
	require.Contains(t, w.object(out).String("message"), "2501 parameters")
	require.Equal(t, http.StatusOK, w.do("GET", "/executions?"+strings.Repeat("executionIds=a&", 1000), "").Code)
}
