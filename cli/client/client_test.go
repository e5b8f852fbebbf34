package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/pipeline"
)

// configFile writes a configuration file in which ENDPOINT is the server's.
func configFile(t *testing.T, endpoint, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "ENDPOINT", endpoint)), 0o600))
	return path
}

func TestConfigurationFile(t *testing.T) {
	t.Setenv("SPIN_PASSWORD", "from-the-environment")
	c, err := client.ReadConfig(configFile(t, "https://gate.example", `
gate:
  endpoint: ENDPOINT
  retryTimeout: 90
auth:
  enabled: true
  basic: {username: me, password: $SPIN_PASSWORD}
`))
	require.NoError(t, err)
	require.Equal(t, "https://gate.example", c.Gate.Endpoint)
	require.Equal(t, 90, c.Gate.RetryTimeout)
	require.Equal(t, "from-the-environment", c.Auth.Basic.Password)

	for name, tt := range map[string]struct{ text, want string }{
		"an unknown key":     {"gate: {endpont: x}", `the key "endpont" is not known`},
		"an unknown mode":    {"auth: {enabled: true, saml: {password: hush-hush}}", `the key "saml" is not known`},
		"no YAML":            {"gate: [\npassword: hush-hush", "not YAML"},
		"a wrong type":       {"auth: {basic: {password: [hush-hush]}}", "cannot be read"},
		"two modes":          {"auth: {enabled: true, basic: {username: a}, apiToken: {token: hush-hush}}", "basic and apiToken"},
		"a negative timeout": {"gate: {retryTimeout: -1}", "retryTimeout"},
	} {
		_, err := client.ReadConfig(configFile(t, "", tt.text))
		require.ErrorContains(t, err, tt.want, name)
		require.NotContains(t, err.Error(), "hush-hush", name)
	}
	_, err = client.ReadConfig(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist, "a file that is named must be there")
	t.Setenv("HOME", t.TempDir())
	_, err = client.ReadConfig("")
	require.NoError(t, err, "spin's own need not")
}

// gate is a server that tells what it was asked with.
func gate(t *testing.T, handle func(w http.ResponseWriter, r *http.Request)) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(handle))
	t.Cleanup(s.Close)
	return s
}

func TestWaysToSignIn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config string
		check  func(r *http.Request) bool
	}{
		"none":     {"gate: {endpoint: ENDPOINT}", func(r *http.Request) bool { return r.Header.Get("Authorization") == "" }},
		"disabled": {"auth: {enabled: false, basic: {username: me, password: pw}}", func(r *http.Request) bool { return r.Header.Get("Authorization") == "" }},
		"basic": {"auth: {enabled: true, basic: {username: me, password: pw}}", func(r *http.Request) bool {
			user, password, ok := r.BasicAuth()
			return ok && user == "me" && password == "pw"
		}},
		"a token":      {"auth: {enabled: true, apiToken: {token: spk_1}}", func(r *http.Request) bool { return r.Header.Get("X-Spinnaker-Token") == "spk_1" }},
		"an ID token":  {"auth: {enabled: true, iap: {iapIdToken: idt}}", func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer idt" }},
		"a login form": {"auth: {enabled: true, ldap: {username: me, password: pw}}", func(r *http.Request) bool { c, err := r.Cookie("SESSION"); return err == nil && c.Value == "s1" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := gate(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost && r.URL.Path == "/login" {
					if r.FormValue("username") != "me" || r.FormValue("password") != "pw" {
						w.Header().Set("Location", "/login?error")
					} else {
						http.SetCookie(w, &http.Cookie{Name: "SESSION", Value: "s1", Path: "/"})
						w.Header().Set("Location", "https://deck.example.invalid/")
					}
					w.WriteHeader(http.StatusFound)
					return
				}
				if !tt.check(r) || r.Header.Get("X-Team") != "sre" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				_, _ = io.WriteString(w, `{"ok":true}`)
			})
			c, err := client.Open(t.Context(), client.Options{Endpoint: s.URL, ConfigFile: configFile(t, s.URL, tt.config), Headers: map[string]string{"X-Team": "sre"}})
			require.NoError(t, err)
			answer, err := c.Get(t.Context(), "/version", nil)
			require.NoError(t, err)
			require.Equal(t, pipeline.Map{"ok": true}, answer)
		})
	}
	s := gate(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/login?error")
		w.WriteHeader(http.StatusFound)
	})
	_, err := client.Open(t.Context(), client.Options{Endpoint: s.URL, ConfigFile: configFile(t, s.URL, "auth: {enabled: true, ldap: {username: me, password: wrong}}")})
	require.ErrorContains(t, err, "refuses to sign me in")
	for want, config := range map[string]string{
		"apiToken in":                  "auth: {enabled: true, apiToken: {}}",
		"basic in":                     "auth: {enabled: true, basic: {}}",
		"x509 in":                      "auth: {enabled: true, x509: {certPath: a}}",
		"oauth2 in":                    "auth: {enabled: true, oauth2: {clientId: a}}",
		"gcloud auth":                  "auth: {enabled: true, iap: {oauthClientId: a}}",
		"names no key of a":            "auth: {enabled: true, google_service_account: {file: FILE}}",
		"iapClientId beside":           "auth: {enabled: true, iap: {serviceAccountKeyPath: FILE}}",
		"serviceAccountKeyPath in the": "auth: {enabled: true, iap: {serviceAccountKeyPath: FILE, iapClientId: x}}",
	} {
		other := configFile(t, "", "not a key")
		_, err := client.Open(t.Context(), client.Options{Endpoint: s.URL, ConfigFile: configFile(t, "", strings.ReplaceAll(config, "FILE", other))})
		require.ErrorContains(t, err, want)
	}
}

