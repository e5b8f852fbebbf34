package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// isDry reports whether a stage of a dry run is only played: all but those that
// decide what else runs (reference: orca section 3.12).
func (r *run) isDry(s *pipeline.Stage) bool {
	if !r.exec.Trigger.DryRun {
		return false
	}
	switch s.Type {
	case "manualJudgment", "pipeline", "checkPreconditions", "evaluateVariables", WindowType,
		"findImage", "findImageFromTags", "determineTargetServerGroup", "rollbackCluster":
		return false
	}
	return true
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

// After implements AfterPlanner.
func (d dryRun) After(e *pipeline.Execution, s *pipeline.Stage) ([]Synthetic, error) {
	if p, ok := d.StageType.(AfterPlanner); ok {
		return p.After(e, s)
	}
	return nil, nil
}
