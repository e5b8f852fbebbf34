package executions_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

func TestListFillsAnEmptyModelFromTheOwners(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	first := w.finish(w.run("a", false), pipeline.Succeeded, 9, false)
	w.pass(time.Second)
	second := w.finish(w.run("b", false), pipeline.Terminal, 9, false)
	w.pass(time.Second)
	third := w.run("a", false)
	q := executions.Query{Application: "app"}
	want := []string{third.ID, second.ID, first.ID}
	require.Equal(t, want, w.list(q))
	w.pass(2 * executions.StaleAfter) // its first reconciliation
	require.Equal(t, want, w.list(q))
	asked := w.archive.lists.Load()
	for range 5 {
		require.Equal(t, want, w.list(q))
	}
	require.Equal(t, asked, w.archive.lists.Load(), "the model answers alone")
	require.Equal(t, []string{third.ID}, w.list(executions.Query{Application: "APP", Statuses: executions.Unfinished()}))
	require.Equal(t, []string{third.ID, second.ID}, w.list(executions.Query{Application: "app", LimitPerConfig: 1}))
	got, err := w.List(t.Context(), executions.Query{Application: "app", Summary: true, Limit: 1})
	require.NoError(t, err)
	executionstest.RequireSame(t, third.Summary(), got[0])
}

func TestListSurvivesRedis(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	const timeout = time.Second
	w := newWorld(t, redismodel.Config{Address: server.Address, Timeout: timeout})
	ended := w.finish(w.run("a", true), pipeline.Succeeded, 9, true)
	w.pass(time.Second)
	running := w.run("b", true)
	q := executions.Query{Application: "app"}
	require.Equal(t, []string{running.ID, ended.ID}, w.list(q))

	server.Kill()
	begin := time.Now()
	require.Equal(t, []string{running.ID, ended.ID}, w.list(q))
	require.Equal(t, pipeline.Running, w.get(running.ID).Execution.Status)
	require.Equal(t, []string{running.ID}, w.list(executions.Query{PipelineConfigIDs: []string{"b"}, Statuses: []pipeline.Status{pipeline.Running}}))
	require.Equal(t, []string{ended.ID}, w.list(executions.Query{Application: "app", Statuses: []pipeline.Status{pipeline.Succeeded}}))
	require.Less(t, time.Since(begin), 4*timeout, "only the first call waits for Redis")

	// Life goes on while Redis is away.
	w.pass(time.Second)
	whileAway := w.run("a", false)
	w.pass(time.Second)
	endedAway := w.finish(w.run("a", false), pipeline.Terminal, 9, false)
	w.pass(3 * time.Second)
	want := []string{endedAway.ID, whileAway.ID, running.ID, ended.ID}
	require.Equal(t, want, w.list(q))

	server.Restart(t) // empty
	require.Eventually(t, func() bool { return w.model.Ping(t.Context()) == nil }, patience, glance)
	require.Equal(t, want, w.list(q))
	require.Eventually(t, func() bool {
		c, err := w.model.Coverage(t.Context(), "app")
		return err == nil && c.Complete
	}, patience, glance)
	require.Equal(t, want, w.list(q))
	w.archive.down.Store(true)
	w.workflows.setDown(true)
	require.Equal(t, want, w.list(q), "the model has all of it")
}

func TestListFindsWhatTheModelWasNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	q := executions.Query{Application: "app"}
	require.Empty(t, w.list(q))
	// Redis could not be reached for a while, and kept what it had.
	running := w.run("a", false)
	w.pass(executions.StaleAfter)
	require.Equal(t, []string{running.ID}, w.list(q))
	ended := w.finish(w.run("a", false), pipeline.Succeeded, 9, false)
	w.pass(time.Minute)
	require.ElementsMatch(t, []string{running.ID, ended.ID}, w.list(q))
	restarted := w.finish(w.run("a", true), pipeline.Terminal, 9, true)
	w.workflows.set(w.record(executionstest.With(restarted, pipeline.Running), 11))
	w.pass(executions.StaleAfter)
	require.ElementsMatch(t, []string{running.ID, restarted.ID}, w.list(executions.Query{Application: "app", Statuses: []pipeline.Status{pipeline.Running}}))
}

func TestListSettlesTheStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	alive, terminated, ended := w.run("a", true), w.run("b", true), w.run("c", true)
	running := executions.Query{Application: "app", Statuses: []pipeline.Status{pipeline.Running}, Summary: true}
	require.Len(t, w.list(running), 3)
	w.workflows.close(terminated.ID, w.now())
	w.finish(ended, pipeline.Succeeded, 9, false)
	w.pass(executions.StaleAfter)
	require.Equal(t, []string{alive.ID}, w.list(running))
	require.Equal(t, []string{terminated.ID}, w.list(executions.Query{Application: "app", Statuses: []pipeline.Status{pipeline.Canceled}}))
	require.Equal(t, pipeline.Succeeded, w.get(ended.ID).Execution.Status)
}

