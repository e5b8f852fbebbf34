package signin_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/oauth2"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/gate/signin"
)

// issuer is an OpenID provider, which says of everybody that they are Dev and SRE.
type issuer struct {
	url  string
	away atomic.Bool
}

// withRoles adds roles to what the provider says.
type withRoles struct{ *storage.Storage }

func (s withRoles) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	err := s.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin)
	info.AppendClaims("realm_access", map[string]any{"roles": []string{"Dev", "SRE"}})
	if !info.EmailVerified {
		info.AppendClaims("email_verified", false) // which the library leaves out
	}
	return err
}

// people are the provider's users.
type people map[string]*storage.User

func (p people) GetUserByID(id string) *storage.User { return p[id] }
func (p people) ExampleClientID() string             { return "service" }
func (p people) GetUserByUsername(name string) *storage.User {
	for _, u := range p {
		if u.Username == name {
			return u
		}
	}
	return nil
}

// clientRedirect is where spin asks to be sent, which is shown to be pasted.
const clientRedirect = "http://localhost:8085"

func newIssuer(t *testing.T, redirect string) *issuer {
	t.Helper()
	p := &issuer{}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	users := people{
		"id1": {ID: "id1", Username: "ines", Password: "secret1", FirstName: "Inès", LastName: "Ö", Email: "ines@example.com", EmailVerified: true},
		"id2": {ID: "id2", Username: "omar", Password: "secret2", Email: "omar@example.com"},
	}
	clients := map[string]*storage.Client{
		"gate":  storage.WebClient("gate", "s3cret", redirect, clientRedirect),
		"other": storage.WebClient("other", "s3cret", clientRedirect),
	}
	// The example replaces the process's logger.
	before := slog.Default()
	handler = exampleop.SetupServer(p.url, withRoles{storage.NewStorageWithClients(users, clients)}, nil, true, op.WithLogger(slog.New(slog.DiscardHandler)))
	slog.SetDefault(before)
	return p
}

func newOIDC(t *testing.T, change func(c *signin.OIDCConfig)) (*world, *issuer) {
	t.Helper()
	var p *issuer
	w := newWorld(t, func(c *signin.Config, _ *signin.Dependencies) {
		c.Mode, c.PublicURL = signin.ModeOIDC, c.PublicURL+"/gate"
		c.OIDC.ID = "keycloak"
		p = newIssuer(t, c.PublicURL+"/login/oauth2/code/keycloak")
		c.OIDC.Issuer, c.OIDC.ClientID, c.OIDC.ClientSecret = p.url, "gate", reference(t, "s3cret")
		c.OIDC.RolesClaim = "realm_access.roles"
		change(&c.OIDC)
	})
	return w, p
}

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// enter fills the provider's form in.
func (b *browser) enter(page answer, user, password string) answer {
	b.t.Helper()
	require.Equal(b.t, 200, page.StatusCode, page.body)
	id := hiddenID.FindStringSubmatch(page.body)
	require.NotNil(b.t, id, page.body)
	return b.form(page.Request.URL.Scheme+"://"+page.Request.URL.Host+"/login/username", url.Values{"id": {id[1]}, "username": {user}, "password": {password}})
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	w, p := newOIDC(t, func(*signin.OIDCConfig) {})
	p.away.Store(true)
	b := person(t)
	away := b.get(w.url + "/auth/redirect?to=" + url.QueryEscape(deckURL+"/#/x"))
	require.Equal(t, 503, away.StatusCode, "a provider that is away is no refusal")
	p.away.Store(false)

	var page answer
	eventually(t, "the provider is asked again", func() bool {
		page = b.get(w.url + "/auth/redirect?to=" + url.QueryEscape(deckURL+"/#/x"))
		return page.StatusCode == 200
	})
	require.True(t, strings.HasPrefix(page.Request.URL.String(), p.url+"/login/username"), "%s", page.Request.URL)
	back := b.enter(page, "ines", "secret1")
	require.Equal(t, 302, back.StatusCode, back.body)
	require.Equal(t, deckURL+"/#/x", back.Header.Get("Location"))
	me := b.whoami(w)
	require.Equal(t, "ines@example.com", me.Username)
	require.Equal(t, "Inès", me.FirstName)
	require.Equal(t, []string{"dev", "sre"}, me.Roles)
	kept, err := w.users.User(t.Context(), "ines@example.com")
	require.NoError(t, err)
	require.Equal(t, fiat.User{Name: "ines@example.com", Roles: []string{"dev", "sre"}, Source: "EXTERNAL", At: kept.At}, kept)

	// An address that was not verified is nobody's.
	omar := person(t)
	refused := omar.enter(omar.get(w.url+"/login"), "omar", "secret2")
	require.Equal(t, 401, refused.StatusCode)
	require.Contains(t, refused.body, "has not verified the e-mail address")

	api := newBrowser(t).get(w.url + "/version")
	require.Equal(t, 401, api.StatusCode)
	require.Equal(t, `Bearer realm="Gennaker"`, api.Header.Get("WWW-Authenticate"))
	require.Equal(t, 404, newBrowser(t).get(w.url+"/oauth2/authorization/google").StatusCode)
}

