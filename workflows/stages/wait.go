package stages

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// maxWait is the longest wait that a wait stage accepts.
const maxWait = 10 * 365 * 24 * time.Hour

// Wait lets time pass (reference: orca section 6.2).
//
//	{"type": "wait", "refId": "1", "name": "Wait", "waitTime": 30}
//
// waitTime is in seconds, counted from the stage's start. Setting
// skipRemainingWait to true on the running stage ends it.
type Wait struct{}

var (
	_ workflows.StageType  = Wait{}
	_ workflows.Patcher    = Wait{}
	_ workflows.Documented = Wait{}
)

// Type implements workflows.StageType.
func (Wait) Type() string { return "wait" }

// Tasks implements workflows.StageType.
func (w Wait) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "wait", Run: w.wait}}
}

func (Wait) wait(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	seconds, ok := t.Stage.Context.Int("waitTime")
	if raw := t.Stage.Context["waitTime"]; !ok && raw != nil {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The waitTime of stage '%s' is %v: set it to a number of seconds.", t.Stage.Name, raw)
	}
	seconds = max(seconds, 0)
	if seconds > int64(maxWait/time.Second) {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The waitTime of stage '%s' is %d seconds: use at most %d.", t.Stage.Name, seconds, int64(maxWait/time.Second))
	}
	until := t.Stage.StartTime.Time().Add(time.Duration(seconds) * time.Second)
	err := t.AwaitFor(ctx, until.Sub(workflow.Now(ctx)), "wait", func() bool {
		return t.Stage.Context.Bool("skipRemainingWait")
	})
	return workflows.Outcome{}, err
}

// ValidatePatch implements workflows.Patcher.
func (Wait) ValidatePatch(s *pipeline.Stage, patch pipeline.Map) error {
	if _, present := patch["judgmentStatus"]; present {
		return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is a wait and takes no judgment.", s.Name)
	}
	if patch.Bool("skipRemainingWait") && s.Status != pipeline.Running {
		return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is %s, not waiting: there is no wait to skip.", s.Name, s.Status)
	}
	return nil
}

// Describe implements workflows.Documented.
func (Wait) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Lets time pass.",
		Inputs: []workflows.Field{
			{Name: "waitTime", Type: "whole seconds", Default: "0", Text: "How long, counted from the stage's start; at most ten years. A decimal is cut, a negative number is 0."},
			{Name: "skipRemainingWait", Type: "boolean", Default: "false", Text: "Set by a person on the waiting stage: ends the wait."},
			{Name: "skipWaitText", Type: "text", Text: "Shown by Deck to whoever is about to skip the wait."},
		},
		Notes: []string{"A pause of the execution does not make the wait longer, but the stage does not end while it lasts."},
	}
}
