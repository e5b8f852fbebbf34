package signin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/internal/secret"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// discoverAgain is the pause after a provider that could not be asked.
	discoverAgain = time.Second
	// opaqueFor is how long the answer about a bearer token is believed.
	opaqueFor = 30 * time.Second
	// maxBearer and maxUserInfo bound a token and what a provider says of a user.
	maxBearer   = 16 << 10
	maxUserInfo = 1 << 20
)

// provider signs people in at another server. It is safe for concurrent use.
type provider struct {
	config       Config
	secret       string
	requirements []requirement
	client       *http.Client
	now          func() time.Time

	mu     sync.Mutex
	tried  time.Time
	failed error
	known  *endpoints
	opaque map[[sha256.Size]byte]answered
}

// endpoints are what is known of the provider.
type endpoints struct {
	oauth    oauth2.Endpoint
	userInfo string
	end      string // of sessions; "" when it has none
	// verifier checks ID tokens, bearer others' tokens; nil without discovery.
	verifier, bearer *oidc.IDTokenVerifier
}

// answered is what the provider said about a token.
type answered struct {
	until     time.Time
	principal fiat.Principal
	err       error
}

// claims are what a provider says of a user.
type claims map[string]any

func newProvider(ctx context.Context, c Config, client *http.Client, now func() time.Time) (*provider, error) {
	p := &provider{config: c, client: client, now: now, opaque: map[[sha256.Size]byte]answered{}}
	var err error
	if p.secret, err = secret.Resolve(ctx, c.OIDC.ClientSecret); err != nil {
		return nil, fmt.Errorf("auth-oidc-client-secret: %w", err)
	}
	p.requirements, err = requirements(c.OIDC.Requirements)
	return p, err
}

// endpoints asks the provider about itself, once it answers. Errors: unavailable.
func (p *provider) endpoints(ctx context.Context) (*endpoints, error) {
	c := p.config.OIDC
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	if p.failed != nil && p.now().Sub(p.tried) < discoverAgain {
		return nil, p.failed
	}
	if c.Issuer == "" {
		p.known = &endpoints{oauth: oauth2.Endpoint{AuthURL: c.AuthURL, TokenURL: c.TokenURL}, userInfo: c.UserInfoURL}
		return p.known, nil
	}
	bounded, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), p.client), callTimeout)
	defer cancel()
	found, err := oidc.NewProvider(bounded, c.Issuer)
	p.tried = p.now()
	var more struct {
		End string `json:"end_session_endpoint"`
	}
	if err == nil {
		err = found.Claims(&more)
	}
	if err != nil {
		p.failed = pipeline.Wrap(pipeline.CodeUnavailable, err, "The provider that signs people in, %s, does not describe itself now: try again, or see auth-oidc-issuer.", c.Issuer)
		return nil, p.failed
	}
	keys := oidc.ClientContext(context.WithoutCancel(ctx), p.client)
	p.known = &endpoints{
		oauth: found.Endpoint(), userInfo: found.UserInfoEndpoint(), end: more.End,
		verifier: found.VerifierContext(keys, &oidc.Config{ClientID: c.ClientID, Now: p.now}),
		bearer:   found.VerifierContext(keys, &oidc.Config{SkipClientIDCheck: true, Now: p.now}),
	}
	if c.AuthURL != "" {
		p.known.oauth.AuthURL = c.AuthURL
	}
	if c.TokenURL != "" {
		p.known.oauth.TokenURL = c.TokenURL
	}
	if c.UserInfoURL != "" {
		p.known.userInfo = c.UserInfoURL
	}
	p.failed = nil
	return p.known, nil
}

func (p *provider) oauth(e *endpoints) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.config.OIDC.ClientID, ClientSecret: p.secret, Endpoint: e.oauth, Scopes: p.config.OIDC.Scopes,
		RedirectURL: p.config.publicPath("/login/oauth2/code/" + p.config.OIDC.ID),
	}
}

// with returns a context in which the library calls with our client.
func (p *provider) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, p.client)
}

// is refuses the name of a registration that there is not.
func (s *SignIn) is(provider string) error {
	if s.oidc == nil || provider != s.config.OIDC.ID {
		return pipeline.Errorf(pipeline.CodeNotFound, "There is no provider %.100q to sign in with.", provider)
	}
	return nil
}