func TestOIDCCallback(t *testing.T) {
	t.Parallel()
	w, p := newOIDC(t, func(*signin.OIDCConfig) {})
	// begin goes as far as the provider's answer, which it returns.
	begin := func(b *browser) string {
		page := b.get(w.url + "/login")
		answer := ""
		b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if strings.Contains(r.URL.Path, "/login/oauth2/code/") {
				answer = r.URL.String()
				return http.ErrUseLastResponse
			}
			return nil
		}
		b.enter(page, "ines", "secret1")
		require.NotEmpty(t, answer)
		b.still()
		return answer
	}
	with := func(address, key, value string) string {
		u, err := url.Parse(address)
		require.NoError(t, err)
		q := u.Query()
		q.Set(key, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	b := person(t)
	answer := begin(b)
	require.Equal(t, 401, newBrowser(t).get(answer).StatusCode, "an answer in another browser signs nobody in")
	ok := b.get(answer)
	require.Equal(t, 302, ok.StatusCode, ok.body)
	require.NotNil(t, b.whoami(w))
	require.Equal(t, 401, b.get(answer).StatusCode, "an answer is taken once")

	for _, change := range []struct{ key, value string }{{"state", "x"}, {"code", "x"}, {"error", "access_denied"}} {
		b := person(t)
		require.Equal(t, 401, b.get(with(begin(b), change.key, change.value)).StatusCode, change.key)
		require.Nil(t, b.whoami(w))
	}
	// Another person's code cannot be slipped in: it was made for another verifier.
	mine, theirs := person(t), person(t)
	to, from := begin(mine), begin(theirs)
	u, err := url.Parse(from)
	require.NoError(t, err)
	require.Equal(t, 401, mine.get(with(to, "code", u.Query().Get("code"))).StatusCode)

	last := person(t)
	answer = begin(last)
	p.away.Store(true)
	require.Equal(t, 503, last.get(answer).StatusCode)
}

// spinToken signs in as spin does, with a redirect of its own, and returns the
// provider's tokens.
func spinToken(t *testing.T, p *issuer, client, user, password string) *oauth2.Token {
	t.Helper()
	config := &oauth2.Config{ClientID: client, ClientSecret: "s3cret", RedirectURL: clientRedirect, Scopes: []string{"openid", "profile", "email"},
		Endpoint: oauth2.Endpoint{AuthURL: p.url + "/auth", TokenURL: p.url + "/oauth/token"}}
	verifier := oauth2.GenerateVerifier()
	b := person(t)
	var code string
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), clientRedirect) {
			code = r.URL.Query().Get("code")
			return http.ErrUseLastResponse
		}
		return nil
	}
	b.enter(b.get(config.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier))), user, password)
	token, err := config.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	require.NoError(t, err)
	return token
}

