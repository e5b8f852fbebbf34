package stages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestDependsOnExecutionExample(t *testing.T) {
	t.Parallel()
	const id = "01J1CB4V1GJ4Z0X4T3J8Q6Y5ZA"
	w := workflowstest.NewWorld()
	answers(w, []activities.ExecutionState{state(id, pipeline.Running)}, []activities.ExecutionState{state(id, pipeline.Succeeded)})
	e := runExample(t, w, "depends_on_execution.go", "DependsOnExecution").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"dependsOnExecution"}, taskNames(stage(e)))
	in := w.Asked(activities.AwaitExecutions.Name)[0].(activities.AwaitExecutionsInput)
	require.Equal(t, []string{id}, in.IDs)
	require.Equal(t, pipeline.TypePipeline, in.Type)
}

func TestDependsOnExecutionEnds(t *testing.T) {
	t.Parallel()
	for status, want := range map[pipeline.Status]pipeline.Status{
		pipeline.Succeeded: pipeline.Succeeded, pipeline.Stopped: pipeline.Succeeded,
		pipeline.Terminal: pipeline.Canceled, pipeline.Canceled: pipeline.Canceled,
	} {
		w := workflowstest.NewWorld()
		answers(w, []activities.ExecutionState{state("a", status)})
		e := newRun(t, w, `{"stages":[{"type":"dependsOnExecution","executionType":"ORCHESTRATION","executionId":"a"}]}`).Done()
		require.Equal(t, want, stage(e).Status, status)
		if want == pipeline.Canceled {
			require.Equal(t, "Depended-on execution completed with status "+string(status), stage(e).Context["reason"])
		}
	}
}

func TestDependsOnExecutionRefuses(t *testing.T) {
	t.Parallel()
	for context, want := range map[string]string{
		``:                   "names no execution: set executionId",
		`,"executionId":"a"`: "is '': use \"pipeline\" or \"orchestration\"",
		`,"executionId":"a","executionType":"job"`:      "is 'job'",
		`,"executionId":"a","executionType":"pipeline"`: "Execution (pipeline) a not found.",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"dependsOnExecution"`+context+`}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
	}
}
