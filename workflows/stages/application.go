package stages

import (
	"strings"
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
	previous := out.Previous
	if previous == nil {
		previous = pipeline.Application{}
	}
	return workflows.Outcome{Context: pipeline.Map{
		"notification.type": "upsertapplication", "application.name": app.Name(),
		"previousState": map[string]any(previous), "newState": map[string]any(out.Current),
	}}, nil
}

// DeleteApplication deletes an application with its pipelines, unless it has
// something in a cluster; a missing one is a success.
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
	return []workflows.Task{
		{Name: "verifyNoDependencies", Timeout: dependenciesTimeout, Run: d.verify},
		{Name: "deleteApplication", Timeout: configurationTimeout, Run: d.delete},
	}
}

// dependenciesTimeout bounds the look at one application's clusters, with a
// restart of the workers that serve them; Orca gives up at once.
const dependenciesTimeout = 5 * time.Minute

// verifiesDependencies marks runs that look at the clusters before they delete
// an application.
const verifiesDependencies = "deleteApplication.verifyNoDependencies"

// verify fails while the application has server groups or security groups in an
// account.
func (DeleteApplication) verify(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	name, err := applicationName(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	if workflow.GetVersion(ctx, verifiesDependencies, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return workflows.Outcome{}, nil
	}
	known, err := workflows.Call(ctx, t, activities.ListAccounts, activities.ListAccountsInput{})
	if err != nil {
		return workflows.Outcome{}, err
	}
	var clusters, groups []string
	for _, account := range known.Accounts {
		out, err := workflows.Call(ctx, t, activities.ApplicationResources, activities.ApplicationResourcesInput{
			Scope: t.Scope(), Account: account, Application: name,
		})
		if err != nil {
			return workflows.Outcome{}, err
		}
		for _, c := range out.Clusters {
			clusters = append(clusters, c+" in account "+account)
		}
		for _, g := range out.SecurityGroups {
			groups = append(groups, g+" in account "+account)
		}
	}
	var faults []string
	for _, kind := range []struct {
		name  string
		found []string
	}{{"clusters", clusters}, {"security groups", groups}} {
		if len(kind.found) > 0 {
			faults = append(faults, "Application is associated with one or more "+kind.name+": "+short(strings.Join(kind.found, ", "))+". Delete them first.")
		}
	}
	if len(faults) > 0 {
		return workflows.Outcome{}, &pipeline.Error{Code: pipeline.CodeConflict, Message: "Application has outstanding dependencies", Details: faults}
	}
	return workflows.Outcome{}, nil
}

func applicationName(s *pipeline.Stage) (string, error) {
	name := pipeline.Application(s.Context.Map("application")).Name()
	if name == "" {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no application: set application to an object with name.", s.Name)
	}
	return name, nil
}

func (DeleteApplication) delete(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	name, err := applicationName(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	out, err := workflows.Call(ctx, t, activities.DeleteApplication, activities.DeleteApplicationInput{Scope: t.Scope(), Name: name})
	if err != nil {
		return workflows.Outcome{}, err
	}
	context := pipeline.Map{"notification.type": "deleteapplication", "application.name": name}
	if out.Previous != nil {
		context["previousState"] = map[string]any(out.Previous)
	}
	return workflows.Outcome{Context: context}, nil
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
		Notes: []string{"The context tells the application before and after, under `previousState`, which is empty for a new one, and `newState`."},
	}
}

// Calls implements workflows.Caller.
func (DeleteApplication) Calls(s *pipeline.Stage) []string {
	name := pipeline.Application(s.Context.Map("application")).Name()
	return []string{
		"look in every account for clusters and security groups of the application " + name,
		"delete the application " + name + " with its pipelines",
	}
}

// Describe implements workflows.Documented.
func (DeleteApplication) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Deletes an application with its pipelines, unless it has something in a cluster; a missing one is a success. Nothing in a cluster is touched.",
		Inputs: []workflows.Field{
			{Name: "application", Type: "object", Text: "`name` says which."},
		},
		Notes: []string{
			"The context tells the application as it was, under `previousState`.",
			"An application that has clusters (server groups, Deployments) or security groups (NetworkPolicies) in any account is not deleted: the stage fails and names them. " +
				"The clusters themselves are asked, not a cache; one that does not answer within 5 minutes fails the stage.",
		},
	}
}
