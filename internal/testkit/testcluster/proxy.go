package testcluster

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// Proxy stands between a client and a cluster's API server and breaks requests as a test tells it. What it is told nothing
// about passes unchanged, over HTTP/2 and TLS on both sides.
type Proxy struct {
	// Address is where it listens, as host:port.
	Address string

	handler http.Handler
	mu      sync.Mutex
	server  *httptest.Server
	rules   []*Rule
}

// Fault answers one request in the API server's place; forward passes it on.
type Fault func(w http.ResponseWriter, q *http.Request, forward http.Handler)

// Rule is a fault and the requests that it meets.
type Rule struct {
	match func(*http.Request) bool
	fault Fault
	mu    sync.Mutex
	left  int
	met   []time.Time
}

// Met tells when requests met the rule.
func (r *Rule) Met() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.met)
}

func (r *Rule) meets(q *http.Request) bool {
	if !r.match(q) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == 0 {
		return false
	}
	r.left--
	r.met = append(r.met, time.Now())
	return true
}

// Proxy starts a proxy that ends with t.
func (c *Cluster) Proxy(t testing.TB) *Proxy {
	t.Helper()
	config := c.Config(t)
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	forward := func(config *rest.Config) *httputil.ReverseProxy {
		transport, err := rest.TransportFor(config)
		if err != nil {
			t.Fatal(err)
		}
		return &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: transport, FlushInterval: -1,
			ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
			ErrorHandler: func(http.ResponseWriter, *http.Request, error) { abort() },
		}
	}
	administrator, bearer := forward(config), forward(rest.AnonymousClientConfig(config))
	p := &Proxy{}
	p.handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		next := http.Handler(administrator)
		if q.Header.Get("Authorization") != "" {
			next = bearer
		}
		p.mu.Lock()
		rules := slices.Clone(p.rules)
		p.mu.Unlock()
		for _, rule := range rules {
			if rule.meets(q) {
				rule.fault(w, q, next)
				return
			}
		}
		next.ServeHTTP(w, q)
	})
	p.listen(t, "127.0.0.1:0")
	p.Address = p.server.Listener.Addr().String()
	t.Cleanup(p.Stop)
	return p
}

func (p *Proxy) listen(t testing.TB, address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(p.handler)
	_ = server.Listener.Close() // its own, on another port
	server.Listener, server.EnableHTTP2 = listener, true
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.StartTLS()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = server
}

// Stop ends all connections and refuses new ones.
func (p *Proxy) Stop() {
	p.mu.Lock()
	server := p.server
	p.server = nil
	p.mu.Unlock()
	if server != nil {
		server.CloseClientConnections()
		server.Close()
	}
}

// Start listens again on the same address.
func (p *Proxy) Start(t testing.TB) {
	t.Helper()
	p.listen(t, p.Address)
}

// Cut ends all connections; new ones are accepted.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server.CloseClientConnections()
}

// Break gives a fault to the next times requests that match, to all when times is negative. Of several rules that match the
// one that came first holds.
func (p *Proxy) Break(times int, match func(*http.Request) bool, fault Fault) *Rule {
	rule := &Rule{match: match, fault: fault, left: times}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, rule)
	return rule
}

// Mend forgets all faults.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

// Kubeconfig is the text of a kubeconfig that leads through the proxy: with a token as its user, as the administrator
// without one.
func (p *Proxy) Kubeconfig(token string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	return fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
"clusters": [{"name": "c", "cluster": {"server": "https://%s", "certificate-authority-data": %q}}], "users": [{"name": "u", "user": {"token": %q}}]}`,
		p.Address, base64.StdEncoding.EncodeToString(authority), token)
}

// Requests matches those of a verb (GET, POST, PATCH, PUT, DELETE, or WATCH) whose path has a part.
func Requests(verb, path string) func(*http.Request) bool {
	return func(q *http.Request) bool {
		had := q.Method
		if q.URL.Query().Get("watch") != "" {
			had = "WATCH"
		}
		return had == verb && strings.Contains(q.URL.Path, path)
	}
}

// Everything matches all requests.
func Everything(*http.Request) bool { return true }

// Answer is a [Fault] that answers with a Status object, and a Retry-After when seconds is positive.
func Answer(code int, reason, message string, seconds int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		if seconds > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(seconds))
		}
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"code":%d}`, message, reason, code)
	}
}

// Overloaded is a [Fault] that answers as the API server's priority and fairness does: in plain text.
func Overloaded(seconds int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		if seconds > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(seconds))
		}
		http.Error(w, "Too many requests, please try again later.", http.StatusTooManyRequests)
	}
}

// abort breaks the connection of the request that is being answered.
func abort() {
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way, which it recovers from
}

// Lost is a [Fault] that loses the answer: the API server does what it is asked, and the connection breaks.
func Lost(_ http.ResponseWriter, q *http.Request, forward http.Handler) {
	forward.ServeHTTP(httptest.NewRecorder(), q.WithContext(context.WithoutCancel(q.Context())))
	abort()
}

// Dropped is a [Fault] that loses the request before the API server sees it.
func Dropped(_ http.ResponseWriter, q *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, q.Body)
	abort()
}

// Late is a [Fault] that holds the answer back: the API server does at once what it is asked.
func Late(by time.Duration) Fault {
	return func(w http.ResponseWriter, q *http.Request, forward http.Handler) {
		answer := httptest.NewRecorder()
		forward.ServeHTTP(answer, q.WithContext(context.WithoutCancel(q.Context())))
		timer := time.NewTimer(by)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-q.Context().Done():
			abort()
		}
		for key, values := range answer.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}
}

// Expired is a [Fault] of watches: the version that they ask for is no longer kept. The API server tells this as an event.
func Expired(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 1 (2)","reason":"Expired","code":410}}`+"\n")
}

// Torn is a [Fault] that breaks the connection after a while, in the midst of an answer that takes longer.
func Torn(after time.Duration) Fault {
	return func(w http.ResponseWriter, q *http.Request, forward http.Handler) {
		ctx, cancel := context.WithTimeout(q.Context(), after)
		defer cancel()
		forward.ServeHTTP(w, q.WithContext(ctx))
		if ctx.Err() != nil {
			abort()
		}
	}
}

// After is a [Fault] that lets something happen between the client and the API server, and then passes the request on.
func After(happens func()) Fault {
	return func(w http.ResponseWriter, q *http.Request, forward http.Handler) {
		happens()
		forward.ServeHTTP(w, q)
	}
}
