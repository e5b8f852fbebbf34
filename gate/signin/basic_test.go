package signin_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/gate/signin"
)

func newBasic(t *testing.T) (*world, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.yaml")
	usersFile(t, path, fiat.Principal{Name: "ines", Roles: []string{"SRE", "minters"}, Email: "ines@example.com"}, fiat.Principal{Name: "omar"})
	return newWorld(t, func(c *signin.Config, _ *signin.Dependencies) {
		c.Mode = signin.ModeBasic
		c.Basic.UsersFile = path
		c.Tokens.Enabled = true
		c.Tokens.MintingRoles = []string{"Minters"}
	}), path
}

func TestSignInByForm(t *testing.T) {
	t.Parallel()
	w, path := newBasic(t)
	b := person(t)

	require.Nil(t, b.whoami(w), "nobody is signed in, and that is no error")
	api := newBrowser(t).get(w.url + "/version")
	require.Equal(t, 401, api.StatusCode)
	require.Contains(t, api.body, `"message":"Nobody is signed in`)
	require.Equal(t, `Basic realm="Gennaker", charset="UTF-8"`, api.Header.Get("WWW-Authenticate"))
	script := newBrowser(t, "Accept", "application/json", "Sec-Fetch-Mode", "cors").get(w.url + "/version")
	require.Equal(t, 401, script.StatusCode)
	require.Empty(t, script.Header.Get("WWW-Authenticate"), "a browser would ask for a password over Deck's page")

	// Deck sends people here (reference: gate section 8); they end where they were.
	page := b.get(w.url + "/auth/redirect?to=" + url.QueryEscape(deckURL+"/#/applications?q=a%20b"))
	require.Equal(t, 200, page.StatusCode)
	require.Contains(t, page.body, "<form method=\"post\">")
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "form-action 'self' "+deckURL)
	login := page.Request.URL.String()
	require.Contains(t, login, w.url+"/login?to=")

	wrong := b.form(login, url.Values{"username": {"ines"}, "password": {"nope"}})
	require.Equal(t, 401, wrong.StatusCode)
	require.Contains(t, wrong.body, "The user name or the password is wrong.")
	unknown := b.form(login, url.Values{"username": {"<b>nobody"}, "password": {"nope"}})
	require.Equal(t, 401, unknown.StatusCode)
	require.Contains(t, unknown.body, "The user name or the password is wrong.")
	require.NotContains(t, unknown.body, "<b>nobody")

	in := b.form(login, url.Values{"username": {"Ines"}, "password": {"ines!"}})
	require.Equal(t, 302, in.StatusCode)
	require.Equal(t, deckURL+"/#/applications?q=a%20b", in.Header.Get("Location"))
	me := b.whoami(w)
	require.Equal(t, "ines", me.Username)
	require.Equal(t, "ines@example.com", me.Email)
	require.Equal(t, []string{"minters", "sre"}, me.Roles)
	require.Equal(t, []string{"prod"}, me.AllowedAccounts)
	require.Equal(t, "minters", me.Authorities[0].Authority)
	require.True(t, me.CanMintAPITokens && me.Enabled)
	kept, err := w.users.User(t.Context(), "ines")
	require.NoError(t, err)
	require.Equal(t, []string{"minters", "sre"}, kept.Roles, "executions run on with them")
	require.Equal(t, 200, b.get(w.url+"/version").StatusCode)
	require.NotContains(t, w.log.String(), "ines!", "passwords are not logged")

	// The file tells at once; a broken one changes nothing.
	usersFile(t, path, fiat.Principal{Name: "ines", Roles: []string{"dev"}})
	eventually(t, "new roles", func() bool { return len(b.whoami(w).Roles) == 1 })
	eventually(t, "kept roles", func() bool {
		kept, err := w.users.User(t.Context(), "ines")
		return err == nil && len(kept.Roles) == 1
	})
	require.NoError(t, os.WriteFile(path, []byte("users: ["), 0o600))
	require.NotNil(t, b.whoami(w))
	usersFile(t, path, fiat.Principal{Name: "omar"})
	eventually(t, "a user who is gone is signed out", func() bool { return b.whoami(w) == nil })
}

