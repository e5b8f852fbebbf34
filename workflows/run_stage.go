package workflows

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// runStage takes one stage to its end, from its beginning or from where an
// earlier run of the workflow left it. It never fails: what goes wrong is the
// stage's status and its context's exception.
func (r *run) runStage(ctx workflow.Context, s *pipeline.Stage) {
	r.busy++
	defer func() { r.busy-- }()
	if s.Status == pipeline.NotStarted && !r.begin(ctx, s) {
		return
	}
	kind, err := r.plan(ctx, s)
	if err != nil {
		r.planningFailed(ctx, s, err)
	} else {
		r.runParts(ctx, s, kind)
	}
	r.complete(ctx, s, err != nil)
}

// begin makes the stage RUNNING, unless it is to be skipped.
func (r *run) begin(ctx workflow.Context, s *pipeline.Stage) bool {
	enabled, err := r.enabled(ctx, s)
	if err != nil {
		if r.draining {
			return false
		}
		s.Status = pipeline.Canceled
		return false
	}
	if expiry := s.StartTimeExpiry; !enabled || expiry > 0 && r.now(ctx) > expiry {
		s.Status = pipeline.Skipped
		return false
	}
	s.Status = pipeline.Running
	s.StartTime = r.now(ctx)
	r.changed = true
	return true
}

// plan evaluates the stage's context, builds its tasks and the stages before
// them. A stage that an earlier run of the workflow had planned keeps its plan.
func (r *run) plan(ctx workflow.Context, s *pipeline.Stage) (StageType, error) {
	kind, err := r.engine.typeOf(s)
	if err != nil {
		return nil, err
	}
	if r.isDry(ctx, s) {
		kind = dryRun{kind}
	}
	if len(s.Tasks) > 0 || r.hasChildren(s) {
		return kind, nil
	}
	if err := r.evaluateContext(ctx, s); err != nil {
		return nil, err
	}
	if failsOnExpressions(s) {
		// Orca runs the tasks on the raw text first and fails the stage after.
		return nil, failedExpressions(s)
	}
	if p, ok := kind.(Preparer); ok {
		if err := p.Prepare(ctx, s); err != nil {
			return nil, err
		}
	}
	return kind, r.build(s, kind)
}

// build adds the records of the tasks and the stages before them.
func (r *run) build(s *pipeline.Stage, kind StageType) error {
	tasks := kind.Tasks(s)
	var before []Synthetic
	if p, ok := kind.(BeforePlanner); ok {
		var err error
		if before, err = p.Before(r.exec, s); err != nil {
			return err
		}
	}
	if err := r.addBefore(s, before); err != nil {
		return err
	}
	for i, task := range tasks {
		s.Tasks = append(s.Tasks, newTask(s, i, task))
	}
	if n := len(s.Tasks); n > 0 {
		s.Tasks[0].StageStart, s.Tasks[n-1].StageEnd = true, true
	}
	r.changed = true
	return nil
}

// planningFailed records why a stage could not be planned.
func (r *run) planningFailed(ctx workflow.Context, s *pipeline.Stage, err error) {
	if ctx.Err() != nil && Canceled(err) {
		return
	}
	s.Context["exception"] = r.exception(ctx, "planning", err)
	s.Context["beforeStagePlanningFailed"] = true
	r.log.Info("a stage could not be planned", "stage", s.Name, "error", err)
}

