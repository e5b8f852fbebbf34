package workflows

import (
	"maps"
	"slices"
	"strconv"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// maxLoops bounds the REDIRECTs of one stage, so that a loop that makes no
// progress ends.
const maxLoops = 10_000

// newTask is the record of a task, the i-th of its stage.
func newTask(s *pipeline.Stage, i int, task Task) *pipeline.Task {
	return &pipeline.Task{
		ID: strconv.Itoa(i + 1), Name: task.Name, ImplementingClass: "gennaker." + s.Type + "." + task.Name,
		Status: pipeline.NotStarted, LoopStart: task.LoopStart, LoopEnd: task.LoopEnd,
	}
}

// runTasks runs the stage's tasks in order, from the first that is not complete,
// until one ends the stage.
func (r *run) runTasks(ctx workflow.Context, s *pipeline.Stage, kind StageType) {
	tasks := matched(s.Tasks, kind.Tasks(s))
	for i, loops := 0, 0; i < len(s.Tasks); {
		record := s.Tasks[i]
		if record.Status.Complete() {
			if record.Status != pipeline.Succeeded && record.Status != pipeline.Skipped {
				r.afterFailure(ctx, s, tasks, i)
				return
			}
			i++
			continue
		}
		if tasks[i] != nil && tasks[i].OnFailureOf != "" {
			record.StartTime = r.now(ctx)
			r.endTask(ctx, record, pipeline.Skipped)
			i++
			continue
		}
		status := r.runTask(ctx, s, record, tasks[i])
		switch status {
		case pipeline.Succeeded, pipeline.Skipped:
			i++
		case pipeline.Redirect:
			if loops++; loops > maxLoops {
				r.failTask(ctx, s, record, pipeline.Errorf(pipeline.CodeTooLarge, "The stage '%s' went back to an earlier task more than %d times.", s.Name, maxLoops))
				return
			}
			i = r.loop(s, i)
		default:
			// A task that fails while the stage is to ignore failures ends the stage:
			// later tasks build on what this one did not do.
			r.afterFailure(ctx, s, tasks, i)
			return
		}
	}
}

// afterFailure runs the tasks that are there for the failure of the i-th, unless
// the stage was cancelled.
func (r *run) afterFailure(ctx workflow.Context, s *pipeline.Stage, tasks []*Task, failed int) {
	for i := failed + 1; i < len(s.Tasks); i++ {
		record := s.Tasks[i]
		if ctx.Err() != nil || s.Tasks[failed].Status == pipeline.Canceled {
			return
		}
		if tasks[i] != nil && tasks[i].OnFailureOf == s.Tasks[failed].Name && !record.Status.Complete() {
			r.runTask(ctx, s, record, tasks[i])
		}
	}
}

// runTask runs one task, after its stage's expressions.
func (r *run) runTask(ctx workflow.Context, s *pipeline.Stage, record *pipeline.Task, task *Task) pipeline.Status {
	if err := r.whilePaused(ctx); err != nil {
		return r.endTask(ctx, record, pipeline.Canceled)
	}
	if task == nil {
		r.failTask(ctx, s, record, pipeline.Errorf(pipeline.CodeInternal, "The stage '%s' no longer has the task %s: restart the stage.", s.Name, record.Name))
		return record.Status
	}
	if err := r.evaluateContext(ctx, s); err != nil {
		if ctx.Err() != nil && Canceled(err) {
			return r.endTask(ctx, record, pipeline.Canceled)
		}
		r.failTask(ctx, s, record, err)
		return record.Status
	}
	t := &TaskRun{run: r, Stage: s, task: record, timeout: task.Timeout, afterFailure: task.OnFailureOf != ""}
	return t.execute(ctx, *task)
}

// matched finds the task of each record by its name; equal names pair up in
// order. A stage's tasks may depend on its context, which changes while it runs.
func matched(records []*pipeline.Task, tasks []Task) []*Task {
	out := make([]*Task, len(records))
	used := make([]bool, len(tasks))
	for i, record := range records {
		for j := range tasks {
			if !used[j] && tasks[j].Name == record.Name {
				used[j], out[i] = true, &tasks[j]
				break
			}
		}
	}
	return out
}

// loop resets the tasks from the nearest loop start to the i-th and returns
// where to go on.
func (r *run) loop(s *pipeline.Stage, i int) int {
	start := i
	for start > 0 && !s.Tasks[start].LoopStart {
		start--
	}
	for _, t := range s.Tasks[start : i+1] {
		t.Status, t.StartTime, t.EndTime = pipeline.NotStarted, 0, 0
	}
	r.changed = true
	return start
}

// execute runs one task and records how it ended.
func (t *TaskRun) execute(ctx workflow.Context, task Task) pipeline.Status {
	r := t.run
	t.task.Status = pipeline.Running
	if t.task.StartTime == 0 {
		t.task.StartTime = r.now(ctx)
	}
	r.changed = true
	outcome, err := task.Run(ctx, t)
	// What came back while the execution is paused waits for its turn.
	if held := r.whilePaused(ctx); held != nil && err == nil && !outcome.Status.Complete() && outcome.Status != "" {
		err = held
	}
	t.merge(outcome)
	status := outcome.Status
	switch {
	case t.Stage.Context.Bool("manualSkip"):
		status = pipeline.Skipped
	case err == nil && status == "":
		status = pipeline.Succeeded
	case err == nil:
	case ctx.Err() != nil && (Canceled(err) || worthRepeating(err)):
		// The stage was cancelled while it waited for a world that does not answer.
		status = pipeline.Canceled
	case pipeline.CodeOf(err) == pipeline.CodeTimeout && t.Stage.Context.Bool("markSuccessfulOnTimeout"):
		status = pipeline.Succeeded
	default:
		r.failTask(ctx, t.Stage, t.task, err)
		t.settleAttempts()
		return t.task.Status
	}
	t.settleAttempts()
	if status == pipeline.Terminal || status == pipeline.Canceled && ctx.Err() == nil {
		status = r.failureStatus(t.Stage, status)
	}
	return r.endTask(ctx, t.task, status)
}

// failTask ends a task with an error, by the stage's failure options.
func (r *run) failTask(ctx workflow.Context, s *pipeline.Stage, task *pipeline.Task, err error) {
	exception := r.exception(ctx, task.Name, err)
	s.Context["exception"] = exception
	task.TaskException = pipeline.Map{"exception": exception}
	r.log.Info("a stage's task failed", "stage", s.Name, "task", task.Name, "error", err)
	r.endTask(ctx, task, r.failureStatus(s, pipeline.Terminal))
}

func (r *run) endTask(ctx workflow.Context, task *pipeline.Task, status pipeline.Status) pipeline.Status {
	task.Status = status
	task.EndTime = r.now(ctx)
	r.changed = true
	return status
}

// cleanUp runs the stage type's cancel hook outside the cancelled context, once
// the stage has begun to work.
func (r *run) cleanUp(ctx workflow.Context, kind StageType, s *pipeline.Stage) {
	c, ok := kind.(Canceller)
	if !ok || len(s.Tasks) == 0 || s.Tasks[0].StartTime == 0 {
		return
	}
	detached, _ := workflow.NewDisconnectedContext(ctx)
	t := &TaskRun{run: r, Stage: s, task: &pipeline.Task{Name: "cleanUp", StartTime: r.now(ctx)}, timeout: cleanUpTimeout}
	outcome, err := c.Cancel(detached, t)
	if err != nil {
		r.log.Warn("the clean-up of a stage failed", "stage", s.Name, "error", err)
		s.Context["cleanUpException"] = r.exception(detached, "cleanUp", err)
	}
	t.merge(outcome)
	r.changed = true
}

// merge adds a task's outcome to the stage (reference: orca section 3.2, step
// 5).
func (t *TaskRun) merge(o Outcome) {
	for _, k := range slices.Sorted(maps.Keys(o.Context)) {
		t.Stage.Context[k] = o.Context[k]
	}
	for _, k := range slices.Sorted(maps.Keys(o.Outputs)) {
		if k != "stageTimeoutMs" {
			t.Stage.Outputs[k] = o.Outputs[k]
		}
	}
}
