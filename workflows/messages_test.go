package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestPatchStage(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[
		{"type":"scripted","refId":"1","takes":60,"old":{"a":1}},
		{"type":"scripted","refId":"2","requisiteStageRefIds":["1"]},
		{"type":"telepathy","refId":"3","failPipeline":false,"requisiteStageRefIds":["1"]}]}`)
	edit := r.PatchAt(10*time.Second, "1", pipeline.Map{"go": true, "old": map[string]any{"b": int64(2)}, "ratio": 5.0})
	ahead := r.PatchAt(5*time.Second, "2", pipeline.Map{"takes": int64(7)})
	unknown := r.PatchAt(5*time.Second, "9", pipeline.Map{})
	skip := r.PatchAt(5*time.Second, "1", pipeline.Map{"manualSkip": true})
	judge := r.PatchAt(5*time.Second, "1", pipeline.Map{"judgmentStatus": "continue"})
	skipWait := r.PatchAt(5*time.Second, "1", pipeline.Map{"skipRemainingWait": true})
	unknownType := r.PatchAt(5*time.Second, "3", pipeline.Map{"x": 1})
	late := r.PatchAt(12*time.Second, "1", pipeline.Map{"x": 1})
	e := r.Done()

	edit.Took(t)
	ahead.Took(t)
	s := edit.Execution.StageByRef("1")
	require.Equal(t, "tess", s.Context["lastModifiedBy"])
	require.Equal(t, "tess", s.LastModified.User)
	require.Equal(t, e.StartTime+10_000, s.LastModified.LastModifiedTime)
	require.Equal(t, map[string]any{"b": int64(2)}, s.Context["old"], "keys are replaced, not merged deep")
	require.Equal(t, pipeline.Running, s.Status, "the answer is the state at the edit")
	require.Equal(t, 5.0, e.StageByRef("1").Context["ratio"])
	require.Equal(t, e.StartTime+10_000, e.StageByRef("1").EndTime, "the edit woke the stage")
	require.Equal(t, e.StageByRef("2").StartTime+7_000, e.StageByRef("2").EndTime, "an edit ahead of the start counts")

	unknown.Refused(t, pipeline.CodeNotFound, "has no stage with the id")
	skip.Refused(t, pipeline.CodeNotAllowed, "cannot be skipped by hand")
	judge.Refused(t, pipeline.CodeConflict, "does not take judgmentStatus")
	skipWait.Refused(t, pipeline.CodeConflict, "does not take skipRemainingWait")
	unknownType.Refused(t, pipeline.CodeInvalid, "does not know")
	late.Refused(t, pipeline.CodeConflict, "has ended SUCCEEDED and takes no more edits")
}

func TestExecutionQuery(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"scripted","takes":60}]}`)
	var during workflows.Snapshot
	r.At(10*time.Second, func() { during = r.Query() })
	e := r.Done()
	require.Equal(t, pipeline.Running, during.Execution.Status)
	require.Equal(t, pipeline.Running, during.Execution.Stages[0].Tasks[0].Status)
	require.Positive(t, during.Sequence)
	after := r.Query()
	require.Equal(t, e.Status, after.Execution.Status)
	require.Equal(t, e.EndTime, after.Execution.EndTime)
	require.Greater(t, after.Sequence, during.Sequence)
}

func TestPublishedStates(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, `{"stages":[{"type":"scripted","takes":10},{"type":"scripted","takes":10}]}`)
	r.Done()
	var told []map[string]pipeline.Status
	for _, s := range w.Published(r.Execution.ID) {
		told = append(told, workflowstest.Statuses(s.Execution))
	}
	for _, want := range []map[string]pipeline.Status{
		{"0": "RUNNING", "1": "NOT_STARTED"},
		{"0": "SUCCEEDED", "1": "RUNNING"},
		{"0": "SUCCEEDED", "1": "SUCCEEDED"},
	} {
		require.Contains(t, told, want)
	}
	require.LessOrEqual(t, len(told), 2*3, "at most two for each time the workflow woke")
}

// The sequence goes on where an earlier run of the execution left it.
func TestSequenceGoesOn(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, `{"stages":[{"type":"scripted"}]}`)
	r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, workflows.Input{Execution: r.Execution, Sequence: 41})
	workflowstest.RequireEnd(t, w, r.Execution.ID)
	require.Greater(t, w.Published(r.Execution.ID)[0].Sequence, int64(41))
}
