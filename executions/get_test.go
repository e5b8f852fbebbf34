package executions_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/pipeline"
)

func TestGetAsksTheWorkflowOnlyWhenStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	e := w.run("config", true)
	require.Equal(t, int64(3), w.get(e.ID).Sequence)
	require.Zero(t, w.workflows.asked(e.ID))

	// A later state was lost on its way.
	w.workflows.set(w.record(executionstest.With(e, pipeline.Paused), 4))
	w.pass(executions.StaleAfter)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			r, err := w.Get(t.Context(), e.ID)
			if err != nil || r.Sequence != 4 {
				t.Errorf("sequence %d, error %v", r.Sequence, err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, w.workflows.asked(e.ID))
	require.Equal(t, pipeline.Paused, w.get(e.ID).Execution.Status)
	require.Equal(t, 1, w.workflows.asked(e.ID))
	stored, err := w.model.Get(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, int64(4), stored.Sequence, "the model is repaired")
	w.pass(executions.StaleAfter)
	w.get(e.ID)
	require.Equal(t, 2, w.workflows.asked(e.ID))
}

func TestGetDoesNotAskAboutTheFinished(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	e := w.finish(w.run("config", true), pipeline.Succeeded, 9, true)
	w.pass(time.Hour)
	require.Equal(t, pipeline.Succeeded, w.get(e.ID).Execution.Status)
	require.Zero(t, w.workflows.asked(e.ID))
}

func TestGetFindsWhatTheModelMisses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	running := w.run("config", false)
	archived := w.finish(w.run("config", false), pipeline.Terminal, 9, false)
	forgotten := w.finish(w.run("config", false), pipeline.Succeeded, 9, false)
	w.workflows.forget(forgotten.ID) // beyond Temporal's retention
	unarchived := w.run("config", false)
	w.workflows.set(executions.Record{Execution: executionstest.With(unarchived, pipeline.Succeeded), Sequence: 9, Closed: true})
	for _, want := range []struct {
		id       string
		status   pipeline.Status
		sequence int64
		final    bool
	}{
		{running.ID, pipeline.Running, 3, false},
		{archived.ID, pipeline.Terminal, 9, true},
		{forgotten.ID, pipeline.Succeeded, 9, true},
		{unarchived.ID, pipeline.Succeeded, 9, true},
	} {
		for range 2 {
			r := w.get(want.id)
			require.Equal(t, want.status, r.Execution.Status)
			require.Equal(t, want.sequence, r.Sequence)
			require.Equal(t, want.final, r.Final)
		}
		require.LessOrEqual(t, w.workflows.asked(want.id), 1, "the model has it now")
	}
	_, err := w.archive.Load(t.Context(), unarchived.ID)
	require.NoError(t, err, "what was never archived is")
	_, err = w.Get(t.Context(), "unknown")
	requireCode(t, pipeline.CodeNotFound, err)
}