func TestListFindsWhatWasEndedFromOutsideWhileNobodyLooked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	terminated := w.run("a", false)
	w.workflows.close(terminated.ID, w.now())
	require.Equal(t, []string{terminated.ID}, w.list(executions.Query{Application: "app", Statuses: []pipeline.Status{pipeline.Canceled}}))
	archived, err := w.archive.Load(t.Context(), terminated.ID)
	require.NoError(t, err)
	require.Equal(t, executions.ReasonTerminated, archived.Execution.CancellationReason)

	// In an application that nobody reads, by somebody who reads another.
	elsewhere := executionstest.Execution("other", "b", pipeline.Running, terminated.BuildTime)
	w.put(w.record(elsewhere, 3))
	w.workflows.set(w.record(elsewhere, 3))
	w.workflows.close(elsewhere.ID, w.now())
	w.pass(2 * time.Minute)
	w.list(executions.Query{Application: "app"})
	require.Eventually(t, func() bool {
		r, err := w.archive.Load(t.Context(), elsewhere.ID)
		return err == nil && r.Execution.Status == pipeline.Canceled
	}, patience, glance)
}

func TestListReachesBeyondTheModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{KeepPerPipeline: 20})
	require.Empty(t, w.list(executions.Query{Application: "app"}))
	var want []string
	for i := range 40 {
		w.pass(time.Second)
		want = append([]string{w.finish(w.execution("busy", pipeline.Running), pipeline.Succeeded, 9, true).ID}, want...)
		if i == 0 {
			w.finish(w.execution("idle", pipeline.Running), pipeline.Succeeded, 9, true)
		}
	}
	asked := w.archive.lists.Load()
	for _, q := range []executions.Query{
		{Application: "app", Limit: 10},
		{Application: "app", PipelineConfigIDs: []string{"busy"}, LimitPerConfig: 20},
		{Application: "app", LimitPerConfig: 5},
		{Application: "app", PipelineConfigIDs: []string{"idle"}, Limit: 50},
		{Application: "app", Statuses: executions.Unfinished()},
		{Application: "app", From: pipeline.ToMillis(w.now().Add(-5 * time.Second))},
	} {
		w.list(q)
		require.Equal(t, asked, w.archive.lists.Load(), "%+v", q)
	}
	require.Equal(t, want[:30], w.list(executions.Query{PipelineConfigIDs: []string{"busy"}, LimitPerConfig: 30}))
	require.Equal(t, want, w.list(executions.Query{Application: "app", PipelineConfigIDs: []string{"busy"}}))
	require.Len(t, w.list(executions.Query{Application: "app"}), 41)
	require.Greater(t, w.archive.lists.Load(), asked)

	// Restarted long after: it runs, and is not among the finished.
	oldest := w.get(want[39])
	w.put(w.record(executionstest.With(oldest.Execution, pipeline.Running), 12))
	w.workflows.set(w.record(executionstest.With(oldest.Execution, pipeline.Running), 12))
	require.Equal(t, want[:39], w.list(executions.Query{PipelineConfigIDs: []string{"busy"}, Statuses: []pipeline.Status{pipeline.Succeeded}}))
}

func TestFillIsBoundedAndSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	for range 45 {
		w.pass(time.Second)
		w.finish(w.execution("busy", pipeline.Running), pipeline.Succeeded, 9, false)
	}
	w.list(executions.Query{Application: "app"})
	require.Eventually(t, func() bool {
		c, err := w.model.Coverage(t.Context(), "app")
		return err == nil && c.Complete && c.LetGo["PIPELINE:busy"] > 0
	}, patience, glance)
	require.Len(t, w.list(executions.Query{Application: "app"}), 45)
}

func TestListWithoutAnApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	mine := w.finish(w.run("a", false), pipeline.Succeeded, 9, false)
	other := executionstest.Execution("other", "b", pipeline.Running, mine.BuildTime+1)
	w.workflows.set(w.record(other, 3))
	require.Equal(t, []string{other.ID, mine.ID}, w.list(executions.Query{PipelineConfigIDs: []string{"a", "b"}}))
	require.Equal(t, []string{other.ID, mine.ID}, w.list(executions.Query{}))
	require.Equal(t, []string{other.ID}, w.list(executions.Query{Statuses: executions.Unfinished()}))
	require.Empty(t, w.list(executions.Query{PipelineConfigIDs: []string{"never ran"}}))

	// One that is known only to the archive, beside one that never ran.
	fresh := newWorld(t, redismodel.Config{})
	old := fresh.finish(fresh.run("a", false), pipeline.Succeeded, 9, false)
	require.Equal(t, []string{old.ID}, fresh.list(executions.Query{PipelineConfigIDs: []string{"never ran", "a"}}))
	fresh.archive.down.Store(true)
	_, err := fresh.List(t.Context(), executions.Query{PipelineConfigIDs: []string{"never ran"}})
	requireCode(t, pipeline.CodeUnavailable, err)
	require.Empty(t, fresh.list(executions.Query{PipelineConfigIDs: []string{"never ran"}, Statuses: executions.Unfinished()}))
}

