package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.run(stage("1", "manualJudgment"))
	r.stageReaches(id, "1", pipeline.Running)
	in := workflows.PauseInput{User: "ann"}

	paused, err := r.Pause(t.Context(), id, in)
	require.NoError(t, err)
	require.Equal(t, pipeline.Paused, paused.Execution.Status)
	require.Equal(t, "ann", paused.Execution.Paused.PausedBy)
	_, err = r.Pause(t.Context(), id, in)
	requireCode(t, pipeline.CodeConflict, err)

	resumed, err := r.Resume(t.Context(), id, in)
	require.NoError(t, err)
	require.Equal(t, pipeline.Running, resumed.Execution.Status)
	require.Greater(t, resumed.Sequence, paused.Sequence)
	_, err = r.Resume(t.Context(), id, in)
	requireCode(t, pipeline.CodeConflict, err)

	r.judge(id, "1", "continue")
	r.end(id, pipeline.Succeeded)
	_, err = r.Pause(t.Context(), id, in)
	requireCode(t, pipeline.CodeConflict, err)
	_, err = r.Pause(t.Context(), "unknown", in)
	requireCode(t, pipeline.CodeNotFound, err)
}

func TestFailedStartsAreRecorded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := r.build(nil, stage("1", "wait", "waitTime", int64(3600)))
	require.NoError(t, r.Fail(t.Context(), e, workflows.StartFailure{Message: "no such artifact", Details: []string{"tried two"}}))
	got := r.end(e.ID, pipeline.Terminal).Execution
	require.Equal(t, "system", got.CanceledBy)
	require.Equal(t, "Failed on startup: no such artifact\ntried two", got.CancellationReason)
	require.Equal(t, pipeline.NotStarted, got.Stages[0].Status)
	requireCode(t, pipeline.CodeConflict, r.Start(t.Context(), e))
}

func TestCorrelated(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const correlation = "it's one event"
	first := r.build(pipeline.Map{"correlation": correlation}, stage("1", "wait", "waitTime", int64(0)))
	require.NoError(t, r.Start(t.Context(), first))
	r.end(first.ID, pipeline.Succeeded)
	second := r.build(pipeline.Map{"correlation": correlation}, stage("1", "wait", "waitTime", int64(3600)))
	require.NoError(t, r.Start(t.Context(), second))
	r.run(stage("1", "wait", "waitTime", int64(0)))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		found, err := r.Correlated(t.Context(), correlation)
		assert.NoError(c, err)
		assert.Equal(c, []string{second.ID, first.ID}, found)
	}, patience, glance)
	found, err := r.Correlated(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, found)

	for id, want := range map[string]bool{first.ID: false, second.ID: true, "unknown": false} {
		runs, err := r.Runs(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, runs)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.run(stage("1", "manualJudgment"))
	r.stageReaches(id, "1", pipeline.Running)
	requireCode(t, pipeline.CodeConflict, r.Delete(t.Context(), id))
	require.NoError(t, r.Delete(t.Context(), "unknown"))

	r.judge(id, "1", "stop")
	ended := r.end(id, pipeline.Terminal)
	_, err := r.Restart(t.Context(), ended, workflows.RestartInput{StageID: "1", User: "ann"})
	require.NoError(t, err)
	r.stageReaches(id, "1", pipeline.Running)
	r.kept.setDown(true)
	r.judge(id, "1", "continue")
	r.reach(r.service, id, pipeline.Succeeded)
	done := make(chan error, 1)
	go func() { done <- r.Delete(t.Context(), id) }() // waits for the archive
	r.kept.setDown(false)
	require.NoError(t, <-done)
	require.NoError(t, r.service.Delete(t.Context(), id))
	require.Eventually(t, func() bool {
		_, err := r.Load(t.Context(), id)
		return pipeline.CodeOf(err) == pipeline.CodeNotFound && err != nil
	}, 2*time.Minute, time.Second, "Temporal deletes both runs in its own time")
}