// TestOIDCAsSpin replays spin's mode oauth2, both generations (reference: gate
// section 6).
func TestOIDCAsSpin(t *testing.T) {
	t.Parallel()
	w, p := newOIDC(t, func(*signin.OIDCConfig) {})
	token := "Bearer " + spinToken(t, p, "gate", "ines", "secret1").AccessToken

	standalone := newBrowser(t, "Accept", "*/*")
	in := standalone.get(w.url+"/login", "Authorization", token)
	require.Equal(t, 200, in.StatusCode, "it follows the redirect to the root")
	require.NotEmpty(t, standalone.session(w.url))
	require.Equal(t, "ines@example.com", standalone.whoami(w).Username, "and goes on with the cookie alone")

	head := newBrowser(t, "Accept", "*/*")
	require.Equal(t, 200, head.get(w.url+"/login/oauth2/code/keycloak", "Authorization", token).StatusCode)
	me := newBrowser(t).whoami(w, "Authorization", token)
	require.Equal(t, "ines@example.com", me.Username)
	require.Equal(t, []string{"dev", "sre"}, me.Roles)
	require.Equal(t, 401, newBrowser(t).get(w.url+"/version", "Authorization", token+"x").StatusCode)
	require.Equal(t, 401, newBrowser(t).get(w.url+"/login", "Authorization", "Bearer x").StatusCode)
	require.Equal(t, 401, newBrowser(t).get(w.url+"/version", "Authorization", "Bearer "+strings.Repeat("x", 20000)).StatusCode)
	w.redis.Kill()
	require.Equal(t, 200, newBrowser(t).get(w.url+"/version", "Authorization", token).StatusCode, "a bearer needs no session")
}

func TestOIDCBearerJWT(t *testing.T) {
	t.Parallel()
	w, p := newOIDC(t, func(c *signin.OIDCConfig) {
		c.UsernameClaim = "sub"
		c.OpaqueBearer = false
		c.Requirements = []string{"aud=/gate|other/"}
	})
	mine := spinToken(t, p, "gate", "ines", "secret1")
	idToken, _ := mine.Extra("id_token").(string)
	require.Equal(t, "id1", newBrowser(t).whoami(w, "Authorization", "Bearer "+idToken).Username)
	parts := strings.Split(idToken, ".")
	forged := newBrowser(t).get(w.url+"/version", "Authorization", "Bearer "+parts[0]+"."+parts[1]+"."+strings.Repeat("A", len(parts[2])))
	require.Equal(t, 401, forged.StatusCode)
	unsigned := "eyJhbGciOiJub25lIn0." + parts[1] + "."
	require.Equal(t, 401, newBrowser(t).get(w.url+"/version", "Authorization", "Bearer "+unsigned).StatusCode)
	other, _ := spinToken(t, p, "other", "ines", "secret1").Extra("id_token").(string)
	foreign := newBrowser(t).get(w.url+"/version", "Authorization", "Bearer "+other)
	require.Equal(t, 401, foreign.StatusCode)
	require.Contains(t, foreign.body, "not for this Gate", "a token of another client of the same provider")
	require.Equal(t, 401, newBrowser(t).get(w.url+"/version", "Authorization", "Bearer "+mine.AccessToken).StatusCode, "opaque ones are off")
}

func TestOIDCRequirements(t *testing.T) {
	t.Parallel()
	w, _ := newOIDC(t, func(c *signin.OIDCConfig) {
		c.Requirements = []string{"email=/.*@example\\.org/"}
		c.Logout = true
	})
	b := person(t)
	refused := b.enter(b.get(w.url+"/login"), "ines", "secret1")
	require.Equal(t, 401, refused.StatusCode)
	require.Contains(t, refused.body, "its email is not what")
	require.Nil(t, b.whoami(w))
}

// TestOIDCWithoutDiscovery is OAuth 2 with addresses, as GitHub has it.
func TestOIDCWithoutDiscovery(t *testing.T) {
	t.Parallel()
	w, p := newOIDC(t, func(c *signin.OIDCConfig) {
		c.AuthURL, c.TokenURL, c.UserInfoURL = c.Issuer+"/auth", c.Issuer+"/oauth/token", c.Issuer+"/userinfo"
		c.Issuer = ""
		c.UsernameClaim = "preferred_username"
	})
	b := person(t)
	b.enter(b.get(w.url+"/login"), "omar", "secret2")
	require.Equal(t, "omar", b.whoami(w).Username)
	token := spinToken(t, p, "gate", "ines", "secret1").AccessToken
	require.Equal(t, "ines", newBrowser(t).whoami(w, "Authorization", "Bearer "+token).Username)
}
