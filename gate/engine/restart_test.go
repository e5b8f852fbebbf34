package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

func restartOf(ref string) workflows.RestartInput {
	return workflows.RestartInput{StageID: ref, User: "ann"}
}

func TestRestartWhileRunning(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.run(stage("1", "wait", "waitTime", int64(0)), stage("2", "manualJudgment"))
	r.stageReaches(id, "1", pipeline.Succeeded)
	r.stageReaches(id, "2", pipeline.Running)
	known := r.reach(r.service, id, pipeline.Running)

	after, err := r.Restart(t.Context(), known, restartOf("1"))
	require.NoError(t, err)
	require.Equal(t, 1, after.Execution.Stage("1").Attempt)
	require.Equal(t, pipeline.Running, after.Execution.Status)
	_, err = r.Restart(t.Context(), known, restartOf("2"))
	requireCode(t, pipeline.CodeConflict, err)
	_, err = r.Restart(t.Context(), known, restartOf("nope"))
	requireCode(t, pipeline.CodeNotFound, err)

	r.judge(id, "2", "continue")
	got := r.end(id, pipeline.Succeeded).Execution
	require.Equal(t, "ann", got.Stage("1").PreviousAttempts[0].RestartedBy)
}

// TestRestartOfTheEnded: an execution that failed is restarted twice at the same
// moment, runs on as one, ends anew and is archived over its first end.
func TestRestartOfTheEnded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.run(stage("1", "wait", "waitTime", int64(0)), stage("2", "manualJudgment"))
	r.stageReaches(id, "2", pipeline.Running)
	r.judge(id, "2", "stop")
	failed := r.end(id, pipeline.Terminal)

	_, err := r.Restart(t.Context(), failed, restartOf("nope"))
	requireCode(t, pipeline.CodeNotFound, err)
	runs, err := r.Runs(t.Context(), id)
	require.NoError(t, err)
	require.False(t, runs, "a restart that is refused starts nothing")

	outcomes := make(chan error, 2)
	for _, ref := range []string{"2", "1"} {
		go func() {
			_, err := r.Restart(t.Context(), failed, restartOf(ref))
			outcomes <- err
		}()
	}
	require.NoError(t, <-outcomes)
	require.NoError(t, <-outcomes)
	r.stageReaches(id, "2", pipeline.Running)
	seen := r.reach(r.service, id, pipeline.Running)
	require.Greater(t, seen.Sequence, failed.Sequence)
	found, err := r.service.List(t.Context(), executions.Query{Application: "app"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, pipeline.Running, found[0].Status)
	require.False(t, found[0].Canceled)
	require.Zero(t, found[0].EndTime)

	r.judge(id, "2", "continue")
	again := r.end(id, pipeline.Succeeded)
	for _, ref := range []string{"1", "2"} {
		require.Equal(t, 1, again.Execution.Stage(ref).Attempt, "each stage ran again, once")
	}
	require.Equal(t, pipeline.Terminal, again.Execution.Stage("2").PreviousAttempts[0].Status)
	archived, err := r.kept.Load(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, archived.Execution.Status)

	described, err := r.client.DescribeWorkflow(t.Context(), id, "")
	require.NoError(t, err)
	status, _ := described.TypedSearchAttributes.GetKeyword(statusAttribute)
	require.Equal(t, "SUCCEEDED", status)
	summary, err := described.GetStaticSummary()
	require.NoError(t, err)
	require.Equal(t, "app / deploy", summary)
}

func TestRestartBeyondRetention(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := r.build(nil, stage("1", "manualJudgment"))
	e.Status, e.Stages[0].Status = pipeline.Terminal, pipeline.Terminal
	require.NoError(t, r.kept.Save(t.Context(), executions.Record{Execution: e, Sequence: 9000, PublishedAt: e.BuildTime}))
	known, err := r.service.Get(t.Context(), e.ID)
	require.NoError(t, err)

	after, err := r.Restart(t.Context(), known, restartOf("1"))
	require.NoError(t, err)
	require.Greater(t, after.Sequence, int64(9000))
	r.stageReaches(e.ID, "1", pipeline.Running)
	r.reach(r.service, e.ID, pipeline.Running)
	r.judge(e.ID, "1", "continue")
	r.end(e.ID, pipeline.Succeeded)
}

// TestRestartWaitsForTheArchive: the end is decided, and the workflow is still
// open because the archive is away.
func TestRestartWaitsForTheArchive(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.kept.setDown(true)
	id := r.run(stage("1", "manualJudgment"))
	r.stageReaches(id, "1", pipeline.Running)
	r.judge(id, "1", "stop")
	known := r.reach(r.service, id, pipeline.Terminal)

	impatient, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := r.Restart(impatient, known, restartOf("1"))
	requireCode(t, pipeline.CodeUnavailable, err)

	done := make(chan error, 1)
	go func() {
		_, err := r.Restart(t.Context(), known, restartOf("1"))
		done <- err
	}()
	r.kept.setDown(false)
	require.NoError(t, <-done)
	r.stageReaches(id, "1", pipeline.Running)
	r.judge(id, "1", "continue")
	r.end(id, pipeline.Succeeded)
}

func TestRestartOfWhatWasTerminated(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.run(stage("1", "wait", "waitTime", int64(0)), stage("2", "manualJudgment"))
	r.stageReaches(id, "2", pipeline.Running)
	running := r.reach(r.service, id, pipeline.Running)
	require.NoError(t, r.client.TerminateWorkflow(t.Context(), id, "", "by hand"))
	_, err := r.Restart(t.Context(), running, restartOf("2"))
	requireCode(t, pipeline.CodeConflict, err)

	late := executions.NewService(r.model, r.kept, r, r.log, func() time.Time { return time.Now().Add(executions.StaleAfter) })
	settled := r.reach(late, id, pipeline.Canceled)
	_, err = r.Restart(t.Context(), settled, restartOf("2"))
	require.NoError(t, err)
	r.stageReaches(id, "2", pipeline.Running)
	r.judge(id, "2", "continue")
	got := r.end(id, pipeline.Succeeded).Execution
	require.Zero(t, got.Stage("1").Attempt)
	require.Equal(t, pipeline.Canceled, got.Stage("2").PreviousAttempts[0].Status)
}

// TestRestartThatItsRunRefuses: the run ends before it has a state of its own,
// and readers go on seeing the end before it.
func TestRestartThatItsRunRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.run(stage("1", "noSuchType"))
	failed := r.end(id, pipeline.Terminal)
	_, err := r.Restart(t.Context(), failed, restartOf("1"))
	require.NoError(t, err, "only the worker knows the types of stages")
	require.NoError(t, r.AwaitEnd(t.Context(), id))
	begins := failed.Execution.Clone()
	begins.Status = pipeline.Running
	r.service.Put(t.Context(), executions.Record{Execution: begins, Sequence: failed.Sequence + 1, PublishedAt: pipeline.ToMillis(time.Now())})
	late := executions.NewService(r.model, r.kept, r, r.log, func() time.Time { return time.Now().Add(executions.StaleAfter) })
	settled := r.reach(late, id, pipeline.Terminal)
	require.True(t, settled.Final)
}
