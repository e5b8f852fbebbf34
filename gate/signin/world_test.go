package signin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/redissessions"
	"github.com/gennaker/gennaker/fiat/s3tokens"
	"github.com/gennaker/gennaker/fiat/s3users"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/gate/signin"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
)

// deckURL is where Deck would be.
const deckURL = "http://deck.example:9000"

// world is a Gate that people sign in to, with real Redis and MinIO.
type world struct {
	t     *testing.T
	redis *testkit.RedisServer
	users *s3users.Store
	conn  *redis.Client
	url   string
	// handler is Gate's, server what listens at url.
	handler http.Handler
	server  *httptest.Server
	log     *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// conn is a way to Redis without more.
type conn struct{ client *redis.Client }

func (c conn) Do(ctx context.Context, fn func(context.Context, redis.UniversalClient) error) error {
	return fn(ctx, c.client)
}

// engine, executions and accounts know nothing; no test here gets as far.
type engine struct{ gate.Engine }
type executions struct{ gate.Executions }

// accounts knows one account.
type accounts struct{}

func (accounts) Accounts(context.Context) ([]gate.Account, error) {
	return []gate.Account{{Name: "prod"}}, nil
}

func (accounts) Account(context.Context, string) (gate.Account, error) {
	return gate.Account{Name: "prod"}, nil
}

func (accounts) Allows(context.Context, string, gate.Account, string) (bool, error) { return true, nil }

func (accounts) Health(context.Context, string) (gate.AccountHealth, error) {
	return gate.AccountHealth{}, nil
}

// newWorld starts a Gate whose address is known before change is called.
func newWorld(t *testing.T, change func(c *signin.Config, d *signin.Dependencies)) *world {
	t.Helper()
	w := &world{t: t, redis: testkit.Redis(t), log: &syncBuffer{}}
	server := testkit.SharedMinIO(t)
	bucket, err := objectstore.Client(t.Context(), objectstore.Config{
		Endpoint: server.Endpoint, Bucket: server.Bucket, AccessKey: reference(t, server.AccessKey), SecretKey: reference(t, server.SecretKey),
	})
	require.NoError(t, err)
	w.conn = redis.NewClient(&redis.Options{Addr: w.redis.Address, MaxRetries: -1})
	t.Cleanup(func() { _ = w.conn.Close() })
	w.users = s3users.New(bucket, server.Bucket, nil)
	log := slog.New(slog.NewJSONHandler(w.log, nil))
	store := redissessions.New(conn{w.conn}, time.Hour, 12*time.Hour, nil)
	tokens := s3tokens.New(bucket, server.Bucket, log, nil)
	t.Cleanup(func() { _ = tokens.Close() })

	w.server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(rw, r) }))
	w.url = "http://" + w.server.Listener.Addr().String()
	c := signin.DefaultConfig()
	c.PublicURL = w.url
	d := signin.Dependencies{Sessions: store, Failures: store, Tokens: tokens, Users: w.users, DeckURL: deckURL, Logger: log}
	change(&c, &d)
	s, err := signin.New(t.Context(), d, c)
	require.NoError(t, err)
	g := gate.DefaultConfig()
	g.DeckURL = deckURL
	api, err := gate.New(gate.Dependencies{
		Engine: engine{}, Front50: memstore.New(time.Now), Executions: executions{}, Accounts: accounts{}, SignIn: s, Version: "1.2.3", Logger: log,
	}, g)
	require.NoError(t, err)
	files := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "deck") })
	w.handler = gate.WithDeck(files, api.Handler())
	w.server.Start()
	t.Cleanup(w.server.Close)
	w.url += gate.APIPrefix
	return w
}

// reference writes a secret to a file.
func reference(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(secret), 0o600))
	return "file:" + path
}

// browser is a client that keeps cookies and follows redirects as far as Deck.
type browser struct {
	t      *testing.T
	client *http.Client
	// headers go with each request, in pairs.
	headers []string
}

// answer is a response that was read.
type answer struct {
	*http.Response
	body string
}

func newBrowser(t *testing.T, headers ...string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t: t, headers: headers, client: &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), deckURL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// person is a browser as people have them.
func person(t *testing.T) *browser {
	t.Helper()
	return newBrowser(t, "Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Mode", "navigate")
}

func (b *browser) do(method, address, body string, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(body))
	require.NoError(b.t, err)
	for _, list := range [][]string{b.headers, headers} {
		for i := 0; i+1 < len(list); i += 2 {
			r.Header.Set(list[i], list[i+1])
		}
	}
	response, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	return answer{Response: response, body: string(text)}
}

func (b *browser) get(address string, headers ...string) answer {
	b.t.Helper()
	return b.do("GET", address, "", headers...)
}

func (b *browser) form(address string, values url.Values, headers ...string) answer {
	b.t.Helper()
	return b.do("POST", address, values.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

// still does not follow redirects from now on.
func (b *browser) still() *browser {
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

// session is the cookie's value.
func (b *browser) session(address string) string {
	u, err := url.Parse(address)
	require.NoError(b.t, err)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "SESSION" {
			return c.Value
		}
	}
	return ""
}

// user is what clients read of /auth/user (reference: gate section 6).
type user struct {
	Email            string   `json:"email"`
	Username         string   `json:"username"`
	FirstName        string   `json:"firstName"`
	Roles            []string `json:"roles"`
	AllowedAccounts  []string `json:"allowedAccounts"`
	Authorities      []struct{ Authority string }
	CanMintAPITokens bool `json:"canMintApiTokens"`
	Enabled          bool `json:"enabled"`
}

// whoami asks who the caller is; nil is nobody.
func (b *browser) whoami(w *world, headers ...string) *user {
	b.t.Helper()
	a := b.get(w.url+"/auth/user", headers...)
	require.Equal(b.t, 200, a.StatusCode, a.body)
	if a.body == "" {
		return nil
	}
	var u user
	require.NoError(b.t, json.Unmarshal([]byte(a.body), &u))
	return &u
}

// usersFile writes a file of users whose passwords are their names with a "!".
func usersFile(t *testing.T, path string, users ...fiat.Principal) {
	t.Helper()
	var b strings.Builder
	b.WriteString("users:\n")
	for _, u := range users {
		hash, err := bcrypt.GenerateFromPassword([]byte(u.Name+"!"), 8)
		require.NoError(t, err)
		b.WriteString("- username: " + u.Name + "\n  password: " + string(hash) + "\n  roles: [" + strings.Join(u.Roles, ", ") + "]\n  email: " + u.Email + "\n")
	}
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 2*time.Minute, 100*time.Millisecond, what)
}