// runParts runs what the stage consists of: the stages before, its tasks, the
// stages after, and when it failed the stages that its type has for failures
// (reference: orca sections 3.2 and 3.3).
func (r *run) runParts(ctx workflow.Context, s *pipeline.Stage, kind StageType) {
	before, after := group{parent: s, side: pipeline.StageBefore}, group{parent: s, side: pipeline.StageAfter}
	r.synthetic(ctx, before)
	if r.proceeds(ctx, s, before) {
		r.runTasks(ctx, s, kind)
	}
	status := r.statusOf(ctx, s, false)
	if !status.Halt() && ctx.Err() == nil {
		if err := r.planAfter(s, kind); err != nil {
			s.Context["exception"] = r.exception(ctx, "planning", err)
			s.Context["afterStagePlanningFailed"] = true
			status = pipeline.Terminal
		} else {
			r.synthetic(ctx, after)
			status = r.statusOf(ctx, s, false)
		}
	}
	if !status.Halt() {
		return
	}
	r.cleanUp(ctx, kind, s)
	if status != pipeline.Canceled && ctx.Err() == nil {
		names, err := r.planOnFailure(s, kind)
		if err != nil {
			s.Context["onFailureException"] = r.exception(ctx, "planning", err)
			return
		}
		if len(names) > 0 {
			after.names = names
			r.synthetic(ctx, after)
		}
	}
}

// synthetic runs the synthetic stages on one side of their parent. While it
// waits for them the parent can be taken up again.
func (r *run) synthetic(ctx workflow.Context, g group) {
	if len(r.members(g)) == 0 {
		return
	}
	_ = r.rest(func() error {
		r.runSynthetic(ctx, g)
		return nil
	})
}

// proceeds reports whether the stage goes on to its tasks: none of the stages
// before halted or ended it.
func (r *run) proceeds(ctx workflow.Context, s *pipeline.Stage, before group) bool {
	if ctx.Err() != nil || s.Context.Bool("manualSkip") {
		return false
	}
	for _, child := range r.members(before) {
		if child.Status == pipeline.FailedContinue && child.Context.Bool("allowSiblingStagesToContinueOnFailure") {
			continue
		}
		if !child.Status.Successful() || child.Status.Halt() {
			return false
		}
	}
	return true
}

// complete gives the stage its end.
func (r *run) complete(ctx workflow.Context, s *pipeline.Stage, planningFailed bool) {
	status := r.statusOf(ctx, s, planningFailed)
	if status == pipeline.FailedContinue {
		tellIgnoredFailures(s)
	}
	r.tellFailedExpressions(ctx, s)
	if failsOnExpressions(s) {
		status = pipeline.Terminal
	}
	if status == pipeline.Skipped {
		r.skipChildren(s)
	}
	s.Status = status
	s.EndTime = r.now(ctx)
	r.changed = true
	r.countStage(ctx, s)
}

// statusOf derives the stage's status from its parts, by the first rule that
// matches (reference: orca section 3.3).
func (r *run) statusOf(ctx workflow.Context, s *pipeline.Stage, planningFailed bool) pipeline.Status {
	if s.Context.Bool("manualSkip") {
		return pipeline.Skipped
	}
	var parts []pipeline.Status
	for _, t := range s.Tasks {
		parts = append(parts, t.Status)
	}
	for _, side := range []pipeline.SyntheticOwner{pipeline.StageBefore, pipeline.StageAfter} {
		for _, child := range r.members(group{parent: s, side: side}) {
			parts = append(parts, child.Status)
		}
	}
	has := func(want pipeline.Status) bool {
		for _, p := range parts {
			if p == want {
				return true
			}
		}
		return false
	}
	unfinished := has(pipeline.NotStarted) || has(pipeline.Running) || has(pipeline.Paused)
	switch {
	case s.Context.Bool("afterStagePlanningFailed"):
		return pipeline.Terminal
	case planningFailed && ctx.Err() != nil && s.Context["exception"] == nil:
		return pipeline.Canceled
	case planningFailed, has(pipeline.Terminal):
		return r.failureStatus(s, pipeline.Terminal)
	case has(pipeline.Stopped):
		return pipeline.Stopped
	case has(pipeline.Canceled), unfinished && ctx.Err() != nil:
		return pipeline.Canceled
	case has(pipeline.FailedContinue):
		return pipeline.FailedContinue
	case len(parts) == 0:
		return pipeline.Skipped
	case unfinished:
		return pipeline.Terminal
	}
	return pipeline.Succeeded
}

