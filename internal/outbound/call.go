package outbound

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Request is one call.
type Request struct {
	// Method is GET when empty.
	Method string
	URL    string
	// Header goes to the URL's own origin. A redirect to another origin carries
	// only what says nothing about the caller. Host, when set, is sent in place of
	// the URL's.
	Header http.Header
	Body   []byte
	// Check is asked about the URL and every redirect's target, when set; its
	// error ends the call.
	Check func(*url.URL) error
	// Timeout and MaxResponse lower the client's bounds, when set.
	Timeout     time.Duration
	MaxResponse int64
}

// Response is an answer, whatever its status.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte
	// URL is where the answer came from, after redirects.
	URL *url.URL
}

// harmless are the headers that go along to another origin.
var harmless = []string{"Accept", "Accept-Language", "Content-Type", "Idempotency-Key", "User-Agent"}

// Call makes a call, follows redirects and reads the whole answer.
//
// Errors: invalid for a URL, a header or an address that is refused, with the
// setting that would allow it; unavailable when the network or the other side
// fails; timeout when the answer does not come in time; too_large; failed for a
// certificate that is not trusted; the context's own error once it is
// cancelled. [Sent] tells whether the other side may have got the request.
func (c *Client) Call(ctx context.Context, r Request) (Response, error) {
	u, err := parseURL(r.URL)
	if err != nil {
		return Response{}, err
	}
	if err := checkHeader(r.Header); err != nil {
		return Response{}, err
	}
	timeout := c.config.Timeout
	if r.Timeout > 0 {
		timeout = min(timeout, r.Timeout)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	h := hop{method: r.Method, url: u, header: r.Header.Clone(), body: r.Body}
	if h.method == "" {
		h.method = http.MethodGet
	}
	if h.header == nil {
		h.header = http.Header{}
	}
	sent := false
	for redirects := 0; ; redirects++ {
		answer, gone, err := c.hop(limited, r, h)
		sent = sent || gone
		if err != nil {
			if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
				return Response{}, ctx.Err()
			}
			return Response{}, c.explain(err, h.url, timeout, sent)
		}
		next := location(answer)
		if next == "" {
			return answer, nil
		}
		if redirects == c.config.MaxRedirects {
			return Response{}, &failure{sent: true, err: pipeline.Errorf(pipeline.CodeFailed,
				"The URL %s redirects more than %d times: call its last target, or raise outbound-max-redirects.", shown(u), c.config.MaxRedirects)}
		}
		if h, err = h.follow(answer.StatusCode, next); err != nil {
			return Response{}, &failure{sent: true, err: pipeline.Wrap(pipeline.CodeFailed, err,
				"The URL %s redirects to something that is no URL.", shown(u))}
		}
	}
}

// hop is one request on the way of a call.
type hop struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
}

// follow returns the request that a redirect asks for (RFC 9110 section 15.4).
func (h hop) follow(status int, location string) (hop, error) {
	next, err := h.url.Parse(location)
	if err != nil {
		return hop{}, err
	}
	if next, err = parseURL(next.String()); err != nil {
		return hop{}, err
	}
	out := hop{method: h.method, url: next, header: h.header.Clone(), body: h.body}
	if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect && h.method != http.MethodGet && h.method != http.MethodHead {
		out.method, out.body = http.MethodGet, nil
		out.header.Del("Content-Type")
	}
	if !sameOrigin(h.url, next) {
		for name := range out.header {
			if !slices.Contains(harmless, name) {
				out.header.Del(name)
			}
		}
	}
	return out, nil
}

func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(hostPort(a), hostPort(b))
}

// location is where an answer redirects to, empty when it does not.
func location(r Response) string {
	switch r.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return r.Header.Get("Location")
	}
	return ""
}

// hop makes one request and reads its answer; sent is set once the request's
// header was written to the other side.
func (c *Client) hop(ctx context.Context, r Request, h hop) (_ Response, sent bool, err error) {
	if r.Check != nil {
		if err := r.Check(h.url); err != nil {
			return Response{}, false, pipeline.Wrap(pipeline.CodeInvalid, err, "%s", pipeline.MessageOf(err))
		}
	}
	if c.proxy != nil && !c.rules.namesHost(h.url.Hostname()) {
		if err := c.rules.checkName(h.url.Hostname()); err != nil {
			return Response{}, false, err
		}
	}
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	request, err := http.NewRequestWithContext(ctx, h.method, h.url.String(), bytes.NewReader(h.body))
	if err != nil {
		return Response{}, false, pipeline.Wrap(pipeline.CodeInvalid, err, "The URL %s cannot be called with the method %q.", shown(h.url), h.method)
	}
	if len(h.body) == 0 {
		request.Body = http.NoBody
	}
	request.Header = h.header.Clone()
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", c.config.UserAgent)
	}
	answer, err := c.transport.RoundTrip(request)
	if err != nil {
		return Response{}, wrote.Load(), err
	}
	defer func() { _ = answer.Body.Close() }() // read as far as wanted
	limit := c.config.MaxResponse
	if r.MaxResponse > 0 {
		limit = min(limit, r.MaxResponse)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return Response{}, true, err
	}
	if int64(len(body)) > limit {
		return Response{}, true, tooLarge(h.url, limit)
	}
	return Response{StatusCode: answer.StatusCode, Header: answer.Header, Body: body, URL: h.url}, true, nil
}

// parseURL reads a URL that can be called.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		// The parser's error repeats the text, which may hold a password.
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The URL is not valid: write one such as https://example.com/path.")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "unsupported URI scheme: the URL '%s' is neither http nor https.", shown(u))
	}
	if u.Hostname() == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Unable to determine host for the url provided: '%s' names no host.", shown(u))
	}
	// A password in a URL is not sent, as in Spinnaker, and so not repeated either.
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u, nil
}

// checkHeader refuses headers that are none, or that would begin another one.
func checkHeader(h http.Header) error {
	for name, values := range h {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool {
			return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
		}) {
			return pipeline.Errorf(pipeline.CodeInvalid, "The header %q cannot be sent: its name has characters that headers do not have.", name)
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return pipeline.Errorf(pipeline.CodeInvalid,
					"The header %s cannot be sent: its value has characters that headers do not have, such as line ends.", name)
			}
		}
	}
	return nil
}

// shown is a URL as messages name it: without what may be secret.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Opaque: u.Opaque, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}
