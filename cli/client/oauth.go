package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

// redirectAddress is where the provider sends the browser; nothing has to listen
// there, for the person copies the address or its code.
const redirectAddress = "http://localhost:8085"

// signInByOAuth2 uses the token of the file, renewed if need be, or has a person
// sign in: the code flow with PKCE. With a provider Gate takes the token with
// every request; without one it makes a session of it.
func (c *Client) signInByOAuth2(ctx context.Context, o *OAuth2, s *signer) error {
	if o.TokenURL == "" || o.AuthURL == "" || o.ClientID == "" {
		return incomplete("oauth2", "tokenUrl, authUrl and clientId")
	}
	config := oauth2.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: o.Scopes, RedirectURL: redirectAddress,
		Endpoint: oauth2.Endpoint{AuthURL: o.AuthURL, TokenURL: o.TokenURL},
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Timeout: requestTimeout})
	token, err := c.oauth2Token(ctx, config, o.CachedToken)
	if err != nil {
		return err
	}
	s.tokens = config.TokenSource(ctx, token)
	path := "/login"
	if o.Provider != "" {
		path = "/login/oauth2/code/" + url.PathEscape(o.Provider)
	}
	return c.login(ctx, path)
}

// oauth2Token returns a token that is valid, and keeps a new one in the file.
func (c *Client) oauth2Token(ctx context.Context, config oauth2.Config, cached *oauth2.Token) (*oauth2.Token, error) {
	if cached.Valid() {
		return cached, nil
	}
	var token *oauth2.Token
	var err error
	if cached != nil && cached.RefreshToken != "" {
		token, err = config.TokenSource(ctx, cached).Token()
		if err != nil {
			c.warn("The cached token cannot be renewed, sign in anew: " + oauthReason(err))
		}
	}
	if token == nil {
		if token, err = c.askForToken(ctx, config); err != nil {
			return nil, err
		}
	}
	if err := c.config.keepToken("oauth2", token); err != nil {
		c.warn("The token could not be kept for the next time: " + err.Error())
	}
	return token, nil
}

// askForToken has a person sign in with a browser.
func (c *Client) askForToken(ctx context.Context, config oauth2.Config) (*oauth2.Token, error) {
	if c.options.Ask == nil {
		return nil, errors.New("auth.oauth2 needs a person to sign in: run the command in a terminal once, or use auth.apiToken")
	}
	verifier, state := oauth2.GenerateVerifier(), rand.Text()
	address := config.AuthCodeURL(state, oauth2.AccessTypeOffline, oauth2.S256ChallengeOption(verifier))
	answer, err := c.options.Ask(ctx, address)
	if err != nil {
		return nil, err
	}
	code, err := codeOf(strings.TrimSpace(answer), state)
	if err != nil {
		return nil, err
	}
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, fmt.Errorf("the provider at %s gives no token: %s", config.Endpoint.TokenURL, oauthReason(err))
	}
	return token, nil
}

// codeOf reads the code that a person pasted: itself, or the whole address that
// the browser was sent to, whose state must be the one that went out.
func codeOf(answer, state string) (string, error) {
	if answer == "" {
		return "", errors.New("no code was given: open the address, sign in, and paste the code or the whole address that you come to")
	}
	if !strings.Contains(answer, "://") {
		return answer, nil
	}
	u, err := url.Parse(answer)
	if err != nil {
		return "", errors.New("the address that was pasted cannot be read")
	}
	q := u.Query()
	switch {
	case q.Get("error") != "":
		return "", fmt.Errorf("the provider refuses: %s", strings.TrimSpace(q.Get("error")+" "+q.Get("error_description")))
	case q.Get("state") != state:
		return "", errors.New("the address that was pasted belongs to another sign-in: begin anew")
	case q.Get("code") == "":
		return "", errors.New("the address that was pasted has no code")
	}
	return q.Get("code"), nil
}

// oauthReason tells why a provider refused, without the body of its answer, which
// may repeat what was sent.
func oauthReason(err error) string {
	var r *oauth2.RetrieveError
	if errors.As(err, &r) {
		if r.ErrorCode != "" {
			return strings.TrimSpace(r.ErrorCode + " " + r.ErrorDescription)
		}
		if r.Response != nil {
			return r.Response.Status
		}
	}
	return err.Error()
}
