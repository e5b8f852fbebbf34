package archive_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/archive"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/executions/s3archive"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// room is the activity on a real bucket and a real Redis.
type room struct {
	*archive.Archive
	store *s3archive.Archive
	model *redismodel.Model
	minio *testkit.MinIOServer
	redis *testkit.RedisServer
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{minio: testkit.MinIO(t), redis: testkit.Redis(t)}
	t.Setenv("TEST_ACCESS_KEY", r.minio.AccessKey)
	t.Setenv("TEST_SECRET_KEY", r.minio.SecretKey)
	log := slog.New(slog.DiscardHandler)
	var err error
	r.store, err = s3archive.Open(t.Context(), s3archive.Config{ObjectStore: objectstore.Config{
		Endpoint: r.minio.Endpoint, Bucket: r.minio.Bucket, Region: "us-east-1",
		AccessKey: "env:TEST_ACCESS_KEY", SecretKey: "env:TEST_SECRET_KEY",
	}}, log)
	require.NoError(t, err)
	r.model, err = redismodel.Open(t.Context(), redismodel.Config{Address: r.redis.Address, Timeout: time.Second}, log)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.model.Close()) })
	r.Archive = archive.New(r.store, r.model, log)
	return r
}

func TestArchiveExecution(t *testing.T) {
	r := newRoom(t)
	e := executionstest.Execution("app", "config", pipeline.Succeeded, executionstest.Now)
	in := activities.ArchiveExecutionInput{Execution: e, Sequence: 7}
	for range 2 { // repeating it changes nothing
		_, err := r.ArchiveExecution(t.Context(), in)
		require.NoError(t, err)
		archived, err := r.store.Load(t.Context(), e.ID)
		require.NoError(t, err)
		executionstest.RequireSame(t, e, archived.Execution)
		require.Equal(t, int64(7), archived.Sequence)
		for _, ask := range []struct {
			in   activities.FindEndInput
			want pipeline.Status
		}{
			{activities.FindEndInput{Execution: e.ID, After: 6, Since: e.EndTime}, pipeline.Succeeded},
			{activities.FindEndInput{Execution: e.ID, After: 7, Since: e.EndTime}, ""},     // what the run began with
			{activities.FindEndInput{Execution: e.ID, After: 6, Since: e.EndTime + 1}, ""}, // the end of an earlier run
			{activities.FindEndInput{Execution: "none"}, ""},
		} {
			end, err := r.FindEnd(t.Context(), ask.in)
			require.NoError(t, err)
			require.Equal(t, ask.want, end.Status)
		}
		stored, err := r.model.Get(t.Context(), e.ID)
		require.NoError(t, err)
		require.True(t, stored.Final)
		executionstest.RequireSame(t, e, stored.Execution)
	}
	list, err := r.store.List(t.Context(), executions.Query{Application: "app"})
	require.NoError(t, err)
	require.Len(t, list, 1)

	r.redis.Kill()
	second := executionstest.Execution("app", "config", pipeline.Terminal, executionstest.Now+1)
	_, err = r.ArchiveExecution(t.Context(), activities.ArchiveExecutionInput{Execution: second, Sequence: 3})
	require.NoError(t, err, "Redis may be away")
	_, err = r.store.Load(t.Context(), second.ID)
	require.NoError(t, err)

	r.minio.Kill()
	third := executionstest.Execution("app", "config", pipeline.Terminal, executionstest.Now+2)
	ctx, cancel := context.WithTimeout(t.Context(), activities.ArchiveExecution.Timeout)
	defer cancel()
	_, err = r.ArchiveExecution(ctx, activities.ArchiveExecutionInput{Execution: third, Sequence: 3})
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
	require.NoError(t, ctx.Err(), "the failure comes within the attempt's time")
	_, err = r.FindEnd(t.Context(), activities.FindEndInput{Execution: e.ID})
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
	r.minio.Restart(t)
	_, err = r.ArchiveExecution(t.Context(), activities.ArchiveExecutionInput{Execution: third, Sequence: 3})
	require.NoError(t, err)
}

// slow is an archive that takes an execution when it is let.
type slow struct {
	executions.Archive
	taken chan struct{}
}

func (s slow) Save(ctx context.Context, r executions.Record) error {
	select {
	case <-s.taken:
		return s.Archive.Save(ctx, r)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestReadersSeeTheEndWhileTheArchiveTakesItsTime(t *testing.T) {
	r := newRoom(t)
	s := slow{r.store, make(chan struct{})}
	e := executionstest.Execution("app", "config", pipeline.Succeeded, executionstest.Now)
	done := make(chan error, 1)
	go func() {
		_, err := archive.New(s, r.model, slog.New(slog.DiscardHandler)).ArchiveExecution(t.Context(), activities.ArchiveExecutionInput{Execution: e, Sequence: 7})
		done <- err
	}()
	shown := func() bool {
		seen, err := r.model.Get(t.Context(), e.ID)
		return err == nil && seen.Execution.Status == pipeline.Succeeded && !seen.Final
	}
	require.Eventually(t, shown, 10*time.Second, 10*time.Millisecond)
	close(s.taken)
	require.NoError(t, <-done)
	seen, err := r.model.Get(t.Context(), e.ID)
	require.NoError(t, err)
	require.True(t, seen.Final)
}

func TestArchiveExecutionRefusesTheUnfinished(t *testing.T) {
	t.Parallel()
	a := archive.New(nil, nil, slog.New(slog.DiscardHandler))
	for name, e := range map[string]*pipeline.Execution{
		"none": nil, "without an ID": {Status: pipeline.Succeeded},
		"running": executionstest.Execution("app", "config", pipeline.Running, executionstest.Now),
	} {
		_, err := a.ArchiveExecution(t.Context(), activities.ArchiveExecutionInput{Execution: e})
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), name)
	}
}

func TestRegistered(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	activities.RegisterArchive(env, archive.New(nil, nil, slog.New(slog.DiscardHandler)))
	_, err := env.ExecuteActivity(activities.ArchiveExecution.Name, activities.ArchiveExecutionInput{})
	require.ErrorContains(t, err, "There is no execution to archive.")
}