// Authorize implements [gate.SignIn].
func (s *SignIn) Authorize(w http.ResponseWriter, r *http.Request, name string) error {
	if err := s.is(name); err != nil {
		return err
	}
	e, err := s.oidc.endpoints(r.Context())
	if err != nil {
		return err
	}
	// Each is 256 random bits.
	pending := fiat.Pending{Provider: name, State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(), To: gate.LocalPath(r.URL.Query().Get("to"))}
	id, err := s.d.Sessions.Hold(r.Context(), pending)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "Nobody can sign in now, since Redis, which keeps sessions, does not answer: try again.")
	}
	s.setCookie(w, r, pendingCookie, id, 10*time.Minute)
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(pending.Verifier)}
	if e.verifier != nil {
		options = append(options, oidc.Nonce(pending.Nonce))
	}
	gate.Redirect(w, s.oidc.oauth(e).AuthCodeURL(pending.State, options...))
	return nil
}

// Callback implements [gate.SignIn].
func (s *SignIn) Callback(w http.ResponseWriter, r *http.Request, name string) error {
	if err := s.is(name); err != nil {
		return err
	}
	query := r.URL.Query()
	if scheme, _ := authorization(r); scheme == "bearer" && !query.Has("code") {
		return s.Login(w, r) // spin's way (reference: gate section 6)
	}
	id, ok := cookie(r, pendingCookie)
	if !ok {
		return pipeline.Errorf(pipeline.CodeUnauthenticated, "This sign-in did not begin in this browser, or cookies are off: sign in again.")
	}
	s.dropCookie(w, r, pendingCookie)
	pending, err := s.d.Sessions.Take(r.Context(), id)
	switch {
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return pipeline.Errorf(pipeline.CodeUnauthenticated, "This sign-in took too long, or was used before: sign in again.")
	case err != nil:
		return err
	case pending.Provider != name || subtle.ConstantTimeCompare([]byte(pending.State), []byte(query.Get("state"))) != 1:
		return pipeline.Errorf(pipeline.CodeUnauthenticated, "The provider's answer belongs to another sign-in: sign in again.")
	case query.Get("error") != "":
		return pipeline.Errorf(pipeline.CodeUnauthenticated, "The provider refuses the sign-in: %.100q %.500q.", query.Get("error"), query.Get("error_description"))
	}
	session, err := s.oidc.exchange(r.Context(), query.Get("code"), pending)
	if err != nil {
		return err
	}
	if err := s.begin(w, r, session); err != nil {
		return err
	}
	gate.Redirect(w, gate.Relative(r, gate.LocalPath(pending.To)))
	return nil
}

// exchange trades the code for what the provider says of the user.
func (p *provider) exchange(ctx context.Context, code string, pending fiat.Pending) (fiat.Session, error) {
	e, err := p.endpoints(ctx)
	if err != nil {
		return fiat.Session{}, err
	}
	token, err := p.oauth(e).Exchange(p.with(ctx), code, oauth2.VerifierOption(pending.Verifier))
	if err != nil {
		return fiat.Session{}, p.refused(err, "exchange the code of a sign-in")
	}
	session := fiat.Session{Provider: pending.Provider}
	said := claims{}
	if e.verifier != nil {
		raw, _ := token.Extra("id_token").(string)
		idToken, err := e.verifier.Verify(p.with(ctx), raw)
		if err != nil {
			return fiat.Session{}, p.wrong(err, "The provider's ID token")
		}
		if subtle.ConstantTimeCompare([]byte(idToken.Nonce), []byte(pending.Nonce)) != 1 {
			return fiat.Session{}, pipeline.Errorf(pipeline.CodeUnauthenticated, "The provider's ID token belongs to another sign-in: sign in again.")
		}
		if err := idToken.Claims(&said); err != nil {
			return fiat.Session{}, p.wrong(err, "The provider's ID token")
		}
		if p.config.OIDC.Logout {
			session.Hint = raw
		}
	}
	if e.userInfo != "" {
		if err := p.addUserInfo(ctx, e, token.AccessToken, said); err != nil {
			return fiat.Session{}, err
		}
	}
	session.Principal, err = p.principal(ctx, said, token.AccessToken)
	return session, err
}

