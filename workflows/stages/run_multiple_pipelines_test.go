package stages_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// shopPipelines are the pipelines that apps name: one that works, one that fails
// for the app "bad", and one that waits.
func shopPipelines(t *testing.T) []pipeline.Pipeline {
	t.Helper()
	var out []pipeline.Pipeline
	for _, text := range []string{
		`{"id":"p-deploy","name":"deploy","application":"shop","stages":[{"type":"scripted","ends":"${parameters.ends ?: 'SUCCEEDED'}"}]}`,
		`{"id":"p-slow","name":"slow","application":"shop","stages":[{"type":"manualJudgment"}]}`,
		`{"id":"p-off","name":"off","application":"shop","disabled":true,"stages":[]}`,
	} {
		out = append(out, workflowstest.ParsePipeline(t, text))
	}
	return out
}

func multiple(t *testing.T, w *workflowstest.World, apps, options string) *workflowstest.Run {
	t.Helper()
	return workflowstest.NewRun(t, w, withScripted, `{"stages":[{"type":"runMultiplePipelines","pipelineApplication":"shop",
		"yamlConfig":[{"bundle_web":`+apps+`}]`+options+`}]}`)
}

// children returns what ran in a world beside one execution, in the order of
// their start.
func children(w *workflowstest.World, e *pipeline.Execution) []*pipeline.Execution {
	var out []*pipeline.Execution
	for _, v := range stage(e).Outputs.List("executionsList") {
		archived := w.Archived(pipeline.AsMap(v).String("id"))
		if len(archived) > 0 {
			out = append(out, archived[0].Execution)
		}
	}
	return out
}

func TestRunMultiplePipelinesExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld(shopPipelines(t)...)
	r := workflowstest.NewRun(t, w, withScripted, `{"stages":[`+example(t, "run_multiple_pipelines.go", "RunMultiplePipelines")+`]}`)
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	require.Equal(t, []string{"parsePipelinesYamlTask", "runMultiplePipelines", "monitorMultiplePipelinesTask", "saveOutputsForDetailsTask"}, taskNames(stage(e)))
	require.True(t, stage(e).Tasks[1].LoopStart)
	require.True(t, stage(e).Tasks[2].LoopEnd)
	list := stage(e).Outputs.List("executionsList")
	require.Len(t, list, 2)
	ran := children(w, e)
	require.Len(t, ran, 2)
	for i, id := range []string{"api", "web"} {
		row := pipeline.AsMap(list[i])
		require.Equal(t, id, row["executionIdentifier"])
		require.Equal(t, "SUCCEEDED", row["status"])
		require.Equal(t, int64(ran[i].StartTime), row["startTime"])
		child := ran[i]
		require.Equal(t, "deploy", child.Name)
		require.Equal(t, pipeline.Map{"app": id, "tag": "1.2"}, child.Trigger.Parameters)
		require.Equal(t, "pipeline", child.Trigger.Type)
		require.Equal(t, e.ID, child.Trigger.Parent.ExecutionID)
		require.Equal(t, stage(e).ID, child.Trigger.Parent.StageID)
		require.Equal(t, id, child.Trigger.Other["executionIdentifier"])
		require.Contains(t, child.Trigger.CorrelationID, stage(e).ID)
		require.Equal(t, e.ID, child.RootID)
	}
	require.GreaterOrEqual(t, ran[1].StartTime, ran[0].EndTime, "the second level starts after the first")
	require.Equal(t, pipeline.Map{"executionsList": list}, stage(e).Outputs)
	require.NotContains(t, stage(e).Context, "orderOfExecutions")
	require.Equal(t, []string{"start the pipeline deploy for the app api (level 1)", "start the pipeline deploy for the app web, after api (level 2)"},
		stages.RunMultiplePipelines{}.Calls(stage(e)))
}

func TestRunMultiplePipelinesThatFail(t *testing.T) {
	t.Parallel()
	const apps = `{"a":{"child_pipeline":"deploy","arguments":{"ends":"%s"}},"b":{"child_pipeline":"deploy"},"c":{"child_pipeline":"deploy","arguments":{"k":1},"depends_on":["a"]}}`
	for _, tt := range []struct {
		ends, options string
		status        pipeline.Status
		statuses      []string
		errors        string
	}{
		{"TERMINAL", ``, pipeline.Terminal, []string{"TERMINAL", "SUCCEEDED"}, "At least one monitored pipeline failed, look for errors in failed pipelines"},
		{"CANCELED", ``, pipeline.Canceled, []string{"CANCELED", "SUCCEEDED"}, "At least one monitored pipeline was cancelled"},
		{"TERMINAL", `,"ignoreUncompleted":true`, pipeline.Succeeded, []string{"TERMINAL", "SUCCEEDED", "SUCCEEDED"}, "At least one monitored pipeline failed, look for errors in failed pipelines"},
	} {
		w := workflowstest.NewWorld(shopPipelines(t)...)
		e := multiple(t, w, strings.Replace(apps, "%s", tt.ends, 1), tt.options).Done()
		require.Equal(t, tt.status, stage(e).Status, tt)
		var statuses []string
		for _, v := range stage(e).Outputs.List("executionsList") {
			statuses = append(statuses, pipeline.AsMap(v).String("status"))
		}
		require.Equal(t, tt.statuses, statuses)
		require.Equal(t, tt.errors, stage(e).Errors()[0])
		require.NotContains(t, stage(e).Context, "orderOfExecutions")
		require.Len(t, stage(e).Outputs, 1)
	}
}

