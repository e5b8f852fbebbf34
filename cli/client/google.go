package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// googleTokenURL is where Google gives out tokens.
const googleTokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // an address, not a secret

// identityScopes are what Gate has to learn of a service account.
var identityScopes = []string{"https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/userinfo.profile"}

// signInByIAP sends an ID token with every request: the file's own, one of a
// service account, or one that a refresh token gives.
func (c *Client) signInByIAP(ctx context.Context, i *IAP, s *signer) error {
	switch {
	case i.IDToken != "":
		s.tokens = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: i.IDToken})
		return nil
	case i.ServiceAccountKeyPath != "":
		if i.ClientID == "" {
			return incomplete("iap", "iapClientId beside serviceAccountKeyPath")
		}
		raw, err := os.ReadFile(expandHome(i.ServiceAccountKeyPath))
		if err != nil {
			return fmt.Errorf("auth.iap in the CLI's configuration file: %w", err)
		}
		config, err := google.JWTConfigFromJSON(raw)
		if err != nil {
			return errors.New("auth.iap.serviceAccountKeyPath in the CLI's configuration file names no key of a service account")
		}
		config.UseIDToken = true
		config.PrivateClaims = map[string]any{"target_audience": i.ClientID}
		s.tokens = oauth2.ReuseTokenSource(nil, config.TokenSource(ctx))
		return nil
	case i.ClientRefresh != "":
		if i.ClientID == "" || i.OAuthClientID == "" {
			return incomplete("iap", "iapClientId, oauthClientId and oauthClientSecret beside iapClientRefresh")
		}
		s.tokens = oauth2.ReuseTokenSource(nil, &refreshedID{ctx: ctx, iap: i, address: googleTokenURL})
		return nil
	}
	return errors.New("auth.iap without a token, a key or a refresh token asks for a browser, which this CLI does not open: " +
		"set iapIdToken (gcloud auth print-identity-token --audiences=IAP_CLIENT_ID), serviceAccountKeyPath, or iapClientRefresh")
}

// refreshedID gets ID tokens for IAP by a refresh token.
type refreshedID struct {
	ctx     context.Context
	iap     *IAP
	address string
}

// Token implements oauth2.TokenSource.
func (r *refreshedID) Token() (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(r.ctx, requestTimeout)
	defer cancel()
	form := url.Values{
		"client_id": {r.iap.OAuthClientID}, "client_secret": {r.iap.OAuthClientSecret}, "refresh_token": {r.iap.ClientRefresh},
		"grant_type": {"refresh_token"}, "audience": {r.iap.ClientID},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	var answer struct {
		IDToken   string `json:"id_token"`
		ExpiresIn int64  `json:"expires_in"`
		Error     string `json:"error"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.IDToken == "" {
		return nil, fmt.Errorf("auth.iap: the provider gives no ID token (%s %s): renew iapClientRefresh", response.Status, answer.Error)
	}
	return &oauth2.Token{AccessToken: answer.IDToken, Expiry: time.Now().Add(time.Duration(answer.ExpiresIn) * time.Second)}, nil
}

// signInByGoogle has Gate make a session of a service account's token.
func (c *Client) signInByGoogle(ctx context.Context, g *GoogleFile, s *signer) error {
	var credentials *google.Credentials
	var err error
	if g.File != "" {
		raw, readErr := os.ReadFile(expandHome(g.File))
		if readErr != nil {
			return fmt.Errorf("auth.google_service_account in the CLI's configuration file: %w", readErr)
		}
		config, keyErr := google.JWTConfigFromJSON(raw, identityScopes...)
		if keyErr != nil {
			return errors.New("auth.google_service_account.file in the CLI's configuration file names no key of a service account")
		}
		s.tokens = config.TokenSource(ctx)
	} else {
		if credentials, err = google.FindDefaultCredentials(ctx, identityScopes...); err != nil {
			return fmt.Errorf("auth.google_service_account without a file: %w", err)
		}
		s.tokens = credentials.TokenSource
	}
	return c.login(ctx, "/login")
}
