package stages

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// WaitUntil waits for a moment (reference: orca section 6.2).
//
//	{"type": "waitUntil", "refId": "1", "name": "Until noon", "epochMillis": 1893495600000}
//
// Without a moment, or with one that is over, it ends at once.
type WaitUntil struct{}

var (
	_ workflows.StageType  = WaitUntil{}
	_ workflows.Restarter  = WaitUntil{}
	_ workflows.Documented = WaitUntil{}
)

// Type implements workflows.StageType.
func (WaitUntil) Type() string { return "waitUntil" }

// Tasks implements workflows.StageType.
func (w WaitUntil) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "waitUntil", Run: w.wait}}
}

func (WaitUntil) wait(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	raw := t.Stage.Context["epochMillis"]
	if raw == nil {
		return workflows.Outcome{}, nil
	}
	ms, ok := t.Stage.Context.Int("epochMillis")
	if !ok {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The epochMillis of stage '%s' is %s: set it to milliseconds since 1970.", t.Stage.Name, short(plain(raw)))
	}
	now := workflow.Now(ctx)
	if ms > now.Add(maxWait).UnixMilli() {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The epochMillis of stage '%s' is %d, more than ten years ahead: name an earlier moment.", t.Stage.Name, ms)
	}
	if _, present := t.Stage.Context["startTime"]; !present {
		t.Progress(pipeline.Map{"startTime": now.UnixMilli()})
	}
	// A moment before 1678 lies beyond what a duration can tell.
	ms = max(ms, 0)
	err := t.AwaitFor(ctx, time.UnixMilli(ms).Sub(now), "moment", func() bool { return false })
	return workflows.Outcome{}, err
}

// PrepareRestart implements workflows.Restarter.
func (WaitUntil) PrepareRestart(s *pipeline.Stage, _ pipeline.Map) {
	delete(s.Context, "startTime")
}

// Describe implements workflows.Documented.
func (WaitUntil) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Waits for a moment.",
		Inputs: []workflows.Field{
			{Name: "epochMillis", Type: "milliseconds since 1970", Text: "The moment, at most ten years ahead. Absent or over: the stage ends at once."},
		},
		Notes: []string{
			"The context's `startTime` tells when the wait began, in milliseconds since 1970.",
			"Orca ends the wait after about 25 days, failing the stage; here it lasts as long as it should, unless `stageTimeoutMs` bounds it.",
		},
	}
}
