package s3accounts_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/accounts"
	"github.com/gennaker/gennaker/accounts/s3accounts"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

type rig struct {
	client *minio.Client
	bucket string
	server *testkit.MinIOServer
}

func newRig(t *testing.T, server *testkit.MinIOServer) *rig {
	t.Helper()
	t.Setenv("S3ACCOUNTS_KEY", server.AccessKey)
	t.Setenv("S3ACCOUNTS_SECRET", server.SecretKey)
	client, err := objectstore.Client(t.Context(), objectstore.Config{
		Endpoint: server.Endpoint, Bucket: server.Bucket, AccessKey: "env:S3ACCOUNTS_KEY", SecretKey: "env:S3ACCOUNTS_SECRET",
	})
	require.NoError(t, err)
	return &rig{client: client, bucket: server.Bucket, server: server}
}

func (r *rig) store() *s3accounts.Store {
	return s3accounts.New(r.client, r.bucket, slog.New(slog.DiscardHandler))
}

func definition(name, environment string) pipeline.Map {
	return pipeline.Map{"name": name, "type": "kubernetes", "environment": environment}
}

func names(t *testing.T, s accounts.Store) []string {
	t.Helper()
	list, err := s.List(t.Context())
	require.NoError(t, err)
	out := []string{}
	for _, d := range list {
		out = append(out, d.String("name")+"="+d.String("environment"))
	}
	return out
}

func requireCode(t *testing.T, code pipeline.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, pipeline.CodeOf(err), "%v", err)
}

func TestStore(t *testing.T) {
	r := newRig(t, testkit.SharedMinIO(t))
	s, other := r.store(), r.store()
	require.Empty(t, names(t, s))
	require.Empty(t, names(t, other))
	ctx := t.Context()

	require.NoError(t, s.Create(ctx, definition("b", "1"), "ines"))
	requireCode(t, pipeline.CodeConflict, s.Create(ctx, definition("b", "2"), "ines"))
	requireCode(t, pipeline.CodeConflict, other.Create(ctx, definition("b", "2"), "omar"))
	requireCode(t, pipeline.CodeNotFound, s.Update(ctx, definition("a", "1"), "ines"))
	require.NoError(t, s.Save(ctx, definition("a@x.y", "1"), "Inès / Ö"))
	require.NoError(t, other.Update(ctx, definition("b", "3"), "omar"))
	require.NoError(t, s.Load(ctx))
	require.Equal(t, []string{"a@x.y=1", "b=3"}, names(t, s))
	require.Equal(t, names(t, s), names(t, r.store()))

	changed := other.Changed()
	require.NoError(t, other.Load(ctx))
	select {
	case <-changed:
		t.Fatal("nothing has changed")
	default:
	}
	require.NoError(t, s.Delete(ctx, "b", "ines"))
	requireCode(t, pipeline.CodeNotFound, s.Delete(ctx, "b", "ines"))
	running, stop := context.WithCancel(ctx)
	var over sync.WaitGroup
	over.Go(func() { other.Run(running) })
	select {
	case <-changed:
	case <-time.After(30 * time.Second):
		t.Fatal("a change by another process is seen")
	}
	stop()
	over.Wait()
	require.Equal(t, []string{"a@x.y=1"}, names(t, other))
}

func TestWhatCannotBeStored(t *testing.T) {
	r := newRig(t, testkit.SharedMinIO(t))
	s := r.store()
	for _, name := range []string{"", "a b", "../x", strings.Repeat("a", 201), "a/b"} {
		requireCode(t, pipeline.CodeInvalid, s.Save(t.Context(), definition(name, ""), ""))
	}
	requireCode(t, pipeline.CodeInvalid, s.Save(t.Context(), pipeline.Map{"name": "a"}, ""))
	requireCode(t, pipeline.CodeTooLarge, s.Save(t.Context(), definition("a", strings.Repeat("x", accounts.MaxDocument)), ""))
	require.Empty(t, names(t, s))
}

// What somebody else put there stops nobody.
func TestObjectsThatAreNoAccounts(t *testing.T) {
	r := newRig(t, testkit.SharedMinIO(t))
	s := r.store()
	require.NoError(t, s.Create(t.Context(), definition("a", "1"), ""))
	for key, text := range map[string]string{
		"accounts/broken.json": "{", "accounts/other.json": `{"name":"a","type":"kubernetes"}`, "accounts/readme.txt": "x",
		"accounts/large.json": strings.Repeat(" ", accounts.MaxDocument) + "{}",
	} {
		_, err := r.client.PutObject(t.Context(), r.bucket, key, strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{})
		require.NoError(t, err)
	}
	require.NoError(t, s.Load(t.Context()))
	require.Equal(t, []string{"a=1"}, names(t, s))
	require.NoError(t, s.Delete(t.Context(), "broken", ""), "it can be removed by its name")
}

func TestTheObjectStoreGoesAway(t *testing.T) {
	server := testkit.MinIO(t)
	r := newRig(t, server)
	s := r.store()
	require.NoError(t, s.Create(t.Context(), definition("a", "1"), ""))
	server.Kill()
	requireCode(t, pipeline.CodeUnavailable, s.Save(t.Context(), definition("b", "1"), ""))
	require.Equal(t, []string{"a=1"}, names(t, s), "what was known stays known")
	_, err := r.store().List(t.Context())
	requireCode(t, pipeline.CodeUnavailable, err)
	server.Restart(t)
	require.NoError(t, s.Save(t.Context(), definition("b", "1"), ""))
	require.Equal(t, []string{"a=1", "b=1"}, names(t, s))
}