// addUserInfo adds what the provider says about the token's user.
func (p *provider) addUserInfo(ctx context.Context, e *endpoints, token string, into claims) error {
	more := claims{}
	if err := p.get(ctx, e.userInfo, token, &more); err != nil {
		return err
	}
	// Who else's token it may be, the subject says (OpenID Connect Core 5.3.2).
	if sub, ok := into["sub"]; ok && more["sub"] != sub {
		return pipeline.Errorf(pipeline.CodeUnauthenticated, "The provider speaks of two users: sign in again.")
	}
	maps.Copy(into, more)
	return nil
}

// get asks the provider something with a user's token.
func (p *provider) get(ctx context.Context, address, token string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return p.refused(err, "ask about a user")
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	answer, err := p.client.Do(request)
	if err != nil {
		return p.refused(err, "ask about a user")
	}
	defer func() { _ = answer.Body.Close() }() // it was read as far as it matters
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxUserInfo))
	switch {
	case err != nil:
		return p.refused(err, "ask about a user")
	case answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests:
		return p.refused(fmt.Errorf("it answers %s", answer.Status), "ask about a user")
	case answer.StatusCode != http.StatusOK:
		return pipeline.Errorf(pipeline.CodeUnauthenticated, "The provider does not know the token: it answers %s.", answer.Status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return p.refused(errors.New("what it says is not JSON"), "ask about a user")
	}
	return nil
}

// refused tells failures of the provider from its refusals.
func (p *provider) refused(err error, doing string) error {
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.StatusCode < http.StatusInternalServerError {
		return pipeline.Wrap(pipeline.CodeUnauthenticated, err, "The provider refuses the sign-in (%.100q): sign in again.", answer.ErrorCode)
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "The provider that signs people in did not answer to %s: try again.", doing)
}

// wrong tells tokens that are wrong from keys that could not be had.
func (p *provider) wrong(err error, what string) error {
	var network *url.Error
	if errors.As(err, &network) || strings.Contains(err.Error(), "fetching keys") {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "The provider's keys cannot be had now: try again.")
	}
	return pipeline.Wrap(pipeline.CodeUnauthenticated, err, "%s is not right, or is over.", what)
}

// bearer finds a caller by a bearer token: a JWT by the provider's keys, any other
// by asking the provider.
func (p *provider) bearer(ctx context.Context, token string) (fiat.Principal, error) {
	if token == "" || len(token) > maxBearer {
		return fiat.Principal{}, pipeline.Errorf(pipeline.CodeUnauthenticated, "The bearer token is empty, or over %d bytes.", maxBearer)
	}
	e, err := p.endpoints(ctx)
	if err != nil {
		return fiat.Principal{}, err
	}
	said := claims{}
	if isJWT := strings.Count(token, ".") == 2; isJWT && e.bearer != nil {
		checked, err := e.bearer.Verify(p.with(ctx), token)
		if err != nil {
			return fiat.Principal{}, p.wrong(err, "The bearer token")
		}
		if err := checked.Claims(&said); err != nil {
			return fiat.Principal{}, p.wrong(err, "The bearer token")
		}
		if !p.isFor(checked.Audience, said) {
			return fiat.Principal{}, pipeline.Errorf(pipeline.CodeUnauthenticated, "The bearer token is for %.200v, not for this Gate: see auth-oidc-audiences.", checked.Audience)
		}
		if said.text(p.config.OIDC.UsernameClaim) != "" || said.text(p.config.OIDC.ServiceAccountEmailClaim) != "" || e.userInfo == "" {
			return p.principal(ctx, said, token)
		}
	} else if !p.config.OIDC.OpaqueBearer {
		return fiat.Principal{}, pipeline.Errorf(pipeline.CodeUnauthenticated, "The bearer token is no JWT, which alone is taken here: see auth-oidc-opaque-bearer.")
	}
	if e.userInfo == "" {
		return fiat.Principal{}, pipeline.Errorf(pipeline.CodeUnauthenticated, "The bearer token is no JWT, and the provider tells nothing about others.")
	}
	return p.ask(ctx, e, token, said)
}

