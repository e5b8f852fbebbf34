package outbound_test

import (
	"compress/gzip"
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

func TestOnlyPublicAddresses(t *testing.T) {
	t.Parallel()
	client := newClient(t, config(), names{})
	private := newClient(t, func() outbound.Config { c := config(); c.AllowPrivate = true; return c }(), names{})
	for _, tt := range []struct {
		host, what string
		never      bool
	}{
		{"127.0.0.1", "private", false}, {"127.8.9.1", "private", false}, {"[::1]", "private", false}, {"[::ffff:127.0.0.1]", "private", false},
		{"10.1.2.3", "private", false}, {"172.31.0.1", "private", false}, {"192.168.1.1", "private", false}, {"[fd00::1]", "private", false},
		{"100.64.0.1", "private", false}, {"[fec0::1]", "private", false}, {"[64:ff9b::a00:1]", "private", false}, {"[2002:a00:1::]", "private", false},
		{"[::a00:1]", "private", false}, {"[64:ff9b:1::1]", "private", false},
		{"169.254.169.254", "link-local", true}, {"[fe80::1]", "link-local", true}, {"[fe80::1%25lo]", "link-local", true},
		{"[::ffff:169.254.169.254]", "link-local", true}, {"[64:ff9b::a9fe:a9fe]", "link-local", true},
		{"0.0.0.0", "not an address of a single machine", true}, {"[::]", "not an address of a single machine", true},
		{"224.0.0.1", "not an address of a single machine", true}, {"[ff02::1]", "not an address of a single machine", true},
		{"255.255.255.255", "not an address of a single machine", true}, {"240.0.0.1", "not an address of a single machine", true},
		{"192.0.2.1", "reserved", true}, {"198.51.100.1", "reserved", true}, {"203.0.113.1", "reserved", true}, {"[2001:db8::1]", "reserved", true},
		{"[2001::1]", "reserved", true}, {"192.0.0.8", "reserved", true},
	} {
		t.Run(tt.host, func(t *testing.T) {
			t.Parallel()
			_, err := get(t.Context(), client, "http://"+tt.host+":1/")
			require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
			require.Contains(t, pipeline.MessageOf(err), " is "+tt.what+", which pipelines may not call")
			require.Contains(t, pipeline.MessageOf(err), "outbound-allowed")
			require.Equal(t, !tt.never, strings.Contains(pipeline.MessageOf(err), "outbound-allow-private"))
			require.False(t, outbound.Sent(err))
			if tt.never {
				_, err = get(t.Context(), private, "http://"+tt.host+":1/")
				require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
			}
		})
	}
}

// A public name that leads to a private address is refused, whichever way the
// address is written.
func TestNamesThatLeadInside(t *testing.T) {
	t.Parallel()
	client := newClient(t, config(), names{"evil.example": always("127.0.0.1"), "meta.example": always("169.254.169.254", "::1")})
	for _, host := range []string{"evil.example", "meta.example"} {
		_, err := get(t.Context(), client, "http://"+host+"/")
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
		require.Contains(t, pipeline.MessageOf(err), "Host not allowed: the host "+host+" with the address ")
	}
}

// The address that is checked is the one that is called: a name that changes its
// mind between the check and the connection changes nothing.
func TestRebinding(t *testing.T) {
	t.Parallel()
	inside := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inside") })
	rebinding := &answers{list: [][]string{{"127.0.0.9"}, {"127.0.0.1"}}}
	client := newClient(t, allowing("127.0.0.9"), names{"flip.example": rebinding})
	_, err := get(t.Context(), client, at(inside, "flip.example", "/"))
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "nobody listens at the allowed address")
	require.EqualValues(t, 1, rebinding.asked.Load(), "the name is looked up once")
	_, err = get(t.Context(), client, at(inside, "flip.example", "/"))
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), "the next call looks again and checks again")
}

// Of several addresses only the allowed ones are called.
func TestAllowedAmongRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	client := newClient(t, allowing("127.0.0.1/32"), names{"both.example": always("10.0.0.1", "127.0.0.1")})
	answer, err := get(t.Context(), client, at(s, "both.example", "/"))
	require.NoError(t, err)
	require.Equal(t, "ok", string(answer.Body))
}

