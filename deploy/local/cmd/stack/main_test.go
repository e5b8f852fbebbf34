package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/deploy/local/stack"
	"github.com/gennaker/gennaker/internal/testkit/testcluster"
)

// newPlace is a stack that has never run.
func newPlace(t *testing.T) *place {
	t.Helper()
	return &place{dir: filepath.Join(t.TempDir(), "state"), console: stack.NewConsole(os.Stdout)}
}

func TestCommandKeepsItsExitStatusAndGetsItsVariables(t *testing.T) {
	t.Parallel()
	require.NoError(t, runCommand(t.Context(), []string{"sh", "-c", `test "$GENNAKER_ONE$GENNAKER_TWO" = 12`},
		[]string{"GENNAKER_ONE=1", "GENNAKER_TWO=2"}))
	var status exitStatus
	require.ErrorAs(t, runCommand(t.Context(), []string{"sh", "-c", "exit 7"}, nil), &status)
	require.Equal(t, exitStatus(7), status)
	err := runCommand(t.Context(), []string{"no-such-program"}, nil)
	require.ErrorContains(t, err, "no-such-program")
	require.NotErrorAs(t, err, &status)
}

func TestNothingRunsInAFreshFolder(t *testing.T) {
	t.Parallel()
	at := newPlace(t)
	require.NoError(t, downCommand{}.Run(t.Context(), at))
	require.ErrorContains(t, statusCommand{}.Run(t.Context(), at), `"make up" starts it`)
	require.NoError(t, (&resetCommand{Force: true}).Run(at))
}

func TestResetRemovesTheStateOfAStoppedStack(t *testing.T) {
	t.Parallel()
	at := newPlace(t)
	require.NoError(t, os.MkdirAll(filepath.Join(at.dir, "data"), 0o700))
	require.NoError(t, (&resetCommand{Force: true}).Run(at))
	require.NoDirExists(t, at.dir)
}

func TestKubeconfigDecidesWhoseClusterIsUsed(t *testing.T) {
	t.Setenv("KUBECONFIG", "")
	found, usable := externalCluster(t.Context())
	require.False(t, usable)
	require.Empty(t, found.reason)

	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "gone"))
	found, usable = externalCluster(t.Context())
	require.False(t, usable)
	require.Contains(t, found.reason, "no such file")

	cluster := testcluster.Get(t)
	t.Setenv("KUBECONFIG", cluster.Kubeconfig)
	found, usable = externalCluster(t.Context())
	require.True(t, usable, found.reason)
	require.Equal(t, cluster.Kubeconfig, found.path)
	require.Regexp(t, `^v1\.\d+\.\d+`, found.version)
}
