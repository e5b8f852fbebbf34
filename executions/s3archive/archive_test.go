package s3archive_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/executions/s3archive"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

func TestArchive(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	executionstest.Archive(t, func(t *testing.T) executions.Archive { return open(t, server) })
}

func config(t testing.TB, server *testkit.MinIOServer) objectstore.Config {
	t.Helper()
	reference := func(value string) string {
		path := t.TempDir() + "/secret"
		require.NoError(t, os.WriteFile(path, []byte(value+"\n"), 0o600))
		return "file:" + path
	}
	return objectstore.Config{
		Endpoint: server.Endpoint, Bucket: server.Bucket, Region: "us-east-1",
		AccessKey: reference(server.AccessKey), SecretKey: reference(server.SecretKey),
	}
}

func open(t testing.TB, server *testkit.MinIOServer) *s3archive.Archive {
	t.Helper()
	a, err := s3archive.Open(t.Context(), s3archive.Config{ObjectStore: config(t, server)}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return a
}

// counter counts requests by method, and fails those that it is told to.
type counter struct {
	http.RoundTripper
	requests atomic.Int64
	fail     func(*http.Request) bool
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	if c.fail != nil && c.fail(r) {
		return nil, io.ErrUnexpectedEOF
	}
	return c.RoundTripper.RoundTrip(r)
}

func counted(t *testing.T, server *testkit.MinIOServer) (*s3archive.Archive, *counter) {
	t.Helper()
	c := &counter{RoundTripper: http.DefaultTransport}
	client, err := minio.New(server.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(server.AccessKey, server.SecretKey, ""),
		Region: "us-east-1", Transport: c, MaxRetries: 1,
	})
	require.NoError(t, err)
	return s3archive.New(client, server.Bucket, slog.New(slog.DiscardHandler)), c
}

func TestListsCostFewRequests(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	a, _ := counted(t, server)
	for i := range 60 {
		e := executionstest.Execution("app", fmt.Sprint("config", i%3), pipeline.Succeeded, executionstest.Now+pipeline.Millis(i))
		require.NoError(t, a.Save(t.Context(), executionstest.Record(e, 1)))
	}
	// Another process, which remembers nothing.
	a, count := counted(t, server)
	for _, c := range []struct {
		name         string
		query        executions.Query
		results      int
		first, again int64
	}{
		{"newest of a pipeline", executions.Query{PipelineConfigIDs: []string{"config1"}, Type: pipeline.TypePipeline, Limit: 5, Summary: true}, 5, 6, 1},
		{"newest of an application", executions.Query{Application: "app", Limit: 10, Summary: true}, 10, 11, 1},
		{"newest of each pipeline", executions.Query{Application: "app", LimitPerConfig: 2, Summary: true}, 6, 10, 4},
		{"by status, none", executions.Query{Application: "app", Statuses: []pipeline.Status{pipeline.Terminal}}, 0, 1, 1},
	} {
		for _, bound := range []int64{c.first, c.again} {
			before := count.requests.Load()
			got, err := a.List(t.Context(), c.query)
			require.NoError(t, err)
			require.Len(t, got, c.results)
			require.LessOrEqual(t, count.requests.Load()-before, bound, c.name)
		}
	}
	before := count.requests.Load()
	list, err := a.List(t.Context(), executions.Query{Application: "app", Limit: 1})
	require.NoError(t, err)
	_, err = a.Load(t.Context(), list[0].Execution.ID)
	require.NoError(t, err)
	require.LessOrEqual(t, count.requests.Load()-before, int64(3))
}

func TestSavesCostFewRequests(t *testing.T) {
	t.Parallel()
	a, count := counted(t, testkit.SharedMinIO(t))
	application := executionstest.Name("app")
	for i, most := range []int64{5, 4, 4} {
		before := count.requests.Load()
		e := executionstest.Execution(application, "config", pipeline.Succeeded, executionstest.Now+pipeline.Millis(i))
		require.NoError(t, a.Save(t.Context(), executionstest.Record(e, 1)))
		require.LessOrEqual(t, count.requests.Load()-before, most)
	}
}

