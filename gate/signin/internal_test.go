package signin

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/gennaker/gennaker/fiat"
)

func TestConfigTagsSayWhatDefaultConfigDoes(t *testing.T) {
	t.Parallel()
	var c Config
	parser, err := kong.New(&c)
	require.NoError(t, err)
	_, err = parser.Parse(nil)
	require.NoError(t, err)
	require.Equal(t, DefaultConfig(), c)
	require.NoError(t, c.Validate())
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Config){
		"does not speak: use oidc":      func(c *Config) { c.Mode = "saml" },
		"use none, basic":               func(c *Config) { c.Mode = "kerberos" },
		"users-file":                    func(c *Config) { c.Mode = ModeBasic },
		"auth-public-url":               func(c *Config) { c.Mode = ModeOIDC },
		"auth-proxies is empty":         func(c *Config) { c.Mode = ModeHeader },
		"no address or network":         func(c *Config) { c.Proxies = []string{"x"} },
		"auth-iap-audience":             func(c *Config) { c.Mode = ModeIAP },
		"auth-x509-enabled":             func(c *Config) { c.Mode = ModeX509 },
		"one group":                     func(c *Config) { c.X509.SubjectRegex = "CN=.*" },
		"numbers with dots":             func(c *Config) { c.X509.RoleOID = "1.x" },
		"without auth-x509-role-oid":    func(c *Config) { c.X509.RequiredRoles = []string{"a"} },
		"lacks openid":                  func(c *Config) { c.Mode, c.OIDC.Issuer, c.OIDC.Scopes = ModeOIDC, "https://x", []string{"email"} },
		"write claim=text":              func(c *Config) { c.Mode, c.OIDC.Requirements = ModeOIDC, []string{"hd"} },
		"auth-session-idle":             func(c *Config) { c.Session.Idle = 0 },
		"auth-tokens-max-user-days":     func(c *Config) { c.Tokens.MaxUserDays = 0 },
		"all of auth-oidc-auth-url":     func(c *Config) { c.Mode = ModeOIDC },
		"use an absolute address such ": func(c *Config) { c.PublicURL = "/gate" },
	} {
		c := DefaultConfig()
		change(&c)
		require.ErrorContains(t, c.Validate(), want)
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	c := claims{"a": "x ", "roles": []any{"A", 3.0, "b"}, "csv": "a, b", "json": `["a","b"]`, "deep": map[string]any{"er": map[string]any{"roles": []any{"z"}}}, "dot.ted": "d", "n": 5.0, "t": true}
	require.Equal(t, "x", c.text("a"))
	require.Equal(t, "d", c.text("dot.ted"))
	require.Equal(t, []string{"z"}, c.roles("deep.er.roles"))
	require.Equal(t, []string{"A", "b"}, c.roles("roles"))
	require.Equal(t, []string{"a", "b"}, fiat.RolesOf(c.roles("csv")...))
	require.Equal(t, []string{"a", "b"}, c.roles("json"))
	require.Empty(t, c.roles("a.b.c"))
	require.Empty(t, c.roles(""))
	require.Equal(t, []string{"5"}, c.texts("n"))
	require.Equal(t, []string{"true"}, c.texts("t"))
}

func TestParseUsers(t *testing.T) {
	t.Parallel()
	hash, err := bcrypt.GenerateFromPassword([]byte("x"), 8)
	require.NoError(t, err)
	apache := strings.Replace(string(hash), "$2a$", "$2y$", 1) // as htpasswd writes it
	users, _, err := parseUsers([]byte("users: [{username: Ines, password: " + apache + "}]"))
	require.NoError(t, err)
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(users["ines"].Password), []byte("x")))
	for text, want := range map[string]string{
		"users: 3": "users: [{username", "users: [{username: a, password: secret}]": "no bcrypt hash", "users: [{password: x}]": "no user's name",
		"users: [{username: anonymous, password: x}]":                                                   "kept for callers",
		"users: [{username: a, password: " + strings.Replace(apache, "$08$", "$04$", 1):                 "",
		"users: [{username: a, password: '" + strings.Replace(apache, "$08$", "$04$", 1) + "'}]":        "cost 4",
		"users: [{username: a, password: '" + apache + "'}, {username: A, password: '" + apache + "'}]": "twice",
		"users: [{username: a, pasword: x}]":                                                            "pasword",
	} {
		_, _, err := parseUsers([]byte(text))
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), apache[10:])
		require.NotContains(t, err.Error(), "secret")
	}
}

func FuzzParseRoles(f *testing.F) {
	f.Add([]byte("\x0c\x05a\nb\nc"))
	f.Add([]byte("a\nb"))
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x05})
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, role := range parseRoles(value) {
			require.True(t, utf8.ValidString(role))
			require.Equal(t, fiat.Role(role), role)
			require.NotContains(t, role, "\n")
		}
	})
}

func FuzzCookie(f *testing.F) {
	f.Add("SESSION=" + strings.Repeat("A", 43))
	f.Add("SESSION=a; SESSION=b")
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{Header: http.Header{"Cookie": {header}}}
		if id, ok := cookie(r, sessionCookie); ok {
			require.Regexp(t, "^[A-Za-z0-9_-]{43}$", id)
		}
	})
}
