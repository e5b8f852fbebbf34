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

// TestSince: a watch tells a position, and from it a reader learns what it missed,
// as it is now.
func TestSince(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	topic := executions.Topic{All: true, Summary: true, Positions: true}
	e := w.run("a", true)
	ctx, cancel := context.WithCancel(t.Context())
	events, err := w.Watch(ctx, topic)
	require.NoError(t, err)
	told := map[string]bool{}
	synced := executionstest.NextWhere(t, events, func(got executions.Event) bool {
		told[got.ID] = true
		return got.Synced
	})
	require.True(t, told[e.ID], "what was there is told before the position")
	cancel()

	ended := w.run("b", true)
	w.finish(ended, pipeline.Succeeded, 9, true)
	w.put(w.record(e, 12))
	missed, known, err := w.Since(t.Context(), topic, synced.Position)
	require.NoError(t, err)
	require.True(t, known)
	states := map[string]int64{}
	for _, m := range missed[:len(missed)-1] {
		require.Empty(t, m.Record.Execution.Stages[0].Outputs, "the short form")
		states[m.ID] = m.Record.Sequence
	}
	require.Equal(t, map[string]int64{ended.ID: 9, e.ID: 12}, states)
	last := missed[len(missed)-1]
	require.True(t, last.Synced)
	missed, known, err = w.Since(t.Context(), topic, last.Position)
	require.NoError(t, err)
	require.True(t, known)
	require.Len(t, missed, 1, "nothing but the position")

	require.NoError(t, w.Delete(t.Context(), ended.ID))
	missed, _, err = w.Since(t.Context(), topic, last.Position)
	require.NoError(t, err)
	require.True(t, missed[0].Deleted)
	require.Equal(t, ended.ID, missed[0].ID)

	_, known, err = w.Since(t.Context(), topic, "1-1")
	require.NoError(t, err)
	require.False(t, known)
	for range executions.MaxMissed + 1 {
		w.run("c", true)
	}
	_, known, err = w.Since(t.Context(), topic, last.Position)
	require.NoError(t, err)
	require.False(t, known, "who missed so much reads the list again")
}
