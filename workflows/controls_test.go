package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Pause and resume (reference: orca section 3.10).
func TestPause(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","takes":10},{"refId":"2","requisiteStageRefIds":["1"],"takes":5},{"refId":"3","takes":100}`)+`]}`)
	early := r.ResumeAt(time.Second, "ines")
	paused := r.PauseAt(5*time.Second, "ines")
	twice := r.PauseAt(6*time.Second, "ines")
	r.At(30*time.Second, func() {
		e := r.Query().Execution
		require.Equal(t, pipeline.Paused, e.Status)
		require.True(t, e.Paused.IsPaused)
		require.Equal(t, map[string]pipeline.Status{"1": "PAUSED", "2": "NOT_STARTED", "3": "PAUSED"}, workflowstest.Statuses(e), "what is over waits for its turn")
		require.Equal(t, pipeline.Paused, e.StageByRef("1").Tasks[0].Status)
	})
	resumed := r.ResumeAt(40*time.Second, "tess")
	e := r.Done()
	early.Refused(t, pipeline.CodeConflict, "is RUNNING and cannot be resumed: only one that is PAUSED can")
	twice.Refused(t, pipeline.CodeConflict, "is PAUSED and cannot be paused")
	paused.Took(t)
	resumed.Took(t)
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, &pipeline.PausedDetails{PausedBy: "ines", PauseTime: e.StartTime + 5000, ResumedBy: "tess", ResumeTime: e.StartTime + 40_000, PausedMs: 35_000}, e.Paused)
	require.Equal(t, e.StartTime+40_000, e.StageByRef("1").EndTime)
	require.Equal(t, e.StartTime+45_000, e.StageByRef("2").EndTime)
	require.Equal(t, e.StartTime+100_000, e.StageByRef("3").EndTime, "a wait's seconds go on")
}

func TestPausesMoveTimeouts(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{`"forever":true,"allowed":20`, `"forever":true,"stageTimeoutMs":20000`, `"before":[{"forever":true}],"stageTimeoutMs":20000`} {
		r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1",`+stage+`}`)+`]}`)
		r.PauseAt(5*time.Second, "ines")
		r.ResumeAt(60*time.Second, "ines")
		e := r.Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Equal(t, e.StartTime+75_000, e.EndTime, stage)
	}
}

func TestCancelOfAPausedExecution(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","before":[{"takes":10}]},{"refId":"2","takes":3},{"refId":"3","requisiteStageRefIds":["2"]}`)+`]}`)
	r.PauseAt(2*time.Second, "ines")
	r.CancelAt(50*time.Second, workflows.CancelInput{User: "tess"})
	e := r.Done()
	require.Equal(t, pipeline.Canceled, e.Status)
	require.Equal(t, &pipeline.PausedDetails{PausedBy: "ines", PauseTime: e.StartTime + 2000, IsPaused: true}, e.Paused, "nobody has resumed it")
	require.Equal(t, map[string]pipeline.Status{"1<1": "CANCELED", "1": "CANCELED", "2": "CANCELED", "3": "NOT_STARTED"}, workflowstest.Statuses(e), "what was over while it paused waited for its turn")
	require.Equal(t, pipeline.NotStarted, e.StageByRef("3").Status)
	require.Equal(t, e.StartTime+50_000, e.EndTime)
}

// Skipping (reference: orca section 3.10).
func TestManualSkip(t *testing.T) {
	t.Parallel()
	skip := pipeline.Map{"manualSkip": true}
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `
		{"refId":"1","skippable":true,"takes":60,"before":[{"name":"b"}]},{"refId":"2","requisiteStageRefIds":["1"]},
		{"refId":"3","skippable":true,"before":[{"skippable":true,"takes":60},{"waitsFor":[0]}]},
		{"refId":"4","takes":20},{"refId":"5","requisiteStageRefIds":["4"],"skippable":true}`)+`]}`)
	one, inner := r.PatchAt(5*time.Second, "1", skip), r.PatchAt(6*time.Second, "3<1", skip)
	refused, waiting := r.PatchAt(7*time.Second, "4", skip), r.PatchAt(7*time.Second, "5", skip)
	e := r.Done()
	one.Took(t)
	inner.Took(t)
	refused.Refused(t, pipeline.CodeNotAllowed, "cannot be skipped by hand")
	waiting.Refused(t, pipeline.CodeConflict, "has not started")
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, map[string]pipeline.Status{
		"1<1": "SUCCEEDED", "1": "SKIPPED", "2": "SUCCEEDED", "3<1": "SKIPPED", "3<2": "SKIPPED", "3": "SKIPPED", "4": "SUCCEEDED", "5": "SUCCEEDED",
	}, workflowstest.Statuses(e))
	require.Equal(t, pipeline.Skipped, e.StageByRef("1").Tasks[0].Status)
}

