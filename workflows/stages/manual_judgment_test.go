package stages_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestManualJudgment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, options, judgment string
		want, stage             pipeline.Status
	}{
		{"continue", ``, "continue", "SUCCEEDED", "SUCCEEDED"},
		{"in any case", ``, " Continue", "SUCCEEDED", "SUCCEEDED"},
		{"stop", ``, "stop", "TERMINAL", "TERMINAL"},
		{"stop the branch", `,"failPipeline":false`, "STOP", "SUCCEEDED", "STOPPED"},
		{"stop, ignored", `,"continuePipeline":true`, "stop", "SUCCEEDED", "FAILED_CONTINUE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"manualJudgment"`+tt.options+`}]}`)
			judged := r.PatchAt(time.Hour, "0", pipeline.Map{"judgmentStatus": tt.judgment, "judgmentInput": "canary"})
			e := r.Done()
			judged.Took(t)
			require.Equal(t, tt.want, e.Status)
			require.Equal(t, tt.stage, stage(e).Status)
			require.Equal(t, []string{"waitForJudgment"}, taskNames(stage(e)))
			require.Equal(t, "canary", stage(e).Context["judgmentInput"])
			require.Equal(t, "tess", stage(e).Context["lastModifiedBy"])
			require.Equal(t, time.Hour.Milliseconds(), int64(stage(e).EndTime-stage(e).StartTime))
			require.Empty(t, stage(e).Outputs)
			require.NotContains(t, stage(e).Context, "exception")
		})
	}
}

func TestManualJudgmentExample(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+example(t, "manual_judgment.go", "ManualJudgment")+`]}`)
	r.PatchAt(time.Minute, "2", pipeline.Map{"judgmentStatus": "continue"})
	require.Equal(t, pipeline.Succeeded, r.Done().Status)
}

func TestJudgmentsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"manualJudgment","name":"Taste"},{"type":"manualJudgment"}]}`)
	ahead := r.PatchAt(time.Second, "1", pipeline.Map{"judgmentStatus": "continue"})
	nonsense := r.PatchAt(time.Second, "0", pipeline.Map{"judgmentStatus": "maybe"})
	number := r.PatchAt(time.Second, "0", pipeline.Map{"judgmentStatus": int64(1)})
	note := r.PatchAt(time.Second, "0", pipeline.Map{"comments": "tasting"})
	first := r.PatchAt(time.Minute, "0", pipeline.Map{"judgmentStatus": "continue"})
	second := r.PatchAt(time.Minute, "0", pipeline.Map{"judgmentStatus": "stop"})
	late := r.PatchAt(2*time.Minute, "0", pipeline.Map{"judgmentStatus": "stop"})
	r.PatchAt(3*time.Minute, "1", pipeline.Map{"judgmentStatus": "continue"})
	e := r.Done()
	ahead.Refused(t, pipeline.CodeConflict, "is NOT_STARTED, not waiting for a judgment")
	nonsense.Refused(t, pipeline.CodeInvalid, "'maybe' is not a judgment")
	number.Refused(t, pipeline.CodeInvalid, "'1' is not a judgment")
	note.Took(t)
	first.Took(t)
	// The second comes before or after the stage has noticed the first.
	second.Failed(t, pipeline.CodeConflict, "The stage 'Taste' has")
	late.Refused(t, pipeline.CodeConflict, "has ended SUCCEEDED")
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "continue", stage(e).Context["judgmentStatus"])
}

func TestJudgmentTimesOut(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"manualJudgment"}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, (3 * 24 * time.Hour).Milliseconds(), int64(e.EndTime-e.StartTime))
	require.Equal(t, []string{"The task waitForJudgment of stage 'manualJudgment' did not end within 72h0m0s."}, workflowstest.Errors(e, "0"))

	e = newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"manualJudgment","stageTimeoutMs":60000}]}`).Done()
	require.Equal(t, int64(60_000), int64(e.EndTime-e.StartTime))
}

func TestCancelDuringJudgment(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"manualJudgment"}]}`)
	cancel := r.CancelAt(time.Minute, workflows.CancelInput{User: "ines"})
	e := r.Done()
	cancel.Took(t)
	require.Equal(t, pipeline.Canceled, stage(e).Status)
}

// A restart asks again; what was chosen the last time stays readable.
func TestJudgmentRestart(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, `{"stages":[{"type":"manualJudgment"}]}`)
	r.PatchAt(time.Minute, "0", pipeline.Map{"judgmentStatus": "stop", "judgmentInput": "canary"})
	first := r.Done()
	require.Equal(t, pipeline.Terminal, first.Status)

	again := workflowstest.NewRunOf(t, w, stages.All(), first.Clone())
	var waiting *pipeline.Stage
	again.At(time.Minute, func() { waiting = again.Query().Execution.Stages[0] })
	again.PatchAt(2*time.Minute, "0", pipeline.Map{"judgmentStatus": "Continue"})
	e := again.Restart("0", "ines")
	require.Equal(t, pipeline.Running, waiting.Status)
	require.NotContains(t, waiting.Context, "judgmentStatus")
	require.NotContains(t, waiting.Context, "lastModifiedBy")
	require.Equal(t, "canary", waiting.Context["judgmentInput"])
	require.Equal(t, pipeline.Succeeded, e.Status)
}

// Without Fiat everybody may judge, and any text may be chosen, as in Orca.
func TestJudgmentRolesAndInputs(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"manualJudgment","selectedStageRoles":["sre"],"requiredJudgmentRoles":["sre"],
		"judgmentInputs":[{"value":"canary"},{"value":"all"}]}]}`)
	judged := r.PatchAt(time.Minute, "0", pipeline.Map{"judgmentStatus": "continue", "judgmentInput": "half"})
	e := r.Done()
	judged.Took(t)
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "half", stage(e).Context["judgmentInput"])
	require.Equal(t, "tess", stage(e).Context["lastModifiedBy"])
	require.Empty(t, stage(e).Outputs)
}

// Stages behind a judgment that passes its judge's identity on run as the judge.
func TestJudgmentPropagatesAuthentication(t *testing.T) {
	t.Parallel()
	for propagate, user := range map[string]string{"true": "tess", "false": "ines"} {
		w := workflowstest.NewWorld()
		r := newRun(t, w, `{"stages":[{"type":"manualJudgment","propagateAuthenticationContext":`+propagate+`},
			{"type":"deleteApplication","application":{"name":"shop"}}]}`)
		r.PatchAt(time.Minute, "0", pipeline.Map{"judgmentStatus": "continue"})
		require.Equal(t, pipeline.Succeeded, r.Done().Status)
		require.Equal(t, user, w.Asked(activities.DeleteApplication.Name)[0].(activities.DeleteApplicationInput).Scope.User)
	}
}
