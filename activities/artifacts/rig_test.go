package artifacts_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities/artifacts"
	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/internal/sandbox"
	"github.com/gennaker/gennaker/pipeline"
)

// TestMain is the sandbox's process too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "sandbox" {
		os.Exit(sandbox.Serve(os.Stdin, os.Stdout, os.Stderr, artifacts.Tasks()))
	}
	os.Exit(m.Run())
}

// config is what the program has by default, with less time.
func config() artifacts.Config {
	return artifacts.Config{MaxBytes: 8 << 20, MaxUnpacked: 16 << 20, MaxFiles: 500, Timeout: 20 * time.Second, AtOnce: 4}
}

// client may call this machine by its address when private is set.
func client(t testing.TB, private bool) *outbound.Client {
	t.Helper()
	c, err := outbound.New(outbound.Config{
		AllowPrivate: private, ConnectTimeout: 5 * time.Second, Timeout: 10 * time.Second,
		MaxRedirects: 5, MaxResponse: 1 << 20, MaxHeader: 64 << 10, UserAgent: "gennaker",
	}, nil)
	require.NoError(t, err)
	return c
}

// room has one account of a section.
func room(t testing.TB, section string, a ...artifacts.Account) *artifacts.Artifacts {
	t.Helper()
	c := config()
	c.Accounts = map[string][]artifacts.Account{section: a}
	return roomOf(t, c)
}

func roomOf(t testing.TB, c artifacts.Config) *artifacts.Artifacts {
	t.Helper()
	run := sandbox.New(sandbox.Config{Memory: 512 << 20, Time: 20 * time.Second}, sandbox.Self("sandbox")...)
	r, err := artifacts.New(c, client(t, true), nil, run)
	require.NoError(t, err)
	return r
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// written is a file with a secret in it.
func written(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func requireFault(t testing.TB, err error, code pipeline.Code, words string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, pipeline.CodeOf(err), err.Error())
	require.Contains(t, pipeline.MessageOf(err), words)
	for _, secret := range []string{"s3cret", "t0ken"} {
		require.NotContains(t, err.Error(), secret)
	}
}

func fetch(t testing.TB, r *artifacts.Artifacts, a pipeline.Artifact) string {
	t.Helper()
	content, err := r.Fetch(t.Context(), a)
	require.NoError(t, err)
	return string(content)
}

// host is the server's host and port.
func host(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }
