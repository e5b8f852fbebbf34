package deck

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func built() fstest.MapFS {
	return fstest.MapFS{
		"index.html":         {Data: []byte("<!doctype html><title>Deck</title>")},
		"assets/main-abc.js": {Data: []byte("export {}")},
		"favicon.svg":        {Data: []byte("<svg/>")},
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files       fstest.MapFS
		method      string
		path        string
		status      int
		contentType string
		cache       string
		body        string
	}{
		"root is the page":             {built(), "GET", "/", 200, "text/html; charset=utf-8", "no-cache", "<!doctype html><title>Deck</title>"},
		"index.html is not redirected": {built(), "GET", "/index.html", 200, "text/html; charset=utf-8", "no-cache", "<!doctype html><title>Deck</title>"},
		"deep link is the page":        {built(), "GET", "/applications/shop/executions/01J", 200, "text/html; charset=utf-8", "no-cache", "<!doctype html><title>Deck</title>"},
		"hashed file is cached":        {built(), "GET", "/assets/main-abc.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "export {}"},
		"file is revalidated":          {built(), "GET", "/favicon.svg", 200, "image/svg+xml", "no-cache", "<svg/>"},
		"old hashed file is missing":   {built(), "GET", "/assets/main-old.js", 404, "text/plain; charset=utf-8", "", "404 page not found\n"},
		"a folder is not listed":       {built(), "GET", "/assets", 200, "text/html; charset=utf-8", "no-cache", "<!doctype html><title>Deck</title>"},
		"dots do not leave the tree":   {built(), "GET", "/../../etc/passwd", 200, "text/html; charset=utf-8", "no-cache", "<!doctype html><title>Deck</title>"},
		"settings":                     {built(), "GET", "/settings.json", 200, "application/json", "no-cache", `{"gateUrl":"/gate","temporalUiUrl":"http://127.0.0.1:8233"}`},
		"settings without the UI":      {fstest.MapFS{}, "GET", "/settings.json", 200, "application/json", "no-cache", `{"gateUrl":"/gate","temporalUiUrl":"http://127.0.0.1:8233"}`},
		"not built":                    {fstest.MapFS{"placeholder": {}}, "GET", "/", 503, "text/plain; charset=utf-8", "no-cache", notBuilt},
		"no writing":                   {built(), "POST", "/", 405, "text/plain; charset=utf-8", "", "method not allowed\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := newHandler(tt.files, Settings{GateURL: "/gate", TemporalUIURL: "http://127.0.0.1:8233"})
			recorder := httptest.NewRecorder()
			request := httptest.NewRequest(tt.method, "http://deck.example/", http.NoBody)
			request.URL.Path = tt.path
			handler.ServeHTTP(recorder, request)
			response := recorder.Result()
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, tt.status, response.StatusCode)
			require.Equal(t, tt.contentType, response.Header.Get("Content-Type"))
			require.Equal(t, tt.body, string(body))
			if tt.cache != "" {
				require.Equal(t, tt.cache, response.Header.Get("Cache-Control"))
			}
		})
	}
}

func TestContentSecurityPolicyNamesTheGate(t *testing.T) {
	t.Parallel()
	require.Contains(t, contentSecurityPolicy("/gate"), "connect-src 'self';")
	require.Contains(t, contentSecurityPolicy("https://gate.example:8084/v1"), "connect-src 'self' https://gate.example:8084;")
}

func TestFilesAlwaysOpen(t *testing.T) {
	t.Parallel()
	_, err := Files().Open("placeholder")
	require.NoError(t, err)
}
