package stages

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// UpsertProject creates a project, or replaces the one that has the ID (reference:
// gate section 2).
//
//	{"type": "upsertProject", "project": {"name": "Shop", "email": "shop@example.com", "config": {"applications": ["shop"]}}}
type UpsertProject struct{}

var (
	_ workflows.StageType  = UpsertProject{}
	_ workflows.Caller     = UpsertProject{}
	_ workflows.Documented = UpsertProject{}
)

// Type implements workflows.StageType.
func (UpsertProject) Type() string { return "upsertProject" }

// Tasks implements workflows.StageType.
func (u UpsertProject) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "upsertProject", Timeout: configurationTimeout, Run: u.upsert}}
}

// projectOf returns the project that a stage holds.
func projectOf(s *pipeline.Stage) (pipeline.Map, error) {
	project := s.Context.Map("project")
	if project == nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds no project: set project to an object with a name.", s.Name)
	}
	return project, nil
}

func (UpsertProject) upsert(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	project, err := projectOf(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	if id := t.Stage.Context.String("project.id"); id != "" && project.String("id") == "" {
		project = project.Clone()
		project["id"] = id // of an earlier attempt of the stage
	}
	out, err := workflows.Call(ctx, t, activities.SaveProject, activities.SaveProjectInput{Scope: t.Scope(), Project: project})
	if err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: pipeline.Map{"notification.type": "upsertproject", "project.id": out.ID}}, nil
}

// Calls implements workflows.Caller.
func (UpsertProject) Calls(s *pipeline.Stage) []string {
	return []string{"save the project " + s.Context.Map("project").String("name")}
}

// Describe implements workflows.Documented.
func (UpsertProject) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Creates a project, or replaces the one that has its ID.",
		Inputs: []workflows.Field{
			{Name: "project", Type: "object", Text: "`name`, which no other project has; `email`; `config` with `applications`, `clusters` and `pipelineConfigs`; `id` of the one to replace."},
		},
		Notes: []string{"The context tells the project's ID under `project.id`."},
	}
}

// DeleteProject deletes a project by its ID or its name; a missing one is a success.
//
//	{"type": "deleteProject", "project": {"name": "Shop"}}
type DeleteProject struct{}

var (
	_ workflows.StageType  = DeleteProject{}
	_ workflows.Caller     = DeleteProject{}
	_ workflows.Documented = DeleteProject{}
)

// Type implements workflows.StageType.
func (DeleteProject) Type() string { return "deleteProject" }

// Tasks implements workflows.StageType.
func (d DeleteProject) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "deleteProject", Timeout: configurationTimeout, Run: d.delete}}
}

func (DeleteProject) delete(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	project, err := projectOf(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	in := activities.DeleteProjectInput{Scope: t.Scope(), ID: project.String("id"), Name: project.String("name")}
	if in.ID == "" && in.Name == "" {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no project to delete: set project.id or project.name.", t.Stage.Name)
	}
	if _, err := workflows.Call(ctx, t, activities.DeleteProject, in); err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: pipeline.Map{"notification.type": "deleteproject"}}, nil
}

// Calls implements workflows.Caller.
func (DeleteProject) Calls(s *pipeline.Stage) []string {
	project := s.Context.Map("project")
	name := project.String("name")
	if name == "" {
		name = project.String("id")
	}
	return []string{"delete the project " + name}
}

// Describe implements workflows.Documented.
func (DeleteProject) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Deletes a project; a missing one is a success. Its applications stay.",
		Inputs: []workflows.Field{
			{Name: "project", Type: "object", Text: "`id` says which, or else `name`, whatever the case."},
		},
	}
}