// Restart of a stage of an execution that has ended (reference: orca section
// 3.11).
func TestRestartAfterTheEnd(t *testing.T) {
	t.Parallel()
	config := `{"stages":[` + withType(t, `
		{"refId":"1","outputs":{"k":1}},
		{"refId":"2","requisiteStageRefIds":["1"],"code":"failed","healsByRestart":true,"before":[{"name":"b"}],"sum":"${k + 1}"},
		{"refId":"3","requisiteStageRefIds":["2"]}`) + `]}`
	w := workflowstest.NewWorld()
	first := newRun(t, w, config).Done()
	require.Equal(t, pipeline.Terminal, first.Status)
	failed := first.StageByRef("2").Clone()

	second := workflowstest.NewRunOf(t, w, scripted, first.Clone()).Restart("2", "tess")
	require.Equal(t, pipeline.Succeeded, second.Status)
	require.Equal(t, first.ID, second.ID)
	require.Equal(t, map[string]pipeline.Status{"1": "SUCCEEDED", "2<1": "SUCCEEDED", "2": "SUCCEEDED", "3": "SUCCEEDED"}, workflowstest.Statuses(second))
	require.Equal(t, first.StageByRef("1"), second.StageByRef("1"), "upstream stays as it was")
	s := second.StageByRef("2")
	require.Equal(t, 1, s.Attempt)
	require.Equal(t, []pipeline.StageAttempt{{
		Attempt: 0, Status: "TERMINAL", StartTime: failed.StartTime, EndTime: failed.EndTime,
		Exception: failed.Context.Map("exception"), Tasks: failed.Tasks, RestartedBy: "tess",
	}}, s.PreviousAttempts)
	details := s.Context.Map("restartDetails")
	require.Equal(t, "tess", details["restartedBy"])
	require.Equal(t, "failed", details.Map("previousException")["exceptionType"])
	require.Contains(t, details, "forgot")
	require.NotContains(t, s.Context, "exception")
	require.Equal(t, int64(2), s.Context["sum"], "an evaluated expression stays what it was")
	require.Equal(t, 1, second.StageByRef("2<1").Attempt)
	require.Greater(t, second.StartTime, first.EndTime, "the start is that of the restart")
	require.False(t, second.Canceled)

	// From the first stage everything runs again; the attempts add up.
	third := workflowstest.NewRunOf(t, w, scripted, second.Clone()).Restart("1", "ines")
	require.Equal(t, pipeline.Succeeded, third.Status)
	require.Len(t, third.StageByRef("2").PreviousAttempts, 2)
	require.Equal(t, 2, third.StageByRef("2").Attempt)
	require.Len(t, third.StageByRef("3").PreviousAttempts, 1)
	// A synthetic stage means the stage that it belongs to.
	fourth := workflowstest.NewRunOf(t, w, scripted, third.Clone()).Restart("2<1", "ines")
	require.Equal(t, 3, fourth.StageByRef("2").Attempt)
	require.Equal(t, 1, fourth.StageByRef("1").Attempt)
}

// A restart of what was cancelled: the execution is cancelled no more, who
// cancelled it and why stays on record (reference: orca sections 2.1 and 3.11).
func TestRestartOfACancelledExecution(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, `{"stages":[`+withType(t, `{"refId":"1","takes":60},{"refId":"2","requisiteStageRefIds":["1"]}`)+`]}`)
	r.PauseAt(2*time.Second, "kim")
	r.CancelAt(5*time.Second, byInes)
	first := r.Done()
	second := workflowstest.NewRunOf(t, w, scripted, first.Clone()).Restart("1", "tess")
	require.Equal(t, pipeline.Succeeded, second.Status)
	require.False(t, second.Canceled)
	require.Equal(t, "ines", second.CanceledBy)
	require.Equal(t, "wrong flour", second.CancellationReason)
	require.Equal(t, first.Paused, second.Paused)
	require.Equal(t, second.StartTime+60_000, second.EndTime)
	require.Equal(t, map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED"}, workflowstest.Statuses(second))
	// The end of the first run is no end of the second: it can be cancelled.
	again := workflowstest.NewRunOf(t, w, scripted, first.Clone())
	again.At(5*time.Second, func() { again.Env.SignalWorkflow(workflows.CancelSignal, byInes) })
	require.Equal(t, pipeline.Canceled, again.Restart("1", "tess").Status)
}

