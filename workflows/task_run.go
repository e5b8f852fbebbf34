package workflows

import (
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
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
	// afterFailure: the stage's own timeout does not count.
	afterFailure bool
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
		Attempt:     t.Stage.Attempt,
		User:        t.run.user(t.Stage),
	}
}

// user is whom a stage runs as: the execution's user, or who continued the
// nearest manual judgment before it that passes its judge's identity on
// (reference: orca section 3.12).
func (r *run) user(s *pipeline.Stage) string {
	passesOn := func(up *pipeline.Stage) bool {
		return up.Type == "manualJudgment" && up.LastModified != nil && up.Context.Bool("propagateAuthenticationContext") &&
			strings.EqualFold(up.Context.String("judgmentStatus"), "continue")
	}
	if s == nil || !slices.ContainsFunc(r.exec.Stages, passesOn) {
		return r.exec.Authentication.User
	}
	for _, up := range r.ancestors(s)[1:] {
		if passesOn(up) {
			return up.LastModified.User
		}
	}
	return r.exec.Authentication.User
}

// ancestors lists s and all stages whose outputs it sees, nearest first. The
// list is not to be changed.
func (r *run) ancestors(s *pipeline.Stage) []*pipeline.Stage {
	return r.stageGraph().Ancestors(r.exec, s)
}

// stageGraph is kept until the stages change.
func (r *run) stageGraph() expr.Graph {
	if r.graph == nil {
		g := expr.NewGraph(r.exec)
		r.graph = &g
	}
	return *r.graph
}

// setStages gives the execution its stages.
func (r *run) setStages(stages []*pipeline.Stage) {
	r.exec.Stages = stages
	r.graph, r.indexed = nil, nil
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

// Deadline returns when the task's time is up, by its own timeout or by the
// stageTimeoutMs of its stage or the nearest stage around it, and whether there
// is such a moment. Pauses that began since move it (reference: orca section
// 3.7).
func (t *TaskRun) Deadline(ctx workflow.Context) (time.Time, bool) {
	timeout, from := t.timeout, t.task.StartTime
	if owner, stageTimeout := t.timeoutOwner(); owner != nil {
		timeout, from = stageTimeout, owner.StartTime
	}
	if timeout <= 0 {
		return time.Time{}, false
	}
	now := t.run.now(ctx)
	paused := t.run.pausedSince(from, now)
	if owner, _ := t.timeoutOwner(); owner != nil {
		paused += t.run.windowOf(owner, now)
	}
	return (from + paused).Time().Add(timeout), true
}

// remaining returns the time left until the deadline, at least a millisecond,
// or 0 when there is no deadline.
func (t *TaskRun) remaining(ctx workflow.Context) time.Duration {
	deadline, bounded := t.Deadline(ctx)
	if !bounded {
		return 0
	}
	return max(deadline.Sub(workflow.Now(ctx)), time.Millisecond)
}

// Await waits until condition holds, which messages and other coroutines bring
// about. It returns a timeout error past the task's deadline and Temporal's
// CanceledError when the stage is cancelled. While the execution is paused it
// waits on.
func (t *TaskRun) Await(ctx workflow.Context, summary string, condition func() bool) error {
	for {
		if err := t.run.hold(ctx); err != nil {
			return err
		}
		late, err := t.await(ctx, t.remaining(ctx), summary, condition)
		switch {
		case err != nil:
			return err
		case t.run.isPaused() || t.run.draining:
			continue
		case late && !condition():
			return t.late()
		}
		return nil
	}
}

// AwaitFor waits until condition holds or d is over, whichever is first; d goes
// on during a pause, but the wait does not end in one. Its errors are those of
// [TaskRun.Await].
func (t *TaskRun) AwaitFor(ctx workflow.Context, d time.Duration, summary string, condition func() bool) error {
	if d <= 0 {
		return nil
	}
	end := workflow.Now(ctx).Add(d)
	for {
		if err := t.run.hold(ctx); err != nil {
			return err
		}
		left := end.Sub(workflow.Now(ctx))
		if left <= 0 {
			return nil
		}
		if bound := t.remaining(ctx); bound > 0 && bound < left {
			return t.Await(ctx, summary, condition)
		}
		if _, err := t.await(ctx, left, summary, condition); err != nil {
			return err
		}
		if !t.run.isPaused() && !t.run.draining {
			return nil
		}
	}
}

// await waits until condition holds, d is over, the execution is paused or is to
// continue as new; d of 0 is no bound. It reports whether d was over.
func (t *TaskRun) await(ctx workflow.Context, d time.Duration, summary string, condition func() bool) (late bool, err error) {
	r := t.run
	over := func() bool { return condition() || r.isPaused() || r.draining }
	err = r.rest(func() error {
		if d <= 0 {
			return workflow.Await(ctx, over)
		}
		// The timer ends with the wait, so that the Temporal UI shows no wait that is
		// over.
		timed, stop := workflow.WithCancel(ctx)
		defer stop()
		timer := workflow.NewTimerWithOptions(timed, d, workflow.TimerOptions{Summary: shorten(t.Stage.Name+" / "+summary, 200)})
		if err := workflow.Await(ctx, func() bool { return timer.IsReady() || over() }); err != nil {
			return err
		}
		late = timer.IsReady()
		if !condition() {
			return ctx.Err() // cancelling the stage ends the timer too
		}
		return nil
	})
	return late, err
}

// timeoutOwner returns the stage whose stageTimeoutMs bounds the task, the task's
// own or the nearest around it, and that timeout; nil when the task's own
// timeout holds.
func (t *TaskRun) timeoutOwner() (*pipeline.Stage, time.Duration) {
	if t.afterFailure || t.task.Name == "cleanUp" || t.Stage.Type == WindowType {
		return nil, 0
	}
	for s := t.Stage; s != nil; s = t.run.exec.Stage(s.ParentStageID) {
		if ms, ok := s.Context.Int("stageTimeoutMs"); ok && ms > 0 {
			return s, time.Duration(min(ms, int64(maxTimeout/time.Millisecond))) * time.Millisecond
		}
		if s.ParentStageID == "" {
			break
		}
	}
	return nil, 0
}

// allowed is the time that the task may take; 0 is no bound.
func (t *TaskRun) allowed() time.Duration {
	if owner, timeout := t.timeoutOwner(); owner != nil {
		return timeout
	}
	return t.timeout
}

// windowOf is how long the execution window of a stage has taken.
func (r *run) windowOf(s *pipeline.Stage, now pipeline.Millis) pipeline.Millis {
	for _, c := range r.members(group{parent: s, side: pipeline.StageBefore}) {
		if c.Type != WindowType || c.StartTime == 0 {
			continue
		}
		if c.EndTime != 0 {
			now = c.EndTime
		}
		return now - c.StartTime
	}
	return 0
}

// Canceled reports whether err says that the stage was cancelled.
func Canceled(err error) bool { return temporal.IsCanceledError(err) }

// Evaluate replaces the expressions in a value by what they give with the
// names that this stage sees; the summary says which failed. The error is
// Temporal's CanceledError, or that of a fetch that never came through.
func (t *TaskRun) Evaluate(ctx workflow.Context, value any) (any, *expr.Summary, error) {
	return t.run.evaluate(ctx, t.Stage, value)
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
