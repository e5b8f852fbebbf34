package outbound_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

func TestRedirectInside(t *testing.T) {
	t.Parallel()
	reached := atomic.Bool{}
	inside := serve(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	for _, target := range []string{inside.URL, "http://169.254.169.254/latest/meta-data/", at(inside, "inside.example", "/"), "//127.0.0.1/x"} {
		outside := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })
		client := newClient(t, allowing("outside.example"), names{"outside.example": always("127.0.0.1"), "inside.example": always("127.0.0.1")})
		_, err := get(t.Context(), client, at(outside, "outside.example", "/"))
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), target)
		require.Contains(t, pipeline.MessageOf(err), "Host not allowed")
		require.True(t, outbound.Sent(err), "the first server got it")
	}
	require.False(t, reached.Load())
	outside := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	_, err := get(t.Context(), newClient(t, allowing("127.0.0.1"), names{}), outside.URL)
	require.Equal(t, pipeline.CodeFailed, pipeline.CodeOf(err))
}

// Credentials stay with the origin that they were meant for.
func TestRedirectsCarryNoCredentials(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/same" {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
			return
		}
		if r.URL.Path == "/again" {
			seen <- r.Header
			return
		}
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	client := newClient(t, allowing("127.0.0.1"), names{})
	header := http.Header{
		"Authorization": {"Bearer secret"}, "X-Api-Key": {"secret"}, "Cookie": {"secret"}, "Accept": {"application/json"}, "Idempotency-Key": {"k"},
	}
	secured := strings.Replace(first.URL, "http://", "http://user:secret@", 1)
	_, err := client.Call(t.Context(), outbound.Request{URL: secured + "/other", Header: header})
	require.NoError(t, err)
	got := <-seen
	require.Equal(t, "application/json", got.Get("Accept"))
	require.Equal(t, "k", got.Get("Idempotency-Key"))
	for name, values := range got {
		require.NotContains(t, strings.Join(values, " "), "secret", name)
	}
	_, err = client.Call(t.Context(), outbound.Request{URL: first.URL + "/same", Header: header})
	require.NoError(t, err)
	require.Equal(t, "Bearer secret", (<-seen).Get("Authorization"))
}

func TestRedirectMethods(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{301: "GET ", 302: "GET ", 303: "GET ", 307: "POST body", 308: "POST body", 300: "", 304: ""} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/to" {
				body, _ := io.ReadAll(r.Body)
				_, _ = io.WriteString(w, r.Method+" "+string(body))
				return
			}
			w.Header().Set("Location", "/to")
			w.WriteHeader(status)
		})
		answer, err := newClient(t, allowing("127.0.0.1"), names{}).Call(t.Context(), outbound.Request{Method: http.MethodPost, URL: s.URL, Body: []byte("body")})
		require.NoError(t, err)
		require.Equal(t, want, string(answer.Body), status)
		require.Equal(t, want == "", answer.StatusCode == status, "what is no redirect is the answer")
	}
}

func TestRedirectsEnd(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/", http.StatusFound)
	})
	_, err := get(t.Context(), newClient(t, allowing("127.0.0.1"), names{}), s.URL)
	require.Equal(t, pipeline.CodeFailed, pipeline.CodeOf(err))
	require.Contains(t, pipeline.MessageOf(err), "more than 5 times")
	require.EqualValues(t, 6, calls.Load())
	c := allowing("127.0.0.1")
	c.MaxRedirects = 0
	_, err = get(t.Context(), newClient(t, c, names{}), s.URL)
	require.Equal(t, pipeline.CodeFailed, pipeline.CodeOf(err))
}