func TestGetSettlesWhatWasEndedFromOutside(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		told   bool
		end    func(w *world, id string)
		reason string
	}{
		"terminated":                       {true, func(w *world, id string) { w.workflows.close(id, w.now()) }, executions.ReasonTerminated},
		"terminated, unknown to the model": {false, func(w *world, id string) { w.workflows.close(id, w.now()) }, executions.ReasonTerminated},
		"lost with Temporal":               {true, func(w *world, id string) { w.workflows.forget(id) }, executions.ReasonLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, redismodel.Config{})
			e := w.run("config", false)
			e.Stages[0].Status, e.Stages[0].Tasks[0].Status, e.Stages[0].EndTime = pipeline.Succeeded, pipeline.Succeeded, e.BuildTime+1
			e.Stages = append(e.Stages, e.Stages[1].Clone())
			e.Stages[2].Status, e.Stages[2].Tasks[0].Status = pipeline.NotStarted, pipeline.NotStarted
			if test.told {
				w.put(w.record(e, 3))
			}
			test.end(w, e.ID)
			w.pass(executions.StaleAfter)
			r := w.get(e.ID)
			got := r.Execution
			require.Equal(t, pipeline.Canceled, got.Status)
			require.True(t, got.Canceled)
			require.Equal(t, test.reason, got.CancellationReason)
			require.NotZero(t, got.EndTime)
			require.True(t, r.Final)
			require.Equal(t, int64(4), r.Sequence, "above every state that ran")
			require.Equal(t, pipeline.Succeeded, got.Stages[0].Status, "what had ended stays")
			require.Equal(t, e.BuildTime+1, got.Stages[0].EndTime)
			require.Equal(t, pipeline.Canceled, got.Stages[1].Status)
			require.Equal(t, pipeline.Canceled, got.Stages[1].Tasks[0].Status)
			require.Equal(t, got.EndTime, got.Stages[1].Tasks[0].EndTime)
			require.Equal(t, pipeline.NotStarted, got.Stages[2].Status, "what had not begun stays")
			require.Equal(t, pipeline.Running, e.Status, "the given execution is not changed")
			archived, err := w.archive.Load(t.Context(), e.ID)
			require.NoError(t, err)
			executionstest.RequireSame(t, got, archived.Execution)
			asked := w.workflows.asked(e.ID)
			w.pass(time.Hour)
			require.Equal(t, pipeline.Canceled, w.get(e.ID).Execution.Status)
			require.Equal(t, asked, w.workflows.asked(e.ID))
		})
	}
}

func TestSettlingWaitsForTheArchive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	e := w.run("config", true)
	w.workflows.close(e.ID, w.now())
	w.archive.down.Store(true)
	w.pass(executions.StaleAfter)
	r := w.get(e.ID)
	require.Equal(t, pipeline.Canceled, r.Execution.Status)
	require.False(t, r.Final)
	w.archive.down.Store(false)
	w.pass(executions.StaleAfter)
	r = w.get(e.ID)
	require.Equal(t, pipeline.Canceled, r.Execution.Status)
	require.True(t, r.Final)
	archived, err := w.archive.Load(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, executions.ReasonTerminated, archived.Execution.CancellationReason)
}

func TestStatesOfLostWorkflowTasksGiveWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	e := w.run("config", true)
	w.put(w.record(executionstest.With(e, pipeline.Running), 12)) // published, then its task was lost
	w.finish(e, pipeline.Succeeded, 9, false)
	w.pass(executions.StaleAfter)
	r := w.get(e.ID)
	require.Equal(t, pipeline.Succeeded, r.Execution.Status)
	require.Equal(t, int64(12), r.Sequence, "a restart goes on above it")
	stored, err := w.model.Get(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, stored.Execution.Status)
}

func TestRestartedExecutionsRunAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	e := w.finish(w.run("config", false), pipeline.Terminal, 9, false)
	w.workflows.set(w.record(executionstest.With(e, pipeline.Running), 11))
	require.Equal(t, pipeline.Running, w.get(e.ID).Execution.Status, "the archive has its first end only")
	w.workflows.close(e.ID, w.now())
	w.pass(executions.StaleAfter)
	r := w.get(e.ID)
	require.Equal(t, pipeline.Canceled, r.Execution.Status)
	require.Equal(t, int64(12), r.Sequence)
	archived, err := w.archive.Load(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Canceled, archived.Execution.Status)
}

func TestGetWithTemporalAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	known := w.run("config", true)
	unknown := w.run("config", false)
	archived := w.finish(w.run("config", false), pipeline.Succeeded, 9, false)
	w.workflows.setDown(true)
	w.pass(executions.StaleAfter)
	require.Equal(t, pipeline.Running, w.get(known.ID).Execution.Status, "the last known state")
	require.Equal(t, pipeline.Succeeded, w.get(archived.ID).Execution.Status)
	_, err := w.Get(t.Context(), unknown.ID)
	requireCode(t, pipeline.CodeUnavailable, err)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	requireCode(t, pipeline.CodeNotFound, w.Delete(t.Context(), "unknown"))
	e := w.run("config", true)
	requireCode(t, pipeline.CodeConflict, w.Delete(t.Context(), e.ID))
	w.finish(e, pipeline.Succeeded, 9, true)
	w.archive.down.Store(true)
	requireCode(t, pipeline.CodeUnavailable, w.Delete(t.Context(), e.ID))
	w.archive.down.Store(false)
	require.Equal(t, []string{e.ID}, w.list(executions.Query{Application: "app"}), "nothing is half deleted")
	require.NoError(t, w.Delete(t.Context(), e.ID))
	_, err := w.Get(t.Context(), e.ID)
	requireCode(t, pipeline.CodeNotFound, err)
	require.ErrorIs(t, err, executions.ErrDeleted, "Temporal still knows its workflow")
	require.Empty(t, w.list(executions.Query{Application: "app"}))
	requireCode(t, pipeline.CodeNotFound, w.Delete(t.Context(), e.ID))
}

// TestRestartsReplaceEarlierEnds: an execution that had ended, runs again and
// ends anew is what every reader sees, whatever the archive still holds.
func TestRestartsReplaceEarlierEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	q := executions.Query{Application: "app", Summary: true}
	statuses := func() map[string]pipeline.Status {
		t.Helper()
		found, err := w.List(t.Context(), q)
		require.NoError(t, err)
		out := map[string]pipeline.Status{}
		for _, e := range found {
			out[e.ID] = e.Status
		}
		return out
	}
	e := w.finish(w.run("config", true), pipeline.Terminal, 9, true)
	require.Equal(t, map[string]pipeline.Status{e.ID: pipeline.Terminal}, statuses())

	events, err := w.Watch(t.Context(), executions.Topic{Application: "app"})
	require.NoError(t, err)
	w.workflows.set(w.record(executionstest.With(e, pipeline.Running), 11))
	w.put(w.record(executionstest.With(e, pipeline.Running), 11))
	require.Equal(t, int64(11), executionstest.NextWhere(t, events, func(got executions.Event) bool { return got.ID == e.ID }).Record.Sequence)
	require.Equal(t, pipeline.Running, w.get(e.ID).Execution.Status)
	require.Equal(t, map[string]pipeline.Status{e.ID: pipeline.Running}, statuses())
	w.pass(10 * executions.StaleAfter) // the archive is compared with the model, too
	require.Equal(t, map[string]pipeline.Status{e.ID: pipeline.Running}, statuses())

	w.finish(e, pipeline.Succeeded, 15, true)
	require.Equal(t, map[string]pipeline.Status{e.ID: pipeline.Succeeded}, statuses())
	archived, err := w.archive.Load(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, archived.Execution.Status)
	require.Equal(t, int64(15), archived.Sequence)
	stored, err := w.model.Put(t.Context(), executions.Record{Execution: executionstest.With(e, pipeline.Terminal), Sequence: 9, Final: true})
	require.NoError(t, err)
	require.False(t, stored, "the first end comes late")
}

// TestUntoldRestartsAreFound: the model kept an end over its absence and nobody
// told it of the restart.
func TestUntoldRestartsAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	e := w.finish(w.run("config", true), pipeline.Terminal, 9, true)
	w.pass(time.Minute)
	w.workflows.set(w.record(executionstest.With(e, pipeline.Running), 11))
	require.Eventually(t, func() bool {
		return w.get(e.ID).Execution.Status == pipeline.Running
	}, patience, glance, "readers of one execution find it too")
}

func TestDeleteWaitsForTheArchive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	e := w.run("config", true)
	ended := executionstest.With(e, pipeline.Succeeded)
	w.workflows.set(w.record(ended, 9))
	w.put(w.record(ended, 9)) // published, not archived yet
	requireCode(t, pipeline.CodeConflict, w.Delete(t.Context(), e.ID))
	w.workflows.setDown(true)
	requireCode(t, pipeline.CodeUnavailable, w.Delete(t.Context(), e.ID))
	w.workflows.setDown(false)
	w.finish(e, pipeline.Succeeded, 9, true)
	require.NoError(t, w.Delete(t.Context(), e.ID))
}