func TestExceptions(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	world := names{"ci.corp.example": always("127.0.0.1"), "corp.example": always("127.0.0.1"), "localhost": always("127.0.0.1")}
	everything := config()
	everything.AllowPrivate = true
	for _, tt := range []struct {
		name, host string
		config     outbound.Config
		want       bool
	}{
		{"name", "ci.corp.example", allowing("CI.corp.example."), true},
		{"name with a dot at its end", "ci.corp.example.", allowing("ci.corp.example"), true},
		{"another name", "ci.corp.example", allowing("cd.corp.example"), false},
		{"pattern", "ci.corp.example", allowing("*.corp.example"), true},
		{"pattern without anything before it", "corp.example", allowing("*.corp.example"), false},
		{"address", "127.0.0.1", allowing("127.0.0.1"), true},
		{"network", "ci.corp.example", allowing(" 127.0.0.0/8 "), true},
		{"mapped address", "[::ffff:127.0.0.1]", allowing("127.0.0.0/8"), true},
		{"another network", "ci.corp.example", allowing("10.0.0.0/8"), false},
		{"all private", "localhost", everything, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lookUp := names{tt.host: always("127.0.0.1")}
			for host, a := range world {
				lookUp[host] = a
			}
			_, err := get(t.Context(), newClient(t, tt.config, lookUp), at(s, tt.host, "/"))
			if tt.want {
				require.NoError(t, err)
				return
			}
			require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
		})
	}
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

func TestRedirectInside(t *testing.T) {
	t.Parallel()
	reached := atomic.Bool{}
	inside := serve(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	for _, target := range []string{inside.URL, "http://169.254.169.254/latest/meta-data/", at(inside, "inside.example", "/"), "//127.0.0.1/x"} {
		outside := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })
		client := newClient(t, allowing("outside.example"), names{"outside.example": always("127.0.0.1"), "inside.example": always("127.0.0.1")})
		_, err := get(t.Context(), client, at(outside, "outside.example", "/"))
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), target)
		require.Contains(t, pipeline.MessageOf(err), "Host not allowed")
		require.True(t, outbound.Sent(err), "the first server got it")
	}
	require.False(t, reached.Load())
	outside := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	_, err := get(t.Context(), newClient(t, allowing("127.0.0.1"), names{}), outside.URL)
	require.Equal(t, pipeline.CodeFailed, pipeline.CodeOf(err))
}

// Credentials stay with the origin that they were meant for.
func TestRedirectsCarryNoCredentials(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/same" {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
			return
		}
		if r.URL.Path == "/again" {
			seen <- r.Header
			return
		}
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	client := newClient(t, allowing("127.0.0.1"), names{})
	header := http.Header{
		"Authorization": {"Bearer secret"}, "X-Api-Key": {"secret"}, "Cookie": {"secret"}, "Accept": {"application/json"}, "Idempotency-Key": {"k"},
	}
	secured := strings.Replace(first.URL, "http://", "http://user:secret@", 1)
	_, err := client.Call(t.Context(), outbound.Request{URL: secured + "/other", Header: header})
	require.NoError(t, err)
	got := <-seen
	require.Equal(t, "application/json", got.Get("Accept"))
	require.Equal(t, "k", got.Get("Idempotency-Key"))
	for name, values := range got {
		require.NotContains(t, strings.Join(values, " "), "secret", name)
	}
	_, err = client.Call(t.Context(), outbound.Request{URL: first.URL + "/same", Header: header})
	require.NoError(t, err)
	require.Equal(t, "Bearer secret", (<-seen).Get("Authorization"))
}

func TestRedirectMethods(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{301: "GET ", 302: "GET ", 303: "GET ", 307: "POST body", 308: "POST body", 300: "", 304: ""} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/to" {
				body, _ := io.ReadAll(r.Body)
				_, _ = io.WriteString(w, r.Method+" "+string(body))
				return
			}
			w.Header().Set("Location", "/to")
			w.WriteHeader(status)
		})
		answer, err := newClient(t, allowing("127.0.0.1"), names{}).Call(t.Context(), outbound.Request{Method: http.MethodPost, URL: s.URL, Body: []byte("body")})
		require.NoError(t, err)
		require.Equal(t, want, string(answer.Body), status)
		require.Equal(t, want == "", answer.StatusCode == status, "what is no redirect is the answer")
	}
}