// What a restart resets, and what it leaves (reference: orca section 3.11).
func TestRestartResets(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	first := newRun(t, w, `{"stages":[`+withType(t, `
		{"refId":"1","name":"one","before":[{"before":[{"name":"deep"}]}],"after":[{"name":"a"}],"outputs":{"o":1},"leaves":{"c":2}},
		{"refId":"2","name":"two","requisiteStageRefIds":["1"]},
		{"refId":"3","name":"three","requisiteStageRefIds":["2"],"code":"failed","failPipeline":false},
		{"refId":"4","requisiteStageRefIds":["3"]},
		{"refId":"5"},
		{"refId":"6","type":"checkPreconditions","alias":"scripted","preconditions":[{"type":"old"}]},
		{"refId":"7","type":"checkPreconditions","alias":"scripted"}`)+`]}`).Done()
	require.Equal(t, pipeline.Succeeded, first.Status)

	r := workflowstest.NewRunOf(t, w, scripted, first.Clone())
	in := workflows.RestartInput{StageID: r.StageID("1"), User: "tess", Preconditions: map[string][]any{
		"6": {map[string]any{"type": "new"}}, "7": {map[string]any{"type": "new"}}, "5": {map[string]any{"type": "new"}},
	}}
	r.Env.SetStartTime(first.EndTime.Time().Add(time.Minute))
	r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, workflows.Input{Execution: first.Clone(), Sequence: w.Archived(first.ID)[0].Sequence, Restart: &in})
	second := workflowstest.RequireEnd(t, w, first.ID)
	require.Equal(t, first.ID, second.ID)
	require.Equal(t, map[string]pipeline.Status{
		"1<1<1": "SUCCEEDED", "1<1": "SUCCEEDED", "1": "SUCCEEDED", "1>1": "SUCCEEDED", "2": "SUCCEEDED", "3": "STOPPED", "4": "NOT_STARTED", "5": "SUCCEEDED", "6": "SUCCEEDED", "7": "SUCCEEDED",
	}, workflowstest.Statuses(second))
	for ref, attempt := range map[string]int{"1": 1, "2": 1, "3": 1, "4": 0, "5": 0, "6": 0} {
		require.Equal(t, attempt, second.StageByRef(ref).Attempt, ref)
	}
	require.Equal(t, first.StageByRef("5"), second.StageByRef("5"), "what is not behind it stays as it was")
	require.Contains(t, second.StageByRef("1").Context, "restartDetails")
	require.Equal(t, map[string]any{"forgot": ""}, second.StageByRef("2").Context["restartDetails"], "what its type keeps, and no more")
	require.NotContains(t, second.StageByRef("5").Context, "restartDetails")
	require.Equal(t, []any{map[string]any{"type": "new"}}, second.StageByRef("6").Context["preconditions"])
	require.NotContains(t, second.StageByRef("7").Context, "preconditions", "only where there were some")
	require.NotContains(t, second.StageByRef("5").Context, "preconditions", "only where they are checked")

	for _, ref := range []string{"1<1<1", "1<1", "1>1"} {
		require.Equal(t, 1, second.StageByRef(ref).Attempt, "%s was planned anew", ref)
		require.Empty(t, second.StageByRef(ref).PreviousAttempts, ref)
	}
	s := second.StageByRef("1")
	require.Equal(t, int64(1), s.Outputs["o"])
	require.Equal(t, int64(2), s.Context["c"])
}