func TestEntriesWithoutAShortFormShowTheExecution(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	e := executionstest.Execution(executionstest.Name("app"), "config", pipeline.Succeeded, executionstest.Now)
	require.NoError(t, open(t, server).Save(t.Context(), executionstest.Record(e, 1)))
	client, err := objectstore.Client(t.Context(), config(t, server))
	require.NoError(t, err)
	emptied := 0
	for o := range client.ListObjectsIter(t.Context(), server.Bucket, minio.ListObjectsOptions{Prefix: "gennaker/executions/index/application/" + e.Application, Recursive: true}) {
		require.NoError(t, o.Err)
		_, err := client.PutObject(t.Context(), server.Bucket, o.Key, strings.NewReader(""), 0, minio.PutObjectOptions{})
		require.NoError(t, err)
		emptied++
	}
	require.Equal(t, 1, emptied)
	list, err := open(t, server).List(t.Context(), executions.Query{Application: e.Application, Summary: true})
	require.NoError(t, err)
	require.Len(t, list, 1)
	executionstest.RequireSame(t, e.Summary(), list[0].Execution)
}

func TestStoresWithoutConditionalWritesKeepTheLatestState(t *testing.T) {
	t.Parallel()
	a, c := counted(t, testkit.SharedMinIO(t))
	c.RoundTripper = unconditional{http.DefaultTransport}
	e := executionstest.Execution("app", "config", pipeline.Succeeded, executionstest.Now)
	for _, sequence := range []int64{2, 3, 1} {
		require.NoError(t, a.Save(t.Context(), executionstest.Record(e, sequence)))
	}
	r, err := a.Load(t.Context(), e.ID)
	require.NoError(t, err)
	require.EqualValues(t, 3, r.Sequence)
}

// unconditional is a store that does not know conditional writes.
type unconditional struct{ http.RoundTripper }

func (u unconditional) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("If-None-Match") == "" {
		return u.RoundTripper.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: http.StatusNotImplemented, Status: "501 Not Implemented", Header: http.Header{"Content-Type": {"application/xml"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`<Error><Code>NotImplemented</Code><Message>no</Message></Error>`)),
	}, nil
}

func TestSaveThatDiesIsRepairedByTheNext(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	for _, dies := range []string{"by-id", "index/all", "index/application", "index/group/", "index/groups"} {
		t.Run(strings.ReplaceAll(dies, "/", " "), func(t *testing.T) {
			a, c := counted(t, server)
			e := executionstest.Execution(executionstest.Name("app"), executionstest.Name("config"), pipeline.Succeeded, executionstest.Now)
			c.fail = func(r *http.Request) bool {
				path, _ := url.PathUnescape(r.URL.Path)
				return r.Method == http.MethodPut && strings.Contains(path, dies)
			}
			err := a.Save(t.Context(), executionstest.Record(e, 1))
			require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
			c.fail = nil
			if dies != "by-id" {
				r, err := a.Load(t.Context(), e.ID)
				require.NoError(t, err, "the body came first")
				executionstest.RequireSame(t, e, r.Execution)
			}
			require.NoError(t, a.Save(t.Context(), executionstest.Record(e, 1)))
			for _, q := range []executions.Query{
				{Application: e.Application}, {PipelineConfigIDs: []string{e.PipelineConfigID}},
				{Application: e.Application, LimitPerConfig: 1, Summary: true},
			} {
				list, err := a.List(t.Context(), q)
				require.NoError(t, err)
				require.Len(t, list, 1)
			}
		})
	}
}

func TestDeleteThatDiesIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	a, c := counted(t, server)
	e := executionstest.Execution("app", "config", pipeline.Succeeded, executionstest.Now)
	require.NoError(t, a.Save(t.Context(), executionstest.Record(e, 1)))
	c.fail = func(r *http.Request) bool {
		return r.Method == http.MethodDelete && (strings.Contains(r.URL.Path, "index/all") || strings.Contains(r.URL.Path, "index/group"))
	}
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(a.Delete(t.Context(), e.ID)))
	_, err := a.Load(t.Context(), e.ID)
	require.ErrorIs(t, err, executions.ErrDeleted)
	fresh, count := counted(t, server)
	list, err := fresh.List(t.Context(), executions.Query{Application: "app", Summary: true})
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, fresh.Delete(t.Context(), e.ID))
	before := count.requests.Load()
	list, err = fresh.List(t.Context(), executions.Query{Application: "app"})
	require.NoError(t, err)
	require.Empty(t, list)
	require.Equal(t, before+1, count.requests.Load(), "no entry is left")
}

