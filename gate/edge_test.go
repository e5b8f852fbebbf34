package gate_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	up := func(context.Context) error { return nil }
	for _, tt := range []struct {
		name   string
		checks []gate.Check
		status int
		want   string
	}{
		{"nothing to ask", nil, 200, `{"components":{},"status":"UP"}`},
		{"all up", []gate.Check{{Name: "temporal", Probe: up}}, 200, `{"components":{"temporal":{"status":"UP"}},"status":"UP"}`},
		{"one down", []gate.Check{{Name: "temporal", Probe: up}, {Name: "front50", Probe: func(context.Context) error {
			return pipeline.Wrap(pipeline.CodeUnavailable, errors.New("secret"), "The bucket does not answer.")
		}}}, 503, `{"components":{"front50":{"details":{"error":"The bucket does not answer.","optional":false},"status":"DOWN"},"temporal":{"status":"UP"}},"status":"DOWN"}`},
		{"an optional one down", []gate.Check{{Name: "redis", Optional: true, Probe: func(context.Context) error { return errors.New("dial tcp 10.0.0.1") }}}, 200, `{"components":{"redis":{"details":{"error":"It does not answer.","optional":true},"status":"DOWN"}},"status":"UP"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) { d.Checks = tt.checks })
			out := w.do("GET", "/health", "")
			require.Equal(t, tt.status, out.Code)
			require.Equal(t, tt.want, out.Body.String())
		})
	}
}

func TestHealthDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) {
		d.Checks = []gate.Check{{Name: "slow", Probe: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}}
	})
	out := w.do("GET", "/health", "")
	require.Equal(t, 503, out.Code)
	require.Contains(t, out.Body.String(), "does not answer within")
}

func TestCORS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		config  change
		origin  string
		allowed bool
	}{
		{"Deck", nil, "http://localhost:9000", true},
		{"another port", nil, "http://localhost:9001", false},
		{"another scheme", nil, "https://localhost:9000", false},
		{"null", nil, "null", false},
		{"default port", func(_ *gate.Dependencies, c *gate.Config) { c.DeckURL = "https://deck.example.com/ui" }, "https://deck.example.com", true},
		{"origin pattern", func(_ *gate.Dependencies, c *gate.Config) { c.AllowedOriginsPattern = `https://.*\.example\.com` }, "https://a.example.com", true},
		{"origin pattern matches whole origins", func(_ *gate.Dependencies, c *gate.Config) { c.AllowedOriginsPattern = `https://.*\.example\.com` }, "https://a.example.com.evil.org", false},
		{"host pattern", func(_ *gate.Dependencies, c *gate.Config) { c.RedirectHostPattern = `deck\d` }, "http://deck7:1234", true},
		{"host pattern overrules Deck's address", func(_ *gate.Dependencies, c *gate.Config) { c.RedirectHostPattern = `deck\d` }, "http://localhost:9000", false},
		{"list", func(_ *gate.Dependencies, c *gate.Config) { c.AllowedOrigins = []string{"http://x:1"} }, "http://x:1", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tt.config != nil {
				w = newWorld(t, tt.config)
			}
			for _, out := range []*httptest.ResponseRecorder{
				w.do("GET", "/version", "", "Origin", tt.origin), w.do("GET", "/nope", "", "Origin", tt.origin), w.do("OPTIONS", "/tasks", "", "Origin", tt.origin),
			} {
				want := "*"
				if tt.allowed {
					want = tt.origin
				}
				h := out.Header()
				require.Equal(t, want, h.Get("Access-Control-Allow-Origin"))
				require.Equal(t, "true", h.Get("Access-Control-Allow-Credentials"))
				require.Equal(t, "POST, GET, OPTIONS, DELETE, PUT, PATCH", h.Get("Access-Control-Allow-Methods"))
				require.Equal(t, "3600", h.Get("Access-Control-Max-Age"))
				require.Equal(t, "x-requested-with, content-type, authorization, X-RateLimit-App, X-Spinnaker-Priority", h.Get("Access-Control-Allow-Headers"))
				require.Equal(t, "X-AUTH-REDIRECT-URL", h.Get("Access-Control-Expose-Headers"))
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	given := func(id string) string {
		return w.do("GET", "/version", "", "X-SPINNAKER-REQUEST-ID", id).Header().Get("X-SPINNAKER-REQUEST-ID")
	}
	require.Equal(t, "mine-1", given("mine-1"))
	require.Len(t, given(""), 36)
	require.Len(t, given("a\x01b"), 36, "what could forge a log line is replaced")
	require.Len(t, given(strings.Repeat("x", 129)), 36)
}

// broken is a store whose reads end badly.
type broken struct {
	front50.Store
	read func() error
}

func (b broken) Applications(context.Context) ([]pipeline.Application, error) { return nil, b.read() }

func TestFaultsOfOurs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		read   func() error
		status int
		hidden bool
	}{
		{"panic", func() error { panic("token=hunter2") }, 500, true},
		{"plain error", func() error { return errors.New("token=hunter2") }, 500, true},
		{"internal error", func() error { return pipeline.Errorf(pipeline.CodeInternal, "token=hunter2") }, 500, true},
		{"unavailable", func() error { return pipeline.Errorf(pipeline.CodeUnavailable, "The bucket is away.") }, 503, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) { d.Front50 = broken{d.Front50, tt.read} })
			out := w.do("GET", "/applications", "", "X-SPINNAKER-REQUEST-ID", "req-1")
			require.Equal(t, tt.status, out.Code)
			require.NotContains(t, out.Body.String(), "hunter2")
			require.Equal(t, tt.hidden, strings.Contains(w.object(out).String("message"), "req-1"), "what is hidden can be found by its request ID")
			require.Equal(t, tt.hidden, strings.Contains(w.log.String(), "hunter2"), "the log has the cause")
			require.Contains(t, w.log.String(), "req-1")
		})
	}
}

func TestSlowDependencyIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *gate.Dependencies, c *gate.Config) {
		c.RequestTimeout = 5 * time.Millisecond
		d.Executions = waits{d.Executions}
	})
	out := w.do("GET", "/pipelines/x", "")
	require.Equal(t, http.StatusGatewayTimeout, out.Code)
	require.Contains(t, w.object(out).String("message"), "took longer than 5ms")
}

type waits struct{ gate.Executions }

func (waits) Get(ctx context.Context, _ string) (r executions.Record, err error) {
	<-ctx.Done()
	return r, ctx.Err()
}

func (waits) Document(ctx context.Context, _ string, _ func(executions.Document) error) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAccessLogHoldsNoQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do("PUT", "/pipelines/01X/cancel?reason=hunter2", "")
	require.Contains(t, w.log.String(), `"execution":"01X"`)
	require.Contains(t, w.log.String(), `"route":"/pipelines/{id}/cancel"`)
	require.NotContains(t, w.log.String(), "hunter2")
}

func TestCompression(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 60 {
		w.application(pipeline.Application{"name": "app" + string(rune('a'+i%26)) + string(rune('a'+i/26)), "email": "owner@example.com"})
	}
	plain := w.do("GET", "/applications", "")
	require.Empty(t, plain.Header().Get("Content-Encoding"))
	packed := w.do("GET", "/applications", "", "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", packed.Header().Get("Content-Encoding"))
	require.Less(t, packed.Body.Len(), plain.Body.Len()/4)
	reader, err := gzip.NewReader(packed.Body)
	require.NoError(t, err)
	body, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, plain.Body.String(), string(body))
}

