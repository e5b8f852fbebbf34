package stages

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// configurationTimeout bounds a change of what Front50 stores.
const configurationTimeout = time.Hour

// UpsertApplication creates an application or merges attributes into it
// (reference: orca section 6.2, gate section 2). It serves createApplication,
// updateApplication and upsertApplication, which do the same.
//
//	{"type": "createApplication", "application": {"name": "shop", "email": "shop@example.com"}}
type UpsertApplication struct {
	// Name is the stage type that this one answers to.
	Name string
}

var (
	_ workflows.StageType  = UpsertApplication{}
	_ workflows.Caller     = UpsertApplication{}
	_ workflows.Documented = UpsertApplication{}
)

// Type implements workflows.StageType.
func (u UpsertApplication) Type() string { return u.Name }

// Tasks implements workflows.StageType.
func (u UpsertApplication) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: u.Name, Timeout: configurationTimeout, Run: u.upsert}}
}

func (UpsertApplication) upsert(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	app := pipeline.Application(t.Stage.Context.Map("application"))
	if app == nil {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds no application: set application to an object with name and email.", t.Stage.Name)
	}
	out, err := workflows.Call(ctx, t, activities.UpsertApplication, activities.UpsertApplicationInput{Scope: t.Scope(), Application: app})
	if err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: change(out.Previous, out.Current)}, nil
}

// DeleteApplication deletes an application with its pipelines; a missing one is
// a success.
//
//	{"type": "deleteApplication", "application": {"name": "shop"}}
type DeleteApplication struct{}

var (
	_ workflows.StageType  = DeleteApplication{}
	_ workflows.Caller     = DeleteApplication{}
	_ workflows.Documented = DeleteApplication{}
)

// Type implements workflows.StageType.
func (DeleteApplication) Type() string { return "deleteApplication" }

// Tasks implements workflows.StageType.
func (d DeleteApplication) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "deleteApplication", Timeout: configurationTimeout, Run: d.delete}}
}

func (DeleteApplication) delete(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	name := pipeline.Application(t.Stage.Context.Map("application")).Name()
	if name == "" {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no application: set application to an object with name.", t.Stage.Name)
	}
	out, err := workflows.Call(ctx, t, activities.DeleteApplication, activities.DeleteApplicationInput{Scope: t.Scope(), Name: name})
	if err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: change(out.Previous, nil)}, nil
}

func change(previous, current pipeline.Application) pipeline.Map {
	out := pipeline.Map{}
	if previous != nil {
		out["previousState"] = map[string]any(previous)
	}
	if current != nil {
		out["newState"] = map[string]any(current)
	}
	return out
}

// Calls implements workflows.Caller.
func (UpsertApplication) Calls(s *pipeline.Stage) []string {
	return []string{"save the application " + pipeline.Application(s.Context.Map("application")).Name()}
}

// Describe implements workflows.Documented.
func (UpsertApplication) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Creates an application, or merges attributes into the one that is there. createApplication, updateApplication and upsertApplication do the same.",
		Inputs: []workflows.Field{
			{Name: "application", Type: "object", Text: "The attributes; `name` and `email` are required for a new one."},
		},
		Notes: []string{"The context tells the application before and after, under `previousState` and `newState`."},
	}
}

// Calls implements workflows.Caller.
func (DeleteApplication) Calls(s *pipeline.Stage) []string {
	return []string{"delete the application " + pipeline.Application(s.Context.Map("application")).Name() + " with its pipelines"}
}

// Describe implements workflows.Documented.
func (DeleteApplication) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Deletes an application with its pipelines; a missing one is a success. Nothing in a cluster is touched.",
		Inputs: []workflows.Field{
			{Name: "application", Type: "object", Text: "`name` says which."},
		},
		Notes: []string{"The context tells the application as it was, under `previousState`."},
	}
}
