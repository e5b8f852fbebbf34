package outbound_test

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	stop := t.Context().Done()
	endless := func(w http.ResponseWriter) {
		chunk := []byte(strings.Repeat("x", 32<<10))
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/body":
			endless(w)
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			chunk := make([]byte, 1<<20)
			for {
				if _, err := z.Write(chunk); err != nil {
					return
				}
			}
		case "/fits":
			_, _ = io.WriteString(w, strings.Repeat("x", 1000))
		case "/slow":
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-stop:
			}
		case "/silent":
			select {
			case <-r.Context().Done():
			case <-stop:
			}
		}
	})
	c := allowing("127.0.0.1")
	c.Timeout = 300 * time.Millisecond
	client := newClient(t, c, names{})
	slow := allowing("127.0.0.1")
	patient := newClient(t, slow, names{})
	for _, path := range []string{"/body", "/bomb"} {
		_, err := get(t.Context(), patient, s.URL+path)
		require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err), path)
		require.True(t, outbound.Sent(err))
	}
	_, err := patient.Call(t.Context(), outbound.Request{URL: s.URL + "/fits", MaxResponse: 1000})
	require.NoError(t, err)
	_, err = patient.Call(t.Context(), outbound.Request{URL: s.URL + "/fits", MaxResponse: 999})
	require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err))
	for _, path := range []string{"/slow", "/silent"} {
		_, err := get(t.Context(), client, s.URL+path)
		require.Equal(t, pipeline.CodeTimeout, pipeline.CodeOf(err), path)
		require.True(t, outbound.Sent(err))
		_, err = patient.Call(t.Context(), outbound.Request{URL: s.URL + path, Timeout: 100 * time.Millisecond})
		require.Equal(t, pipeline.CodeTimeout, pipeline.CodeOf(err), path)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = get(ctx, patient, s.URL+"/silent")
	require.ErrorIs(t, err, context.Canceled)
}

// raw is a server that speaks for itself.
func raw(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				talk(c)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	request := func(c net.Conn) { _, _ = c.Read(make([]byte, 64<<10)) }
	client := newClient(t, allowing("127.0.0.1"), names{})
	endless := raw(t, func(c net.Conn) {
		request(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X-More: "+strings.Repeat("x", 4096)+"\r\n"); err != nil {
				return
			}
		}
	})
	_, err := get(t.Context(), client, endless)
	require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err), err)
	require.Contains(t, pipeline.MessageOf(err), "outbound-max-header")

	for name, answer := range map[string]string{
		"closes": "", "half a body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "no HTTP": "hello\r\n\r\n",
	} {
		u := raw(t, func(c net.Conn) { request(c); _, _ = io.WriteString(c, answer) })
		_, err := client.Call(t.Context(), outbound.Request{Method: http.MethodPost, URL: u, Body: []byte("x"), Header: http.Header{"Idempotency-Key": {"k"}}})
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), name)
		require.True(t, outbound.Sent(err), name)
	}
	_, err = get(t.Context(), client, "http://127.0.0.1:1/")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	require.Contains(t, pipeline.MessageOf(err), "refused")
	require.False(t, outbound.Sent(err))
	require.False(t, outbound.UnknownHost(err))
	_, err = get(t.Context(), client, "http://nowhere.example/")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	require.True(t, outbound.UnknownHost(err))
	require.False(t, outbound.Sent(err))
}
