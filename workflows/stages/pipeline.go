package stages

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Pipeline starts another pipeline and, unless told otherwise, waits for it
// (reference: orca section 6.2). The child holds a reference to this execution,
// not a copy.
//
//	{"type": "pipeline", "refId": "5", "name": "Deploy to EU", "application": "shop",
//	 "pipeline": "3c1b…", "pipelineParameters": {"tag": "1.2"}, "waitForCompletion": true}
//
// With executionId it starts nothing and waits for that execution.
type Pipeline struct{}

var (
	_ workflows.StageType  = Pipeline{}
	_ workflows.Canceller  = Pipeline{}
	_ workflows.Restarter  = Pipeline{}
	_ workflows.Skippable  = Pipeline{}
	_ workflows.Caller     = Pipeline{}
	_ workflows.Checker    = Pipeline{}
	_ workflows.Documented = Pipeline{}
)

// Type implements workflows.StageType.
func (Pipeline) Type() string { return "pipeline" }

// Tasks implements workflows.StageType.
func (Pipeline) Tasks(s *pipeline.Stage) []workflows.Task {
	c := &child{}
	var tasks []workflows.Task
	if s.Context.String("executionId") == "" {
		tasks = append(tasks, workflows.Task{Name: "startPipeline", Timeout: 10 * time.Minute, Run: c.start})
	}
	if waitsForCompletion(s) {
		tasks = append(tasks, workflows.Task{Name: "monitorPipeline", Timeout: 12 * time.Hour, Run: c.monitor})
	}
	if _, present := s.Context["expectedArtifacts"]; present {
		tasks = append(tasks, c.bind())
	}
	return tasks
}

// Check implements workflows.Checker.
func (Pipeline) Check(s *pipeline.Stage) error {
	if !s.Context.Map("pipelineParameters").Bool("strategy") {
		return nil
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' runs the custom strategy '%s', which needs strategies in Front50, which this version does not have: "+
		"make it a pipeline, and leave strategy out of pipelineParameters.", s.Name, s.Context.String("pipelineId"))
}

// waitsForCompletion reads waitForCompletion: nothing but false says no.
func waitsForCompletion(s *pipeline.Stage) bool {
	switch v := s.Context["waitForCompletion"].(type) {
	case bool:
		return v
	case string:
		return !strings.EqualFold(strings.TrimSpace(v), "false")
	}
	return true
}

// child is one run of the stage; its tasks share it. What it holds is lost when
// the workflow continues as new, so that the stage's context is enough to go on.
type child struct {
	workflows.Child
}

func (c *child) start(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	tellSkippable(t)
	if err := (Pipeline{}).Check(t.Stage); err != nil {
		return workflows.Outcome{}, err
	}
	id := t.Stage.Context.String("pipeline")
	if id == "" {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no pipeline: set pipeline to the ID of a pipeline configuration.", t.Stage.Name)
	}
	read, err := workflows.Call(ctx, t, activities.ReadPipeline, activities.ReadPipelineInput{
		Scope: t.Scope(), ID: id, Parameters: t.Stage.Context.Map("pipelineParameters"),
	})
	if pipeline.CodeOf(err) == pipeline.CodeNotFound && err != nil {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeNotFound, "The referenced pipeline cannot be located (%s)", id)
	}
	if err != nil {
		return workflows.Outcome{}, err
	}
	if read.Pipeline.Disabled() {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The referenced pipeline is disabled: enable '%s' first.", read.Pipeline.Name())
	}
	e, failure, err := childExecution(ctx, t, read.Pipeline, t.Stage.Context.Map("pipelineParameters"), "")
	if err != nil {
		return workflows.Outcome{}, err
	}
	if c.Child, err = workflows.StartChild(ctx, e, failure); err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: pipeline.Map{"executionId": e.ID, "executionName": e.Name}}, nil
}

// tellSkippable shows user interfaces that a person may skip the stage.
func tellSkippable(t *workflows.TaskRun) {
	if (Pipeline{}).CanSkip(t.Stage) {
		t.Progress(pipeline.Map{"canManuallySkip": true})
	}
}

func (c *child) monitor(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	tellSkippable(t)
	end, err := c.await(ctx, t)
	if err != nil {
		return workflows.Outcome{}, err
	}
	outcome := workflows.Outcome{Context: pipeline.Map{"status": string(end.Status)}}
	skipped := skipsDownstreamOutput(t.Stage)
	if !skipped {
		outcome.Outputs = end.Outputs
	}
	switch end.Status {
	case pipeline.Succeeded:
		if end.OutputsSize > 0 && !skipped {
			return outcome, pipeline.Errorf(pipeline.CodeTooLarge, "The pipeline '%s' left outputs of %d bytes, and a parent takes at most %d: let its stages leave less, or set skipDownstreamOutput.", end.Name, end.OutputsSize, workflows.MaxOutputs)
		}
		return outcome, nil
	case pipeline.Canceled:
		outcome.Status = pipeline.Canceled
		return outcome, nil
	}
	failures := childFailures([]activities.ExecutionState{end})
	message := "The pipeline '" + end.Name + "' ended " + string(end.Status) + "."
	if len(failures) > 0 {
		message = failures[0]
	}
	return outcome, &pipeline.Error{Code: pipeline.CodeFailed, Message: message, Details: failures}
}

