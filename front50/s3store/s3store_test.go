package s3store_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/s3store"
	"github.com/gennaker/gennaker/front50/storetest"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// patience is how long a condition may take to come true.
const patience = 20 * time.Second

// config returns the configuration of a store in the server's bucket. Keys are
// given as people give them: by reference.
func config(t *testing.T, server *testkit.MinIOServer) s3store.Config {
	t.Helper()
	dir := t.TempDir()
	reference := func(name, value string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(value+"\n"), 0o600))
		return "file:" + path
	}
	return s3store.Config{
		ObjectStore: objectstore.Config{
			Endpoint: server.Endpoint, Bucket: server.Bucket, Region: "us-east-1", CreateBucket: true,
			AccessKey: reference("access", server.AccessKey), SecretKey: reference("secret", server.SecretKey),
		},
		Refresh: time.Hour, // what tests see is not left to the background
	}
}

// open opens a store that is closed with the test.
func open(t *testing.T, c s3store.Config) *s3store.Store {
	t.Helper()
	return openLogging(t, c, io.Discard)
}

func openLogging(t *testing.T, c s3store.Config, log io.Writer) *s3store.Store {
	t.Helper()
	s, err := s3store.Open(t.Context(), c, slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// lines is a log that counts.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

// hand reaches the bucket as somebody else does.
type hand struct {
	t      *testing.T
	client *minio.Client
	bucket string
}

func byHand(t *testing.T, server *testkit.MinIOServer) hand {
	t.Helper()
	client, err := minio.New(server.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, "")})
	require.NoError(t, err)
	return hand{t: t, client: client, bucket: server.Bucket}
}

func (h hand) put(key, body string) {
	h.t.Helper()
	_, err := h.client.PutObject(h.t.Context(), h.bucket, key, strings.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
	require.NoError(h.t, err)
}

func (h hand) get(key string) string {
	h.t.Helper()
	o, err := h.client.GetObject(h.t.Context(), h.bucket, key, minio.GetObjectOptions{})
	require.NoError(h.t, err)
	b, err := io.ReadAll(o)
	require.NoError(h.t, err, key)
	return string(b)
}

func (h hand) remove(key string) {
	h.t.Helper()
	require.NoError(h.t, h.client.RemoveObject(h.t.Context(), h.bucket, key, minio.RemoveObjectOptions{}))
}

func (h hand) keys() []string {
	h.t.Helper()
	out := []string{}
	for o := range h.client.ListObjects(h.t.Context(), h.bucket, minio.ListObjectsOptions{Recursive: true}) {
		require.NoError(h.t, o.Err)
		out = append(out, o.Key)
	}
	return out
}

// requireText requires an object to be what is expected byte for byte.
func requireText(t *testing.T, want, got string) {
	t.Helper()
	require.Equal(t, want, got)
}

func parse[T ~map[string]any](t *testing.T, text string) T {
	t.Helper()
	var m pipeline.Map
	require.NoError(t, m.UnmarshalJSON([]byte(text)))
	return T(m)
}

func save(t *testing.T, s front50.Store, doc string) pipeline.Pipeline {
	t.Helper()
	p, err := s.SavePipeline(t.Context(), parse[pipeline.Pipeline](t, doc), front50.SaveOptions{By: "me"})
	require.NoError(t, err)
	return p
}

func saveApp(t *testing.T, s front50.Store, doc string) pipeline.Application {
	t.Helper()
	_, app, err := s.SaveApplication(t.Context(), parse[pipeline.Application](t, doc), "me")
	require.NoError(t, err)
	return app
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) front50.Store {
		return open(t, config(t, testkit.SharedMinIO(t)))
	})
}

// TestTwoProcesses runs the suite's rules where two stores share a bucket: every
// call goes to the other one of the two.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	one, two := open(t, config(t, server)), open(t, config(t, server))
	ctx := t.Context()

	// Merges of both lose nothing.
	const count = 15
	var both sync.WaitGroup
	for name, s := range map[string]front50.Store{"one": one, "two": two} {
		both.Go(func() {
			for i := range count {
				_, _, err := s.SaveApplication(ctx, pipeline.Application{"name": "shop", "email": "a@b.c", name + string(rune('a'+i)): true}, "me")
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	both.Wait()
	app, err := one.Application(ctx, "shop")
	require.NoError(t, err)
	for i := range count {
		require.Contains(t, app, "one"+string(rune('a'+i)))
		require.Contains(t, app, "two"+string(rune('a'+i)))
	}

	// A name that the other took is taken.
	p := save(t, one, `{"id":"x","name":"Deploy","application":"shop","v":1}`)
	_, err = two.SavePipeline(ctx, pipeline.Pipeline{"name": "deploy", "application": "shop"}, front50.SaveOptions{})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), "%v", err)

	// What the other was answered for is there, in a document and in a list.
	save(t, two, `{"id":"x","name":"Deploy","application":"shop","v":2}`)
	read, err := one.Pipeline(ctx, "x")
	require.NoError(t, err)
	require.Equal(t, int64(2), read["v"])
	save(t, two, `{"id":"y","name":"Other","application":"shop"}`)
	list, err := one.Pipelines(ctx, "shop")
	require.NoError(t, err)
	require.Len(t, list, 2)

	// A stale save is refused whoever wrote last, also when both are under way.
	_, err = one.SavePipeline(ctx, p, front50.SaveOptions{StaleCheck: true})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), "%v", err)
	for round := range 10 {
		base, err := one.Pipeline(ctx, "x")
		require.NoError(t, err)
		errs := make([]error, 2)
		for i, s := range []front50.Store{one, two} {
			both.Go(func() {
				doc := base.Clone()
				doc["v"] = int64(100*round + i)
				_, errs[i] = s.SavePipeline(ctx, doc, front50.SaveOptions{StaleCheck: true})
			})
		}
		both.Wait()
		require.NotEqual(t, errs[0] == nil, errs[1] == nil, "round %d: %v, %v", round, errs[0], errs[1])
	}

	// What the other deleted is gone for a reader of the document.
	require.NoError(t, two.DeletePipeline(ctx, "x", "me"))
	_, err = one.Pipeline(ctx, "x")
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
}

