package outbound

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Limits bound what a library does through [Client.HTTP].
type Limits struct {
	// MaxBytes bounds the bodies of all answers together; 0 is the client's own
	// bound for one answer.
	MaxBytes int64
	// Timeout bounds each request with its answer; 0 is the client's own. Unlike
	// the client's own it may be longer.
	Timeout time.Duration
	// Check is asked about every URL, as [Request.Check] is.
	Check func(*url.URL) error
}

// Session is an HTTP client for a library that makes requests of its own: a git
// or registry client. It goes only where the [Client] goes; redirects are checked
// like first requests, and lose everything that says who the caller is when they
// lead to another origin.
type Session struct {
	*http.Client
	mu    sync.Mutex
	fault error
	left  int64
}

// Err returns the first error of the session's requests, as [Client.Call] would
// return it, or nil. Libraries often keep no more than the text of one.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

func (s *Session) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil && !errors.Is(err, context.Canceled) {
		s.fault = err
	}
	return err
}

// HTTP returns a session. It is meant for one task: its bound on bytes covers all
// of its requests.
func (c *Client) HTTP(l Limits) *Session {
	if l.MaxBytes <= 0 {
		l.MaxBytes = c.config.MaxResponse
	}
	if l.Timeout <= 0 {
		l.Timeout = c.config.Timeout
	}
	s := &Session{left: l.MaxBytes}
	s.Client = &http.Client{Transport: &guarded{client: c, limits: l, session: s}, CheckRedirect: c.checkRedirect}
	return s
}

// checkRedirect follows as [Client.Call] does.
func (c *Client) checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) > c.config.MaxRedirects {
		return pipeline.Errorf(pipeline.CodeFailed,
			"The URL %s redirects more than %d times: call its last target, or raise outbound-max-redirects.", shown(via[0].URL), c.config.MaxRedirects)
	}
	if !sameOrigin(via[0].URL, next.URL) {
		for name := range next.Header {
			if !slices.Contains(harmless, name) {
				next.Header.Del(name)
			}
		}
	}
	return nil
}

// guarded makes the requests of a session.
type guarded struct {
	client  *Client
	limits  Limits
	session *Session
}

// RoundTrip implements http.RoundTripper.
func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	u := *r.URL
	if _, err := parseURL(u.String()); err != nil {
		return nil, g.session.fail(err)
	}
	if g.limits.Check != nil {
		if err := g.limits.Check(&u); err != nil {
			return nil, g.session.fail(pipeline.Wrap(pipeline.CodeInvalid, err, "%s", pipeline.MessageOf(err)))
		}
	}
	if g.client.proxy != nil && !g.client.rules.namesHost(u.Hostname()) {
		if err := g.client.rules.checkName(u.Hostname()); err != nil {
			return nil, g.session.fail(err)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.limits.Timeout)
	r = r.Clone(ctx)
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", g.client.config.UserAgent)
	}
	answer, err := g.client.transport.RoundTrip(r)
	if err != nil {
		cancel()
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		return nil, g.session.fail(g.client.explain(err, &u, g.limits.Timeout, false))
	}
	answer.Body = &boundedBody{ReadCloser: answer.Body, guarded: g, url: &u, cancel: cancel}
	return answer, nil
}

// boundedBody counts against the session's bound.
type boundedBody struct {
	io.ReadCloser
	guarded *guarded
	url     *url.URL
	cancel  context.CancelFunc
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	s := b.guarded.session
	s.mu.Lock()
	s.left -= int64(n)
	over := s.left < 0
	s.mu.Unlock()
	if over {
		return n, s.fail(tooLarge(b.url, b.guarded.limits.MaxBytes))
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, context.Canceled) {
		err = s.fail(b.guarded.client.explain(err, b.url, b.guarded.limits.Timeout, true))
	}
	return n, err
}

func (b *boundedBody) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

// Dial connects to a host that the client may call, for protocols other than
// HTTP; the address is "host:port". A proxy is not used.
//
// Errors: invalid for a refused address, unavailable for one that does not answer
// or has no name.
func (c *Client) Dial(ctx context.Context, address string) (net.Conn, error) {
	connection, err := c.dial(ctx, "tcp", address)
	if err == nil {
		return connection, nil
	}
	if errors.Is(err, context.Canceled) {
		return nil, err
	}
	return nil, c.explain(err, &url.URL{Host: address}, c.config.Timeout, false)
}

// Allowing returns a client that may also call these hosts, names or addresses
// without a port, because an operator has configured them in another place: the
// server of an account.
func (c *Client) Allowing(hosts ...string) *Client {
	out := *c
	out.rules.hosts = slices.Clone(c.rules.hosts)
	out.rules.networks = slices.Clone(c.rules.networks)
	for _, host := range hosts {
		host = strings.TrimSuffix(strings.ToLower(host), ".")
		if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			out.rules.networks = append(out.rules.networks, netip.PrefixFrom(a, a.BitLen()))
		} else if isPattern(host) {
			out.rules.hosts = append(out.rules.hosts, host)
		}
	}
	out.transport = c.transport.Clone()
	out.transport.DialContext = out.dial
	out.transport.Proxy = out.proxyOf
	return &out
}