func TestSessions(t *testing.T) {
	t.Parallel()
	w, _ := newBasic(t)
	b := person(t).still()
	fixed := strings.Repeat("A", 43)
	in := b.form(w.url+"/login", url.Values{"username": {"ines"}, "password": {"ines!"}}, "Cookie", "SESSION="+fixed)
	require.Equal(t, 302, in.StatusCode)
	require.Equal(t, "./", in.Header.Get("Location"), "the API's own root, whatever stands before it")
	set := in.Cookies()[0]
	require.Equal(t, "SESSION", set.Name)
	require.NotEqual(t, fixed, set.Value, "an ID that was there before is not taken over")
	require.True(t, set.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, set.SameSite)
	require.Equal(t, "/", set.Path)
	first := b.session(w.url)
	b.form(w.url+"/login", url.Values{"username": {"ines"}, "password": {"ines!"}})
	require.NotEqual(t, first, b.session(w.url))
	require.Nil(t, newBrowser(t).whoami(w, "Cookie", "SESSION="+first), "the session before ends")

	// A page elsewhere cannot use a session; clients that are no browsers can.
	post := func(headers ...string) int {
		return b.do("POST", w.url+"/auth/roles/sync", "", headers...).StatusCode
	}
	require.Equal(t, 200, post())
	require.Equal(t, 200, post("Origin", deckURL, "Sec-Fetch-Site", "cross-site"))
	require.Equal(t, 200, post("Origin", strings.TrimSuffix(w.url, "/gate"), "Sec-Fetch-Site", "same-origin"))
	require.Equal(t, 200, post("Sec-Fetch-Site", "same-origin"))
	require.Equal(t, 403, post("Origin", "https://evil.example"))
	require.Equal(t, 403, post("Origin", "null"))
	require.Equal(t, 403, post("Sec-Fetch-Site", "cross-site"))
	require.Equal(t, 403, person(t).form(w.url+"/login", url.Values{"username": {"omar"}, "password": {"omar!"}}, "Origin", "https://evil.example").StatusCode,
		"nor sign people in as somebody else")
	require.Equal(t, 403, newBrowser(t).do("POST", w.url+"/auth/roles/sync", "", "Origin", "https://tool.example", "Authorization", basic("ines", "ines!")).StatusCode,
		"a browser that knows a password sends it by itself")
	require.Equal(t, 200, newBrowser(t).do("POST", w.url+"/auth/roles/sync", "", "Authorization", basic("ines", "ines!")).StatusCode)

	out := b.get(w.url + "/auth/logout")
	require.Equal(t, 302, out.StatusCode)
	require.Equal(t, "../auth/loggedOut", out.Header.Get("Location"))
	require.Empty(t, b.session(w.url))
	require.Nil(t, b.whoami(w))
	require.Equal(t, 200, b.get(w.url+"/auth/loggedOut").StatusCode)

	// spin in mode ldap and basic: a form, a redirect to the root, then the cookie.
	spin := newBrowser(t, "Accept", "*/*")
	require.Equal(t, 200, spin.form(w.url+"/login", url.Values{"username": {"omar"}, "password": {"omar!"}}).StatusCode)
	require.Equal(t, "omar", spin.whoami(w).Username)
	require.Equal(t, 200, spin.do("POST", w.url+"/auth/deleteSessionCache", "").StatusCode)
	require.Nil(t, spin.whoami(w))

	// Redis is gone: whoever has a cookie is told, all others work.
	require.Equal(t, 200, spin.form(w.url+"/login", url.Values{"username": {"omar"}, "password": {"omar!"}}).StatusCode)
	w.redis.Kill()
	gone := spin.get(w.url + "/version")
	require.Equal(t, 503, gone.StatusCode)
	require.Contains(t, gone.body, "Redis does not answer")
	require.Equal(t, 503, spin.get(w.url+"/auth/user").StatusCode)
	require.Equal(t, 503, newBrowser(t).form(w.url+"/login", url.Values{"username": {"omar"}, "password": {"omar!"}}).StatusCode)
	require.Equal(t, 200, newBrowser(t).get(w.url+"/version", "Authorization", basic("omar", "omar!")).StatusCode)
	require.Equal(t, 200, spin.get(w.url+"/health").StatusCode)
}

