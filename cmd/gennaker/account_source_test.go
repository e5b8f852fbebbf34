package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/accounts/s3accounts"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// sourceOver is a source of accounts over a configuration file.
func sourceOver(t *testing.T, path string) (*accountSource, *bytes.Buffer) {
	t.Helper()
	file, err := readConfigFile(path)
	require.NoError(t, err)
	registry, err := clouddriver.NewAccounts(file.kubernetes.Accounts)
	require.NoError(t, err)
	var log bytes.Buffer
	return &accountSource{registry: registry, path: path, text: file.text, log: slog.New(slog.NewTextHandler(&log, nil))}, &log
}

const twoAccounts = "kubernetes: {accounts: [{name: a}, {name: b}]}"

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestAccountsFollowTheirFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "gennaker.yaml")
	write(t, path, "kubernetes: {accounts: [{name: a}]}")
	s, log := sourceOver(t, path)
	ctx := t.Context()

	fresh := filepath.Join(dir, "fresh")
	write(t, fresh, twoAccounts)
	require.NoError(t, os.Rename(fresh, path))
	s.readFile(ctx)
	require.Equal(t, []string{"a", "b"}, s.registry.Names(), "a file that was replaced")
	require.NoError(t, s.Fault())

	for _, bad := range []string{"kubernetes: {accounts: [{name: a}, {name: a}]}", "kubernetes: {accounts: [{name: a, namespacs: [x]}]}", "kubernetes: 3", ": :"} {
		log.Reset()
		write(t, path, bad)
		s.readFile(ctx)
		s.readFile(ctx)
		require.Equal(t, []string{"a", "b"}, s.registry.Names(), bad)
		require.ErrorContains(t, s.Fault(), path)
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(s.probe(ctx)))
		require.Equal(t, 1, strings.Count(log.String(), "cannot be used"), "it is logged once: %s", log)
	}
	require.NoError(t, os.Remove(path))
	s.readFile(ctx)
	require.Error(t, s.Fault(), "a file that is gone leaves the accounts of before")
	require.Equal(t, []string{"a", "b"}, s.registry.Names())
	write(t, path, twoAccounts)
	s.readFile(ctx)
	require.NoError(t, s.Fault())
	require.NoError(t, s.probe(ctx))

	log.Reset()
	write(t, path, "kubernetes: {accounts: [{name: c, kubectlExecutable: k}]}\nlog-level: debug\n")
	s.readFile(ctx)
	require.Equal(t, []string{"c"}, s.registry.Names())
	require.Contains(t, log.String(), "kubectlExecutable of c has no effect")
}

// A ConfigMap is a folder of links to a link, which Kubernetes points elsewhere.
func TestAccountsFollowAConfigMap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	version := func(name, text string) {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		write(t, filepath.Join(dir, name, "gennaker.yaml"), text)
		require.NoError(t, os.Symlink(name, filepath.Join(dir, "..data_tmp")))
		require.NoError(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	version("..1", "kubernetes: {accounts: [{name: a}]}")
	path := filepath.Join(dir, "gennaker.yaml")
	require.NoError(t, os.Symlink(filepath.Join("..data", "gennaker.yaml"), path))
	s, _ := sourceOver(t, path)
	ctx, stop := context.WithCancel(t.Context())
	group, inner := errgroup.WithContext(ctx)
	s.run(inner, group)
	changed := s.registry.Changed()
	version("..2", twoAccounts)
	select {
	case <-changed:
	case <-time.After(30 * time.Second):
		t.Fatal("the swap is seen")
	}
	stop()
	require.NoError(t, group.Wait())
	require.Equal(t, []string{"a", "b"}, s.registry.Names())
}

// The configuration of the agent that operators are given is one.
func TestAgentsConfiguration(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/kubernetes/agent.yaml")
	require.NoError(t, err)
	var config struct {
		Data map[string]string `json:"data"`
	}
	first, _, _ := strings.Cut(string(text), "\n---\n")
	require.NoError(t, yaml.Unmarshal([]byte(first), &config))
	path := filepath.Join(t.TempDir(), "gennaker.yaml")
	write(t, path, config.Data["gennaker.yaml"])
	file, err := readConfigFile(path)
	require.NoError(t, err)
	require.Empty(t, file.notes)
	require.Len(t, file.kubernetes.Accounts, 1)
	require.True(t, file.kubernetes.Accounts[0].ServiceAccount)
	code, _, stderr := call(t, "worker", "--roles=clouddriver", "--config="+path, "--accounts=none")
	require.Equal(t, exitFailed, code)
	require.NotContains(t, stderr, "redis", "an agent needs no Redis")
	require.Contains(t, stderr, "ca.crt", "it gets as far as Temporal's certificate, which is not here")
}

// A worker that serves accounts alone opens neither a bucket nor Redis.
func TestAgentsNeedTemporalAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gennaker.yaml")
	write(t, path, "kubernetes: {accounts: [{name: a}]}")
	code, _, stderr := call(t, "worker", "--roles=clouddriver", "--config="+path, "--accounts=b")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, `the account "b" is to be served and is not configured`)
}