// await waits for the child: by its workflow when this run of the workflow has
// started it, else by its ID.
func (c *child) await(ctx workflow.Context, t *workflows.TaskRun) (activities.ExecutionState, error) {
	id, name := t.Stage.Context.String("executionId"), t.Stage.Context.String("executionName")
	if !c.Known() {
		states, err := awaitExecutions(ctx, t, activities.AwaitExecutionsInput{
			Scope: t.Scope(), IDs: []string{id}, Type: pipeline.TypePipeline,
			Outputs: !skipsDownstreamOutput(t.Stage), MaxOutputs: workflows.MaxOutputs,
		}, func([]activities.ExecutionState) {})
		if err != nil {
			return activities.ExecutionState{}, err
		}
		return states[0], nil
	}
	if err := t.Await(ctx, "pipeline "+name, c.Ended); err != nil {
		return activities.ExecutionState{}, err
	}
	result := c.Result(ctx)
	state := activities.ExecutionState{ID: id, Name: name, Status: result.Status, Outputs: result.Outputs, OutputsSize: result.OutputsSize}
	for _, f := range result.Failures {
		stage, message, _ := strings.Cut(f, ": ")
		state.Failures = append(state.Failures, activities.StageFailure{Stage: stage, Message: message})
	}
	return state, nil
}

// skipsDownstreamOutput reads skipDownstreamOutput: the stage then leaves
// nothing to those after it.
func skipsDownstreamOutput(s *pipeline.Stage) bool { return s.Context.Bool("skipDownstreamOutput") }

// bind is the task that binds the artifacts that the child left.
func (c *child) bind() workflows.Task {
	task := workflows.BindProducedArtifacts()
	run := task.Run
	task.Run = func(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
		outcome, err := run(ctx, t)
		if skipsDownstreamOutput(t.Stage) {
			outcome.Outputs = nil
		}
		return outcome, err
	}
	return task
}

// Cancel implements workflows.Canceller: a child that still runs is cancelled.
func (Pipeline) Cancel(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	id := t.Stage.Context.String("executionId")
	if id == "" || pipeline.Status(t.Stage.Context.String("status")).Complete() {
		return workflows.Outcome{}, nil
	}
	return workflows.Outcome{}, workflows.CancelChild(ctx, id, workflows.CancelInput{
		User: "parent pipeline", Reason: "The parent pipeline '" + t.Execution().Name + "' was ended.",
	})
}

// PrepareRestart implements workflows.Restarter: the stage starts another child,
// unless its child is what was restarted; then it waits for that one again.
func (Pipeline) PrepareRestart(s *pipeline.Stage, _ pipeline.Map) {
	delete(s.Context, "status")
	if s.Context.Bool("_skipPipelineRestart") {
		delete(s.Context, "_skipPipelineRestart")
		return
	}
	delete(s.Context, "executionName")
	delete(s.Context, "executionId")
}

// CanSkip implements workflows.Skippable.
func (Pipeline) CanSkip(s *pipeline.Stage) bool { return s.Context.Bool("skippable") }

// Calls implements workflows.Caller.
func (Pipeline) Calls(s *pipeline.Stage) []string {
	if id := s.Context.String("executionId"); id != "" {
		return []string{"watch the execution " + id}
	}
	out := []string{"start the pipeline " + s.Context.String("pipeline")}
	if waitsForCompletion(s) {
		out[0] += " and wait for its end"
	}
	return out
}

// Describe implements workflows.Documented.
func (Pipeline) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Starts another pipeline and waits for its end.",
		Inputs: []workflows.Field{
			{Name: "application", Type: "text", Text: "The pipeline's application, for user interfaces."},
			{Name: "pipeline", Type: "ID of a pipeline configuration", Text: "What is started."},
			{Name: "pipelineParameters", Type: "map", Text: "The parameters that it is started with."},
			{Name: "waitForCompletion", Type: "boolean", Default: "true", Text: "Whether the stage ends with the child, and as the child does, or once the child is started."},
			{Name: "skipDownstreamOutput", Type: "boolean", Default: "false", Text: "Whether the stages after this one see nothing of what the child left."},
			{Name: "skippable", Type: "boolean", Default: "false", Text: "Whether a person may skip the stage while it waits. The child goes on."},
			{Name: "executionId", Type: "ID of an execution", Text: "Starts nothing and waits for this execution."},
		},
		Outputs: []workflows.Field{
			{Name: "outputs of the child", Type: "any", Text: "The merged outputs of the child's stages."},
			{Name: "artifacts", Type: "list of artifacts", Text: "With `expectedArtifacts`, those that were bound."},
			{Name: "resolvedExpectedArtifacts", Type: "list of expected artifacts", Text: "With `expectedArtifacts`: each with its `boundArtifact`."},
		},
		Notes: []string{
			"The context holds `executionId` and `executionName` of the child, and its `status` once it has ended. Cancelling the stage cancels the child.",
			"The child receives the artifacts that this stage sees. Its expected artifacts that one of them matches, and those that a pipeline trigger on this pipeline names, must be resolved; otherwise the child is recorded as failed.",
			"A restart starts another child. When a stage of the child was restarted instead, this stage waits for it again.",
			"A child may leave one MiB of outputs.",
		},
	}
}
