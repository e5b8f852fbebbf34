package gate

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRelative(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/gate", "/a/b"} {
		for _, path := range []string{"/", "/login", "/login/", "/auth/redirect", "/auth/user/serviceAccounts", "/pipelines/a%2Fb/x"} {
			out := httptest.NewRecorder()
			h := http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				Redirect(w, Relative(trimSlashes(r), "/login?to=%2Fx"))
			}))
			r := httptest.NewRequest("GET", "http://h"+prefix+path, http.NoBody)
			h.ServeHTTP(out, r)
			base, err := url.Parse("http://h" + prefix + path)
			require.NoError(t, err)
			to, err := base.Parse(out.Header().Get("Location"))
			require.NoError(t, err)
			require.Equal(t, "http://h"+prefix+"/login?to=%2Fx", to.String(), path)
		}
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"/", "/auth/redirect?to=http%3A%2F%2Fdeck%2F%23%2Fapplications", "/pipelines/a%2Fb"} {
		require.Equal(t, good, LocalPath(good))
	}
	for _, bad := range []string{"", "x", "//evil.example", "/\\evil.example", "https://evil.example", "/%5C%5Cevil.example", "/%2F%2Fevil.example", "/a b", "/a\nb", "/\t/evil.example", "javascript:alert(1)", "/" + strings.Repeat("x", 5000)} {
		require.Equal(t, "/", LocalPath(bad), bad)
	}
}

func TestLeadsToDeck(t *testing.T) {
	t.Parallel()
	c := newCORS(Config{DeckURL: "https://deck.example.com"})
	require.True(t, c.leadsToDeck("https://deck.example.com/#/applications"))
	require.True(t, c.leadsToDeck("https://deck.example.com:443/x"))
	for _, bad := range []string{"", "/x", "//deck.example.com", "http://deck.example.com/", "https://deck.example.com:9000/", "https://deck.example.com.evil.example/", "https://deck.example.com@evil.example/", "https://user@deck.example.com/", "https:deck.example.com", "javascript://deck.example.com/%0aalert(1)", "https://deck.example.com\\@evil.example", "https://evil.example#https://deck.example.com", " https://deck.example.com"} {
		require.False(t, c.leadsToDeck(bad), bad)
	}
	byHost := newCORS(Config{DeckURL: "https://deck.example.com", RedirectHostPattern: `.*\.example\.org`})
	require.True(t, byHost.leadsToDeck("https://deck.example.org/x"))
	require.False(t, byHost.leadsToDeck("https://deck.example.com/"))
}

func FuzzRedirectTargets(f *testing.F) {
	for _, seed := range []string{"/", "//x", "/\\x", "https://deck.example.com/#/a", "https://deck.example.com@x/", "https:///x", "/..//x", "/.//x"} {
		f.Add(seed)
	}
	c := newCORS(Config{DeckURL: "https://deck.example.com"})
	base, _ := url.Parse("https://gate.example.com/gate/login")
	f.Fuzz(func(t *testing.T, to string) {
		if c.leadsToDeck(to) {
			u, err := base.Parse(to)
			require.NoError(t, err)
			require.Equal(t, "https", u.Scheme)
			require.Equal(t, "deck.example.com", u.Hostname())
		}
		r := httptest.NewRequest("GET", "https://gate.example.com/login", http.NoBody)
		u, err := base.Parse(Relative(r, LocalPath(to)))
		require.NoError(t, err)
		require.Equal(t, "gate.example.com", u.Host, to)
		require.Equal(t, "https", u.Scheme)
	})
}