func TestWrongPasswordsAreSlow(t *testing.T) {
	t.Parallel()
	w, _ := newBasic(t)
	b := newBrowser(t)
	try := func(user, password string) answer {
		return b.get(w.url+"/version", "Authorization", basic(user, password))
	}
	require.Equal(t, 200, try("omar", "omar!").StatusCode)
	refused := 0
	for range 40 {
		a := try("ines", "wrong")
		if a.StatusCode == 429 {
			refused++
			require.NotEmpty(t, a.Header.Get("Retry-After"))
			continue
		}
		require.Equal(t, 401, a.StatusCode)
	}
	require.Positive(t, refused)
	require.LessOrEqual(t, 40-refused, 20, "most were not even tried")
	require.Equal(t, 429, try("Ines", "ines!").StatusCode, "not even the right one, which would tell that it is")
	n, err := w.conn.Keys(t.Context(), "gennaker:signin:blocked:*").Result()
	require.NoError(t, err)
	require.NotEmpty(t, n, "other processes know too")
	require.Equal(t, 200, try("omar", "omar!").StatusCode, "others are not concerned")
}

func TestAPITokens(t *testing.T) {
	t.Parallel()
	w, _ := newBasic(t)
	ines, omar := newBrowser(t, "Authorization", basic("ines", "ines!")), newBrowser(t, "Authorization", basic("omar", "omar!"))
	create := func(b *browser, body string) answer {
		return b.do("POST", w.url+"/auth/apiTokens", body, "Content-Type", "application/json")
	}
	require.Equal(t, 403, create(omar, `{"name":"ci"}`).StatusCode)
	for _, bad := range []string{
		`{}`, `{"name":" "}`, `{"name":"` + strings.Repeat("x", 65) + `"}`, `{"name":"a\u0007"}`, `{"name":"ci","scopes":["ADMIN"]}`, `{"name":"ci","scopes":[3]}`,
		`{"name":"ci","principalType":"GROUP"}`, `{"name":"ci","principalId":"omar"}`, `{"name":"ci","expiresAt":"tomorrow"}`,
		`{"name":"ci","expiresAt":"2020-01-01T00:00:00Z"}`, `{"name":"ci","expiresAt":"` + time.Now().AddDate(0, 0, 91).Format(time.RFC3339) + `"}`,
	} {
		require.Equal(t, 400, create(ines, bad).StatusCode, bad)
	}
	require.Equal(t, 403, create(ines, `{"name":"ci","principalType":"SERVICE_ACCOUNT","principalId":"bot"}`).StatusCode)

	made := create(ines, `{"name":"ci","scopes":["EXECUTE","READ","READ"]}`)
	require.Equal(t, 201, made.StatusCode, made.body)
	var token struct {
		ID, Name, PrincipalType, PrincipalID, CreatedByUserID, CreatedAt, ExpiresAt, Token string
		Scopes                                                                             []string
	}
	require.NoError(t, json.Unmarshal([]byte(made.body), &token))
	require.Regexp(t, "^spk_", token.Token)
	require.Equal(t, []string{"READ", "EXECUTE"}, token.Scopes)
	ends, err := time.Parse(time.RFC3339, token.ExpiresAt)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().AddDate(0, 0, 90), ends, 26*time.Hour)
	require.Equal(t, 409, create(ines, `{"name":"CI"}`).StatusCode)
	require.NotContains(t, w.log.String(), token.Token)

	for _, headers := range [][]string{{"X-Spinnaker-Token", token.Token}, {"Authorization", "Bearer " + token.Token}} {
		b := newBrowser(t)
		require.Equal(t, "ines", b.whoami(w, headers...).Username)
		require.False(t, b.whoami(w, headers...).CanMintAPITokens)
		require.Equal(t, 200, b.get(w.url+"/version", headers...).StatusCode)
		require.Equal(t, 403, create(&browser{t: t, client: b.client, headers: headers}, `{"name":"more"}`).StatusCode, "a token makes no tokens")
		require.Empty(t, b.session(w.url), "a token makes no session")
	}
	require.Equal(t, 401, ines.get(w.url+"/version", "X-Spinnaker-Token", token.Token+"x").StatusCode, "a wrong token is not passed over")
	list := ines.get(w.url + "/auth/apiTokens")
	require.Equal(t, 200, list.StatusCode)
	require.Contains(t, list.body, `"name":"ci"`)
	require.NotContains(t, list.body, "token\":")
	require.NotContains(t, list.body, "hash")
	require.Equal(t, "[]", omar.get(w.url+"/auth/apiTokens").body)

	require.Equal(t, 403, omar.do("DELETE", w.url+"/auth/apiTokens/"+token.ID, "").StatusCode)
	require.Equal(t, 404, ines.do("DELETE", w.url+"/auth/apiTokens/..%2F..%2Fusers%2Fines", "").StatusCode)
	require.Equal(t, 204, ines.do("DELETE", w.url+"/auth/apiTokens/"+token.ID, "").StatusCode)
	require.Equal(t, 401, newBrowser(t).get(w.url+"/version", "X-Spinnaker-Token", token.Token).StatusCode)
	require.Equal(t, 404, ines.do("DELETE", w.url+"/auth/apiTokens/"+token.ID, "").StatusCode)
	w.redis.Kill()
	made = create(ines, `{"name":"again"}`)
	require.Equal(t, 201, made.StatusCode, "%s: tokens need no Redis", made.body)
}

