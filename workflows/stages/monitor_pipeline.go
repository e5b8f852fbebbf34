package stages

import (
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// MonitorPipeline waits for executions that somebody else started (reference:
// orca section 6.2).
//
//	{"type": "monitorPipeline", "refId": "1", "name": "Both regions", "monitorBehavior": "WaitForAllToComplete",
//	 "executionIds": ["01J1CB4V1GJ4Z0X4T3J8Q6Y5ZA", "01J1CB4V1GJ4Z0X4T3J8Q6Y5ZB"]}
//
// With monitorBehavior "FailFast" it ends with the first that fails.
type MonitorPipeline struct{}

var (
	_ workflows.StageType  = MonitorPipeline{}
	_ workflows.Restarter  = MonitorPipeline{}
	_ workflows.Caller     = MonitorPipeline{}
	_ workflows.Documented = MonitorPipeline{}
)

// What a stage says of executions that did not succeed, in Orca's words.
const (
	monitoredFailed   = "At least one monitored pipeline failed, look for errors in failed pipelines"
	monitoredCanceled = "At least one monitored pipeline was cancelled"
)

// Type implements workflows.StageType.
func (MonitorPipeline) Type() string { return "monitorPipeline" }

// Tasks implements workflows.StageType.
func (m MonitorPipeline) Tasks(s *pipeline.Stage) []workflows.Task {
	tasks := []workflows.Task{{Name: "monitorPipeline", Timeout: 12 * time.Hour, Run: m.monitor}}
	if s.Context["expectedArtifacts"] != nil {
		tasks = append(tasks, workflows.BindProducedArtifacts())
	}
	return tasks
}

func (MonitorPipeline) monitor(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	ids := slices.DeleteFunc(t.Stage.Context.Strings("executionIds"), func(id string) bool { return id == "" })
	if len(ids) == 0 {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "no pipeline execution ids to monitor: set executionIds of the stage '%s'.", t.Stage.Name)
	}
	behavior := t.Stage.Context.String("monitorBehavior")
	if behavior != "" && behavior != "WaitForAllToComplete" && behavior != "FailFast" {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The monitorBehavior of stage '%s' is '%s': use WaitForAllToComplete or FailFast.", t.Stage.Name, behavior)
	}
	in := activities.AwaitExecutionsInput{
		Scope: t.Scope(), IDs: ids, Type: pipeline.TypePipeline, FailFast: behavior == "FailFast",
		Outputs: len(ids) == 1, MaxOutputs: workflows.MaxOutputs,
	}
	states, err := awaitExecutions(ctx, t, in, func(states []activities.ExecutionState) {
		t.Stage.Outputs["executionStatuses"] = executionStatuses(states)
		t.Progress(nil)
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	outcome := workflows.Outcome{Outputs: pipeline.Map{}}
	if len(states) == 1 {
		if size := states[0].OutputsSize; size > 0 {
			return outcome, tooManyOutputs(states[0].Name, size)
		}
		outcome.Outputs = states[0].Outputs.Clone()
		delete(outcome.Outputs, "executionStatuses")
	}
	switch worst(states) {
	case pipeline.Succeeded:
		return outcome, nil
	case pipeline.Canceled:
		outcome.Status = pipeline.Canceled
		outcome.Context = withError(t.Stage, monitoredCanceled)
		return outcome, nil
	}
	return outcome, &pipeline.Error{Code: pipeline.CodeFailed, Message: monitoredFailed, Details: childFailures(states)}
}

func tooManyOutputs(name string, size int) error {
	return pipeline.Errorf(pipeline.CodeTooLarge, "The pipeline '%s' left outputs of %d bytes, and a stage takes over at most %d: let its stages leave less.", name, size, workflows.MaxOutputs)
}

// worst is SUCCEEDED when all executions are, TERMINAL when one failed, and
// CANCELED otherwise.
func worst(states []activities.ExecutionState) pipeline.Status {
	out := pipeline.Succeeded
	for _, s := range states {
		switch {
		case s.Status == pipeline.Succeeded:
		case s.Status.Halt() && s.Status != pipeline.Canceled:
			return pipeline.Terminal
		default:
			out = pipeline.Canceled
		}
	}
	return out
}

// executionStatuses is what a stage's outputs tell of the executions it waits
// for, by ID.
func executionStatuses(states []activities.ExecutionState) map[string]any {
	out := make(map[string]any, len(states))
	for _, s := range states {
		details := map[string]any{"status": string(s.Status), "application": s.Application}
		if s.Status.Halt() {
			source := map[string]any{"stageIndex": int64(0)}
			if f := s.FailedStage; f != nil {
				source = map[string]any{"executionId": s.ID, "stageId": f.ID, "stageName": f.Name, "stageIndex": int64(f.Index)}
			}
			errors := []any{}
			for _, f := range childFailures([]activities.ExecutionState{s}) {
				errors = append(errors, f)
			}
			details["exception"] = map[string]any{"source": source, "details": map[string]any{"errors": errors}}
		}
		out[s.ID] = details
	}
	return out
}

// childFailures words the errors of other executions as Orca does.
func childFailures(states []activities.ExecutionState) []string {
	var out []string
	for _, s := range states {
		for _, f := range s.Failures {
			out = append(out, "Exception in child pipeline stage ("+s.Name+": "+f.Stage+"): "+f.Message)
		}
	}
	return out
}

// withError is the context of a stage that shows one more error without failing
// by it.
func withError(s *pipeline.Stage, message string) pipeline.Map {
	exception := s.Context.Map("exception").Clone()
	if exception == nil {
		exception = pipeline.Map{}
	}
	details := exception.Map("details")
	if details == nil {
		details = pipeline.Map{}
	}
	details["errors"] = append(details.List("errors"), message)
	exception["details"] = map[string]any(details)
	return pipeline.Map{"exception": map[string]any(exception)}
}

// PrepareRestart implements workflows.Restarter.
func (MonitorPipeline) PrepareRestart(s *pipeline.Stage, _ pipeline.Map) {
	delete(s.Outputs, "executionStatuses")
}

// Calls implements workflows.Caller.
func (MonitorPipeline) Calls(s *pipeline.Stage) []string {
	return []string{"watch the executions " + strings.Join(s.Context.Strings("executionIds"), ", ")}
}

// Describe implements workflows.Documented.
func (MonitorPipeline) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Waits for pipeline executions that somebody else started, and fails when one of them failed.",
		Inputs: []workflows.Field{
			{Name: "executionIds", Type: "list of execution IDs", Text: "What to wait for; at most 200."},
			{Name: "monitorBehavior", Type: "WaitForAllToComplete or FailFast", Default: "WaitForAllToComplete", Text: "Whether a failed execution ends the stage while others still run."},
		},
		Outputs: []workflows.Field{
			{Name: "executionStatuses", Type: "map", Text: "By execution ID: `status`, `application`, and for one that did not succeed `exception` with `source` and `details.errors`. Kept up to date while the stage waits."},
			{Name: "outputs of the execution", Type: "any", Text: "With a single ID, the merged outputs of that execution."},
		},
		Notes: []string{
			"The executions are watched, not polled. A cancelled execution, when none failed, ends the stage CANCELED.",
			"With `expectedArtifacts`, what is expected is looked for among the artifacts that the stage sees, those of a single execution included.",
		},
	}
}