// A stage that never started may be restarted when nothing holds it back, and is
// no other attempt (reference: orca section 3.11).
func TestRestartOfAStageThatNeverStarted(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, `{"stages":[`+withType(t, `{"refId":"1","takes":5},{"refId":"2","takes":600},{"refId":"3","requisiteStageRefIds":["1","2"]}`)+`]}`)
	r.CancelAt(10*time.Second, byInes)
	first := r.Done()
	require.Equal(t, map[string]pipeline.Status{"1": "SUCCEEDED", "2": "CANCELED", "3": "NOT_STARTED"}, workflowstest.Statuses(first))
	first.StageByRef("2").Status = pipeline.Succeeded
	second := workflowstest.NewRunOf(t, w, scripted, first.Clone()).Restart("3", "tess")
	require.Equal(t, map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED", "3": "SUCCEEDED"}, workflowstest.Statuses(second))
	require.Zero(t, second.StageByRef("3").Attempt)
	require.Equal(t, "tess", second.StageByRef("3").Context.Map("restartDetails")["restartedBy"])
}

// What had halted beside the restarted branch lets the branch run to its end and
// decides then.
func TestRestartBesideHaltedBranches(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	first := newRun(t, w, `{"stages":[`+withType(t, `{"refId":"1","takes":1,"code":"failed","healsByRestart":true},{"refId":"2","requisiteStageRefIds":["1"]},{"refId":"3","takes":60}`)+`]}`).Done()
	require.Equal(t, map[string]pipeline.Status{"1": "TERMINAL", "2": "NOT_STARTED", "3": "CANCELED"}, workflowstest.Statuses(first))
	second := workflowstest.NewRunOf(t, w, scripted, first.Clone()).Restart("1", "tess")
	require.Equal(t, map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED", "3": "CANCELED"}, workflowstest.Statuses(second))
	require.Equal(t, pipeline.Canceled, second.Status)
	third := workflowstest.NewRunOf(t, w, scripted, second.Clone()).Restart("3", "tess")
	require.Equal(t, pipeline.Succeeded, third.Status)
}

// Restart of a stage while others of its execution run.
func TestRestartWhileRunning(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","takes":1},{"refId":"2","requisiteStageRefIds":["1"],"takes":1},{"refId":"3","takes":100},{"refId":"4","requisiteStageRefIds":["3"]}`)+`]}`)
	running := r.RestartAt(10*time.Second, "3", "tess")
	unknown := r.RestartAt(10*time.Second, "9", "tess")
	took := r.RestartAt(20*time.Second, "1", "tess")
	again := r.RestartAt(20*time.Second+200*time.Millisecond, "1", "tess")
	e := r.Done()
	running.Refused(t, pipeline.CodeConflict, "is RUNNING: only a stage that has ended can be restarted")
	unknown.Refused(t, pipeline.CodeNotFound, "has no stage")
	took.Took(t)
	again.Refused(t, pipeline.CodeConflict, "is RUNNING")
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, 1, e.StageByRef("1").Attempt)
	require.Equal(t, 1, e.StageByRef("2").Attempt)
	require.Equal(t, 0, e.StageByRef("3").Attempt)
	require.Equal(t, e.StartTime+22_000, e.StageByRef("2").EndTime)
}

func TestRestartBehindAHaltedStageIsRefused(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	first := newRun(t, w, `{"stages":[`+withType(t, `{"refId":"1","name":"one","code":"failed"},{"refId":"2","requisiteStageRefIds":["1"]}`)+`]}`).Done()
	r := workflowstest.NewRunOf(t, w, scripted, first.Clone())
	r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, workflows.Input{Execution: first.Clone(), Restart: &workflows.RestartInput{StageID: r.StageID("2")}})
	require.ErrorContains(t, r.Env.GetWorkflowError(), "comes after 'one', which ended TERMINAL: restart 'one'")
}

// An execution that could not be built is recorded (reference: orca section
// 3.8).
func TestStartFailureIsRecorded(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, `{"stages":[`+withType(t, `{"refId":"1"}`)+`]}`)
	r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, workflows.Input{Execution: r.Execution.Clone(), Failure: &workflows.StartFailure{Message: "No artifact.", Details: []string{"No artifact.", "Give one."}}})
	e := workflowstest.RequireEnd(t, w, r.Execution.ID)
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, "system", e.CanceledBy)
	require.Equal(t, "Failed on startup: No artifact.\nGive one.", e.CancellationReason)
	require.True(t, e.Canceled)
	require.Zero(t, e.StartTime, "it never ran")
	require.Zero(t, e.EndTime)
	require.Equal(t, pipeline.NotStarted, e.Stages[0].Status)
	_, err := r.Result()
	require.ErrorContains(t, err, "No artifact.")
}

