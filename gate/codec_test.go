package gate_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
)

// echo is a codec that answers with what it was asked.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // bounded by Gate
	_, _ = w.Write([]byte(r.URL.RequestURI() + " " + string(body)))
})

func offerCodec(d *gate.Dependencies, c *gate.Config) {
	d.Codec, c.CodecOrigins, c.MaxBody = echo, []string{"http://localhost:8233/"}, 100
}

func TestCodecEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, offerCodec)
	for _, verb := range []string{"encode", "decode", "download"} {
		out := w.do(http.MethodPost, "/codec/"+verb+"?preserveStorageRefs=true", `{"payloads":[]}`)
		require.Equal(t, http.StatusOK, out.Code)
		require.Equal(t, "/codec/"+verb+`?preserveStorageRefs=true {"payloads":[]}`, out.Body.String())
		require.Equal(t, "no-store", out.Header().Get("Cache-Control"))
	}
	require.Equal(t, http.StatusNotFound, w.do(http.MethodPost, "/codec/explode", "").Code)
	require.Equal(t, http.StatusMethodNotAllowed, w.do(http.MethodGet, "/codec/decode", "").Code)
	require.Equal(t, http.StatusRequestEntityTooLarge, w.do(http.MethodPost, "/codec/decode", strings.Repeat("x", 101)).Code)
}

func TestCodecEndpointIsOffUnlessAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, http.StatusNotFound, w.do(http.MethodPost, "/codec/decode", "{}").Code)
}

// Only the pages of a Temporal UI may call the codec, and these may call
// nothing else with their user's credentials.
func TestCodecOrigins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, offerCodec)
	preflight := func(path, origin string) *httptest.ResponseRecorder {
		return w.do(http.MethodOptions, path, "", "Origin", origin, "Access-Control-Request-Headers", "content-type,x-namespace")
	}
	allowed := preflight("/codec/decode", "http://localhost:8233").Header()
	require.Equal(t, "http://localhost:8233", allowed.Get("Access-Control-Allow-Origin"))
	require.Contains(t, allowed.Get("Access-Control-Allow-Headers"), "x-namespace")
	for _, origin := range []string{"http://localhost:9000", "https://localhost:8233", "http://elsewhere:8233", "null", ""} {
		require.Empty(t, preflight("/codec/decode", origin).Header().Get("Access-Control-Allow-Origin"), origin)
	}
	require.Equal(t, "*", preflight("/applications", "http://localhost:8233").Header().Get("Access-Control-Allow-Origin"))
}
