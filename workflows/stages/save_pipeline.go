package stages

import (
	"encoding/base64"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// SavePipeline stores a pipeline configuration (reference: orca section 6.2).
// It serves savePipeline and updatePipeline. The configuration is an object or
// its JSON in base64, as Spinnaker's clients send it. One without an ID is the
// pipeline.id of the stage, if it has that: a restarted stage saves what it saved
// before.
//
//	{"type": "savePipeline", "pipeline": "eyJuYW1lIjogIkRlcGxveSJ9", "staleCheck": true}
type SavePipeline struct {
	// Name is the stage type that this one answers to.
	Name string
}

var (
	_ workflows.StageType  = SavePipeline{}
	_ workflows.Caller     = SavePipeline{}
	_ workflows.Documented = SavePipeline{}
)

// Type implements workflows.StageType.
func (s SavePipeline) Type() string { return s.Name }

// Tasks implements workflows.StageType.
func (s SavePipeline) Tasks(*pipeline.Stage) []workflows.Task {
	if s.Name == "updatePipeline" {
		return []workflows.Task{{Name: "updatePipeline", Timeout: configurationTimeout, Run: s.save}}
	}
	return []workflows.Task{
		{Name: "savePipeline", Timeout: configurationTimeout, Run: s.save},
		instant("waitForPipelineSave"),
	}
}

func (SavePipeline) save(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	p, err := pipelineOf(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	if id := t.Stage.Context.String("pipeline.id"); id != "" && p.ID() == "" && !t.Stage.Context.Bool("isSavingMultiplePipelines") {
		p = p.Clone()
		p["id"], p["regenerateCronTriggerIds"] = id, true
	}
	out, err := workflows.Call(ctx, t, activities.SavePipeline, activities.SavePipelineInput{
		Scope: t.Scope(), Pipeline: p, StaleCheck: t.Stage.Context.Bool("staleCheck"),
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: pipeline.Map{
		"notification.type": "savepipeline", "application": out.Pipeline.Application(),
		"pipeline.name": out.Pipeline.Name(), "pipeline.id": out.Pipeline.ID(),
	}}, nil
}

// DeletePipeline deletes a pipeline configuration, by its ID or by application
// and name; a missing one is a success.
//
//	{"type": "deletePipeline", "pipeline": {"id": "3c1b…", "application": "shop", "name": "Deploy"}}
type DeletePipeline struct{}

var (
	_ workflows.StageType  = DeletePipeline{}
	_ workflows.Caller     = DeletePipeline{}
	_ workflows.Documented = DeletePipeline{}
)

// Type implements workflows.StageType.
func (DeletePipeline) Type() string { return "deletePipeline" }

// Tasks implements workflows.StageType.
func (d DeletePipeline) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "deletePipeline", Timeout: configurationTimeout, Run: d.delete}}
}

func (DeletePipeline) delete(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	p, err := pipelineOf(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	id := p.ID()
	if id == "" {
		if p.Application() == "" || p.Name() == "" {
			return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no pipeline to delete: set pipeline.id, or pipeline.application and pipeline.name.", t.Stage.Name)
		}
		found, err := workflows.Call(ctx, t, activities.FindPipeline, activities.FindPipelineInput{Scope: t.Scope(), Application: p.Application(), Name: p.Name()})
		switch {
		case err == nil:
			id = found.Pipeline.ID()
		case pipeline.CodeOf(err) != pipeline.CodeNotFound:
			return workflows.Outcome{}, err
		}
	}
	if id != "" {
		if _, err := workflows.Call(ctx, t, activities.DeletePipeline, activities.DeletePipelineInput{Scope: t.Scope(), ID: id}); err != nil {
			return workflows.Outcome{}, err
		}
	}
	return workflows.Outcome{Context: pipeline.Map{
		"notification.type": "deletepipeline", "application": p.Application(), "pipeline.name": p.Name(), "pipeline.id": id,
	}}, nil
}

func pipelineOf(s *pipeline.Stage) (pipeline.Pipeline, error) {
	if m := s.Context.Map("pipeline"); m != nil {
		return pipeline.Pipeline(m), nil
	}
	raw, err := base64.StdEncoding.DecodeString(s.Context.String("pipeline"))
	if err != nil || len(raw) == 0 {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds no pipeline: set pipeline to an object, or to its JSON in base64.", s.Name)
	}
	var p pipeline.Pipeline
	if err := p.UnmarshalJSON(raw); err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The pipeline of stage '%s' is not a JSON object: %s.", s.Name, err)
	}
	return p, nil
}

// Calls implements workflows.Caller.
func (SavePipeline) Calls(s *pipeline.Stage) []string {
	p, err := pipelineOf(s)
	if err != nil {
		return nil
	}
	return []string{"save the pipeline " + p.Name() + " of application " + p.Application()}
}

// Describe implements workflows.Documented.
func (SavePipeline) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Stores a pipeline configuration: a new one when its ID is missing, else in place of the stored one. savePipeline and updatePipeline do the same.",
		Inputs: []workflows.Field{
			{Name: "pipeline", Type: "object, or its JSON in base64", Text: "The configuration. In base64 its expressions stay as they are."},
			{Name: "staleCheck", Type: "boolean", Default: "false", Text: "Refuses a configuration that somebody else has changed since it was read (its `updateTs` differs)."},
			{Name: "pipeline.id", Type: "text", Text: "The ID of a configuration that holds none. The stage sets it, so that a restart saves the same pipeline again."},
		},
		Notes: []string{
			"The context tells what was saved under `pipeline.name` and `pipeline.id`. A configuration without an `index` keeps the place that it has.",
			"A Front50 that does not answer is asked again for an hour, or for `stageTimeoutMs`; Orca gives up after 30 seconds.",
		},
	}
}

// Calls implements workflows.Caller.
func (DeletePipeline) Calls(s *pipeline.Stage) []string {
	p, err := pipelineOf(s)
	if err != nil {
		return nil
	}
	if p.ID() == "" {
		return []string{"delete the pipeline " + p.Name() + " of application " + p.Application()}
	}
	return []string{"delete the pipeline " + p.ID()}
}

// Describe implements workflows.Documented.
func (DeletePipeline) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Deletes a pipeline configuration; a missing one is a success. Its executions stay.",
		Inputs: []workflows.Field{
			{Name: "pipeline", Type: "object, or its JSON in base64", Text: "`id` says which, or else `application` and `name`."},
		},
		Notes: []string{"The context tells what was deleted under `pipeline.name` and `pipeline.id`."},
	}
}