// When the history has grown long the run continues as new, in the middle of
// everything, and ends as it would have.
func TestContinueAsNew(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, `{"stages":[`+withType(t, `
		{"refId":"1","takes":10,"outputs":{"k":1}},{"refId":"2","forever":true,"before":[{"takes":3},{"waitsFor":[0],"takes":90}]},
		{"refId":"3","requisiteStageRefIds":["1"],"read":"${k}"},{"refId":"4","code":"failed","failPipeline":false},{"refId":"5","takes":40,"allowed":60}`)+`]}`)
	r.At(5*time.Second, func() { r.Env.SetContinueAsNewSuggested(true) })
	r.PatchAt(4*time.Second, "2", pipeline.Map{"note": "kept"})
	r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, workflows.Input{Execution: r.Execution.Clone()})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, r.Env.GetWorkflowError(), &again)
	in := workflowstest.ContinuedInput(t, again)
	require.True(t, in.Continued)
	require.Equal(t, map[string]pipeline.Status{"1": "RUNNING", "2<1": "SUCCEEDED", "2<2": "RUNNING", "2": "RUNNING", "3": "NOT_STARTED", "4": "STOPPED", "5": "RUNNING"}, workflowstest.Statuses(in.Execution))

	next := workflowstest.NewRunOf(t, w, scripted, in.Execution)
	next.Env.SetStartTime(in.Execution.StartTime.Time().Add(6 * time.Second))
	next.PatchAt(200*time.Second, "2", pipeline.Map{"go": true})
	next.Env.ExecuteWorkflow(workflows.PipelineWorkflow, in)
	e := workflowstest.RequireEnd(t, w, r.Execution.ID)
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, map[string]pipeline.Status{"1": "SUCCEEDED", "2<1": "SUCCEEDED", "2<2": "SUCCEEDED", "2": "SUCCEEDED", "3": "SUCCEEDED", "4": "STOPPED", "5": "SUCCEEDED"}, workflowstest.Statuses(e))
	require.Equal(t, int64(1), e.StageByRef("3").Context["read"])
	require.Equal(t, "kept", e.StageByRef("2").Context["note"])
	require.Equal(t, int64(1), e.StageByRef("2<1").Context["started"], "what was complete did not run again")
	require.Equal(t, int64(2), e.StageByRef("1").Context["started"], "what was running did")
	require.Equal(t, e.StageByRef("1").StartTime, in.Execution.StageByRef("1").StartTime)
}

// A dry run plays its stages (reference: orca section 3.12).
func TestDryRun(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","code":"failed","before":[{"name":"b"}]}`)+`]}`)
	r.Execution.Trigger.DryRun = true
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "dry run", e.StageByRef("1").Tasks[0].Name)
	require.Equal(t, "dry run", e.StageByRef("1<1").Tasks[0].Name)
}

// Stages run as the execution's user, or as who continued the judgment before
// them (reference: orca section 3.12).
func TestWhoStagesRunAs(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `
		{"refId":"1"},{"refId":"2","requisiteStageRefIds":["1"],"alias":"scripted","type":"manualJudgment","forever":true,"judgmentStatus":"Continue","propagateAuthenticationContext":true},
		{"refId":"3","requisiteStageRefIds":["2"],"before":[{"name":"b"}]},{"refId":"4","requisiteStageRefIds":["1"]}`)+`]}`)
	r.PatchAt(5*time.Second, "2", pipeline.Map{"go": true})
	e := r.Done()
	require.Equal(t, "ines", e.StageByRef("1").Context["user"])
	require.Equal(t, "tess", e.StageByRef("3").Context["user"])
	require.Equal(t, "tess", e.StageByRef("3<1").Context["user"])
	require.Equal(t, "ines", e.StageByRef("4").Context["user"])
}

func TestBackoffPeriodRaisesTheWaitBetweenAttempts(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	failing(w, 2, unavailable)
	e := newRun(t, w, `{"stages":[`+withType(t, `{"refId":"1","calls":"p","backoffPeriodMs":60000}`)+`]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.GreaterOrEqual(t, e.EndTime-e.StartTime, pipeline.Millis(120_000))
}
