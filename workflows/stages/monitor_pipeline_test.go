package stages_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// answers makes the world tell these states of executions, one answer after
// another; the last is done.
func answers(w *workflowstest.World, list ...[]activities.ExecutionState) {
	n := 0
	workflowstest.On(w, activities.AwaitExecutions, func(context.Context, activities.AwaitExecutionsInput) (activities.AwaitExecutionsOutput, error) {
		n++
		return activities.AwaitExecutionsOutput{Done: n == len(list), Executions: list[n-1]}, nil
	})
}

func state(id string, status pipeline.Status) activities.ExecutionState {
	return activities.ExecutionState{ID: id, Application: "shop", Name: "Deploy", Status: status}
}

func TestMonitorPipelineExample(t *testing.T) {
	t.Parallel()
	const a, b = "01J1CB4V1GJ4Z0X4T3J8Q6Y5ZA", "01J1CB4V1GJ4Z0X4T3J8Q6Y5ZB"
	w := workflowstest.NewWorld()
	answers(w,
		[]activities.ExecutionState{state(a, pipeline.Running), state(b, pipeline.NotStarted)},
		[]activities.ExecutionState{state(a, pipeline.Succeeded), state(b, pipeline.Succeeded)})
	e := runExample(t, w, "monitor_pipeline.go", "MonitorPipeline").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"monitorPipeline"}, taskNames(stage(e)))
	require.Equal(t, pipeline.Map{"executionStatuses": map[string]any{
		a: map[string]any{"status": "SUCCEEDED", "application": "shop"},
		b: map[string]any{"status": "SUCCEEDED", "application": "shop"},
	}}, stage(e).Outputs)
	asked := w.Asked(activities.AwaitExecutions.Name)
	require.Len(t, asked, 2)
	in := asked[1].(activities.AwaitExecutionsInput)
	require.Equal(t, []string{a, b}, in.IDs)
	require.Equal(t, map[string]pipeline.Status{a: pipeline.Running, b: pipeline.NotStarted}, in.Seen)
	require.False(t, in.FailFast)
	// What the first answer told was shown while the second was waited for.
	shown := false
	for _, p := range w.Published(e.ID) {
		shown = shown || p.Execution.Stages[0].Outputs.Map("executionStatuses").Map(a)["status"] == "RUNNING"
	}
	require.True(t, shown)
}

func TestMonitorPipelineEnds(t *testing.T) {
	t.Parallel()
	failed := state("b", pipeline.Terminal)
	failed.FailedStage = &activities.StageRef{ID: "s", Name: "Deploy to EU", Index: 2}
	failed.Failures = []activities.StageFailure{{Stage: "Deploy to EU", Message: "no"}}
	for _, tt := range []struct {
		states []activities.ExecutionState
		status pipeline.Status
		errors []string
	}{
		{[]activities.ExecutionState{state("a", pipeline.Succeeded), failed, state("c", pipeline.Canceled)}, pipeline.Terminal, []string{
			"At least one monitored pipeline failed, look for errors in failed pipelines", "Exception in child pipeline stage (Deploy: Deploy to EU): no",
		}},
		{[]activities.ExecutionState{state("a", pipeline.Stopped), state("b", pipeline.Succeeded)}, pipeline.Terminal, []string{
			"At least one monitored pipeline failed, look for errors in failed pipelines",
		}},
		{[]activities.ExecutionState{state("a", pipeline.Succeeded), state("b", pipeline.Canceled)}, pipeline.Canceled, []string{
			"At least one monitored pipeline was cancelled",
		}},
	} {
		w := workflowstest.NewWorld()
		answers(w, tt.states)
		e := newRun(t, w, `{"stages":[{"type":"monitorPipeline","monitorBehavior":"FailFast","executionIds":["a","b","c"]}]}`).Done()
		require.Equal(t, tt.status, stage(e).Status)
		require.Equal(t, tt.errors, stage(e).Errors())
		require.True(t, w.Asked(activities.AwaitExecutions.Name)[0].(activities.AwaitExecutionsInput).FailFast)
	}
	w := workflowstest.NewWorld()
	answers(w, []activities.ExecutionState{failed, state("a", pipeline.Succeeded)})
	e := newRun(t, w, `{"stages":[{"type":"monitorPipeline","executionIds":["a","b"]}]}`).Done()
	require.Equal(t, map[string]any{
		"status": "TERMINAL", "application": "shop", "exception": map[string]any{
			"source":  map[string]any{"executionId": "b", "stageId": "s", "stageName": "Deploy to EU", "stageIndex": int64(2)},
			"details": map[string]any{"errors": []any{"Exception in child pipeline stage (Deploy: Deploy to EU): no"}},
		},
	}, stage(e).Outputs.Map("executionStatuses")["b"])
}

// A single execution's outputs are taken over.
func TestMonitorPipelineTakesOutputsOver(t *testing.T) {
	t.Parallel()
	one := state("a", pipeline.Succeeded)
	one.Outputs = pipeline.Map{"tag": "1.2", "executionStatuses": "its own"}
	w := workflowstest.NewWorld()
	answers(w, []activities.ExecutionState{one})
	e := newRun(t, w, `{"stages":[{"type":"monitorPipeline","executionIds":["","a"]}]}`).Done()
	require.Equal(t, pipeline.Map{"tag": "1.2", "executionStatuses": map[string]any{
		"a": map[string]any{"status": "SUCCEEDED", "application": "shop"},
	}}, stage(e).Outputs)

	one.Outputs, one.OutputsSize = nil, workflows.MaxOutputs+1
	answers(w, []activities.ExecutionState{one})
	e = newRun(t, w, `{"stages":[{"type":"monitorPipeline","executionIds":["a"]}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, workflowstest.Errors(e, "0")[0], "left outputs of 16777217 bytes")
}

// What an execution left is bound to what the stage expects.
func TestMonitorPipelineBindsArtifacts(t *testing.T) {
	t.Parallel()
	one := state("a", pipeline.Succeeded)
	one.Outputs = pipeline.Map{"artifacts": []any{map[string]any{"type": "docker/image", "name": "shop", "version": "1.2"}}}
	for name, want := range map[string]pipeline.Status{"shop": pipeline.Succeeded, "api": pipeline.Terminal} {
		w := workflowstest.NewWorld()
		answers(w, []activities.ExecutionState{one})
		e := newRun(t, w, `{"stages":[{"type":"monitorPipeline","executionIds":["a"],"expectedArtifacts":[{"id":"x","matchArtifact":{"name":"`+name+`"}}]}]}`).Done()
		require.Equal(t, want, e.Status)
		require.Equal(t, []string{"monitorPipeline", "bindProducedArtifacts"}, taskNames(stage(e)))
	}
}

func TestMonitorPipelineRefuses(t *testing.T) {
	t.Parallel()
	for context, want := range map[string]string{
		``:                   "no pipeline execution ids to monitor",
		`,"executionIds":[]`: "no pipeline execution ids to monitor",
		`,"executionIds":["a"],"monitorBehavior":"Hope"`: "is 'Hope': use WaitForAllToComplete or FailFast",
		`,"executionIds":["a"]`:                          "There is no execution with the id 'a'.",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"monitorPipeline"`+context+`}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
	}
}
