package outbound_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

func TestSession(t *testing.T) {
	t.Parallel()
	var seen http.Header
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		_, _ = io.WriteString(w, "other")
	})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, at(other, "other.example", "/"), http.StatusFound)
		case "/inside":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		default:
			_, _ = io.WriteString(w, strings.Repeat("x", 100))
		}
	})
	client := newClient(t, allowing("git.example", "other.example"), names{"git.example": always("127.0.0.1"), "other.example": always("127.0.0.1"), "hidden.example": always("127.0.0.1")})
	do := func(t *testing.T, session *outbound.Session, u string) (string, error) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
		require.NoError(t, err)
		r.SetBasicAuth("user", "secret")
		r.Header.Set("X-Token", "secret")
		answer, err := session.Do(r)
		if err != nil {
			return "", err
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		return string(body), err
	}

	t.Run("another origin learns nothing", func(t *testing.T) {
		body, err := do(t, client.HTTP(outbound.Limits{}), at(s, "git.example", "/away"))
		require.NoError(t, err)
		require.Equal(t, "other", body)
		require.Empty(t, seen.Get("Authorization"))
		require.Empty(t, seen.Get("X-Token"))
		require.Equal(t, "gennaker", seen.Get("User-Agent"))
	})
	for name, tt := range map[string]struct {
		url    string
		limits outbound.Limits
		code   pipeline.Code
		words  string
	}{
		"a private host":           {at(s, "hidden.example", "/"), outbound.Limits{}, pipeline.CodeInvalid, "Host not allowed"},
		"a redirect to a private":  {at(s, "git.example", "/inside"), outbound.Limits{}, pipeline.CodeInvalid, "link-local"},
		"redirects without end":    {at(s, "git.example", "/round"), outbound.Limits{}, pipeline.CodeFailed, "more than 5 times"},
		"too much":                 {at(s, "git.example", "/"), outbound.Limits{MaxBytes: 99}, pipeline.CodeTooLarge, "over 99 bytes"},
		"another scheme":           {"ftp://git.example/", outbound.Limits{}, pipeline.CodeInvalid, "unsupported URI scheme"},
		"refused by its own check": {at(s, "git.example", "/"), outbound.Limits{Check: func(*url.URL) error { return pipeline.Errorf(pipeline.CodeForbidden, "No.") }}, pipeline.CodeInvalid, "No."},
	} {
		t.Run(name, func(t *testing.T) {
			session := client.HTTP(tt.limits)
			_, err := do(t, session, tt.url)
			require.Error(t, err)
			if session.Err() != nil { // a redirect's refusal is the library's own
				err = session.Err()
			}
			require.Equal(t, tt.code, pipeline.CodeOf(err), err)
			require.Contains(t, pipeline.MessageOf(err), tt.words)
		})
	}
	t.Run("several answers share a bound", func(t *testing.T) {
		session := client.HTTP(outbound.Limits{MaxBytes: 250})
		for range 2 {
			_, err := do(t, session, at(s, "git.example", "/"))
			require.NoError(t, err)
		}
		_, err := do(t, session, at(s, "git.example", "/"))
		require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err))
	})
	t.Run("a configured server is no foreign one", func(t *testing.T) {
		body, err := do(t, client.Allowing("hidden.example").HTTP(outbound.Limits{}), at(s, "hidden.example", "/"))
		require.NoError(t, err)
		require.Len(t, body, 100)
		_, err = do(t, client.HTTP(outbound.Limits{}), at(s, "hidden.example", "/"))
		require.Error(t, err, "the client itself did not change")
		_, err = do(t, client.Allowing("10.0.0.1").HTTP(outbound.Limits{}), s.URL)
		require.Error(t, err, "an address allows itself alone")
	})
}

func TestDial(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	address := strings.TrimPrefix(s.URL, "http://")
	_, err := newClient(t, config(), nil).Dial(t.Context(), address)
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), err)
	connection, err := newClient(t, allowing("127.0.0.1"), nil).Dial(t.Context(), address)
	require.NoError(t, err)
	require.NoError(t, connection.Close())
}