// isFor reports whether a token is meant for this Gate. Keycloak names the client
// as the authorized party alone.
func (p *provider) isFor(audience []string, said claims) bool {
	mine := append([]string{p.config.OIDC.ClientID}, p.config.OIDC.Audiences...)
	if azp := said.text("azp"); azp != "" && slices.Contains(mine, azp) {
		return true
	}
	return slices.ContainsFunc(audience, func(a string) bool { return slices.Contains(mine, a) })
}

// ask asks the provider about a token, and believes the answer for a while.
func (p *provider) ask(ctx context.Context, e *endpoints, token string, said claims) (fiat.Principal, error) {
	print := sha256.Sum256([]byte(token))
	p.mu.Lock()
	a, ok := p.opaque[print]
	p.mu.Unlock()
	if ok && p.now().Before(a.until) {
		return a.principal, a.err
	}
	err := p.addUserInfo(ctx, e, token, said)
	a = answered{until: p.now().Add(opaqueFor)}
	if err == nil {
		a.principal, err = p.principal(ctx, said, token)
	}
	a.err = err
	if pipeline.CodeOf(err) == pipeline.CodeUnavailable || ctx.Err() != nil {
		return fiat.Principal{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.opaque) >= maxKept {
		clear(p.opaque)
	}
	p.opaque[print] = a
	return a.principal, a.err
}

// principal makes a caller of what the provider says.
func (p *provider) principal(ctx context.Context, said claims, token string) (fiat.Principal, error) {
	c := p.config.OIDC
	for _, r := range p.requirements {
		if !slices.ContainsFunc(said.texts(r.claim), r.match.MatchString) {
			return fiat.Principal{}, pipeline.Errorf(pipeline.CodeUnauthenticated, "The account may not sign in here: its %s is not what auth-oidc-user-info-requirements asks for.", r.claim)
		}
	}
	out := fiat.Principal{
		Name: said.text(c.UsernameClaim), Email: said.text(c.EmailClaim), FirstName: said.text(c.FirstNameClaim), LastName: said.text(c.LastNameClaim),
		Roles: said.roles(c.RolesClaim), Mode: ModeOIDC,
	}
	if out.Name == "" {
		out.Name = said.text(c.ServiceAccountEmailClaim)
	}
	if out.Name == "" {
		return out, pipeline.Errorf(pipeline.CodeUnauthenticated, "The provider says nothing in the claim %s, which should hold the user's name: see auth-oidc-username-claim.", c.UsernameClaim)
	}
	if verified, told := said["email_verified"]; c.VerifiedEmail && told && strings.EqualFold(out.Name, out.Email) && verified != true && verified != "true" {
		return out, pipeline.Errorf(pipeline.CodeUnauthenticated, "The provider has not verified the e-mail address, which is the user's name here: verify it, and sign in again.")
	}
	if err := p.inOrganization(ctx, token); err != nil {
		return out, err
	}
	return named(out)
}

// inOrganization refuses who is no member of the GitHub organization.
func (p *provider) inOrganization(ctx context.Context, token string) error {
	organization := p.config.OIDC.GitHubOrganization
	if organization == "" {
		return nil
	}
	e, err := p.endpoints(ctx)
	if err != nil {
		return err
	}
	var membership struct {
		State string `json:"state"`
	}
	err = p.get(ctx, strings.TrimSuffix(e.userInfo, "/")+"/memberships/orgs/"+url.PathEscape(organization), token, &membership)
	if err == nil && membership.State == "active" {
		return nil
	}
	if pipeline.CodeOf(err) == pipeline.CodeUnavailable {
		return err
	}
	return pipeline.Wrap(pipeline.CodeUnauthenticated, err, "The account is no member of the GitHub organization %s, or the sign-in may not tell: ask for the scope read:org.", organization)
}

// logout returns where a browser ends the session at the provider, "" for nowhere.
func (p *provider) logout(ctx context.Context, hint string) string {
	if !p.config.OIDC.Logout || hint == "" {
		return ""
	}
	e, err := p.endpoints(ctx)
	if err != nil || e.end == "" {
		return ""
	}
	u, err := url.Parse(e.end)
	if err != nil {
		return ""
	}
	query := u.Query()
	query.Set("id_token_hint", hint)
	query.Set("client_id", p.config.OIDC.ClientID)
	query.Set("post_logout_redirect_uri", p.config.publicPath("/auth/loggedOut"))
	u.RawQuery = query.Encode()
	return u.String()
}
