package stages_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

var withScripted = append(stages.All(), workflowstest.Scripted{})

// family prepares a parent whose stages are given and a child configuration
// "kid" whose stages are given.
func family(t *testing.T, parent, child string) *workflowstest.Run {
	t.Helper()
	w := workflowstest.NewWorld(workflowstest.ParsePipeline(t, `{"id":"kid","name":"Kid","application":"crib",`+child+`}`))
	return workflowstest.NewRun(t, w, withScripted, `{"id":"mum","name":"Mum","stages":[`+parent+`]}`)
}

// childOf returns the ended child that the stage with a refId started.
func childOf(r *workflowstest.Run, e *pipeline.Execution, ref string) *pipeline.Execution {
	r.Helper()
	id := e.StageByRef(ref).Context.String("executionId")
	require.NotEmpty(r, id)
	return workflowstest.RequireEnd(r, r.World, id)
}

func TestPipelineExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld(workflowstest.ParsePipeline(t, `{"id":"3c1b…","name":"EU","stages":[{"type":"wait"}]}`))
	r := runExample(t, w, "pipeline.go", "Pipeline")
	require.Equal(t, pipeline.Succeeded, r.Done().Status)
}

func TestChildPipeline(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","refId":"1","name":"Call","pipeline":"kid","pipelineParameters":{"tag":"v1"}},
		{"type":"scripted","refId":"2","requisiteStageRefIds":["1"],"reads":"fruit"}`,
		`"parameterConfig":[{"name":"tag"},{"name":"size","default":"s"}],"stages":[{"type":"scripted","takes":30,"outputs":{"fruit":"pear","l":[1]}},{"type":"scripted","outputs":{"l":[1,2]}}]`)
	r.Execution.RootID = "grandmother"
	r.Execution.Trigger.Artifacts = []pipeline.Artifact{{Type: "docker/image", Name: "bread"}}
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	s := e.StageByRef("1")
	require.Equal(t, []string{"startPipeline", "monitorPipeline"}, taskNames(s))
	require.Equal(t, "SUCCEEDED", s.Context["status"])
	require.Equal(t, "Kid", s.Context["executionName"])
	require.Equal(t, s.Context["executionId"], s.Outputs["executionId"])
	require.Equal(t, []any{int64(1), int64(2)}, s.Outputs["l"])
	require.Equal(t, "pear", e.StageByRef("2").Context["read"], "the child's outputs are the stage's")
	require.Equal(t, pipeline.Millis(30_000), s.EndTime-s.StartTime)

	child := childOf(r, e, "1")
	require.Equal(t, "crib", child.Application)
	require.Equal(t, "kid", child.PipelineConfigID)
	require.Equal(t, "grandmother", child.RootID)
	require.Equal(t, "ines", child.Authentication.User)
	require.Equal(t, "pipeline", child.Trigger.Type)
	require.Equal(t, pipeline.Map{"tag": "v1", "size": "s"}, child.Trigger.Parameters)
	require.Equal(t, r.Execution.Trigger.Artifacts, child.Trigger.Artifacts)
	require.Equal(t, &pipeline.ParentRef{ExecutionID: e.ID, Application: "bakery", Pipeline: "Mum", StageID: s.ID, RootID: "grandmother"}, child.Trigger.Parent)
	require.Equal(t, e.ID, child.Trigger.Other["parentPipelineId"])
}

func TestChildPipelineOptions(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","pipeline":"kid","skipDownstreamOutput":true}`, `"stages":[{"type":"scripted","outputs":{"fruit":"pear"}}]`)
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.NotContains(t, stage(e).Outputs, "fruit")

	r = family(t, `{"type":"pipeline","pipeline":"kid","waitForCompletion":false},{"type":"wait","waitTime":60}`, `"stages":[{"type":"scripted","takes":30,"code":"failed"}]`)
	e = r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status, "nobody waits for the child's failure")
	require.Equal(t, []string{"startPipeline"}, taskNames(stage(e)))
	require.NotContains(t, stage(e).Context, "status")
	require.Equal(t, pipeline.Terminal, childOf(r, e, "0").Status)
}

func TestChildPipelineEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, options, child string
		want, stage          pipeline.Status
		status               string
		errors               []string
	}{
		{"failed", ``, `{"type":"scripted","name":"Feed","code":"failed"}`, "TERMINAL", "TERMINAL", "TERMINAL",
			[]string{"Exception in child pipeline stage (Kid: Feed: Feed went wrong.)", "Exception in child pipeline stage (Kid: Feed: the first detail)"}},
		{"failed without words", ``, `{"type":"scripted","ends":"TERMINAL"}`, "TERMINAL", "TERMINAL", "TERMINAL", []string{"The pipeline 'Kid' ended TERMINAL."}},
		{"failed and ignored", `,"continuePipeline":true`, `{"type":"scripted","name":"Feed","ends":"TERMINAL"}`, "SUCCEEDED", "FAILED_CONTINUE", "TERMINAL", []string{"The pipeline 'Kid' ended TERMINAL."}},
		{"failed in a branch", `,"failPipeline":false`, `{"type":"scripted","name":"Feed","ends":"TERMINAL"}`, "SUCCEEDED", "STOPPED", "TERMINAL", []string{"The pipeline 'Kid' ended TERMINAL."}},
		{"cancelled", ``, `{"type":"scripted","ends":"CANCELED"}`, "CANCELED", "CANCELED", "CANCELED", nil},
		{"stopped in a branch", ``, `{"type":"scripted","ends":"STOPPED"}`, "SUCCEEDED", "SUCCEEDED", "SUCCEEDED", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := family(t, `{"type":"pipeline","pipeline":"kid"`+tt.options+`}`, `"stages":[`+tt.child+`]`)
			e := r.Done()
			require.Equal(t, tt.want, e.Status)
			require.Equal(t, tt.stage, stage(e).Status)
			require.Equal(t, tt.status, stage(e).Context["status"])
			require.Equal(t, tt.errors, workflowstest.Errors(e, "0"))
		})
	}
}

func TestChildPipelineRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, parent, child, want string }{
		{"none named", `{"type":"pipeline"}`, `"stages":[]`, "names no pipeline"},
		{"missing", `{"type":"pipeline","pipeline":"gone"}`, `"stages":[]`, "The referenced pipeline cannot be located (gone)"},
		{"disabled", `{"type":"pipeline","pipeline":"kid"}`, `"disabled":true,"stages":[]`, "The referenced pipeline is disabled"},
		{"broken", `{"type":"pipeline","pipeline":"kid"}`, `"stages":[{}]`, "has no type"},
		{"missing parameter", `{"type":"pipeline","pipeline":"kid"}`, `"parameterConfig":[{"name":"tag","required":true}],"stages":[]`, "requires the parameters 'tag'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := family(t, tt.parent, tt.child)
			e := r.Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
			require.NotContains(t, stage(e).Context, "executionId")
		})
	}
}

func TestCancelReachesTheChild(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","pipeline":"kid"}`, `"stages":[{"type":"scripted","takes":600}]`)
	r.CancelAt(time.Minute, workflows.CancelInput{User: "ines"})
	e := r.Done()
	require.Equal(t, pipeline.Canceled, e.Status)
	require.Equal(t, pipeline.Canceled, stage(e).Status)
}

func TestChildThatTakesTooLongIsCanceled(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","refId":"0","pipeline":"kid","stageTimeoutMs":60000,"failPipeline":false},{"type":"wait","refId":"w","waitTime":600}`, `"stages":[{"type":"scripted","takes":300}]`)
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, pipeline.Stopped, stage(e).Status)
	require.Equal(t, []string{"The task monitorPipeline of stage 'pipeline' did not end within 1m0s."}, workflowstest.Errors(e, "0"))
	child := childOf(r, e, "0")
	require.Equal(t, pipeline.Canceled, child.Status)
	require.Equal(t, "parent pipeline", child.CanceledBy)
	require.Equal(t, pipeline.Canceled, child.Stages[0].Status)
}
