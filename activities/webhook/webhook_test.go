package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/webhook"
	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

var scope = activities.Scope{Application: "shop", Execution: "01EXEC", Stage: "01STAGE", Task: "createWebhook", User: "ines"}

// receiver is a server that keeps what it got.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	got  []*http.Request
	body []string
}

func listen(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.got = append(r.got, q)
		r.body = append(r.body, string(body))
		r.mu.Unlock()
		if answer != nil {
			answer(w, q)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) last() (*http.Request, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) == 0 {
		return nil, ""
	}
	return r.got[len(r.got)-1], r.body[len(r.body)-1]
}

func outgoing(allowed ...string) outbound.Config {
	return outbound.Config{
		Allowed: allowed, ConnectTimeout: 5 * time.Second, Timeout: 10 * time.Second, MaxRedirects: 5, MaxResponse: 1 << 20, MaxHeader: 64 << 10, UserAgent: "gennaker",
	}
}

// nobodyKnown is a resolver that knows no name.
type nobodyKnown struct{}

func (nobodyKnown) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// room is the room behind its contract, with errors as workflows get them.
type room struct {
	t   *testing.T
	env *testsuite.TestActivityEnvironment
}

func newRoom(t *testing.T, out outbound.Config, c webhook.Config) room {
	t.Helper()
	client, err := outbound.New(out, nobodyKnown{})
	require.NoError(t, err)
	if c.MaxResponse == 0 {
		c.MaxResponse = 1 << 16
	}
	w, err := webhook.New(client, c)
	require.NoError(t, err)
	suite := &testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	activities.RegisterWebhook(env, w)
	return room{t, env}
}

func (r room) do(call activities.Call[activities.CallWebhookInput, activities.CallWebhookOutput], in activities.CallWebhookInput) (activities.CallWebhookOutput, error) {
	r.t.Helper()
	in.Scope = scope
	value, err := r.env.ExecuteActivity(call.Name, in)
	if err != nil {
		return activities.CallWebhookOutput{}, activities.FromTemporal(err)
	}
	var out activities.CallWebhookOutput
	require.NoError(r.t, value.Get(&out))
	return out, nil
}

func (r room) call(in activities.CallWebhookInput) (activities.CallWebhookOutput, error) {
	r.t.Helper()
	return r.do(activities.CallWebhook, in)
}

