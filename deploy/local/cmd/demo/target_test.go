package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

const kubeconfig = `{apiVersion: v1, kind: Config, current-context: eu, contexts: [{name: eu, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: "https://k.example:6443"}}], users: [{name: u}]}`

// runStack is a running stack of no parts that deploys to a cluster.
func runStack(t *testing.T, dir, kubeconfig string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	env := &stack.Env{Dir: dir, Kubeconfig: kubeconfig, Ports: stack.Ports{stack.PortGate: 1, stack.PortDeck: 2}}
	go func() { ended <- stack.NewSupervisor(env, nil, stack.NewConsole(os.Stderr)).Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	require.Eventually(t, func() bool {
		_, running, err := stack.ReadState(dir)
		return err == nil && running
	}, 20*time.Second, 10*time.Millisecond)
}

func TestTargetIsWhatTheStackUses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cli := &commands{Dir: dir}
	_, err := cli.target(true)
	require.ErrorContains(t, err, "`make up` starts it")

	other := filepath.Join(t.TempDir(), "other")
	runStack(t, dir, other)
	got, err := cli.target(true)
	require.NoError(t, err)
	require.Equal(t, target{gate: "http://127.0.0.1:1", deck: "http://127.0.0.1:2", kubeconfig: other}, got)

	own := t.TempDir()
	runStack(t, own, filepath.Join(own, "kubeconfig"))
	got, err = (&commands{Dir: own, Gate: "http://gate"}).target(true)
	require.NoError(t, err)
	require.True(t, got.own)
	require.Equal(t, "http://gate", got.gate)

	named := &commands{Dir: t.TempDir(), Kubeconfig: other}
	got, err = named.target(false)
	require.NoError(t, err, "a cluster that is named needs no stack")
	require.Equal(t, target{kubeconfig: other, own: true}, got)
	_, err = named.target(true)
	require.Error(t, err)
}

func TestForeignClustersAreConfirmed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(path, []byte(kubeconfig), 0o600))
	name, err := clusterName(path)
	require.NoError(t, err)
	require.Equal(t, `https://k.example:6443 (context "eu" of `+path+`)`, name)

	script, err := os.Open(path) // as where nobody sits: a file
	require.NoError(t, err)
	t.Cleanup(func() { _ = script.Close() })
	nobody, err := os.Open(os.DevNull)
	require.NoError(t, err)
	t.Cleanup(func() { _ = nobody.Close() })
	for _, in := range []*os.File{script, nobody} {
		err = target{kubeconfig: path}.confirm("", in)
		require.ErrorContains(t, err, "CONFIRM=yes")
		require.ErrorContains(t, err, "https://k.example:6443")
		require.NoError(t, target{kubeconfig: path}.confirm("yes", in))
		require.NoError(t, target{kubeconfig: path, own: true}.confirm("", in))
	}
	require.Error(t, target{kubeconfig: path + "x", own: true}.confirm("", nobody))
}
