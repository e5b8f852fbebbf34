// Package client speaks to Gate, Gennaker's or Spinnaker's, as the CLI of
// Spinnaker does: its configuration file, its ways to sign in, tasks that are
// waited for, and, where Gate has them, event streams (reference: gate section 6).
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	// DefaultEndpoint is where Gate is unless it is said otherwise.
	DefaultEndpoint = "http://localhost:8084"
	// DefaultRetryTimeout is how long tasks are waited for.
	DefaultRetryTimeout = 60 * time.Second
	// requestTimeout bounds one question to Gate, which gives up after 60 s itself.
	requestTimeout = 70 * time.Second
	// MaxAnswer bounds an answer, in bytes.
	MaxAnswer = 256 << 20
)

// Options say which Gate, and how to reach it. They go before the file.
type Options struct {
	// Endpoint is Gate's address; empty is the file's, else [DefaultEndpoint].
	Endpoint string
	// Insecure takes any certificate.
	Insecure bool
	// IgnoreRedirects answers a redirect itself.
	IgnoreRedirects bool
	// Headers go with every request.
	Headers map[string]string
	// RetryTimeout is how long tasks are waited for; 0 is the file's.
	RetryTimeout time.Duration
	// ConfigFile is the file's path; empty is spin's, if it is there.
	ConfigFile string
	// Version is this program's, for its User-Agent.
	Version string
	// Ask is called to have a person open an address and give the code that they
	// get there; nil refuses ways to sign in that need it.
	Ask func(ctx context.Context, address string) (string, error)
	// Warn tells a person of what is odd; it may be nil.
	Warn func(text string)
}

// Client asks one Gate. It is safe for concurrent use.
type Client struct {
	base         *url.URL
	http         *http.Client
	retryTimeout time.Duration
	config       Config
	options      Options
}

// Refusal is an answer of Gate that is not a success.
type Refusal struct {
	// Status is the HTTP status.
	Status int
	// Method and Path are the request's.
	Method, Path string
	// Message is Gate's own; it may have several lines.
	Message string
}

// Error implements error with Gate's own words.
func (r *Refusal) Error() string {
	if r.Message != "" {
		return r.Message
	}
	return fmt.Sprintf("gate answered %d %s to %s %s", r.Status, http.StatusText(r.Status), r.Method, r.Path)
}

// IsNotFound reports whether Gate said that something does not exist.
func IsNotFound(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Status == http.StatusNotFound
}

// Open reads the configuration file and signs in.
//
// Errors: invalid for addresses, files and modes that cannot be used; those of
// the network; a [Refusal].
func Open(ctx context.Context, o Options) (*Client, error) {
	config, err := ReadConfig(o.ConfigFile)
	if err != nil {
		return nil, err
	}
	c := &Client{config: config, options: o, retryTimeout: o.RetryTimeout}
	address := o.Endpoint
	if address == "" {
		address = config.Gate.Endpoint
	}
	if address == "" {
		address = DefaultEndpoint
	}
	if c.base, err = parseEndpoint(address); err != nil {
		return nil, err
	}
	if c.retryTimeout == 0 {
		c.retryTimeout = time.Duration(config.Gate.RetryTimeout) * time.Second
	}
	if c.retryTimeout == 0 {
		c.retryTimeout = DefaultRetryTimeout
	}
	return c, c.connect(ctx)
}

func parseEndpoint(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The address of Gate %q is not valid: write it as http://HOST:PORT or https://HOST:PORT, with a path if there is one.", address)
	}
	return u, nil
}

// connect makes the HTTP client and signs in.
func (c *Client) connect(ctx context.Context) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return errors.New("the transport of this program is not the usual one")
	}
	transport := base.Clone()
	transport.MaxIdleConnsPerHost = 32
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	auth := c.config.Auth
	if auth != nil && auth.Enabled && auth.X509 != nil {
		certificate, err := auth.X509.certificate()
		if err != nil {
			return err
		}
		transport.TLSClientConfig.Certificates = []tls.Certificate{certificate}
	}
	if c.options.Insecure || auth != nil && auth.IgnoreCertErrors {
		transport.TLSClientConfig.InsecureSkipVerify = true
	}
	signed := &signer{next: transport, host: c.base.Host, scheme: c.base.Scheme, headers: http.Header{}}
	for name, value := range c.options.Headers {
		signed.headers.Set(name, value)
	}
	c.http = &http.Client{Jar: jar, Transport: signed}
	if c.options.IgnoreRedirects || auth != nil && auth.IgnoreRedirects {
		c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	if auth == nil || !auth.Enabled {
		return nil
	}
	if auth.sendsSecret() && c.base.Scheme == "http" && !local(c.base.Hostname()) {
		c.warn("Gate's address begins with http: what you sign in with goes over the network in clear. Use https.")
	}
	return c.signIn(ctx, auth, signed)
}

func (c *Client) warn(text string) {
	if c.options.Warn != nil {
		c.options.Warn(text)
	}
}