func TestHasObjectStore(t *testing.T) {
	t.Parallel()
	var c connections
	for endpoint, want := range map[string]bool{"": false, defaultObjectStore: false, "minio:9000": true} {
		c.ObjectStore.Endpoint = endpoint
		require.Equal(t, want, c.hasObjectStore(), endpoint)
	}
	c.ObjectStore.Endpoint, c.ObjectStore.AccessKey = defaultObjectStore, "env:K"
	require.True(t, c.hasObjectStore())
}

func TestStorable(t *testing.T) {
	t.Parallel()
	a, err := storable(pipeline.Map{"type": "kubernetes", "name": "a", "kubeconfigContents": "file:/run/secrets/a"})
	require.NoError(t, err)
	require.Equal(t, "file:/run/secrets/a", a.KubeconfigContents)
	_, err = storable(pipeline.Map{"type": "kubernetes", "name": "a", "kubeconfigContents": "apiVersion: v1\nusers: [{user: {token: hush}}]"})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	require.ErrorContains(t, err, "a kubeconfig in clear")
	require.NotContains(t, err.Error(), "hush")
	_, err = storable(pipeline.Map{"type": "kubernetes", "name": "a", "kubeconfig": "x"})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
}

func emptyConfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gennaker.yaml")
	write(t, path, "kubernetes: {accounts: [{name: a}]}")
	return path
}

// A process starts while the object store is away, and serves stored accounts
// once that is back.
func TestStoredAccountsComeWithTheObjectStore(t *testing.T) {
	t.Parallel()
	server := testkit.MinIO(t)
	bucket, err := minio.New(server.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, "")})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "gennaker.yaml")
	write(t, path, "kubernetes: {accounts: [{name: a}]}")
	s, log := sourceOver(t, path)
	writer := s3accounts.New(bucket, server.Bucket, s.log)
	require.NoError(t, writer.Create(t.Context(), pipeline.Map{"type": "kubernetes", "name": "b", "kubeconfigFile": "/b"}, "ines"))

	server.Kill()
	s.stored = s3accounts.New(bucket, server.Bucket, s.log)
	o := &opened{source: s, stored: s.stored, log: s.log}
	begun := time.Now()
	require.NoError(t, o.loadStored(t.Context()))
	require.Less(t, time.Since(begun), 2*storedWithin)
	require.Contains(t, log.String(), "stored accounts cannot be read yet")
	require.Equal(t, []string{"a"}, s.registry.Names())

	server.Restart(t)
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	s.run(ctx, &g)
	require.Eventually(t, func() bool { return slices.Equal(s.registry.Names(), []string{"a", "b"}) }, 30*time.Second, 20*time.Millisecond)
	cancel()
	require.NoError(t, g.Wait())
}
