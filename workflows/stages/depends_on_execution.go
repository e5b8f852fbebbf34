package stages

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// DependsOnExecution waits until another execution has succeeded (reference:
// orca section 6.2).
//
//	{"type": "dependsOnExecution", "refId": "1", "name": "After the build",
//	 "executionType": "pipeline", "executionId": "01J1CB4V1GJ4Z0X4T3J8Q6Y5ZA"}
//
// It ends CANCELED when that execution ends otherwise.
type DependsOnExecution struct{}

var (
	_ workflows.StageType  = DependsOnExecution{}
	_ workflows.Caller     = DependsOnExecution{}
	_ workflows.Documented = DependsOnExecution{}
)

// Type implements workflows.StageType.
func (DependsOnExecution) Type() string { return "dependsOnExecution" }

// Tasks implements workflows.StageType.
func (d DependsOnExecution) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "dependsOnExecution", Timeout: 2 * time.Hour, Run: d.wait}}
}

func (DependsOnExecution) wait(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c := t.Stage.Context
	id := c.String("executionId")
	if id == "" {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no execution: set executionId.", t.Stage.Name)
	}
	kind := pipeline.ExecutionType(strings.ToUpper(c.String("executionType")))
	if kind != pipeline.TypePipeline && kind != pipeline.TypeOrchestration {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The executionType of stage '%s' is '%s': use \"pipeline\" or \"orchestration\".", t.Stage.Name, c.String("executionType"))
	}
	in := activities.AwaitExecutionsInput{Scope: t.Scope(), IDs: []string{id}, Type: kind}
	states, err := awaitExecutions(ctx, t, in, func([]activities.ExecutionState) {})
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		message := "Execution (" + c.String("executionType") + ") " + id + " not found."
		return workflows.Outcome{Context: pipeline.Map{"error": message}}, pipeline.Errorf(pipeline.CodeNotFound, "%s", message)
	}
	if err != nil {
		return workflows.Outcome{}, err
	}
	if status := states[0].Status; !status.Successful() {
		return workflows.Outcome{Status: pipeline.Canceled, Context: pipeline.Map{
			"reason": "Depended-on execution completed with status " + string(status),
		}}, nil
	}
	return workflows.Outcome{}, nil
}

// awaitExecutions watches executions to their end and shows news on the way.
func awaitExecutions(ctx workflow.Context, t *workflows.TaskRun, in activities.AwaitExecutionsInput, show func([]activities.ExecutionState)) ([]activities.ExecutionState, error) {
	for {
		out, err := workflows.Call(ctx, t, activities.AwaitExecutions, in)
		if err != nil {
			return nil, err
		}
		show(out.Executions)
		if out.Done {
			return out.Executions, nil
		}
		in.Seen = make(map[string]pipeline.Status, len(out.Executions))
		for _, e := range out.Executions {
			in.Seen[e.ID] = e.Status
		}
	}
}

// Calls implements workflows.Caller.
func (DependsOnExecution) Calls(s *pipeline.Stage) []string {
	return []string{"watch the execution " + s.Context.String("executionId")}
}

// Describe implements workflows.Documented.
func (DependsOnExecution) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Waits until another execution has succeeded, and is CANCELED when that ends otherwise.",
		Inputs: []workflows.Field{
			{Name: "executionType", Type: "pipeline or orchestration", Text: "What the execution is: a pipeline, or an ad-hoc task."},
			{Name: "executionId", Type: "text", Text: "Its ID."},
		},
		Notes: []string{
			"The context's `reason` tells the status that cancelled the stage.",
			"The execution is watched, not polled: the stage ends with it.",
		},
	}
}