func TestBodyIsTheDocumentThatClientsRead(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	e := executionstest.Execution("app", "config", pipeline.Succeeded, executionstest.Now)
	require.NoError(t, open(t, server).Save(t.Context(), executionstest.Record(e, 1)))
	client, err := objectstore.Client(t.Context(), config(t, server))
	require.NoError(t, err)
	object, err := client.GetObject(t.Context(), server.Bucket, "gennaker/executions/by-id/"+e.ID+"/execution.json", minio.GetObjectOptions{})
	require.NoError(t, err)
	info, err := object.Stat()
	require.NoError(t, err)
	require.Equal(t, "application/json", info.ContentType)
	require.Equal(t, "gzip", info.Metadata.Get("Content-Encoding"))
	unzipped, err := gzip.NewReader(object)
	require.NoError(t, err)
	body, err := io.ReadAll(unzipped)
	require.NoError(t, err)
	var got pipeline.Map
	require.NoError(t, got.UnmarshalJSON(body))
	want, err := pipeline.ToValue(e)
	require.NoError(t, err)
	require.Equal(t, want, map[string]any(got))
}

func TestBrokenObjectHidesNothingElse(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	a := open(t, server)
	broken := executionstest.Execution("app", "config", pipeline.Succeeded, executionstest.Now)
	whole := executionstest.Execution("app", "config", pipeline.Succeeded, executionstest.Now+1)
	require.NoError(t, a.Save(t.Context(), executionstest.Record(broken, 1)))
	require.NoError(t, a.Save(t.Context(), executionstest.Record(whole, 1)))
	client, err := objectstore.Client(t.Context(), config(t, server))
	require.NoError(t, err)
	_, err = client.PutObject(t.Context(), server.Bucket, "gennaker/executions/by-id/"+broken.ID+"/execution.json", strings.NewReader("{"), 1, minio.PutObjectOptions{})
	require.NoError(t, err)
	list, err := a.List(t.Context(), executions.Query{Application: "app"})
	require.NoError(t, err)
	require.Equal(t, []string{whole.ID}, executionstest.IDs(list))
	_, err = a.Load(t.Context(), broken.ID)
	require.Equal(t, pipeline.CodeInternal, pipeline.CodeOf(err))
	_, err = a.Document(t.Context(), broken.ID)
	require.Equal(t, pipeline.CodeInternal, pipeline.CodeOf(err))
}

func TestObjectsThatWerePutByOtherMeansAreDecoded(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	e := executionstest.Execution("app", "config", pipeline.Succeeded, executionstest.Now)
	client, err := objectstore.Client(t.Context(), config(t, server))
	require.NoError(t, err)
	body, err := json.Marshal(e)
	require.NoError(t, err)
	_, err = client.PutObject(t.Context(), server.Bucket, "gennaker/executions/by-id/"+e.ID+"/execution.json", bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
	require.NoError(t, err)
	d, err := open(t, server).Document(t.Context(), e.ID)
	require.NoError(t, err)
	require.Empty(t, d.Packed)
	executionstest.RequireSame(t, e, d.Execution)
	require.Equal(t, []any{e.ID, e.Type, e.Application, e.Status}, []any{d.ID, d.Type, d.Application, d.Status})
}

func TestObjectStoreAway(t *testing.T) {
	t.Parallel()
	server := testkit.MinIO(t)
	a := open(t, server)
	e := executionstest.Execution("app", "config", pipeline.Succeeded, executionstest.Now)
	require.NoError(t, a.Save(t.Context(), executionstest.Record(e, 1)))
	server.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for name, call := range map[string]func() error{
		"save":   func() error { return a.Save(ctx, executionstest.Record(e, 2)) },
		"load":   func() error { _, err := a.Load(ctx, e.ID); return err },
		"list":   func() error { _, err := a.List(ctx, executions.Query{Application: "app", Summary: true}); return err },
		"delete": func() error { return a.Delete(ctx, e.ID) },
	} {
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(call()), name)
	}
	require.NoError(t, ctx.Err(), "callers do not wait long")
	server.Restart(t)
	r, err := a.Load(t.Context(), e.ID)
	require.NoError(t, err)
	executionstest.RequireSame(t, e, r.Execution)
}