func TestListWithOwnersAway(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	w := newWorld(t, redismodel.Config{Address: server.Address})
	e := w.run("a", true)
	q := executions.Query{Application: "app"}
	require.Equal(t, []string{e.ID}, w.list(q))
	w.workflows.setDown(true)
	w.archive.down.Store(true)
	w.pass(time.Hour)
	require.Equal(t, []string{e.ID}, w.list(q), "the model alone")
	server.Kill()
	_, err := w.List(t.Context(), q)
	requireCode(t, pipeline.CodeUnavailable, err)
	w.workflows.setDown(false)
	_, err = w.List(t.Context(), q)
	requireCode(t, pipeline.CodeUnavailable, err)
	require.Equal(t, []string{e.ID}, w.list(executions.Query{Application: "app", Statuses: executions.Unfinished()}), "the archive is not needed")
}

func TestManyStaleRecordsDoNotHoldAListUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	for i := range 100 {
		w.run(fmt.Sprint(i%7), true)
	}
	require.Len(t, w.list(executions.Query{Application: "app"}), 100)
	w.pass(executions.StaleAfter)
	for range 3 {
		require.Len(t, w.list(executions.Query{Application: "app", Summary: true}), 100)
	}
	for id := range w.workflows.all {
		require.LessOrEqual(t, w.workflows.asked(id), 2, "each is asked at most once in a while")
	}
}

func TestQueryBounds(t *testing.T) {
	t.Parallel()
	require.Equal(t, executions.MaxResults, executions.Query{}.Bound())
	require.Equal(t, executions.MaxResults, executions.Query{Limit: 1 << 30}.Bound())
	require.Equal(t, 5, executions.Query{Limit: 5, LimitPerConfig: 9}.BoundPerConfig())
	require.Equal(t, 9, executions.Query{LimitPerConfig: 9}.BoundPerConfig())
}

// TestListNeverShowsTheEndBeforeARestart: the model is away, and the workflow
// of a restarted execution does not answer.
func TestListNeverShowsTheEndBeforeARestart(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	w := newWorld(t, redismodel.Config{Address: server.Address, Timeout: time.Second})
	restarted := w.finish(w.run("a", true), pipeline.Terminal, 9, true)
	w.pass(time.Second)
	ended := w.finish(w.run("b", true), pipeline.Succeeded, 9, true)
	w.pass(time.Second)
	running := w.run("c", true)
	server.Kill()
	q := executions.Query{Application: "app"}
	require.Equal(t, []string{running.ID, ended.ID, restarted.ID}, w.list(q))
	w.workflows.set(w.record(executionstest.With(restarted, pipeline.Running), 11))
	found, err := w.List(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, pipeline.Running, found[2].Status, "what its workflow said before it was restarted is forgotten")
	w.pass(time.Minute)
	w.workflows.mute(restarted.ID)
	require.Equal(t, []string{running.ID, ended.ID}, w.list(q))
	require.Empty(t, w.list(executions.Query{Application: "app", Statuses: []pipeline.Status{pipeline.Terminal}}))
}

func TestListFindsRestartsThatWereEndedFromOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{}) // which knows nothing yet
	kept := w.finish(w.run("a", false), pipeline.Terminal, 9, false)
	restarted := w.finish(w.run("b", false), pipeline.Terminal, 9, false)
	w.pass(time.Hour)
	w.workflows.set(w.record(executionstest.With(restarted, pipeline.Running), 11))
	w.workflows.close(restarted.ID, w.now())
	found, err := w.List(t.Context(), executions.Query{Application: "app"})
	require.NoError(t, err)
	statuses := map[string]pipeline.Status{}
	for _, e := range found {
		statuses[e.ID] = e.Status
	}
	require.Equal(t, map[string]pipeline.Status{kept.ID: pipeline.Terminal, restarted.ID: pipeline.Canceled}, statuses)
	require.Zero(t, w.workflows.asked(kept.ID), "its end was not long before that of its workflow")
}

// Many who read at the same time ask Temporal once, however slow it is.
func TestListsTogetherAskTemporalOnce(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	w := newWorld(t, redismodel.Config{Address: server.Address, Timeout: time.Second})
	running := w.run("a", false)
	server.Kill()
	require.Equal(t, []string{running.ID}, w.list(executions.Query{Application: "app"}), "the model is known to be away")
	before := w.workflows.listed()
	answer := make(chan struct{})
	w.workflows.slow(answer)
	const readers = 50
	var group errgroup.Group
	for range readers {
		group.Go(func() error {
			list, err := w.List(t.Context(), executions.Query{Application: "app"})
			if err == nil && len(list) != 1 {
				err = fmt.Errorf("%d executions are listed", len(list))
			}
			return err
		})
	}
	require.Eventually(t, func() bool { return w.workflows.listed() > before }, patience, glance)
	impatient, cancel := context.WithTimeout(t.Context(), glance)
	defer cancel()
	_, err := w.List(impatient, executions.Query{Application: "app"})
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
	close(answer)
	require.NoError(t, group.Wait())
	// One for those who list, and one each for those who fill and compare the model.
	require.LessOrEqual(t, w.workflows.listed()-before, 5, "for %d readers", readers)
}