func TestRestartSeesEverything(t *testing.T) {
	t.Parallel()
	c := config(t, testkit.SharedMinIO(t))
	one := open(t, c)
	saveApp(t, one, `{"name":"shop","email":"a@b.c","permissions":{"READ":["dev"]}}`)
	for _, name := range []string{"a", "b", "c"} {
		save(t, one, `{"name":"`+name+`","application":"shop"}`)
	}
	apps, err := one.Applications(t.Context())
	require.NoError(t, err)
	pipelines, err := one.Pipelines(t.Context(), "")
	require.NoError(t, err)
	two := open(t, c)
	again, err := two.Applications(t.Context())
	require.NoError(t, err)
	require.Equal(t, apps, again)
	list, err := two.Pipelines(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, pipelines, list)
	// The stamps are the same too, so a document loaded before may be saved.
	_, err = two.SavePipeline(t.Context(), pipelines[0], front50.SaveOptions{StaleCheck: true})
	require.NoError(t, err)
}

func TestBucketIsCreatedWithVersions(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	c := config(t, server)
	h := byHand(t, server)
	c.ObjectStore.Bucket = server.Bucket + "-new"
	open(t, c)
	versioning, err := h.client.GetBucketVersioning(t.Context(), c.ObjectStore.Bucket)
	require.NoError(t, err)
	require.True(t, versioning.Enabled())

	// An existing one stays as it is; its history is the present.
	c.ObjectStore.Bucket = server.Bucket + "-plain"
	require.NoError(t, h.client.MakeBucket(t.Context(), c.ObjectStore.Bucket, minio.MakeBucketOptions{}))
	s := open(t, c)
	versioning, err = h.client.GetBucketVersioning(t.Context(), c.ObjectStore.Bucket)
	require.NoError(t, err)
	require.False(t, versioning.Enabled())
	save(t, s, `{"id":"x","name":"p","application":"shop","v":1}`)
	save(t, s, `{"id":"x","name":"p","application":"shop","v":2}`)
	versions, err := s.PipelineHistory(t.Context(), "x", 0)
	require.NoError(t, err)
	require.Len(t, versions, 1)
	require.Equal(t, int64(2), versions[0]["v"])
	require.NoError(t, s.DeletePipeline(t.Context(), "x", ""))
	_, err = s.PipelineHistory(t.Context(), "x", 0)
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
}

func TestOpenTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	tests := map[string]struct {
		change func(*s3store.Config)
		code   pipeline.Code
		tells  string
	}{
		"secret is not a reference": {func(c *s3store.Config) { c.ObjectStore.SecretKey = "hunter2" }, pipeline.CodeInvalid, "by reference"},
		"wrong key":                 {func(c *s3store.Config) { c.ObjectStore.SecretKey = c.ObjectStore.AccessKey }, pipeline.CodeUnavailable, "check"},
		"nobody listens": {func(c *s3store.Config) {
			c.ObjectStore.Endpoint = "127.0.0.1:1"
			c.StartTimeout = time.Second
		}, pipeline.CodeUnavailable, "127.0.0.1:1"},
		"bucket may not be made": {func(c *s3store.Config) {
			c.ObjectStore.Bucket = "no-such-bucket"
			c.ObjectStore.CreateBucket = false
			c.StartTimeout = time.Second
		}, pipeline.CodeUnavailable, "no-such-bucket"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(t, server)
			tt.change(&c)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := s3store.Open(ctx, c, log)
			require.Error(t, err)
			require.Equal(t, tt.code, pipeline.CodeOf(err))
			require.ErrorContains(t, err, tt.tells)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), server.SecretKey)
		})
	}
}

// sample returns a document of a kind.
func sample(t *testing.T, k *front50.Kind) pipeline.Map {
	t.Helper()
	return storetest.Samples(t)[k.Name]
}