// TestTokensEndWithTheirUsers: who is gone from the file, or has other roles there, is
// so for API tokens too.
func TestTokensEndWithTheirUsers(t *testing.T) {
	t.Parallel()
	w, path := newBasic(t)
	made := newBrowser(t, "Authorization", basic("ines", "ines!")).do("POST", w.url+"/auth/apiTokens", `{"name":"ci"}`, "Content-Type", "application/json")
	require.Equal(t, 201, made.StatusCode, made.body)
	var token struct{ Token string }
	require.NoError(t, json.Unmarshal([]byte(made.body), &token))
	shown := newBrowser(t, "X-Spinnaker-Token", token.Token)
	require.Equal(t, 200, shown.get(w.url+"/version").StatusCode)

	usersFile(t, path, fiat.Principal{Name: "ines", Roles: []string{"guests"}}, fiat.Principal{Name: "omar"})
	eventually(t, "the token's user has the roles of now", func() bool {
		require.Equal(t, 200, shown.get(w.url+"/version").StatusCode)
		u, err := w.users.User(t.Context(), "ines")
		return err == nil && slices.Equal(u.Roles, []string{"guests"})
	})
	usersFile(t, path, fiat.Principal{Name: "omar"})
	eventually(t, "the token's user is gone", func() bool { return shown.get(w.url+"/version").StatusCode == 401 })
}

// TestPasswordsOfBrowsersAreNotForOtherPages: a browser sends what it knows with
// whatever any page asks for.
func TestPasswordsOfBrowsersAreNotForOtherPages(t *testing.T) {
	t.Parallel()
	w, _ := newBasic(t)
	b := newBrowser(t, "Authorization", basic("ines", "ines!"), "Content-Type", "application/json")
	require.Equal(t, 403, b.do("POST", w.url+"/auth/apiTokens", `{"name":"a"}`, "Origin", "https://evil.example").StatusCode)
	require.Equal(t, 403, b.do("POST", w.url+"/auth/apiTokens", `{"name":"a"}`, "Sec-Fetch-Site", "cross-site").StatusCode)
	require.Equal(t, 201, b.do("POST", w.url+"/auth/apiTokens", `{"name":"a"}`, "Origin", deckURL).StatusCode)
}

func basic(user, password string) string {
	r, _ := http.NewRequest("GET", "/", http.NoBody)
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}
