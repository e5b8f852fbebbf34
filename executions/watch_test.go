package executions_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

func TestWatchGoesOnWithoutRedis(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	w := newWorld(t, redismodel.Config{Address: server.Address, Timeout: time.Second})
	e := w.run("a", true)
	one, err := w.Watch(t.Context(), executions.Topic{Execution: e.ID})
	require.NoError(t, err)
	all, err := w.Watch(t.Context(), executions.Topic{Application: "app", Summary: true})
	require.NoError(t, err)
	atSequence := func(n int64) func(executions.Event) bool {
		return func(got executions.Event) bool { return got.ID == e.ID && got.Record.Sequence == n }
	}
	both := func(n int64) {
		t.Helper()
		executionstest.NextWhere(t, one, atSequence(n))
		require.Empty(t, executionstest.NextWhere(t, all, atSequence(n)).Record.Execution.Stages[0].Outputs)
	}
	both(3)
	w.put(w.record(e, 4))
	both(4)

	server.Kill()
	w.workflows.set(w.record(executionstest.With(e, pipeline.Paused), 5))
	both(5)
	server.Restart(t)
	require.Eventually(t, func() bool { return w.model.Ping(t.Context()) == nil }, patience, glance)
	w.put(w.record(e, 6))
	w.workflows.set(w.record(e, 6))
	both(6)

	w.finish(e, pipeline.Succeeded, 7, true)
	both(7)
	require.NoError(t, w.Delete(t.Context(), e.ID))
	for _, events := range []<-chan executions.Event{one, all} {
		executionstest.NextWhere(t, events, func(got executions.Event) bool { return got.Deleted && got.ID == e.ID })
	}
}

func TestWatchHealsLostStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	e := w.run("a", true)
	events, err := w.Watch(t.Context(), executions.Topic{Application: "app"})
	require.NoError(t, err)
	require.Equal(t, int64(3), executionstest.Next(t, events).Record.Sequence)
	// The end was archived and never reached the model.
	w.finish(e, pipeline.Succeeded, 9, false)
	w.pass(executions.StaleAfter)
	got := executionstest.NextWhere(t, events, func(e executions.Event) bool { return e.Record.Sequence == 9 })
	require.Equal(t, pipeline.Succeeded, got.Record.Execution.Status)
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	_, err := w.Watch(t.Context(), executions.Topic{})
	requireCode(t, pipeline.CodeInvalid, err)
	ctx, cancel := context.WithCancel(t.Context())
	events, err := w.Watch(ctx, executions.Topic{Application: "app"})
	require.NoError(t, err)
	cancel()
	select {
	case _, open := <-events:
		require.False(t, open)
	case <-time.After(patience):
		require.Fail(t, "the watch did not end")
	}
}
