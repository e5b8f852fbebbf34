package backup_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/cli/backup"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/s3store"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// A process that keeps the configuration in memory sees what was restored soon,
// not only at its next full comparison.
func TestARestoreIsSeenByWhoRuns(t *testing.T) {
	server := testkit.SharedMinIO(t)
	t.Setenv("ACCESS", server.AccessKey)
	t.Setenv("SECRET", server.SecretKey)
	config := objectstore.Config{Endpoint: server.Endpoint, Bucket: server.Bucket, Region: "us-east-1", AccessKey: "env:ACCESS", SecretKey: "env:SECRET"}
	store, err := s3store.Open(t.Context(), s3store.Config{ObjectStore: config, RootFolder: "front50", Refresh: time.Hour}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	_, _, err = store.SaveApplication(t.Context(), pipeline.Application{"name": "shop", "email": "a@b.c"}, "me")
	require.NoError(t, err)
	saved, err := store.SavePipeline(t.Context(), pipeline.Pipeline{"name": "Ship", "application": "shop", "stages": []any{}}, front50.SaveOptions{By: "me"})
	require.NoError(t, err)

	client, err := objectstore.Client(t.Context(), config)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "backup")
	f, err := os.Create(path)
	require.NoError(t, err)
	_, err = backup.Write(t.Context(), backup.Source{Client: client, Bucket: server.Bucket, Root: "front50"}, f, nil)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	require.NoError(t, store.DeletePipeline(t.Context(), saved.ID(), "me"))
	all, err := store.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	require.Empty(t, all)
	done, err := backup.Restore(t.Context(), backup.Destination{Client: client, Bucket: server.Bucket, Root: "front50"}, path, nil)
	require.NoError(t, err)
	require.Equal(t, int64(1), done.Created)
	require.Eventually(t, func() bool {
		all, err := store.Pipelines(t.Context(), "shop")
		return err == nil && len(all) == 1 && all[0].ID() == saved.ID()
	}, 2*time.Minute, 100*time.Millisecond)
}