// TestEverySegmentMayHoldAnything: what is a name for people stays one segment,
// whatever it holds, and static words of the API may be names as well.
func TestEverySegmentMayHoldAnything(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b", "a/b", "a+b", "a.b.json", "..", "50%", "q?x=1#y", "é ☃", "v2", "start", "cancel", "stages", "a%2Fb", `"quoted"`} {
		for _, app := range []string{"shop", "v2", "start", "my.app"} {
			w := newWorld(t)
			document, err := pipeline.EncodeValue(map[string]any{"application": app, "name": name, "id": "the-id", "stages": []any{}})
			require.NoError(t, err)
			require.Equal(t, 200, w.do("POST", "/pipelines", string(document)).Code)
			tail := url.PathEscape(app) + "/" + strings.ReplaceAll(url.PathEscape(name), "..", "%2E%2E")
			for _, target := range []string{"/pipelines/" + tail, "/pipelines/v2/" + tail, "/pipelines/" + tail + "/"} {
				out := w.do("POST", target, "")
				require.Equal(t, http.StatusAccepted, out.Code, "%s: %s", target, out.Body.String())
			}
			for _, x := range w.engine.started {
				require.Equal(t, name, x.Name)
				require.Equal(t, app, x.Application)
			}
			require.Equal(t, 200, w.do("DELETE", "/pipelines/"+tail, "").Code)
			require.Empty(t, w.get("/pipelineConfigs"))
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	r, err := http.Head(server.URL + "/version")
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, 200, r.StatusCode)
	require.Equal(t, int64(19), r.ContentLength)
}

func TestWithDeck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(`{"application":"shop","name":"a/b","id":"the-id"}`)
	files := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "deck "+r.URL.Path) })
	server := httptest.NewServer(gate.WithDeck(files, w.server.Handler()))
	t.Cleanup(server.Close)
	get := func(path string) (int, string) {
		r, err := http.Get(server.URL + path)
		require.NoError(t, err)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		return r.StatusCode, string(body)
	}
	for path, want := range map[string]string{"/": "deck /", "/gateway": "deck /gateway", "/applications/shop": "deck /applications/shop", "/gate/version": `{"version":"1.2.3"}`} {
		status, body := get(path)
		require.Equal(t, 200, status)
		require.Equal(t, want, body)
	}
	status, body := get("/gate/applications/shop/pipelineConfigs/a%2Fb")
	require.Equal(t, 200, status)
	require.Contains(t, body, "the-id")
	for path, want := range map[string]int{"/gate": 404, "/gate/": 200, "/gate/nope": 404} {
		status, _ = get(path)
		require.Equal(t, want, status, path)
	}
}

func TestServeStopsCleanly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(ctx, listener, w.server.Handler()) }()
	address := "http://" + listener.Addr().String()
	c := w.stream(address + "/applications/shop/events")
	stop()
	select {
	case err := <-served:
		require.NoError(t, err)
	case <-time.After(8 * time.Second):
		require.FailNow(t, "an open stream holds the server up")
	}
	require.True(t, c.ended())
	_, err = http.Get(address + "/version")
	require.Error(t, err)
}

// TestStreamOutlivesTheReadTimeout: the limits on a request's arrival are not
// limits on a stream's life.
func TestStreamOutlivesTheReadTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) {
		c.ReadTimeout, c.RequestTimeout, c.PingInterval = 50*time.Millisecond, 50*time.Millisecond, 20*time.Millisecond
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(ctx, listener, w.server.Handler()) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-served) })
	c := w.stream("http://" + listener.Addr().String() + "/applications/shop/events")
	for range 20 { // 400 ms of pings
		m, open := <-c.messages
		require.True(t, open, "the stream was cut")
		require.Equal(t, "ping", m.event)
	}
	c.stop()
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) { c.MaxHeader = 1024 })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(ctx, listener, w.server.Handler()) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-served) })
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "GET /version HTTP/1.1\r\nHost: x\r\nX-Big: "+strings.Repeat("x", 20000)+"\r\n\r\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "431")
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, gate.DefaultConfig().Validate())
	bad := gate.DefaultConfig()
	bad.MaxBody, bad.DeckURL, bad.RedirectHostPattern = 0, "deck", "("
	err := bad.Validate()
	require.ErrorContains(t, err, "max-body is 0")
	require.ErrorContains(t, err, `deck-url is "deck"`)
	require.ErrorContains(t, err, "redirect-host-pattern")
	_, err = gate.New(gate.Dependencies{}, gate.DefaultConfig())
	require.ErrorContains(t, err, "gate needs")
	_, err = gate.New(gate.Dependencies{}, bad)
	require.ErrorContains(t, err, "max-body")
}