func local(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// Endpoint returns Gate's address.
func (c *Client) Endpoint() string { return c.base.String() }

// Path joins segments to a path, each escaped.
func Path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// Answer is what Gate answered with a success.
type Answer struct {
	Status int
	Body   []byte
}

// Do sends a request, with body as JSON unless it is nil. The path is escaped
// already, see [Path].
//
// Errors: those of the network, with the remedy; a [Refusal].
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, body any) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response, err := c.send(ctx, method, path, query, body, nil)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	return answerOf(response, method, path)
}

func (c *Client) send(ctx context.Context, method, path string, query url.Values, body any, header http.Header) (*http.Response, error) {
	address := c.base.String() + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	var content io.Reader
	if body != nil {
		raw, err := pipeline.EncodeValue(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if request.Header.Get("Accept") == "" {
		request.Header.Set("Accept", "*/*")
	}
	request.Header.Set("User-Agent", "Gennaker-CLI/"+c.options.Version)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return response, nil
}

func (c *Client) unreachable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) {
		return cause
	}
	var inner *url.Error
	if errors.As(err, &inner) { // it repeats the address with its query
		err = inner.Err
	}
	return fmt.Errorf("gate at %s does not answer; --gate-endpoint names another: %w", c.base.Redacted(), err)
}

// answerOf reads an answer.
func answerOf(response *http.Response, method, path string) (Answer, error) {
	raw, err := io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	if err != nil {
		return Answer{}, fmt.Errorf("gate's answer to %s %s broke off: %w", method, path, err)
	}
	if len(raw) > MaxAnswer {
		return Answer{}, fmt.Errorf("gate's answer to %s %s is larger than %d bytes: ask for less, for example with --limit", method, path, MaxAnswer)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return Answer{}, refusalOf(response.StatusCode, method, path, raw)
	}
	if kind := response.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") && len(bytes.TrimSpace(raw)) > 0 {
		return Answer{}, &Refusal{Status: http.StatusUnauthorized, Method: method, Path: path,
			Message: "Gate answered with a page for browsers, most likely to sign in on: " + howToSignIn}
	}
	return Answer{Status: response.StatusCode, Body: raw}, nil
}

// howToSignIn is what helps when Gate does not know the caller.
const howToSignIn = "configure auth in ~/.spin/config or the file that --cli-config names."

// refusalOf reads the body of an error, in Gate's words.
func refusalOf(status int, method, path string, raw []byte) *Refusal {
	r := &Refusal{Status: status, Method: method, Path: path}
	var body pipeline.Map
	if json.Unmarshal(raw, &body) != nil {
		return r
	}
	r.Message = body.String("message")
	lines := []string{r.Message}
	for _, e := range body.List("errors") {
		m := pipeline.AsMap(e)
		if m == nil {
			continue // a detail, which the message holds
		}
		words := []string{m.String("severity"), m.String("location"), m.String("message"), m.String("cause"), m.String("suggestion")}
		lines = append(lines, "  "+strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " "))
	}
	if status == http.StatusUnauthorized {
		lines = append(lines, "To sign in, "+howToSignIn)
	}
	r.Message = strings.Join(lines, "\n")
	return r
}

// Object sends a request and returns the object of the answer; an empty answer
// is nil.
func (c *Client) Object(ctx context.Context, method, path string, query url.Values, body any) (pipeline.Map, error) {
	answer, err := c.Do(ctx, method, path, query, body)
	if err != nil || len(bytes.TrimSpace(answer.Body)) == 0 {
		return nil, err
	}
	var out pipeline.Map
	if err := json.Unmarshal(answer.Body, &out); err != nil {
		return nil, fmt.Errorf("gate's answer to %s %s is no JSON object: %w", method, path, err)
	}
	return out, nil
}

// List sends a GET and returns the list of objects of the answer.
func (c *Client) List(ctx context.Context, path string, query url.Values) ([]pipeline.Map, error) {
	answer, err := c.Do(ctx, http.MethodGet, path, query, nil)
	if err != nil || len(bytes.TrimSpace(answer.Body)) == 0 {
		return nil, err
	}
	var out []pipeline.Map
	if err := json.Unmarshal(answer.Body, &out); err != nil {
		return nil, fmt.Errorf("gate's answer to GET %s is no list of objects: %w", path, err)
	}
	return out, nil
}

// Get sends a GET and returns the object of the answer.
func (c *Client) Get(ctx context.Context, path string, query url.Values) (pipeline.Map, error) {
	return c.Object(ctx, http.MethodGet, path, query, nil)
}

// Execution reads one execution.
func (c *Client) Execution(ctx context.Context, id string) (*pipeline.Execution, pipeline.Map, error) {
	raw, err := c.Get(ctx, Path("pipelines", id), nil)
	if err != nil {
		return nil, nil, err
	}
	e, err := ExecutionOf(raw)
	return e, raw, err
}

// ExecutionOf reads an execution out of an answer.
func ExecutionOf(m pipeline.Map) (*pipeline.Execution, error) {
	var e pipeline.Execution
	if err := pipeline.Bind(map[string]any(m), &e); err != nil {
		return nil, fmt.Errorf("gate's answer is no execution: %w", err)
	}
	if e.ID == "" || e.Status == "" {
		return nil, errors.New("gate's answer is no execution: it has no id or no status")
	}
	return &e, nil
}
