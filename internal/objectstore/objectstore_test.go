package objectstore_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
)

func config(t *testing.T, server *testkit.MinIOServer) objectstore.Config {
	t.Helper()
	reference := func(name, value string) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(value+"\n"), 0o600))
		return "file:" + path
	}
	return objectstore.Config{
		Endpoint: server.Endpoint, Bucket: server.Bucket, Region: "us-east-1",
		AccessKey: reference("access", server.AccessKey), SecretKey: reference("secret", server.SecretKey),
	}
}

func TestEnsureBucket(t *testing.T) {
	t.Parallel()
	c := config(t, testkit.SharedMinIO(t))
	client, err := objectstore.Client(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, objectstore.EnsureBucket(t.Context(), client, c), "it exists")

	c.Bucket += "-new"
	require.ErrorContains(t, objectstore.EnsureBucket(t.Context(), client, c), "does not exist")
	c.CreateBucket = true
	var wg sync.WaitGroup
	errs := make(chan error, 5)
	for range cap(errs) { // every process does this at its start
		wg.Go(func() { errs <- objectstore.EnsureBucket(t.Context(), client, c) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	exists, err := client.BucketExists(t.Context(), c.Bucket)
	require.NoError(t, err)
	require.True(t, exists)
}

func TestIsNotFound(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	c := config(t, server)
	client, err := objectstore.Client(t.Context(), c)
	require.NoError(t, err)
	_, err = client.StatObject(t.Context(), c.Bucket, "nothing", minio.StatObjectOptions{})
	require.True(t, objectstore.IsNotFound(err), "%v", err)
	_, err = client.PutObject(t.Context(), c.Bucket, "something", strings.NewReader("x"), 1, minio.PutObjectOptions{})
	require.NoError(t, err)
	_, err = client.StatObject(t.Context(), c.Bucket, "something", minio.StatObjectOptions{})
	require.False(t, objectstore.IsNotFound(err))
	_, err = client.StatObject(t.Context(), "no-such-bucket", "something", minio.StatObjectOptions{})
	require.Error(t, err)
}

func TestConfigurationErrors(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]objectstore.Config{
		"host:port":    {Endpoint: "http://127.0.0.1:9000/path", AccessKey: "", SecretKey: ""},
		"by reference": {Endpoint: "127.0.0.1:9000", AccessKey: "AKIAEXAMPLE", SecretKey: "hunter2"},
	} {
		_, err := objectstore.Client(t.Context(), c)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
		require.NotContains(t, err.Error(), "AKIAEXAMPLE")
	}
}
