package stack_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// write writes a small Go module and returns the checkout around it.
func write(t *testing.T, source string) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "tool"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "tool", "go.mod"), []byte("module example.com/tool\n\ngo 1.26\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "tool", "main.go"), []byte(source), 0o600))
	return root
}

var tool = stack.Program{Name: "tool", Module: "tool", Package: "."}

func TestProgramIsBuiltOnceForEachSource(t *testing.T) {
	t.Setenv("GENNAKER_CACHE", t.TempDir())
	root := write(t, "package main\n\nfunc main() {}\n")
	_, err := tool.Built(root)
	require.ErrorContains(t, err, "tool is not built on this machine yet: run \"make build\" first")

	require.NoError(t, build(t, root))
	first, err := tool.Built(root)
	require.NoError(t, err)
	_, needed, err := tool.BuildTask(root, t.TempDir())
	require.NoError(t, err)
	require.False(t, needed)

	other := write(t, "package main\n\nfunc main() {}\n")
	same, err := tool.Built(other)
	require.NoError(t, err, "another checkout with the same sources finds the binary")
	require.Equal(t, first, same)

	require.NoError(t, os.WriteFile(filepath.Join(root, "tool", "main_test.go"), []byte("package main\n"), 0o600))
	_, err = tool.Built(root)
	require.NoError(t, err, "a test is no part of the binary")

	require.NoError(t, os.WriteFile(filepath.Join(root, "tool", "main.go"), []byte("package main\n\nfunc main() { println() }\n"), 0o600))
	_, err = tool.Built(root)
	require.Error(t, err, "a changed source needs a new build")
}

func TestInstalledProgramIsTheNewest(t *testing.T) {
	dir := t.TempDir()
	installed := stack.Program{Name: "gennaker-test-server", Install: "apt-get install it", Folders: filepath.Join(dir, "*", "bin")}
	_, err := installed.Path("")
	require.EqualError(t, err, "gennaker-test-server is not installed: apt-get install it")
	for _, version := range []string{"9.6", "15", "17", "16"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, version, "bin"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, version, "bin", installed.Name), nil, 0o755))
	}
	path, err := installed.Path("")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "17", "bin", installed.Name), path)
}

func TestFailedBuildShowsItsLog(t *testing.T) {
	t.Setenv("GENNAKER_CACHE", t.TempDir())
	err := build(t, write(t, "package main\n\nfunc main() { nonsense() }\n"))
	require.ErrorContains(t, err, "building tool failed")
	require.ErrorContains(t, err, "undefined: nonsense")
	require.ErrorContains(t, err, "build-tool.log")
}

func TestBuildEndsWithItsContext(t *testing.T) {
	t.Setenv("GENNAKER_CACHE", t.TempDir())
	root := write(t, "package main\n\nfunc main() {}\n")
	task, needed, err := tool.BuildTask(root, t.TempDir())
	require.NoError(t, err)
	require.True(t, needed)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, task.Run(ctx, os.Stderr, new(stack.Count)), context.Canceled)
	_, err = tool.Built(root)
	require.Error(t, err)
}

func build(t *testing.T, root string) error {
	t.Helper()
	task, needed, err := tool.BuildTask(root, t.TempDir())
	require.NoError(t, err)
	require.True(t, needed)
	return stack.RunTasks(t.Context(), []stack.Task{task}, stack.NewConsole(os.Stdout))
}

func TestSecretsAreMadeOnceAndStayPrivate(t *testing.T) {
	t.Parallel()
	env := &stack.Env{Dir: t.TempDir()}
	first, err := env.Secret("key")
	require.NoError(t, err)
	require.Len(t, first, 30)
	second, err := env.Secret("key")
	require.NoError(t, err)
	require.Equal(t, first, second)
	path, err := env.SecretFile("key")
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	other, err := env.Secret("other")
	require.NoError(t, err)
	require.NotEqual(t, first, other)
}
