package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// isDry reports whether a stage of a dry run is only played: all but those that
// decide what else runs (reference: orca section 3.12).
func (r *run) isDry(ctx workflow.Context, s *pipeline.Stage) bool {
	if !r.exec.Trigger.DryRun {
		return false
	}
	switch s.Type {
	case "manualJudgment", "pipeline", "evaluateVariables",
		"findImage", "findImageFromTags", "determineTargetServerGroup", "rollbackCluster":
		return false
	case "checkPreconditions", WindowType:
		if workflow.GetVersion(ctx, dryRunChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			return false
		}
		return s.Type == WindowType || !checksExpressions(s)
	}
	return true
}

// checksExpressions reports whether a checkPreconditions stage, or one of its
// synthetic stages, checks expressions and nothing else.
func checksExpressions(s *pipeline.Stage) bool {
	if s.Context.String("preconditionType") == "expression" {
		return true
	}
	list, isList := s.Context["preconditions"].([]any)
	return isList && !slices.ContainsFunc(list, func(v any) bool { return pipeline.AsMap(v).String("type") != "expression" })
}

// dryRun is a stage type of a dry run: it keeps its synthetic stages and does
// nothing.
type dryRun struct{ StageType }

// Tasks implements StageType.
func (dryRun) Tasks(*pipeline.Stage) []Task {
	return []Task{{Name: "dry run", Run: func(workflow.Context, *TaskRun) (Outcome, error) {
		return Outcome{}, nil
	}}}
}

// Before implements BeforePlanner.
func (d dryRun) Before(e *pipeline.Execution, s *pipeline.Stage) ([]Synthetic, error) {
	if p, ok := d.StageType.(BeforePlanner); ok {
		return p.Before(e, s)
	}
	return nil, nil
}

// OnFailure implements FailurePlanner.
func (d dryRun) OnFailure(e *pipeline.Execution, s *pipeline.Stage) ([]Synthetic, error) {
	if p, ok := d.StageType.(FailurePlanner); ok {
		return p.OnFailure(e, s)
	}
	return nil, nil
}

// After implements AfterPlanner.
func (d dryRun) After(e *pipeline.Execution, s *pipeline.Stage) ([]Synthetic, error) {
	if p, ok := d.StageType.(AfterPlanner); ok {
		return p.After(e, s)
	}
	return nil, nil
}
