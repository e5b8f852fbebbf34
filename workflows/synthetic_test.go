package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// How stages end by the stages that they add around themselves (reference: orca
// section 3.3).
func TestHowStagesWithSyntheticStagesEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stage string
		want        pipeline.Status
		statuses    map[string]pipeline.Status
		ran         bool // the stage's own tasks
	}{
		{"before and after", `"before":[{"name":"b"}],"after":[{"name":"a"}]`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "SUCCEEDED", "1": "SUCCEEDED", "1>1": "SUCCEEDED"}, true},
		{"a graph before", `"before":[{"takes":5},{"takes":9},{"waitsFor":[0,1]}]`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "SUCCEEDED", "1<2": "SUCCEEDED", "1<3": "SUCCEEDED", "1": "SUCCEEDED"}, true},
		{"nested", `"before":[{"before":[{"name":"x"}]}]`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1<1": "SUCCEEDED", "1<1": "SUCCEEDED", "1": "SUCCEEDED"}, true},
		{"only around", `"noTasks":true,"before":[{"name":"b"}]`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "SUCCEEDED", "1": "SUCCEEDED"}, false},
		{"before fails", `"before":[{"code":"failed"},{"takes":60},{"waitsFor":[1]}],"after":[{"name":"a"}]`, "TERMINAL",
			map[string]pipeline.Status{"1<1": "TERMINAL", "1<2": "CANCELED", "1<3": "NOT_STARTED", "1": "TERMINAL"}, false},
		{"before fails, the parent halts its branch", `"failPipeline":false,"before":[{"code":"failed"}]`, "STOPPED",
			map[string]pipeline.Status{"1<1": "TERMINAL", "1": "STOPPED"}, false},
		{"before fails, the parent goes on", `"continuePipeline":true,"before":[{"code":"failed"}]`, "FAILED_CONTINUE",
			map[string]pipeline.Status{"1<1": "TERMINAL", "1": "FAILED_CONTINUE"}, false},
		{"before is stopped", `"before":[{"code":"failed","failPipeline":false}]`, "STOPPED",
			map[string]pipeline.Status{"1<1": "STOPPED", "1": "STOPPED"}, false},
		{"before cancels itself", `"before":[{"ends":"CANCELED"}],"onFailure":[{"name":"f"}]`, "CANCELED",
			map[string]pipeline.Status{"1<1": "CANCELED", "1": "CANCELED"}, false},
		{"before failed and is ignored", `"before":[{"code":"failed","continuePipeline":true},{"waitsFor":[0]},{"takes":5}]`, "FAILED_CONTINUE",
			map[string]pipeline.Status{"1<1": "FAILED_CONTINUE", "1<2": "NOT_STARTED", "1<3": "SUCCEEDED", "1": "FAILED_CONTINUE"}, false},
		{"before failed, is ignored, and its siblings go on",
			`"before":[{"code":"failed","continuePipeline":true,"allowSiblingStagesToContinueOnFailure":true},{"waitsFor":[0]}]`, "FAILED_CONTINUE",
			map[string]pipeline.Status{"1<1": "FAILED_CONTINUE", "1<2": "SUCCEEDED", "1": "FAILED_CONTINUE"}, true},
		{"after fails", `"after":[{"code":"failed"},{"waitsFor":[0]}]`, "TERMINAL",
			map[string]pipeline.Status{"1": "TERMINAL", "1>1": "TERMINAL", "1>2": "NOT_STARTED"}, true},
		{"before cannot be planned", `"before":"fails"`, "TERMINAL", map[string]pipeline.Status{"1": "TERMINAL"}, false},
		{"after cannot be planned", `"continuePipeline":true,"after":"fails"`, "TERMINAL", map[string]pipeline.Status{"1": "TERMINAL"}, true},
		{"on failure", `"code":"failed","after":[{"name":"a"}],"onFailure":[{"name":"f1","takes":2},{"name":"f2"}]`, "TERMINAL",
			map[string]pipeline.Status{"1": "TERMINAL", "1>1": "SUCCEEDED", "1>2": "SUCCEEDED"}, true},
		{"on failure of a branch", `"code":"failed","failPipeline":false,"onFailure":[{"name":"f"}]`, "STOPPED",
			map[string]pipeline.Status{"1": "STOPPED", "1>1": "SUCCEEDED"}, true},
		{"on failure that fails", `"code":"failed","onFailure":[{"name":"f1","code":"failed"},{"name":"f2"}]`, "TERMINAL",
			map[string]pipeline.Status{"1": "TERMINAL", "1>1": "TERMINAL", "1>2": "NOT_STARTED"}, true},
		{"on failure, the failure being ignored", `"code":"failed","continuePipeline":true,"onFailure":[{"name":"f"}],"after":[{"name":"a"}]`, "FAILED_CONTINUE",
			map[string]pipeline.Status{"1": "FAILED_CONTINUE", "1>1": "SUCCEEDED"}, true},
		{"on failure after a stage after", `"after":[{"name":"a","code":"failed"},{"name":"never","waitsFor":[0]}],"onFailure":[{"name":"f"},{"name":"g"}]`, "TERMINAL",
			map[string]pipeline.Status{"1": "TERMINAL", "1>1": "TERMINAL", "1>2": "SUCCEEDED", "1>3": "SUCCEEDED"}, true},
		{"on failure that has run", `"after":[{"name":"f","code":"failed"}],"onFailure":[{"name":"f"}]`, "TERMINAL",
			map[string]pipeline.Status{"1": "TERMINAL", "1>1": "TERMINAL"}, true},
		{"a loop", `"redirects":3`, "SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","name":"one",`+tt.stage+`}`)+`]}`).Done()
			require.Equal(t, tt.statuses, workflowstest.Statuses(e))
			s := e.StageByRef("1")
			require.Equal(t, tt.want, s.Status)
			_, ran := s.Context["started"]
			require.Equal(t, tt.ran, ran)
		})
	}
}

func TestSyntheticStagesHaveTheirPlace(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `
		{"refId":"1","outputs":{"k":"far"}},
		{"refId":"2","requisiteStageRefIds":["1"],"before":[{"name":"b1","reads":"k","outputs":{"b":1}},{"waitsFor":[0]}],"after":[{"name":"a1","reads":"b"}],"reads":"b"},
		{"refId":"3","requisiteStageRefIds":["2"],"reads":"b"}`)+`]}`).Done()
	var refs []string
	for _, s := range e.Stages {
		refs = append(refs, s.RefID)
	}
	require.Equal(t, []string{"1", "2<1", "2<2", "2", "2>1", "3"}, refs)
	before := e.StageByRef("2<1")
	require.Equal(t, "b1", before.Name)
	require.Equal(t, pipeline.StageBefore, before.SyntheticStageOwner)
	require.Equal(t, e.StageByRef("2").ID, before.ParentStageID)
	require.Equal(t, "far", before.Context["read"], "a synthetic stage sees what its parent sees")
	require.Equal(t, "scripted", e.StageByRef("2<2").Name)
	require.Equal(t, []string{"2<1"}, e.StageByRef("2<2").RequisiteStageRefIDs)
	require.Equal(t, pipeline.StageAfter, e.StageByRef("2>1").SyntheticStageOwner)
	require.Equal(t, int64(1), e.StageByRef("2>1").Context["read"], "a stage after sees the stages before")
	require.Equal(t, int64(1), e.StageByRef("3").Context["read"])
}

// Cancelling an execution reaches synthetic stages, and their parents clean up.
func TestCancelReachesSyntheticStages(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","before":[{"before":[{"takes":60}]}]}`)+`]}`)
	r.CancelAt(5*time.Second, workflows.CancelInput{User: "ines"})
	e := r.Done()
	require.Equal(t, map[string]pipeline.Status{"1<1<1": "CANCELED", "1<1": "CANCELED", "1": "CANCELED"}, workflowstest.Statuses(e))
	require.Equal(t, e.StartTime+5000, e.EndTime)
	require.Equal(t, int64(1), e.StageByRef("1<1<1").Context["cleaned"])
}
