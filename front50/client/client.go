// Package client reaches a Front50 over HTTP and is itself a front50.Store. For
// applications, pipelines and templates it speaks Spinnaker's API and nothing more,
// so these work against Spinnaker's Front50 too; documents of a front50.Kind go by
// Gennaker's own paths, since Spinnaker's differ from kind to kind and cannot say
// that a save is stale.
package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// maxIdle bounds the idle connections that are kept for the next requests,
	// idleTimeout how long.
	maxIdle     = 64
	idleTimeout = 90 * time.Second
)

// Options qualifies [New]. The zero value works.
type Options struct {
	// HTTPClient makes the requests; nil is a client of its own. Its Timeout is
	// not used.
	HTTPClient *http.Client
	// Timeout bounds one attempt; 0 is 15 s.
	Timeout time.Duration
	// Attempts bounds how often a request is sent; 0 is 4.
	Attempts int
	// MaxBody is the largest answer that is read, in bytes; 0 is 256 MiB, since
	// a list holds every configuration.
	MaxBody int64
}

// Client is a front50.Store behind HTTP. It is safe for concurrent use.
//
// A request that gets no answer, or one that tells to try later, is sent again
// after a pause. That is safe for all of them: configurations get their ID
// before they are sent, and the server takes the same save twice.
type Client struct {
	base     *url.URL
	http     *http.Client
	timeout  time.Duration
	attempts int
	maxBody  int64
}

// New returns a client of the Front50 at baseURL, for example
// "http://front50:8080". It makes no request. The error tells what is wrong with
// the address.
func New(baseURL string, o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("front50 address %q: write it as http://host:port", baseURL)
	}
	c := &Client{
		base: base, http: o.HTTPClient, timeout: o.Timeout, attempts: o.Attempts, maxBody: o.MaxBody,
	}
	if c.http == nil {
		transport := &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxIdleConns:        maxIdle,
			MaxIdleConnsPerHost: maxIdle,
			IdleConnTimeout:     idleTimeout,
			ForceAttemptHTTP2:   true,
		}
		c.http = &http.Client{Transport: transport}
	}
	if c.timeout <= 0 {
		c.timeout = 15 * time.Second
	}
	if c.attempts <= 0 {
		c.attempts = 4
	}
	if c.maxBody <= 0 {
		c.maxBody = 256 << 20
	}
	return c, nil
}

// Health reports whether Front50 answers.
func (c *Client) Health(ctx context.Context) error {
	return c.get(ctx, front50.PathHealth, nil, nil)
}

var _ front50.Store = (*Client)(nil)

// notFoundAs returns found instead of err when err says not_found, since the
// words of the door are the same for every room.
func notFoundAs(err, found error) error {
	if pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return found
	}
	return err
}
