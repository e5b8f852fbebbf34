package e2e

import (
	"context"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// serveRepository makes a folder the branch main of a git repository and serves
// it as git's own program does. It returns the repository's URL.
func serveRepository(t *testing.T, ctx context.Context, folder string) string {
	t.Helper()
	program, err := exec.LookPath("git")
	require.NoError(t, err, "the scenarios' repositories are served by git")
	root := t.TempDir()
	repository := filepath.Join(root, "repository")
	require.NoError(t, os.CopyFS(repository, os.DirFS(folder)))
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "-A", "."}, {"commit", "-q", "-m", "the scenario's files"}} {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir = repository
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
			"GIT_AUTHOR_NAME=e2e", "GIT_AUTHOR_EMAIL=e2e@example", "GIT_COMMITTER_NAME=e2e", "GIT_COMMITTER_EMAIL=e2e@example")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	s := httptest.NewServer(&cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{
		"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
	}})
	t.Cleanup(s.Close)
	return s.URL + "/repository/.git"
}
