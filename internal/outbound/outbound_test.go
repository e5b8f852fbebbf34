package outbound_test

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

// names is a resolver with its own idea of the world. Each look-up takes the
// next answer of a name and stays with the last.
type names map[string]*answers

type answers struct {
	list  [][]string
	asked atomic.Int64
}

func always(addresses ...string) *answers { return &answers{list: [][]string{addresses}} }

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	a, ok := n[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	i := min(int(a.asked.Add(1))-1, len(a.list)-1)
	var out []netip.Addr
	for _, s := range a.list[i] {
		out = append(out, netip.MustParseAddr(s))
	}
	return out, nil
}

func config() outbound.Config {
	return outbound.Config{
		ConnectTimeout: 5 * time.Second, Timeout: 20 * time.Second, MaxRedirects: 5, MaxResponse: 1 << 20, MaxHeader: 64 << 10, UserAgent: "gennaker",
	}
}

// allowing is a configuration that lets tests reach this machine.
func allowing(allowed ...string) outbound.Config {
	c := config()
	c.Allowed = allowed
	return c
}

func newClient(t *testing.T, c outbound.Config, r outbound.Resolver) *outbound.Client {
	t.Helper()
	client, err := outbound.New(c, r)
	require.NoError(t, err)
	return client
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// at is the server's URL under another host name.
func at(s *httptest.Server, host, path string) string {
	_, port, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(s.URL, "http://"), "https://"), ":")
	scheme, _, _ := strings.Cut(s.URL, ":")
	return scheme + "://" + host + ":" + port + path
}

func get(ctx context.Context, client *outbound.Client, u string) (outbound.Response, error) {
	return client.Call(ctx, outbound.Request{URL: u})
}

func TestCall(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", strings.Join([]string{r.Method, r.URL.Path, r.URL.RawQuery, r.Host, r.UserAgent(), r.Header.Get("X-A"), string(body)}, "|"))
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	})
	client := newClient(t, allowing("hook.example"), names{"hook.example": always("127.0.0.1")})
	answer, err := client.Call(t.Context(), outbound.Request{
		Method: http.MethodPost, URL: " " + at(s, "hook.example", "/a%20b?c=d#e") + " ",
		Header: http.Header{"X-A": {"b"}, "Host": {"virtual.example"}}, Body: []byte("water"),
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusTeapot, answer.StatusCode)
	require.Equal(t, "short and stout", string(answer.Body))
	require.Equal(t, "POST|/a b|c=d|virtual.example|gennaker|b|water", answer.Header.Get("X-Seen"))
}

func TestURLsThatAreNone(t *testing.T) {
	t.Parallel()
	client := newClient(t, config(), names{})
	for u, want := range map[string]string{
		"file:///etc/passwd": "neither http nor https", "gopher://a.example/": "neither http nor https", "a.example/x": "neither http nor https",
		"": "neither http nor https", "http://": "names no host", "http:///x": "names no host", "http://a b/": "not valid",
		"http://user:hunter2@[::1/": "not valid",
	} {
		_, err := get(t.Context(), client, u)
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), u)
		require.Contains(t, pipeline.MessageOf(err), want)
		require.NotContains(t, err.Error(), "hunter2")
	}
	_, err := client.Call(t.Context(), outbound.Request{URL: "http://a.example/", Header: http.Header{"A\nB": {"c"}}})
	require.Contains(t, pipeline.MessageOf(err), "its name has characters")
	_, err = client.Call(t.Context(), outbound.Request{URL: "http://a.example/", Header: http.Header{"A": {"c\r\nB: d"}}})
	require.Contains(t, pipeline.MessageOf(err), "its value has characters")
	_, err = client.Call(t.Context(), outbound.Request{URL: "http://a.example/", Method: "B AD"})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	_, err = client.Call(t.Context(), outbound.Request{URL: "http://a.example/", Check: func(*url.URL) error { return io.ErrUnexpectedEOF }})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	_, err := get(t.Context(), newClient(t, allowing("127.0.0.1"), names{}), s.URL)
	require.Equal(t, pipeline.CodeFailed, pipeline.CodeOf(err))
	require.Contains(t, pipeline.MessageOf(err), "outbound-ca-file")

	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	c := allowing("127.0.0.1", "wrong.test")
	c.CAFile = file
	client := newClient(t, c, names{"wrong.test": always("127.0.0.1"), "example.com": always("127.0.0.1")})
	answer, err := get(t.Context(), client, s.URL)
	require.NoError(t, err)
	require.Equal(t, "ok", string(answer.Body))
	_, err = get(t.Context(), client, at(s, "wrong.test", "/"))
	require.Equal(t, pipeline.CodeFailed, pipeline.CodeOf(err), "the certificate is for another host")
	// The name is checked, not the address that it was resolved to.
	c.Allowed = []string{"example.com"}
	_, err = get(t.Context(), newClient(t, c, names{"example.com": always("127.0.0.1")}), at(s, "example.com", "/"))
	require.NoError(t, err)

	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, err = get(t.Context(), client, strings.Replace(plain.URL, "http:", "https:", 1))
	require.Error(t, err)
	require.False(t, outbound.Sent(err))
}

func TestProxy(t *testing.T) {
	t.Parallel()
	own := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "direct") })
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "via proxy: "+r.URL.String()) })
	c := allowing("own.example")
	c.Proxy = proxy.URL
	client := newClient(t, c, names{"own.example": always("127.0.0.1")})
	answer, err := get(t.Context(), client, "http://far.example/x")
	require.NoError(t, err)
	require.Equal(t, "via proxy: http://far.example/x", string(answer.Body), "the proxy looks the name up")
	answer, err = get(t.Context(), client, at(own, "own.example", "/"))
	require.NoError(t, err)
	require.Equal(t, "direct", string(answer.Body))
	for _, host := range []string{"127.0.0.1", "169.254.169.254", "localhost", "a.localhost.", "[::1]"} {
		_, err = get(t.Context(), client, "http://"+host+"/")
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), host)
	}
}

func TestEnvironmentProxiesAreNotUsed(t *testing.T) {
	reached := atomic.Bool{}
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	t.Setenv("HTTP_PROXY", proxy.URL)
	_, err := get(t.Context(), newClient(t, config(), names{}), "http://nowhere.example/")
	require.True(t, outbound.UnknownHost(err))
	require.False(t, reached.Load())
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*outbound.Config){
		`"https://a.example"`:     func(c *outbound.Config) { c.Allowed = []string{"https://a.example"} },
		`"a.example:80"`:          func(c *outbound.Config) { c.Allowed = []string{"a.example:80"} },
		`"*"`:                     func(c *outbound.Config) { c.Allowed = []string{"*"} },
		`""`:                      func(c *outbound.Config) { c.Allowed = []string{""} },
		`"10.0.0.0/99"`:           func(c *outbound.Config) { c.Allowed = []string{"10.0.0.0/99"} },
		"outbound-proxy":          func(c *outbound.Config) { c.Proxy = "proxy:3128" },
		"outbound-timeout":        func(c *outbound.Config) { c.Timeout = 0 },
		"outbound-max-response":   func(c *outbound.Config) { c.MaxResponse = 0 },
		"outbound-max-redirects":  func(c *outbound.Config) { c.MaxRedirects = -1 },
		"no certificate in PEM":   func(c *outbound.Config) { c.CAFile = os.DevNull },
		"outbound-ca-file: open ": func(c *outbound.Config) { c.CAFile = "/nowhere/ca.pem" },
	} {
		c := config()
		change(&c)
		_, err := outbound.New(c, nil)
		require.ErrorContains(t, err, want)
	}
}