func TestRedirectsEnd(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/", http.StatusFound)
	})
	_, err := get(t.Context(), newClient(t, allowing("127.0.0.1"), names{}), s.URL)
	require.Equal(t, pipeline.CodeFailed, pipeline.CodeOf(err))
	require.Contains(t, pipeline.MessageOf(err), "more than 5 times")
	require.EqualValues(t, 6, calls.Load())
	c := allowing("127.0.0.1")
	c.MaxRedirects = 0
	_, err = get(t.Context(), newClient(t, c, names{}), s.URL)
	require.Equal(t, pipeline.CodeFailed, pipeline.CodeOf(err))
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	stop := t.Context().Done()
	endless := func(w http.ResponseWriter) {
		chunk := []byte(strings.Repeat("x", 32<<10))
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/body":
			endless(w)
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			chunk := make([]byte, 1<<20)
			for {
				if _, err := z.Write(chunk); err != nil {
					return
				}
			}
		case "/fits":
			_, _ = io.WriteString(w, strings.Repeat("x", 1000))
		case "/slow":
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-stop:
			}
		case "/silent":
			select {
			case <-r.Context().Done():
			case <-stop:
			}
		}
	})
	c := allowing("127.0.0.1")
	c.Timeout = 300 * time.Millisecond
	client := newClient(t, c, names{})
	slow := allowing("127.0.0.1")
	patient := newClient(t, slow, names{})
	for _, path := range []string{"/body", "/bomb"} {
		_, err := get(t.Context(), patient, s.URL+path)
		require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err), path)
		require.True(t, outbound.Sent(err))
	}
	_, err := patient.Call(t.Context(), outbound.Request{URL: s.URL + "/fits", MaxResponse: 1000})
	require.NoError(t, err)
	_, err = patient.Call(t.Context(), outbound.Request{URL: s.URL + "/fits", MaxResponse: 999})
	require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err))
	for _, path := range []string{"/slow", "/silent"} {
		_, err := get(t.Context(), client, s.URL+path)
		require.Equal(t, pipeline.CodeTimeout, pipeline.CodeOf(err), path)
		require.True(t, outbound.Sent(err))
		_, err = patient.Call(t.Context(), outbound.Request{URL: s.URL + path, Timeout: 100 * time.Millisecond})
		require.Equal(t, pipeline.CodeTimeout, pipeline.CodeOf(err), path)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = get(ctx, patient, s.URL+"/silent")
	require.ErrorIs(t, err, context.Canceled)
}

// raw is a server that speaks for itself.
func raw(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				talk(c)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	request := func(c net.Conn) { _, _ = c.Read(make([]byte, 64<<10)) }
	client := newClient(t, allowing("127.0.0.1"), names{})
	endless := raw(t, func(c net.Conn) {
		request(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X-More: "+strings.Repeat("x", 4096)+"\r\n"); err != nil {
				return
			}
		}
	})
	_, err := get(t.Context(), client, endless)
	require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err), err)
	require.Contains(t, pipeline.MessageOf(err), "outbound-max-header")

	for name, answer := range map[string]string{
		"closes": "", "half a body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "no HTTP": "hello\r\n\r\n",
	} {
		u := raw(t, func(c net.Conn) { request(c); _, _ = io.WriteString(c, answer) })
		_, err := client.Call(t.Context(), outbound.Request{Method: http.MethodPost, URL: u, Body: []byte("x"), Header: http.Header{"Idempotency-Key": {"k"}}})
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), name)
		require.True(t, outbound.Sent(err), name)
	}
	_, err = get(t.Context(), client, "http://127.0.0.1:1/")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	require.Contains(t, pipeline.MessageOf(err), "refused")
	require.False(t, outbound.Sent(err))
	require.False(t, outbound.UnknownHost(err))
	_, err = get(t.Context(), client, "http://nowhere.example/")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	require.True(t, outbound.UnknownHost(err))
	require.False(t, outbound.Sent(err))
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

func TestMatchesHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, host string
		want          bool
	}{
		{"a.example", "A.example.", true}, {"a.example", "b.a.example", false}, {"*.example", "a.example", true}, {"*.example", "a.b.example", true},
		{"*.example", "example", false}, {"*.example", "evilexample", false}, {"*.example", ".example", false}, {"*", "a", false}, {"", "", true},
	} {
		require.Equal(t, tt.want, outbound.MatchesHost(tt.pattern, tt.host), tt)
	}
}
