package client

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/gennaker/gennaker/pipeline"
)

// signer adds to each request for Gate what proves who asks. Requests that
// redirects lead elsewhere go without it.
type signer struct {
	next         http.RoundTripper
	scheme, host string
	headers      http.Header
	basic        *Login
	tokens       oauth2.TokenSource
}

// RoundTrip implements http.RoundTripper.
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != s.host || r.URL.Scheme != s.scheme {
		return s.next.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	for name, values := range s.headers {
		r.Header[name] = values
	}
	if s.basic != nil {
		r.SetBasicAuth(s.basic.Username, s.basic.Password)
	}
	if s.tokens != nil {
		token, err := s.tokens.Token()
		if err != nil {
			return nil, fmt.Errorf("the token to sign in with cannot be renewed: %w", err)
		}
		token.SetAuthHeader(r)
	}
	return s.next.RoundTrip(r)
}

func (a *Auth) sendsSecret() bool {
	return a.Basic != nil || a.LDAP != nil || a.OAuth2 != nil || a.IAP != nil || a.GoogleServiceAccount != nil || a.APIToken != nil
}

// signIn makes the client one of somebody (reference: gate section 6).
func (c *Client) signIn(ctx context.Context, a *Auth, s *signer) error {
	switch {
	case a.Basic != nil:
		if a.Basic.Username == "" {
			return incomplete("basic", "username and password")
		}
		s.basic = a.Basic
	case a.APIToken != nil:
		if a.APIToken.Token == "" {
			return incomplete("apiToken", "token")
		}
		s.headers.Set("X-Spinnaker-Token", a.APIToken.Token)
	case a.LDAP != nil:
		return c.signInByForm(ctx, a.LDAP)
	case a.OAuth2 != nil:
		return c.signInByOAuth2(ctx, a.OAuth2, s)
	case a.IAP != nil:
		return c.signInByIAP(ctx, a.IAP, s)
	case a.GoogleServiceAccount != nil:
		return c.signInByGoogle(ctx, a.GoogleServiceAccount, s)
	}
	return nil
}

func incomplete(mode, keys string) error {
	return pipeline.Errorf(pipeline.CodeInvalid, "auth.%s in the CLI's configuration file is not complete: it needs %s.", mode, keys)
}

// signInByForm posts name and password as the sign-in page does; the session's
// cookie says who asks afterwards. Whether it took is known from /auth/user, for
// a refused login redirects as well.
func (c *Client) signInByForm(ctx context.Context, l *Login) error {
	if l.Username == "" {
		return incomplete("ldap", "username and password")
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	form := url.Values{"username": {l.Username}, "password": {l.Password}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.String()+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// Where a login leads to is of no use here, and may be Deck's address, which
	// nobody has to reach from this machine.
	poster := *c.http
	poster.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := poster.Do(request)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	refused := response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden
	if to, err := response.Location(); err == nil && to.Query().Has("error") {
		refused = true
	}
	if refused {
		return &Refusal{Status: http.StatusUnauthorized, Method: http.MethodPost, Path: "/login",
			Message: fmt.Sprintf("Gate refuses to sign %s in: check auth.ldap in the CLI's configuration file.", l.Username)}
	}
	return nil
}

// login has Gate make a session of a bearer token: a GET of its login address,
// whose answer sets the cookie.
func (c *Client) login(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	getter := *c.http
	getter.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+path, nil)
	if err != nil {
		return err
	}
	response, err := getter.Do(request)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden {
		return &Refusal{Status: response.StatusCode, Method: http.MethodGet, Path: path, Message: "Gate refuses the token: sign in anew by removing cachedToken from the CLI's configuration file."}
	}
	return nil
}

// certificate reads the client certificate.
func (x *X509) certificate() (tls.Certificate, error) {
	switch {
	case x.CertPath != "" && x.KeyPath != "":
		pair, err := tls.LoadX509KeyPair(expandHome(x.CertPath), expandHome(x.KeyPath))
		if err != nil {
			return pair, fmt.Errorf("auth.x509 in the CLI's configuration file: %w", err)
		}
		return pair, nil
	case x.Cert != "" && x.Key != "":
		pair, err := tls.X509KeyPair(pemOf(x.Cert), pemOf(x.Key))
		if err != nil {
			return pair, fmt.Errorf("auth.x509 in the CLI's configuration file: %w", err)
		}
		return pair, nil
	}
	return tls.Certificate{}, incomplete("x509", "certPath and keyPath, or cert and key")
}

// pemOf returns a PEM block that may be written in base64.
func pemOf(text string) []byte {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return []byte(text)
	}
	if raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
		return raw
	}
	return []byte(text)
}
