package workflows

import (
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// maxTimeout is the longest timeout that a stage can set; a longer one counts as
// this.
const maxTimeout = 10 * 365 * 24 * time.Hour

// cleanUpTimeout bounds the cancel hook of a stage.
const cleanUpTimeout = 10 * time.Minute

// TaskRun is what a running task knows and may do.
type TaskRun struct {
	// Stage is the stage that the task belongs to. Tasks read it; what they have
	// to say goes into their [Outcome] or through [TaskRun.Progress].
	Stage *pipeline.Stage

	run     *run
	task    *pipeline.Task
	timeout time.Duration
}

// Execution returns the execution, for reading.
func (t *TaskRun) Execution() *pipeline.Execution { return t.run.exec }

// Scope says on whose behalf an activity of this task runs.
func (t *TaskRun) Scope() activities.Scope {
	return activities.Scope{
		Application: t.run.exec.Application,
		Execution:   t.run.exec.ID,
		Stage:       t.Stage.ID,
		StageName:   t.Stage.Name,
		Task:        t.task.Name,
		User:        t.run.exec.Authentication.User,
	}
}

// Summary names the stage and task in the Temporal UI.
func (t *TaskRun) Summary() string {
	return shorten(t.Stage.Name+" / "+t.task.Name, 200)
}

// Progress merges what is worth showing before the task ends.
func (t *TaskRun) Progress(context pipeline.Map) {
	t.merge(Outcome{Context: context})
	t.run.changed = true
}

// Value reads a key as stages do: the stage's own context when it holds the key,
// even null, else the outputs of the nearest ancestor that has it (reference:
// orca section 4).
func (t *TaskRun) Value(key string) any {
	if v, present := t.Stage.Context[key]; present {
		return v
	}
	for _, s := range t.run.ancestors(t.Stage) {
		if v, present := s.Outputs[key]; present {
			return v
		}
	}
	return nil
}

// Deadline returns when the task's time is up, by its own timeout or the
// stage's stageTimeoutMs, and whether there is such a moment.
func (t *TaskRun) Deadline() (time.Time, bool) {
	timeout, from := t.allowed(), t.task.StartTime
	if t.byStage() {
		from = t.Stage.StartTime
	}
	if timeout <= 0 {
		return time.Time{}, false
	}
	return from.Time().Add(timeout), true
}

// remaining returns the time left until the deadline, at least a millisecond,
// or 0 when there is no deadline.
func (t *TaskRun) remaining(ctx workflow.Context) time.Duration {
	deadline, bounded := t.Deadline()
	if !bounded {
		return 0
	}
	return max(deadline.Sub(workflow.Now(ctx)), time.Millisecond)
}

// Await waits until condition holds, which messages and other coroutines bring
// about. It returns a timeout error past the task's deadline and Temporal's
// CanceledError when the stage is cancelled.
func (t *TaskRun) Await(ctx workflow.Context, summary string, condition func() bool) error {
	return t.await(ctx, t.remaining(ctx), summary, condition, func() error { return t.late() })
}

// AwaitFor waits until condition holds or d is over, whichever is first. Its
// errors are those of [TaskRun.Await].
func (t *TaskRun) AwaitFor(ctx workflow.Context, d time.Duration, summary string, condition func() bool) error {
	if d <= 0 {
		return nil
	}
	if left := t.remaining(ctx); left > 0 && left < d {
		return t.Await(ctx, summary, condition)
	}
	return t.await(ctx, d, summary, condition, func() error { return nil })
}

func (t *TaskRun) await(ctx workflow.Context, d time.Duration, summary string, condition func() bool, late func() error) error {
	if d <= 0 {
		return workflow.Await(ctx, condition)
	}
	// The timer ends with the wait, so that the Temporal UI shows no wait that is
	// over.
	timed, stop := workflow.WithCancel(ctx)
	defer stop()
	timer := workflow.NewTimerWithOptions(timed, d, workflow.TimerOptions{Summary: shorten(t.Stage.Name+" / "+summary, 200)})
	if err := workflow.Await(ctx, func() bool { return timer.IsReady() || condition() }); err != nil {
		return err
	}
	switch {
	case condition():
		return nil
	case ctx.Err() != nil: // cancelling the stage ends the timer too
		return ctx.Err()
	}
	return late()
}

// allowed is the time that the task may take; 0 is no bound.
func (t *TaskRun) allowed() time.Duration {
	if !t.byStage() {
		return t.timeout
	}
	ms, _ := t.Stage.Context.Int("stageTimeoutMs")
	return time.Duration(min(ms, int64(maxTimeout/time.Millisecond))) * time.Millisecond
}

// byStage reports whether the stage's own timeout bounds the task.
func (t *TaskRun) byStage() bool {
	ms, ok := t.Stage.Context.Int("stageTimeoutMs")
	return ok && ms > 0 && t.task.Name != "cleanUp"
}

// Canceled reports whether err says that the stage was cancelled.
func Canceled(err error) bool { return temporal.IsCanceledError(err) }

// ancestors lists s and all stages upstream of it, nearest first.
func (r *run) ancestors(s *pipeline.Stage) []*pipeline.Stage {
	seen := map[string]bool{s.ID: true}
	out := []*pipeline.Stage{s}
	for i := 0; i < len(out); i++ {
		for _, up := range r.exec.Stages {
			if !seen[up.ID] && slices.Contains(out[i].RequisiteStageRefIDs, up.RefID) {
				seen[up.ID] = true
				out = append(out, up)
			}
		}
	}
	return out
}

func sortedKeys(m map[string]any) []string {
	return slices.Sorted(maps.Keys(m))
}

func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}

// AncestorOutputs collects the values under key in the outputs of this stage
// and of all stages upstream, nearest first.
func (t *TaskRun) AncestorOutputs(key string) []any {
	var out []any
	for _, s := range t.run.ancestors(t.Stage) {
		if v, present := s.Outputs[key]; present {
			out = append(out, v)
		}
	}
	return out
}

// ClearOutputs empties the stage's outputs, for noOutput.
func (t *TaskRun) ClearOutputs() { t.Stage.Outputs = pipeline.Map{} }
