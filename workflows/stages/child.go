package stages

import (
	"errors"
	"strconv"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// childExecution builds the execution of a pipeline that a stage starts, its ID
// made from the stage's so that a replay makes the same one. The app tells
// several of one stage apart, and is empty for the only one. A failure comes with
// an execution that is to be recorded as failed, since an expected artifact of
// the pipeline is not resolved.
func childExecution(ctx workflow.Context, t *workflows.TaskRun, config pipeline.Pipeline, parameters pipeline.Map, app string) (*pipeline.Execution, *workflows.StartFailure, error) {
	launch, err := childLaunch(ctx, t, config, parameters, app)
	if err != nil {
		return nil, nil, err
	}
	e, err := pipeline.NewExecution(config, launch)
	if err != nil && e != nil && errors.Is(err, pipeline.ErrUnresolved) {
		return e, &workflows.StartFailure{Message: pipeline.MessageOf(err), Details: pipeline.DetailsOf(err)}, nil
	}
	return e, nil, err
}

func childLaunch(ctx workflow.Context, t *workflows.TaskRun, config pipeline.Pipeline, parameters pipeline.Map, app string) (pipeline.Launch, error) {
	parent, scope := t.Execution(), t.Scope()
	now := workflow.Now(ctx)
	of := []string{parent.ID, t.Stage.ID, strconv.Itoa(scope.Attempt)}
	correlation := parent.ID + "_" + t.Stage.ID + "_" + config.ID() + "_" + strconv.FormatInt(int64(parent.StartTime), 10)
	other := pipeline.Map{
		"isPipeline":            true,
		"parentPipelineId":      parent.ID,
		"parentPipelineName":    parent.Name,
		"parentPipelineStageId": t.Stage.ID,
	}
	if app != "" {
		of = append(of, app)
		correlation += "_" + app
		other["executionIdentifier"] = app
	}
	id := ids.Derive(now, of...)
	artifacts, err := t.Artifacts()
	if err != nil {
		return pipeline.Launch{}, err
	}
	expected, err := config.ExpectedFrom(parent.PipelineConfigID, artifacts)
	if err != nil {
		return pipeline.Launch{}, err
	}
	root := parent.RootID
	if root == "" {
		root = parent.ID
	}
	launch := pipeline.Launch{
		ID: id, Now: now, User: scope.User, Origin: parent.Origin,
		StageID:  func(ref string) string { return ids.StageID(id, ref) },
		Received: artifacts, ExpectedArtifactIDs: expected,
		Trigger: pipeline.Trigger{
			Type:          "pipeline",
			CorrelationID: correlation,
			Parameters:    parameters,
			DryRun:        parent.Trigger.DryRun,
			Parent: &pipeline.ParentRef{
				ExecutionID: parent.ID, Application: parent.Application, Pipeline: parent.Name,
				StageID: t.Stage.ID, RootID: root,
			},
			Other: other,
		},
	}
	if needs := launch.NeedsPrior(config); len(needs) > 0 && config.ID() != "" {
		latest, err := workflows.Call(ctx, t, activities.LatestExecutions, activities.LatestExecutionsInput{
			Scope: scope, ConfigID: config.ID(), Matching: needs,
		})
		if err != nil {
			return pipeline.Launch{}, err
		}
		for _, e := range latest.Executions {
			launch.Prior = append(launch.Prior, e.Artifacts...)
		}
	}
	return launch, nil
}
