// Package outbound calls URLs that come from users: webhooks, the URLs of
// expressions, artifacts. A pipeline may name any URL, and a worker sits inside
// the network, so a call goes only where configuration lets it: the host is
// resolved once, its addresses are checked, and the connection is made to
// exactly the address that was checked, for every redirect anew. Time, size and
// redirects are bounded.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config says where calls may go and what they may cost.
type Config struct {
	// Allowed and AllowPrivate are exceptions from the rule that only public
	// addresses are called.
	Allowed      []string `help:"Hosts and networks that pipelines may call although they are private: names, patterns such as *.corp.example, addresses, networks such as 10.1.0.0/16."`
	AllowPrivate bool     `name:"allow-private" help:"Let pipelines call every private, shared and loopback address. Link-local ones, where clouds keep credentials, still have to be named in outbound-allowed."`
	// Proxy is used for every host that Allowed does not name.
	Proxy  string `help:"HTTP proxy for calls to hosts that outbound-allowed does not name; the proxy then decides which addresses are reached." placeholder:"URL"`
	CAFile string `name:"ca-file" help:"File of certificate authorities (PEM) to trust besides the system's." placeholder:"FILE"`

	ConnectTimeout time.Duration `name:"connect-timeout" help:"Time that a connection may take." default:"15s"`
	Timeout        time.Duration `help:"Time that a call may take, from its start to the last byte of its answer." default:"30s"`
	MaxRedirects   int           `name:"max-redirects" help:"Redirects that a call follows; each target is checked like the first." default:"5"`
	MaxResponse    int64         `name:"max-response" help:"Largest answer, in bytes." default:"10485760"`
	MaxHeader      int64         `name:"max-header" help:"Largest header of an answer, in bytes." default:"65536"`
	UserAgent      string        `name:"user-agent" help:"User agent that calls name themselves." default:"gennaker"`
}

// Validate reports every setting that cannot be used.
func (c Config) Validate() error {
	_, errs := parseRules(c)
	if c.Proxy != "" {
		if u, err := url.Parse(c.Proxy); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			errs = append(errs, errors.New("outbound-proxy is not the URL of an HTTP proxy: write one such as http://proxy.example:3128"))
		}
	}
	for _, b := range []struct {
		name  string
		value int64
	}{
		{"connect-timeout", int64(c.ConnectTimeout)}, {"timeout", int64(c.Timeout)},
		{"max-response", c.MaxResponse}, {"max-header", c.MaxHeader},
	} {
		if b.value < 1 {
			errs = append(errs, fmt.Errorf("outbound-%s must be more than 0", b.name))
		}
	}
	if c.MaxRedirects < 0 {
		errs = append(errs, fmt.Errorf("outbound-max-redirects is %d: use 0 or more", c.MaxRedirects))
	}
	return errors.Join(errs...)
}

// Resolver looks up the addresses of a host; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	config    Config
	rules     rules
	resolver  Resolver
	proxy     *url.URL
	transport *http.Transport
}

// New returns a client. A nil resolver is the system's. It fails for a
// configuration that does not validate and for a CA file that cannot be read.
func New(c Config, resolver Resolver) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	client := &Client{config: c, resolver: resolver}
	client.rules, _ = parseRules(c) // validated above
	if c.Proxy != "" {
		client.proxy, _ = url.Parse(c.Proxy) // validated above
	}
	authorities, err := readAuthorities(c.CAFile)
	if err != nil {
		return nil, err
	}
	client.transport = &http.Transport{
		Proxy:           client.proxyOf,
		DialContext:     client.dial,
		TLSClientConfig: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12},
		// A kept connection may die with a request on it, which net/http would then
		// send again on its own; whether to call twice is for the caller to decide.
		DisableKeepAlives:      true,
		TLSHandshakeTimeout:    c.ConnectTimeout,
		MaxResponseHeaderBytes: c.MaxHeader,
	}
	return client, nil
}

// readAuthorities returns the system's authorities and those of a file; nil is
// the system's alone.
func readAuthorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("outbound-ca-file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's certificate authorities cannot be read: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("outbound-ca-file %s holds no certificate in PEM form", file)
	}
	return pool, nil
}

// proxyOf sends a request through the proxy unless its host is one of ours.
func (c *Client) proxyOf(r *http.Request) (*url.URL, error) {
	if c.proxy == nil || c.rules.namesHost(r.URL.Hostname()) {
		return nil, nil
	}
	return c.proxy, nil
}

// dial resolves a host once and connects to an address that the rules allow. Of
// several addresses only the allowed ones are tried, in order.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addresses, err := c.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	viaProxy := c.proxy != nil && address == hostPort(c.proxy)
	var refused, failed error
	for _, a := range addresses {
		if err := c.rules.check(host, a); err != nil && !viaProxy {
			refused = err
			continue
		}
		dialer := net.Dialer{Timeout: c.config.ConnectTimeout}
		connection, err := dialer.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return connection, nil
		}
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	if failed != nil {
		return nil, failed
	}
	return nil, refused
}

// resolve returns the addresses of a host, at least one.
func (c *Client) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.ConnectTimeout)
	defer cancel()
	addresses, err := c.resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	return addresses, err
}

// hostPort is the address that a URL is dialled at.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
