package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// call runs the program in this process.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestVersion(t *testing.T) {
	code, out, _ := call(t, "version")
	require.Equal(t, exitOK, code)
	require.Regexp(t, `^gennaker \S+`, out)
}

// The reference is what the code says: `make gen` writes it anew.
func TestReferenceIsUpToDate(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "reference", "configuration.md")
	code, out, _ := call(t, "reference")
	require.Equal(t, exitOK, code)
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(have), out, "docs/reference/configuration.md is stale: run make gen")
}

func TestReferenceOfAccountsIsUpToDate(t *testing.T) {
	code, out, _ := call(t, "reference-accounts")
	require.Equal(t, exitOK, code)
	have, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "accounts.md"))
	require.NoError(t, err)
	require.Equal(t, string(have), out, "docs/reference/accounts.md is stale: run make gen")
}

func TestReferenceOfCommandsIsUpToDate(t *testing.T) {
	code, out, _ := call(t, "reference-cli")
	require.Equal(t, exitOK, code)
	have, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "cli.md"))
	require.NoError(t, err)
	require.Equal(t, string(have), out, "docs/reference/cli.md is stale: run make gen")
}

// A command that people type is one of the program's, with its exit codes, and the
// servers' configuration file says where the bucket is.
func TestCommandsOfPeople(t *testing.T) {
	code, _, stderr := call(t, "--gate-endpoint=http://127.0.0.1:1", "application", "list")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "gate at http://127.0.0.1:1 does not answer")
	code, _, stderr = call(t, "pipeline", "get")
	require.Equal(t, exitUsage, code, stderr)
	path := filepath.Join(t.TempDir(), "gennaker.yaml")
	require.NoError(t, os.WriteFile(path, []byte("object-store: {endpoint: '127.0.0.1:3', bucket: ours, access-key: 'env:KEY', secret-key: 'env:KEY'}\nnotes: {}\n"), 0o600))
	t.Setenv("KEY", "secret-of-test")
	code, _, stderr = call(t, "backup", filepath.Join(t.TempDir(), "x"), "--config", path)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "127.0.0.1:3")
	require.NotContains(t, stderr, "secret-of-test")
	require.NoError(t, os.WriteFile(path, []byte("output: json\n"), 0o600))
	code, _, stderr = call(t, "gate", "--config", path)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, `"output" is not known`, "what people type is no setting of servers")
}

func TestUsageErrors(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "gennaker.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for name, c := range map[string]struct {
		args []string
		want string
		code int
	}{
		"an unknown command":         {[]string{"sail"}, "sail", exitUsage},
		"an unknown flag":            {[]string{"gate", "--sail"}, "--sail", exitUsage},
		"a missing file":             {[]string{"gate", "--config=/nowhere.yaml"}, "/nowhere.yaml", exitUsage},
		"a file that is not YAML":    {[]string{"gate", "--config", file(": :")}, "not YAML", exitUsage},
		"a key that nobody knows":    {[]string{"gate", "--config", file("gate: {adress: x}")}, `"gate-adress" is not known`, exitUsage},
		"an account key in error":    {[]string{"gate", "--config", file("kubernetes: {accounts: [{nam: x}]}")}, "nam", exitUsage},
		"a webhook key in error":     {[]string{"gate", "--config", file("webhook: {preconfigured: [{type: w, urll: x}]}")}, "urll is not a key", exitUsage},
		"a webhook account in error": {[]string{"gate", "--config", file("webhook: {accounts: [{nam: x}]}")}, "nam", exitUsage},
		"a webhook key of nobody":    {[]string{"gate", "--config", file("webhook: {max-size: 5}")}, `"webhook-max-size" is not known`, exitUsage},
		"a host that is none":        {[]string{"gate", "--redis-address=127.0.0.1:1", "--outbound-allowed=https://a.example"}, "without scheme and port", exitFailed},
		"a Redis of one's own":       {[]string{"gate"}, "redis-address", exitFailed},
		"a value that is no time":    {[]string{"server", "--worker-stop-timeout=soon"}, "soon", exitUsage},
		"a role that does not exist": {[]string{"worker", "--redis-address=127.0.0.1:1", "--front50-url=http://127.0.0.1:1", "--roles=sail"}, "sail", exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := call(t, c.args...)
			require.Equal(t, c.code, code, stderr)
			require.Contains(t, stderr, c.want)
		})
	}
}

// Flags win over the environment, the environment over the file.
func TestPrecedence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gennaker.yaml")
	require.NoError(t, os.WriteFile(path, []byte("front50:\n  start-timeout: 1s\nobject-store-endpoint: 127.0.0.1:1\nobject-store: {access-key: 'env:KEY', secret-key: 'env:KEY'}\n"), 0o600))
	t.Setenv("KEY", "secret-of-test")
	_, _, stderr := call(t, "front50", "--config", path)
	require.Contains(t, stderr, "127.0.0.1:1 did not answer within 1s")
	t.Setenv("GENNAKER_OBJECT_STORE_ENDPOINT", "127.0.0.1:2")
	_, _, stderr = call(t, "front50", "--config", path)
	require.Contains(t, stderr, "127.0.0.1:2 did not answer")
	_, _, stderr = call(t, "front50", "--config", path, "--object-store-endpoint=127.0.0.1:3")
	require.Contains(t, stderr, "127.0.0.1:3 did not answer")
	require.NotContains(t, stderr, "secret-of-test")
}