// skipChildren marks the synthetic stages of a stage that a person skipped.
func (r *run) skipChildren(s *pipeline.Stage) {
	for _, child := range r.exec.Stages {
		if child.ParentStageID != s.ID {
			continue
		}
		switch child.Status {
		case pipeline.Succeeded, pipeline.Terminal, pipeline.FailedContinue:
		default:
			child.Status = pipeline.Skipped
		}
		r.skipChildren(child)
	}
}

// failureStatus applies the stage's failure options to a failed or cancelled
// task. failPipeline may come from the outputs of stages before, continuePipeline
// from the stage alone (reference: orca section 3.3).
func (r *run) failureStatus(s *pipeline.Stage, failed pipeline.Status) pipeline.Status {
	if s.Context.Bool("continuePipeline") {
		return pipeline.FailedContinue
	}
	from := s.Context
	if _, own := from["failPipeline"]; !own {
		for _, a := range r.ancestors(s) {
			if _, present := a.Outputs["failPipeline"]; present {
				from = a.Outputs
				break
			}
		}
	}
	if from["failPipeline"] == nil || from.Bool("failPipeline") {
		return failed
	}
	return pipeline.Stopped
}

func failsOnExpressions(s *pipeline.Stage) bool {
	return s.Context.Bool("failOnFailedExpressions") && len(s.Context.Map(expr.SummaryKey)) > 0
}

// failedExpressions is the error of a stage that is to fail on its expressions.
func failedExpressions(s *pipeline.Stage) error {
	return &pipeline.Error{Code: pipeline.CodeInvalid, Message: expr.FailedEvaluation, Details: descriptions(s)}
}

// descriptions lists what the stage's expression summary says.
func descriptions(s *pipeline.Stage) []string {
	summary := s.Context.Map(expr.SummaryKey)
	var out []string
	for _, k := range sortedKeys(summary) {
		entries, _ := summary[k].([]any)
		for _, e := range entries {
			if text := strings.TrimSpace(pipeline.AsMap(e).String("description")); text != "" {
				out = append(out, text)
			}
		}
	}
	return out
}

// tellFailedExpressions adds the expressions that failed to the stage's errors,
// whatever its status: they never fail in silence.
func (r *run) tellFailedExpressions(ctx workflow.Context, s *pipeline.Stage) {
	more := descriptions(s)
	if len(more) == 0 {
		return
	}
	exception := s.Context.Map("exception").Clone()
	if exception == nil {
		exception = r.exception(ctx, "evaluateExpressions", &pipeline.Error{Code: pipeline.CodeInvalid, Message: expr.FailedEvaluation})
		pipeline.AsMap(exception["details"])["error"] = expr.FailedEvaluation
		pipeline.AsMap(exception["details"])["errors"] = []any{}
	}
	details := exception.Map("details")
	if details == nil {
		details = pipeline.Map{}
		exception["details"] = map[string]any(details)
	}
	errors := details.List("errors")
	have := map[any]bool{}
	for _, e := range errors {
		have[e] = true
	}
	for _, m := range more {
		if !have[m] {
			errors = append(errors, m)
		}
	}
	details["errors"] = errors
	s.Context["exception"] = map[string]any(exception)
}

// tellIgnoredFailures adds to the errors of a stage whose failure is ignored the
// name and the errors of each task that failed (reference: orca section 3.3).
func tellIgnoredFailures(s *pipeline.Stage) {
	exception := s.Context.Map("exception").Clone()
	details := exception.Map("details")
	errors, isList := details["errors"].([]any)
	if !isList {
		return
	}
	for _, t := range s.Tasks {
		failure := t.TaskException.Map("exception").Map("details")
		if failure == nil {
			continue
		}
		errors = append(errors, t.Name+":")
		if text := failure.String("error"); text != "" {
			errors = append(errors, text)
		}
		errors = append(errors, failure.List("errors")...)
	}
	details["errors"] = errors
	s.Context["exception"] = map[string]any(exception)
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