// What proves who asks goes to Gate alone, wherever it redirects to.
func TestSecretsStayWithGate(t *testing.T) {
	t.Parallel()
	var elsewhere http.Header
	other := gate(t, func(w http.ResponseWriter, r *http.Request) {
		elsewhere = r.Header.Clone()
		_, _ = io.WriteString(w, "{}")
	})
	s := gate(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/x", http.StatusFound)
	})
	c, err := client.Open(t.Context(), client.Options{
		Endpoint: s.URL, Headers: map[string]string{"X-Proxy-Key": "k"}, ConfigFile: configFile(t, "", "auth: {enabled: true, apiToken: {token: spk_1}}"),
	})
	require.NoError(t, err)
	_, err = c.Get(t.Context(), "/version", nil)
	require.NoError(t, err)
	require.NotNil(t, elsewhere)
	require.Empty(t, elsewhere.Get("X-Spinnaker-Token"))
	require.Empty(t, elsewhere.Get("X-Proxy-Key"))

	c, err = client.Open(t.Context(), client.Options{Endpoint: s.URL, IgnoreRedirects: true, ConfigFile: configFile(t, "", "{}")})
	require.NoError(t, err)
	_, err = c.Get(t.Context(), "/version", nil)
	require.ErrorContains(t, err, "gate answered 302")
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	s := gate(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.EscapedPath() {
		case "/applications/a%2Fb%20c":
			_, _ = io.WriteString(w, `{"name":"a/b c"}`)
		case "/refused":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"message":"It is invalid.","errors":[{"severity":"FATAL","message":"No id.","suggestion":"Add one."},"x"]}`)
		case "/page":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>Sign in</html>")
		case "/text":
			_, _ = io.WriteString(w, "hello")
		default:
			w.WriteHeader(http.StatusTeapot)
		}
	})
	c, err := client.Open(t.Context(), client.Options{Endpoint: s.URL + "/", ConfigFile: configFile(t, "", "{}")})
	require.NoError(t, err)
	m, err := c.Get(t.Context(), client.Path("applications", "a/b c"), nil)
	require.NoError(t, err)
	require.Equal(t, "a/b c", m.String("name"))
	_, err = c.Get(t.Context(), "/refused", nil)
	require.EqualError(t, err, "It is invalid.\n  FATAL No id. Add one.")
	_, err = c.Get(t.Context(), "/page", nil)
	require.ErrorContains(t, err, "page for browsers")
	_, err = c.Get(t.Context(), "/text", nil)
	require.ErrorContains(t, err, "no JSON object")
	_, err = c.Get(t.Context(), "/else", url.Values{"secret": {"hush"}})
	require.EqualError(t, err, "gate answered 418 I'm a teapot to GET /else")
	for _, address := range []string{"localhost:8084", "ftp://x", "http://", "http://x?y=z"} {
		_, err := client.Open(t.Context(), client.Options{Endpoint: address, ConfigFile: configFile(t, "", "{}")})
		require.ErrorContains(t, err, "not valid", address)
	}
	gone, err := client.Open(t.Context(), client.Options{Endpoint: "http://127.0.0.1:1", ConfigFile: configFile(t, "", "{}")})
	require.NoError(t, err)
	_, err = gone.Get(t.Context(), "/x", url.Values{"secret": {"hush"}})
	require.ErrorContains(t, err, "does not answer; --gate-endpoint names another")
	require.NotContains(t, err.Error(), "hush")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = gone.Get(ctx, "/x", nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestTasksAreWaitedFor(t *testing.T) {
	t.Parallel()
	answers := []string{
		`{"id":"T1","status":"RUNNING"}`,
		`{"id":"T1","status":"TERMINAL","variables":[{"key":"exception","value":{"details":{"errors":["The name is taken.","Choose another."]}}}]}`,
	}
	s := gate(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, `{"ref":"/tasks/T1"}`)
			return
		}
		_, _ = io.WriteString(w, answers[0])
		if len(answers) > 1 {
			answers = answers[1:]
		}
	})
	c, err := client.Open(t.Context(), client.Options{Endpoint: s.URL, ConfigFile: configFile(t, "", "{}"), RetryTimeout: time.Minute})
	require.NoError(t, err)
	require.EqualError(t, c.Run(t.Context(), "shop", "x", pipeline.Map{"type": "createApplication"}), "The name is taken.\nChoose another.")
	answers = []string{`{"id":"T1","status":"SUCCEEDED"}`}
	require.NoError(t, c.Run(t.Context(), "shop", "x", pipeline.Map{}))
	answers = []string{`{"id":"T1","status":"CANCELED"}`}
	require.EqualError(t, c.Run(t.Context(), "shop", "x", pipeline.Map{}), "task T1 ended CANCELED")
	answers = []string{`{"id":"T1","status":"RUNNING"}`}
	short, err := client.Open(t.Context(), client.Options{Endpoint: s.URL, ConfigFile: configFile(t, "", "{}"), RetryTimeout: time.Millisecond})
	require.NoError(t, err)
	require.ErrorContains(t, short.Run(t.Context(), "shop", "x", pipeline.Map{}), "has not ended within 1ms")
}

var errNone = errors.New("nobody is here")

// Who is not known is told where to say who one is.
func TestNobodyIsToldHowToSignIn(t *testing.T) {
	t.Parallel()
	s := gate(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"Unauthorized","status":401,"message":"Nobody is signed in."}`)
	})
	c, err := client.Open(t.Context(), client.Options{Endpoint: s.URL, ConfigFile: configFile(t, "", "{}")})
	require.NoError(t, err)
	_, err = c.Get(t.Context(), "/applications", nil)
	require.EqualError(t, err, "Nobody is signed in.\nTo sign in, configure auth in ~/.spin/config or the file that --cli-config names.")
}
