package workflows

import (
	"maps"
	"slices"
	"strconv"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// runStage takes one stage from NOT_STARTED to its end. It never fails: what
// goes wrong is the stage's status and its context's exception.
func (r *run) runStage(ctx workflow.Context, s *pipeline.Stage) {
	if expiry := s.StartTimeExpiry; expiry > 0 && r.now(ctx) > expiry {
		s.Status = pipeline.Skipped
		return
	}
	s.Status = pipeline.Running
	s.StartTime = r.now(ctx)
	r.changed = true
	status := r.runTasks(ctx, s)
	s.Status = status
	s.EndTime = r.now(ctx)
	r.changed = true
}

// runTasks runs the stage's tasks in order and returns the stage's status.
func (r *run) runTasks(ctx workflow.Context, s *pipeline.Stage) pipeline.Status {
	kind, err := r.engine.typeOf(s)
	if err == nil {
		err = refuseUnsupported(s)
	}
	if err != nil {
		s.Context["exception"] = r.exception(ctx, "planning", err)
		s.Context["beforeStagePlanningFailed"] = true
		return failureStatus(s, pipeline.Terminal)
	}
	tasks := kind.Tasks(s)
	if len(tasks) == 0 {
		return pipeline.Skipped
	}
	for i, task := range tasks {
		record := &pipeline.Task{
			ID: strconv.Itoa(i + 1), Name: task.Name, ImplementingClass: "gennaker." + s.Type + "." + task.Name,
			Status: pipeline.NotStarted, StageStart: i == 0, StageEnd: i == len(tasks)-1,
		}
		s.Tasks = append(s.Tasks, record)
	}
	for i, task := range tasks {
		t := &TaskRun{run: r, Stage: s, task: s.Tasks[i], timeout: task.Timeout}
		status := t.execute(ctx, task)
		if status == pipeline.Succeeded || status == pipeline.Skipped {
			continue
		}
		if status.Halt() {
			r.cleanUp(ctx, kind, s, task.Name)
		}
		// A task that fails while the stage is to ignore failures ends the stage:
		// later tasks build on what this one did not do.
		return status
	}
	return pipeline.Succeeded
}

// execute runs one task and records how it ended.
func (t *TaskRun) execute(ctx workflow.Context, task Task) pipeline.Status {
	t.task.Status = pipeline.Running
	t.task.StartTime = t.run.now(ctx)
	t.run.changed = true
	outcome, err := task.Run(ctx, t)
	t.merge(outcome)
	status := outcome.Status
	switch {
	case err == nil && status == "":
		status = pipeline.Succeeded
	case err == nil:
	case t.run.ended && ctx.Err() != nil && (Canceled(err) || worthRepeating(err)):
		// The stage was cancelled while it waited for a world that does not answer.
		status = pipeline.Canceled
	case pipeline.CodeOf(err) == pipeline.CodeTimeout && t.Stage.Context.Bool("markSuccessfulOnTimeout"):
		status = pipeline.Succeeded
	default:
		exception := t.run.exception(ctx, task.Name, err)
		t.Stage.Context["exception"] = exception
		t.task.TaskException = pipeline.Map{"exception": exception}
		status = pipeline.Terminal
		t.run.log.Info("a stage's task failed", "stage", t.Stage.Name, "task", task.Name, "error", err)
	}
	t.settleAttempts()
	if status == pipeline.Terminal || status == pipeline.Canceled && !t.run.ended {
		status = failureStatus(t.Stage, status)
	}
	t.task.Status = status
	t.task.EndTime = t.run.now(ctx)
	t.run.changed = true
	return status
}

// cleanUp runs the stage type's cancel hook outside the cancelled context.
func (r *run) cleanUp(ctx workflow.Context, kind StageType, s *pipeline.Stage, task string) {
	c, ok := kind.(Canceller)
	if !ok {
		return
	}
	detached, _ := workflow.NewDisconnectedContext(ctx)
	t := &TaskRun{run: r, Stage: s, task: &pipeline.Task{Name: "cleanUp", StartTime: r.now(ctx)}, timeout: cleanUpTimeout}
	outcome, err := c.Cancel(detached, t)
	if err != nil {
		r.log.Warn("the clean-up of a stage failed", "stage", s.Name, "task", task, "error", err)
		s.Context["cleanUpException"] = r.exception(detached, "cleanUp", err)
	}
	t.merge(outcome)
	r.changed = true
}

// failureStatus applies the stage's failure options to a failed or cancelled
// task (reference: orca section 3.3).
func failureStatus(s *pipeline.Stage, failed pipeline.Status) pipeline.Status {
	switch fail := s.Context["failPipeline"]; {
	case s.Context.Bool("continuePipeline"):
		return pipeline.FailedContinue
	case fail == nil || s.Context.Bool("failPipeline"):
		return failed
	}
	return pipeline.Stopped
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

// exception is the shape in which clients read errors (reference: orca section
// 3.2).
func (r *run) exception(ctx workflow.Context, operation string, err error) pipeline.Map {
	messages := []any{pipeline.MessageOf(err)}
	for _, d := range pipeline.DetailsOf(err) {
		if d != messages[0] {
			messages = append(messages, d)
		}
	}
	code := pipeline.CodeOf(err)
	return pipeline.Map{
		"timestamp":     int64(r.now(ctx)),
		"exceptionType": string(code),
		"operation":     operation,
		"shouldRetry":   code.Retryable(),
		"details":       map[string]any{"error": "Unexpected Task Failure", "errors": messages},
	}
}
