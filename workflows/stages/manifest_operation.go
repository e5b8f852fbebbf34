package stages

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// What the stages that change one live object share (reference: orca section
// 6.1).

// targetOf reads which object a stage means.
func targetOf(t *workflows.TaskRun) (activities.ManifestInput, error) {
	in, err := targetIn(t.Stage)
	in.Scope = t.Scope()
	return in, err
}

// resolveTarget is the task resolveTargetManifest: when the stage has a criteria
// it finds the object, and writes it to manifestName.
func resolveTarget(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	in, err := criteriaOf(t.Stage, t.Execution().Application)
	if err != nil || in == nil {
		return workflows.Outcome{}, err
	}
	if in.Account, err = findAccount(ctx, t); err != nil {
		return workflows.Outcome{}, err
	}
	in.Scope = t.Scope()
	found, err := workflows.Call(ctx, t, activities.ResolveTarget, *in)
	if err != nil {
		return workflows.Outcome{}, err
	}
	target := pipeline.Map{"manifestName": found.ManifestName}
	return workflows.Outcome{Context: target, Outputs: target.Clone()}, nil
}

// changes is the task that changes the stage's object by a call.
func changes(name string, call func(workflow.Context, *workflows.TaskRun, activities.ManifestInput) error) workflows.Task {
	return workflows.Task{Name: name, Timeout: operationTimeout, Run: func(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
		in, err := targetOf(t)
		if err != nil {
			return workflows.Outcome{}, err
		}
		if _, err := findAccount(ctx, t); err != nil {
			return workflows.Outcome{}, err
		}
		if err := call(ctx, t, in); err != nil {
			return workflows.Outcome{}, err
		}
		return workflows.Outcome{Context: updated(t, in)}, nil
	}}
}

// directs is the task that changes the traffic of the stage's object. A rollout
// strategy names the very object by manifestUid, and is done when that is gone.
func directs(name string, call activities.Call[activities.TrafficInput, activities.TrafficOutput]) workflows.Task {
	return workflows.Task{Name: name, Timeout: operationTimeout, Run: func(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
		in, err := targetOf(t)
		if err != nil {
			return workflows.Outcome{}, err
		}
		if _, err := findAccount(ctx, t); err != nil {
			return workflows.Outcome{}, err
		}
		c := t.Stage.Context
		out, err := workflows.Call(ctx, t, call, activities.TrafficInput{ManifestInput: in, LoadBalancers: c.Strings("loadBalancers"), UID: c.String(uidKey)})
		if err != nil {
			return workflows.Outcome{}, err
		}
		context := updated(t, in)
		if out.Gone {
			delete(context, "outputs.manifestNamesByNamespace") // nothing to wait for
		}
		return workflows.Outcome{Context: context}, nil
	}}
}

// updated is what a stage knows of the object that it changed.
func updated(t *workflows.TaskRun, in activities.ManifestInput) pipeline.Map {
	location := in.Location
	if location == "" {
		location = "_"
	}
	out := katoTasks(t)
	out["manifest.account.name"] = in.Account
	out["manifest.name"] = in.ManifestName
	out["manifest.location"] = in.Location
	out["outputs.manifestNamesByNamespace"] = namesValue(map[string][]string{location: {in.ManifestName}})
	return out
}

// becomesStable is the task that waits for the changed object.
func becomesStable(s *pipeline.Stage) workflows.Task {
	return workflows.Task{Name: awaitTask, Timeout: stableTimeout(s), Run: waitForStable}
}

// callOn says in words what a stage does with its object.
func callOn(verb string, s *pipeline.Stage) []string {
	what := strings.TrimSpace(s.Context.String("manifestName"))
	if criteria := s.Context.String("criteria"); criteria != "" {
		what = "the " + strings.ReplaceAll(criteria, "_", " ") + " " + s.Context.String("kind") + " of the cluster " + s.Context.String("cluster")
	}
	where := s.Context.String("location")
	if where != "" {
		where = " in " + where
	}
	return []string{verb + " " + what + where + " on account " + accountOf(s)}
}

// The fields of a stage on one live object.
var (
	locationField     = workflows.Field{Name: "location", Type: "namespace", Text: "Where the object is; empty for objects without a namespace."}
	manifestNameField = workflows.Field{Name: "manifestName", Type: "text", Text: "\"kind name\", for example \"deployment web\"."}
	dynamicFields     = []workflows.Field{
		{Name: "criteria", Type: "oldest, newest, second_newest, largest or smallest", Text: "Which object of the cluster is meant, in place of `manifestName`: by age, or by replicas."},
		{Name: "kind", Type: "kind", Text: "With `criteria`: what kind of objects."},
		{Name: "cluster", Type: "text", Text: "With `criteria`: the cluster, as the objects' annotation moniker.spinnaker.io/cluster names it, for example \"replicaSet web\"."},
		{Name: "app", Type: "application", Default: "the pipeline's", Text: "With `criteria`: the application, as the annotation moniker.spinnaker.io/application names it."},
	}
	loadBalancersField = workflows.Field{Name: "loadBalancers", Type: "list of \"service name\"", Default: "those of the annotation traffic.spinnaker.io/load-balancers", Text: "The load balancers."}
	stableField        = workflows.Field{Name: "stableManifestTimeoutMinutes", Type: "whole minutes", Default: "30", Text: "How long the object may take to become stable."}
	targetField        = workflows.Field{Name: "manifestName", Type: "text", Text: "With `criteria`: the object that was found."}
)

// targetInputs are the inputs of a stage whose target may be dynamic, and more.
func targetInputs(more ...workflows.Field) []workflows.Field {
	out := []workflows.Field{accountField, providerField, locationField, manifestNameField}
	return append(append(out, dynamicFields...), more...)
}

// staticInputs are the inputs of a stage that names its target, and more.
func staticInputs(more ...workflows.Field) []workflows.Field {
	return append([]workflows.Field{accountField, providerField, locationField, manifestNameField}, more...)
}