func TestCall(t *testing.T) {
	t.Parallel()
	s := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Add("X-Many", "one")
		w.Header().Add("X-Many", "two")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id": 7, "ratio": 5.0}`)
	})
	out, err := newRoom(t, outgoing("127.0.0.1"), webhook.Config{}).call(activities.CallWebhookInput{
		URL: s.URL + "/hooks?x=1", Headers: map[string][]string{"x-mine": {"a", "b"}, "X-SPINNAKER-USER": {"root"}},
		Payload: activities.JSON{Value: map[string]any{"n": int64(1), "f": 1.0, "text": "<&>"}},
	})
	require.NoError(t, err)
	require.Nil(t, out.Failure)
	require.Equal(t, http.StatusAccepted, out.StatusCode)
	require.Equal(t, "one", out.Headers["X-Many"])
	require.Equal(t, map[string]any{"id": int64(7), "ratio": 5.0}, out.Body.Value)
	got, body := s.last()
	require.Equal(t, http.MethodPost, got.Method)
	require.Equal(t, "/hooks?x=1", got.URL.String())
	require.Equal(t, []string{"a", "b"}, got.Header.Values("X-Mine"))
	require.Empty(t, got.Header.Values("X-Spinnaker-User"), "receivers must be able to trust it")
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.Equal(t, `{"f":1.0,"n":1,"text":"<&>"}`, body)
	require.Equal(t, scope.Key(), got.Header.Get("Idempotency-Key"))
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	s := listen(t, nil)
	room := newRoom(t, outgoing("127.0.0.1"), webhook.Config{})
	for name, tt := range map[string]struct {
		method, contentType string
		payload             any
		wantType, want      string
	}{
		"object":         {"put", "", map[string]any{"a": int64(1)}, "application/json", `{"a":1}`},
		"list":           {"PATCH", "", []any{int64(1), "x"}, "application/json", `[1,"x"]`},
		"number":         {"POST", "", int64(5), "application/json", `5`},
		"own type":       {"POST", "application/vnd.x+json", map[string]any{}, "application/vnd.x+json", `{}`},
		"text":           {"POST", "", "hällo", "text/plain;charset=UTF-8", "hällo"},
		"JSON as text":   {"POST", "application/json", `{"a": 1}`, "application/json", `{"a": 1}`},
		"form":           {"POST", "application/x-www-form-urlencoded; charset=utf-8", map[string]any{"b": int64(2), "a": "x y", "c": nil}, "application/x-www-form-urlencoded; charset=utf-8", "a=x+y&b=2&c="},
		"nothing":        {"POST", "", nil, "", ""},
		"GET":            {"GET", "", map[string]any{}, "", ""},
		"HEAD":           {"HEAD", "", "x", "", ""},
		"DELETE":         {"DELETE", "", map[string]any{"a": true}, "application/json", `{"a":true}`},
		"list as a form": {"POST", "application/x-www-form-urlencoded", []any{}, "application/x-www-form-urlencoded", `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			in := activities.CallWebhookInput{Method: tt.method, URL: s.URL, Payload: activities.JSON{Value: tt.payload}}
			if tt.contentType != "" {
				in.Headers = map[string][]string{"content-type": {tt.contentType}}
			}
			_, err := room.call(in)
			require.NoError(t, err)
			got, body := s.last()
			require.Equal(t, strings.ToUpper(tt.method), got.Method)
			require.Equal(t, tt.wantType, got.Header.Get("Content-Type"))
			require.Equal(t, tt.want, body)
			require.Equal(t, got.Method != "GET" && got.Method != "HEAD", got.Header.Get("Idempotency-Key") != "")
		})
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status     int
		kind, body string
		want       any
	}{
		"JSON":                {200, "application/json", ` {"a":[1]} `, map[string]any{"a": []any{int64(1)}}},
		"JSON text":           {200, "application/json", `"x"`, "x"},
		"JSON of a kind":      {201, "application/vnd.ci+json", `[1]`, []any{int64(1)}},
		"no JSON after all":   {200, "application/json", `{"a"`, `{"a"`},
		"JSON called text":    {200, "text/plain", `{"a":1}`, `{"a":1}`},
		"HTML":                {200, "text/html", `<html></html>`, `<html></html>`},
		"empty":               {204, "", ``, nil},
		"failure in JSON":     {400, "text/plain", `{"key" : {"subkey" : "subval"}}`, map[string]any{"key": map[string]any{"subkey": "subval"}}},
		"failure in a list":   {503, "text/plain", `["1", {"k": "v"}, 2]`, []any{"1", map[string]any{"k": "v"}, int64(2)}},
		"failure in bad JSON": {400, "application/json", `{"bad json":`, `{"bad json":`},
		"failure in a word":   {400, "application/json", `true`, `true`},
		"not UTF-8":           {200, "text/plain", "a\xffb", "a\ufffdb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := listen(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			out, err := newRoom(t, outgoing("127.0.0.1"), webhook.Config{}).call(activities.CallWebhookInput{URL: s.URL})
			require.NoError(t, err)
			require.Equal(t, tt.status, out.StatusCode)
			require.Equal(t, tt.want, out.Body.Value)
		})
	}
}

func TestPoll(t *testing.T) {
	t.Parallel()
	s := listen(t, nil)
	out, err := newRoom(t, outgoing("127.0.0.1"), webhook.Config{}).do(activities.PollWebhook, activities.CallWebhookInput{
		Method: "DELETE", URL: s.URL, Payload: activities.JSON{Value: "x"}, Headers: map[string][]string{"A": {"b"}},
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, out.StatusCode)
	got, body := s.last()
	require.Equal(t, http.MethodGet, got.Method)
	require.Equal(t, "b", got.Header.Get("A"))
	require.Empty(t, body)
	require.Empty(t, got.Header.Get("Idempotency-Key"))
}

// A network that fails is an answer, with what the stage needs to decide.
func TestFailures(t *testing.T) {
	t.Parallel()
	hang := listen(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	broken := listen(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	closed := httptest.NewServer(nil)
	closed.Close()
	hasty := outgoing("127.0.0.1")
	hasty.Timeout = 200 * time.Millisecond
	config := webhook.Config{AllowedRequests: []webhook.AllowedRequest{{HTTPMethods: []string{"PUT"}, URLPrefix: hang.URL, SafeToRetry: true}}}
	for name, tt := range map[string]struct {
		method, url string
		want        activities.WebhookFailure
		words       string
	}{
		"late":         {"POST", hang.URL, activities.WebhookFailure{TimedOut: true, Sent: true}, "did not answer whole within 200ms"},
		"late, safe":   {"PUT", hang.URL, activities.WebhookFailure{TimedOut: true, Sent: true, SafeToRetry: true}, "did not answer"},
		"broken":       {"POST", broken.URL, activities.WebhookFailure{Sent: true}, "broke before its answer was whole"},
		"nobody there": {"POST", closed.URL, activities.WebhookFailure{}, "connection refused"},
		"no such host": {"POST", "http://nowhere.invalid/", activities.WebhookFailure{UnknownHost: true}, "cannot be resolved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := newRoom(t, hasty, config).call(activities.CallWebhookInput{Method: tt.method, URL: tt.url})
			require.NoError(t, err)
			require.NotNil(t, out.Failure)
			require.Contains(t, out.Failure.Message, tt.words)
			out.Failure.Message = ""
			require.Equal(t, tt.want, *out.Failure)
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/big" {
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<16+1))
		}
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}
	})
	restricted := webhook.Config{AllowedRequestsEnabled: true, AllowedRequests: []webhook.AllowedRequest{
		{HTTPMethods: []string{"GET"}, URLPattern: `http://127\.0\.0\.1:\d+/(a|away|user)`},
		{HTTPMethods: []string{"POST"}, URLPrefix: s.URL + "/hooks/"},
	}}
	for name, tt := range map[string]struct {
		out    outbound.Config
		config webhook.Config
		in     activities.CallWebhookInput
		code   pipeline.Code
		words  string
	}{
		"private address": {outgoing(), webhook.Config{}, activities.CallWebhookInput{URL: s.URL}, pipeline.CodeInvalid, "outbound-allowed"},
		"method":          {outgoing("127.0.0.1"), webhook.Config{}, activities.CallWebhookInput{URL: s.URL, Method: "BREW"}, pipeline.CodeInvalid, `"BREW" is none`},
		"scheme":          {outgoing("127.0.0.1"), webhook.Config{}, activities.CallWebhookInput{URL: "wrong://a.example"}, pipeline.CodeInvalid, "neither http nor https"},
		"header":          {outgoing("127.0.0.1"), webhook.Config{}, activities.CallWebhookInput{URL: s.URL, Headers: map[string][]string{"A": {"b\nC: d"}}}, pipeline.CodeInvalid, "line ends"},
		"big answer":      {outgoing("127.0.0.1"), webhook.Config{}, activities.CallWebhookInput{URL: s.URL + "/big"}, pipeline.CodeTooLarge, "webhook-max-response"},
		"account":         {outgoing("127.0.0.1"), webhook.Config{}, activities.CallWebhookInput{URL: s.URL, Account: "ci"}, pipeline.CodeInvalid, "'ci' does not exist: known are none"},
		"restricted":      {outgoing("127.0.0.1"), restricted, activities.CallWebhookInput{URL: s.URL + "/other?token=hunter2", Method: "GET"}, pipeline.CodeInvalid, "http method 'GET', uri: '" + s.URL + "/other' not allowed"},
		"other method":    {outgoing("127.0.0.1"), restricted, activities.CallWebhookInput{URL: s.URL + "/a"}, pipeline.CodeInvalid, "http method 'POST'"},
		"whole pattern":   {outgoing("127.0.0.1"), restricted, activities.CallWebhookInput{URL: s.URL + "/a/b", Method: "GET"}, pipeline.CodeInvalid, "not allowed"},
		"redirect":        {outgoing("127.0.0.1"), restricted, activities.CallWebhookInput{URL: s.URL + "/away", Method: "GET"}, pipeline.CodeInvalid, "/elsewhere' not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newRoom(t, tt.out, tt.config).call(tt.in)
			require.Equal(t, tt.code, pipeline.CodeOf(err), err)
			require.Contains(t, pipeline.MessageOf(err), tt.words)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	for path, method := range map[string]string{"/a": "GET", "/hooks/x": "POST"} {
		out, err := newRoom(t, outgoing("127.0.0.1"), restricted).call(activities.CallWebhookInput{URL: s.URL + path, Method: method})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, out.StatusCode)
	}
}

// Credentials come from configuration, reach only their hosts, and never come
// back.
func TestCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	reference := func(name, secret string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
		return "file:" + file
	}
	s := listen(t, nil)
	config := webhook.Config{
		Accounts: []webhook.Account{
			{Name: "token", Hosts: []string{"127.0.0.1"}, Header: &webhook.HeaderCredentials{Name: "Authorization", Prefix: "Bearer ", Value: reference("token", "s3cret")}},
			{Name: "basic", Hosts: []string{"127.0.0.1"}, Basic: &webhook.BasicCredentials{Username: "gennaker", Password: reference("password", "pa:ss")}},
			{Name: "signed", Hosts: []string{"127.0.0.1"}, HMAC: &webhook.HMACCredentials{Secret: reference("key", "k3y")}},
			{Name: "own header", Hosts: []string{"127.0.0.1"}, HMAC: &webhook.HMACCredentials{Secret: reference("key", "k3y"), Header: "X-Sig"}},
			{Name: "elsewhere", Hosts: []string{"*.corp.example"}, Header: &webhook.HeaderCredentials{Name: "A", Value: reference("a", "b")}},
			{Name: "lost", Hosts: []string{"127.0.0.1"}, Header: &webhook.HeaderCredentials{Name: "A", Value: "file:" + filepath.Join(dir, "absent")}},
		},
		Preconfigured: []pipeline.PreconfiguredWebhook{
			{"type": "own", "url": s.URL, "sensitiveHeaders": map[string]any{"x-token": reference("own", "0wn"), "X-Spinnaker-User": reference("u", "root"), "X-None": []any{}}},
			{"type": "far", "url": "https://far.example/", "sensitiveHeaders": map[string]any{"X-Token": reference("far", "f4r")}},
		},
	}
	room := newRoom(t, outgoing("127.0.0.1"), config)
	send := func(account, preconfigured string) http.Header {
		t.Helper()
		out, err := room.call(activities.CallWebhookInput{
			URL: s.URL, Account: account, Preconfigured: preconfigured, Payload: activities.JSON{Value: map[string]any{"a": int64(1)}},
			Headers: map[string][]string{"Authorization": {"stage's own"}, "X-Token": {"stage's own"}},
		})
		require.NoError(t, err)
		require.Nil(t, out.Failure)
		got, _ := s.last()
		return got.Header
	}
	require.Equal(t, "Bearer s3cret", send("token", "").Get("Authorization"))
	require.Equal(t, "Basic Z2VubmFrZXI6cGE6c3M=", send("basic", "").Get("Authorization"))
	mac := hmac.New(sha256.New, []byte("k3y"))
	_, _ = mac.Write([]byte(`{"a":1}`))
	signature := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	require.Equal(t, signature, send("signed", "").Get("X-Hub-Signature-256"))
	require.Equal(t, signature, send("own header", "").Get("X-Sig"))
	require.Equal(t, []string{"0wn"}, send("", "own").Values("X-Token"))
	require.Empty(t, send("", "own").Get("X-Spinnaker-User"))
	require.Equal(t, []string{"stage's own"}, send("", "far").Values("X-Token"), "the header is for another host")

	_, err := room.call(activities.CallWebhookInput{URL: s.URL, Account: "elsewhere"})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	require.Contains(t, pipeline.MessageOf(err), "only to *.corp.example")
	_, err = room.call(activities.CallWebhookInput{URL: s.URL, Account: "nobody"})
	require.Contains(t, pipeline.MessageOf(err), "known are basic, elsewhere, lost, own header, signed, token")
	for _, in := range []activities.CallWebhookInput{{URL: s.URL, Account: "lost"}, {URL: s.URL, Preconfigured: "gone"}} {
		out, err := room.call(in)
		require.NoError(t, err)
		require.False(t, out.Failure.Sent, "the configuration may be put right while the stage waits")
		require.NotContains(t, out.Failure.Message, "absent")
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	t.Parallel()
	client, err := outbound.New(outgoing(), nil)
	require.NoError(t, err)
	header := &webhook.HeaderCredentials{Name: "A", Value: "env:A"}
	for want, c := range map[string]webhook.Config{
		"webhook-max-response is 0":        {},
		"accounts[0] needs a name":         {MaxResponse: 1, Accounts: []webhook.Account{{Hosts: []string{"a"}, Header: header}}},
		"accounts[1] needs a name":         {MaxResponse: 1, Accounts: []webhook.Account{{Name: "a", Hosts: []string{"a"}, Header: header}, {Name: "a", Hosts: []string{"a"}, Header: header}}},
		"needs hosts":                      {MaxResponse: 1, Accounts: []webhook.Account{{Name: "a", Header: header}}},
		"needs header, basic or hmac":      {MaxResponse: 1, Accounts: []webhook.Account{{Name: "a", Hosts: []string{"a"}}}},
		"needs a name and a value":         {MaxResponse: 1, Accounts: []webhook.Account{{Name: "a", Hosts: []string{"a"}, Header: &webhook.HeaderCredentials{Name: "A"}}}},
		"needs a username":                 {MaxResponse: 1, Accounts: []webhook.Account{{Name: "a", Hosts: []string{"a"}, Basic: &webhook.BasicCredentials{}}}},
		"needs a secret":                   {MaxResponse: 1, Accounts: []webhook.Account{{Name: "a", Hosts: []string{"a"}, HMAC: &webhook.HMACCredentials{}}}},
		"needs httpMethods":                {MaxResponse: 1, AllowedRequests: []webhook.AllowedRequest{{URLPrefix: "x"}}},
		"one of urlPrefix and urlPattern":  {MaxResponse: 1, AllowedRequests: []webhook.AllowedRequest{{HTTPMethods: []string{"GET"}, URLPrefix: "x", URLPattern: "y"}}},
		"is not valid: error parsing":      {MaxResponse: 1, AllowedRequests: []webhook.AllowedRequest{{HTTPMethods: []string{"GET"}, URLPattern: "("}}},
		"The preconfigured webhook 'w'":    {MaxResponse: 1, Preconfigured: []pipeline.PreconfiguredWebhook{{"type": "w", "x": "y"}}},
		`two preconfigured webhooks have `: {MaxResponse: 1, Preconfigured: []pipeline.PreconfiguredWebhook{{"type": "w"}, {"type": "w"}}},
	} {
		_, err := webhook.New(client, c)
		require.ErrorContains(t, err, want)
	}
}
