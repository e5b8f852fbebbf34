// Package nginx tests the configuration of Nginx with a real Nginx.
package nginx

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/deploy/local/stack"
	"github.com/gennaker/gennaker/internal/testkit"
)

// start runs Nginx with the configuration in front of a handler and returns its base URL.
func start(t *testing.T, gate http.Handler) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // Debian keeps it off the path of people
	}
	upstream := httptest.NewServer(gate)
	t.Cleanup(upstream.Close)
	const port = "nginx"
	dir := t.TempDir()
	env := testkit.NewEnv(t, dir, port)
	address := env.Address(port)
	files := filepath.Join(dir, "deck")
	require.NoError(t, os.MkdirAll(filepath.Join(files, "assets"), 0o755))
	for name, content := range map[string]string{
		"index.html": "the page", "settings.json": `{"gateUrl":"/gate"}`, "assets/app-1a2b.js": "the script",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(files, name), []byte(content), 0o600))
	}
	raw, err := os.ReadFile("gennaker.conf")
	require.NoError(t, err)
	for from, to := range map[string]string{
		"server 127.0.0.1:8084;":   "server " + upstream.Listener.Addr().String() + ";",
		"listen 9000;":             "listen " + address + ";",
		"/usr/share/gennaker/deck": files,
	} {
		require.Contains(t, string(raw), from)
		raw = bytes.ReplaceAll(raw, []byte(from), []byte(to))
	}
	main := fmt.Appendf(nil, `daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http {
  access_log off;
  types { text/html html; application/javascript js; application/json json; }
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
%[2]s
}
`, dir, raw)
	config := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(config, main, 0o600))

	server := testkit.Start(t, stack.Program{Name: program}, stack.Part{
		Name:    "nginx",
		Program: program,
		Ports:   []string{port},
		Args: func(*stack.Env) ([]string, error) {
			return []string{"-p", dir, "-c", config, "-e", filepath.Join(dir, "error.log")}, nil
		},
		Ready: func(ctx context.Context, _ *stack.Env) error {
			var dialer net.Dialer
			connection, err := dialer.DialContext(ctx, "tcp", address)
			if err != nil {
				return err
			}
			return connection.Close()
		},
	}, env)
	t.Cleanup(server.Kill)
	return "http://" + address
}

// get returns the answer to a GET without following redirects.
func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	request.Header.Set("X-Spinnaker-User", "somebody-else")
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response, string(body)
}

func TestDeckIsServed(t *testing.T) {
	t.Parallel()
	base := start(t, http.NotFoundHandler())
	for path, want := range map[string]struct {
		status      int
		body, cache string
	}{
		"/":                                 {http.StatusOK, "the page", "no-cache"},
		"/applications/web/executions/01AB": {http.StatusOK, "the page", "no-cache"},
		"/settings.json":                    {http.StatusOK, `{"gateUrl":"/gate"}`, "no-cache"},
		"/assets/app-1a2b.js":               {http.StatusOK, "the script", "public, max-age=31536000, immutable"},
		"/assets/app-gone.js":               {http.StatusNotFound, "", ""},
	} {
		response, body := get(t, base+path)
		require.Equal(t, want.status, response.StatusCode, path)
		if want.status == http.StatusOK {
			require.Equal(t, want.body, body, path)
			require.Equal(t, want.cache, response.Header.Get("Cache-Control"), path)
			require.Contains(t, response.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
			require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"), path)
		}
	}
}

func TestGateGetsPathsAsTheyCame(t *testing.T) {
	t.Parallel()
	base := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s user=%q host=%q", r.RequestURI, r.Header.Get("X-Spinnaker-User"), r.Host)
	}))
	host := strings.TrimPrefix(base, "http://")
	for path, want := range map[string]string{
		"/gate/health": "/health",
		"/gate/applications/web/pipelineConfigs/a%2Fb%20c": "/applications/web/pipelineConfigs/a%2Fb%20c",
		"/gate/applications?expand=false&q=a+b":            "/applications?expand=false&q=a+b",
		"/gate/gate/x":                                     "/gate/x",
	} {
		_, body := get(t, base+path)
		require.Equal(t, fmt.Sprintf("%s user=%q host=%q", want, "", host), body)
	}
	response, _ := get(t, base+"/gate")
	require.Equal(t, http.StatusPermanentRedirect, response.StatusCode)
}

func TestEventsArriveAsTheyHappen(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	base := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		flusher, ok := w.(http.Flusher)
		if !ok {
			return
		}
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n", i)
			flusher.Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	}))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/gate/events", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	lines := bufio.NewReader(response.Body)
	for i := range 3 {
		// The next event is not sent before this one has been read: a proxy that collects would wait for ever.
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("data: %d\n", i), line)
		next <- struct{}{}
	}
}