func TestRunMultiplePipelinesRefuses(t *testing.T) {
	t.Parallel()
	for apps, want := range map[string]string{
		`{}`:                          "holds no apps",
		`[]`:                          "holds no apps",
		`{"rollback_onfailure":true}`: "holds no apps",
		`{"a":5}`:                     "The app 'a' of stage 'runMultiplePipelines' names no pipeline",
		`{"a":{"child_pipeline":"deploy","depends_on":["b"]}}`: "The app 'a' depends on 'b', which is not there",
		`{"a":{"child_pipeline":"deploy","depends_on":["a"]}}`: "The app 'a' depends on itself",
		`{"a":{"child_pipeline":"deploy","depends_on":["b"]},"b":{"child_pipeline":"slow","depends_on":["a"]},"c":{"child_pipeline":"slow","arguments":{"k":1}}}`: "The app 'a' depends on itself",
		`{"a":{"child_pipeline":"deploy"},"b":{"child_pipeline":"deploy","arguments":{},"depends_on":["a"]}}`:                                                     "Detected two or more duplicated arguments and calling the same child_pipeline. You would have the same execution",
		`{"a":{"child_pipeline":"deploy"},"b":{"child_pipeline":"none"}}`:                                                                                         "The pipeline 'none' of the app 'b' is not in the application 'shop'",
		`{"a":{"child_pipeline":"off"}}`: "Pipeline 'off' is disabled and cannot be triggered",
	} {
		w := workflowstest.NewWorld(shopPipelines(t)...)
		e := multiple(t, w, apps, "").Done()
		require.Equal(t, pipeline.Terminal, e.Status, apps)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want, apps)
		require.Nil(t, stage(e).Context["executionIds"], apps)
	}
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"runMultiplePipelines"}]}`).Done()
	require.Contains(t, workflowstest.Errors(e, "0")[0], "holds no yamlConfig")
}

// Two apps that are the same run twice when that is wanted.
func TestRunMultiplePipelinesTwice(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld(shopPipelines(t)...)
	e := multiple(t, w, `{"a":{"child_pipeline":"deploy"},"b":{"child_pipeline":"deploy"}}`, `,"checkDuplicated":false`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Len(t, children(w, e), 2)
}

// Cancelling the stage cancels what it started.
func TestRunMultiplePipelinesCancel(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld(shopPipelines(t)...)
	workflowstest.On(w, activities.AwaitExecutions, func(ctx context.Context, _ activities.AwaitExecutionsInput) (activities.AwaitExecutionsOutput, error) {
		return activities.AwaitExecutionsOutput{}, workflowstest.UntilCanceled(ctx)
	})
	r := multiple(t, w, `{"a":{"child_pipeline":"slow"}}`, "")
	r.CancelAt(50*time.Millisecond, workflows.CancelInput{User: "ines"})
	e := r.Done()
	require.Equal(t, pipeline.Canceled, stage(e).Status)
	started := stage(e).Context.Strings("executionIds")
	require.Len(t, started, 1)
	child := w.Archived(started[0])[0].Execution
	require.Equal(t, pipeline.Canceled, child.Status)
	require.Equal(t, "parent pipeline", child.CanceledBy)
}

// A restart reads the apps again and starts all of them.
func TestRunMultiplePipelinesRestart(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld(shopPipelines(t)...)
	first := multiple(t, w, `{"a":{"child_pipeline":"deploy"}}`, "").Done()
	again := workflowstest.NewRunOf(t, w, withScripted, first.Clone())
	e := again.Restart("0", "ines")
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Len(t, children(w, e), 1)
	require.NotEqual(t, children(w, first)[0].ID, children(w, e)[0].ID)
}

// A stage whose workflow continues as new watches what it has started, and
// starts nothing twice.
func TestRunMultiplePipelinesContinuesAsNew(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld(shopPipelines(t)...)
	workflowstest.On(w, activities.AwaitExecutions, func(ctx context.Context, _ activities.AwaitExecutionsInput) (activities.AwaitExecutionsOutput, error) {
		return activities.AwaitExecutionsOutput{}, workflowstest.UntilCanceled(ctx)
	})
	r := multiple(t, w, `{"a":{"child_pipeline":"slow"},"b":{"child_pipeline":"deploy","depends_on":["a"]}}`, "")
	r.At(50*time.Millisecond, func() { r.Env.SetContinueAsNewSuggested(true) })
	r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, workflows.Input{Execution: r.Execution.Clone()})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, r.Env.GetWorkflowError(), &again)
	in := workflowstest.ContinuedInput(t, again)
	started := in.Execution.Stages[0].Context.Strings("executionIds")
	require.Len(t, started, 1)

	workflowstest.On(w, activities.AwaitExecutions, func(_ context.Context, in activities.AwaitExecutionsInput) (activities.AwaitExecutionsOutput, error) {
		out := activities.AwaitExecutionsOutput{Done: true}
		for _, id := range in.IDs {
			out.Executions = append(out.Executions, state(id, pipeline.Succeeded))
		}
		return out, nil
	})
	next := workflowstest.NewRunOf(t, w, withScripted, in.Execution)
	next.Env.ExecuteWorkflow(workflows.PipelineWorkflow, in)
	e := workflowstest.RequireEnd(t, w, r.Execution.ID)
	require.Equal(t, pipeline.Succeeded, e.Status, stage(e).Errors())
	list := stage(e).Outputs.List("executionsList")
	require.Len(t, list, 2)
	require.Equal(t, started[0], pipeline.AsMap(list[0])["id"])
	require.Equal(t, "a", pipeline.AsMap(list[0])["executionIdentifier"])
	require.Equal(t, "b", pipeline.AsMap(list[1])["executionIdentifier"])
}
