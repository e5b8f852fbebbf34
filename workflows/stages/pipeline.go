package stages

import (
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Pipeline starts another pipeline and, unless told otherwise, waits for it
// (reference: orca section 6.2). The child holds a reference to this execution,
// not a copy.
//
//	{"type": "pipeline", "refId": "5", "name": "Deploy to EU", "application": "shop",
//	 "pipeline": "3c1b…", "pipelineParameters": {"tag": "1.2"}, "waitForCompletion": true}
type Pipeline struct{}

var (
	_ workflows.StageType  = Pipeline{}
	_ workflows.Canceller  = Pipeline{}
	_ workflows.Caller     = Pipeline{}
	_ workflows.Documented = Pipeline{}
)

// Type implements workflows.StageType.
func (Pipeline) Type() string { return "pipeline" }

// Tasks implements workflows.StageType.
func (Pipeline) Tasks(s *pipeline.Stage) []workflows.Task {
	c := &child{}
	tasks := []workflows.Task{{Name: "startPipeline", Timeout: 10 * time.Minute, Run: c.start}}
	if wait, present := s.Context["waitForCompletion"]; !present || wait == nil || s.Context.Bool("waitForCompletion") {
		tasks = append(tasks, workflows.Task{Name: "monitorPipeline", Timeout: 12 * time.Hour, Run: c.monitor})
	}
	return tasks
}

type child struct {
	workflows.Child
	name string
}

func (c *child) start(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
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
	e, err := c.execution(ctx, t, read.Pipeline)
	if err != nil {
		return workflows.Outcome{}, err
	}
	if c.Child, err = workflows.StartChild(ctx, e); err != nil {
		return workflows.Outcome{}, err
	}
	c.name = e.Name
	started := pipeline.Map{"executionId": e.ID, "executionName": e.Name}
	return workflows.Outcome{Context: started, Outputs: started.Clone()}, nil
}

// execution builds the child's execution, its ID made from this stage's so
// that a replay makes the same one.
func (c *child) execution(ctx workflow.Context, t *workflows.TaskRun, config pipeline.Pipeline) (*pipeline.Execution, error) {
	parent, scope := t.Execution(), t.Scope()
	now := workflow.Now(ctx)
	id := ids.Derive(now, parent.ID, t.Stage.ID, strconv.Itoa(scope.Attempt))
	artifacts, err := visibleArtifacts(t)
	if err != nil {
		return nil, err
	}
	root := parent.RootID
	if root == "" {
		root = parent.ID
	}
	return pipeline.NewExecution(config, pipeline.Launch{
		ID: id, Now: now, User: parent.Authentication.User, Origin: parent.Origin,
		StageID: func(ref string) string { return ids.StageID(id, ref) },
		Trigger: pipeline.Trigger{
			Type:          "pipeline",
			CorrelationID: parent.ID + "_" + t.Stage.ID + "_" + config.ID() + "_" + strconv.FormatInt(int64(parent.StartTime), 10),
			Parameters:    t.Stage.Context.Map("pipelineParameters"),
			Artifacts:     artifacts,
			DryRun:        parent.Trigger.DryRun,
			Parent: &pipeline.ParentRef{
				ExecutionID: parent.ID, Application: parent.Application, Pipeline: parent.Name,
				StageID: t.Stage.ID, RootID: root,
			},
			Other: pipeline.Map{
				"isPipeline":            true,
				"parentPipelineId":      parent.ID,
				"parentPipelineName":    parent.Name,
				"parentPipelineStageId": t.Stage.ID,
			},
		},
	})
}

func (c *child) monitor(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	if err := t.Await(ctx, "pipeline "+c.name, c.Ended); err != nil {
		return workflows.Outcome{}, err
	}
	result := c.Result(ctx)
	outcome := workflows.Outcome{Context: pipeline.Map{"status": string(result.Status)}}
	switch result.Status {
	case pipeline.Succeeded:
		if t.Stage.Context.Bool("skipDownstreamOutput") {
			return outcome, nil
		}
		if result.OutputsSize > 0 {
			return outcome, pipeline.Errorf(pipeline.CodeTooLarge, "The pipeline '%s' left outputs of %d bytes, and a parent takes at most %d: let its stages leave less, or set skipDownstreamOutput.", c.name, result.OutputsSize, workflows.MaxOutputs)
		}
		outcome.Outputs = result.Outputs
		return outcome, nil
	case pipeline.Canceled:
		outcome.Status = pipeline.Canceled
		return outcome, nil
	}
	failures := make([]string, len(result.Failures))
	for i, f := range result.Failures {
		failures[i] = "Exception in child pipeline stage (" + c.name + ": " + f + ")"
	}
	message := "The pipeline '" + c.name + "' ended " + string(result.Status) + "."
	if len(failures) > 0 {
		message = failures[0]
	}
	return outcome, &pipeline.Error{Code: pipeline.CodeFailed, Message: message, Details: failures}
}

// Cancel implements workflows.Canceller: a child that still runs is cancelled.
func (Pipeline) Cancel(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	id := t.Stage.Context.String("executionId")
	if id == "" || t.Stage.Context.String("status") != "" {
		return workflows.Outcome{}, nil
	}
	return workflows.Outcome{}, workflows.CancelChild(ctx, id, workflows.CancelInput{
		User: "parent pipeline", Reason: "The parent pipeline '" + t.Execution().Name + "' was ended.",
	})
}

// Calls implements workflows.Caller.
func (Pipeline) Calls(s *pipeline.Stage) []string {
	return []string{"start the pipeline " + s.Context.String("pipeline")}
}

// Describe implements workflows.Documented.
func (Pipeline) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Starts another pipeline and waits for it.",
		Inputs: []workflows.Field{
			{Name: "pipeline", Type: "ID of a pipeline configuration", Text: "What to start."},
			{Name: "application", Type: "text", Text: "Its application, for Deck."},
			{Name: "pipelineParameters", Type: "map", Text: "The parameters of the new execution; those that it does not name have their defaults."},
			{Name: "waitForCompletion", Type: "boolean", Default: "true", Text: "Whether the stage ends with the other pipeline or once it is started."},
			{Name: "skipDownstreamOutput", Type: "boolean", Default: "false", Text: "Leaves the other pipeline's outputs where they are."},
		},
		Outputs: []workflows.Field{
			{Name: "executionId", Type: "text", Text: "The execution that was started; its name is `executionName`."},
			{Name: "outputs of the execution", Type: "any", Text: "When it was waited for and succeeded: its merged outputs, at most 1 MiB."},
		},
		Notes: []string{
			"The context's `status` tells how the other pipeline ended. It failed: the stage fails with its errors. It was cancelled: the stage is CANCELED.",
			"Cancelling the stage cancels the other pipeline, as user `parent pipeline`.",
		},
	}
}
