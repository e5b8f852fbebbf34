package stages

import (
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// operationTimeout bounds a change of a cluster, as Orca's monitor does.
const operationTimeout = time.Hour

// deployedKey is where stages show the objects that the cluster now holds.
const deployedKey = "outputs.manifests"

// manifestOutputs turns what a cluster operation answered into the keys that
// Spinnaker's clients and stages downstream read; the dots are part of the
// names.
func manifestOutputs(out activities.DeployManifestOutput) (pipeline.Map, error) {
	manifests := make([]any, len(out.Manifests))
	for i, m := range out.Manifests {
		manifests[i] = map[string]any(m)
	}
	bound, err := artifactValues(out.BoundArtifacts)
	if err != nil {
		return nil, err
	}
	created, err := artifactValues(out.CreatedArtifacts)
	if err != nil {
		return nil, err
	}
	return pipeline.Map{
		deployedKey:                        manifests,
		"outputs.manifestNamesByNamespace": namesValue(out.ManifestNamesByNamespace),
		"outputs.boundArtifacts":           bound,
		"outputs.createdArtifacts":         created,
		"artifacts":                        created,
	}, nil
}

func artifactValues(list []pipeline.Artifact) ([]any, error) {
	out := make([]any, len(list))
	for i, a := range list {
		v, err := pipeline.ToValue(a)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func namesValue(names map[string][]string) map[string]any {
	out := make(map[string]any, len(names))
	for _, ns := range slices.Sorted(maps.Keys(names)) {
		list := make([]any, len(names[ns]))
		for i, n := range names[ns] {
			list[i] = n
		}
		out[ns] = list
	}
	return out
}

// namesFrom is the inverse of namesValue.
func namesFrom(v any) map[string][]string {
	m := pipeline.AsMap(v)
	out := make(map[string][]string, len(m))
	for _, ns := range slices.Sorted(maps.Keys(m)) {
		out[ns] = m.Strings(ns)
	}
	return out
}

// accountOf returns the name of the stage's account, which older pipelines hold
// as credentials.
func accountOf(s *pipeline.Stage) string {
	if account := s.Context.String("account"); account != "" {
		return account
	}
	return s.Context.String("credentials")
}

// findAccount checks that the stage's account exists, so that a misspelt one
// fails at once.
func findAccount(ctx workflow.Context, t *workflows.TaskRun) (string, error) {
	account := accountOf(t.Stage)
	if account == "" {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no account: set account.", t.Stage.Name)
	}
	_, err := workflows.Call(ctx, t, activities.FindAccount, activities.FindAccountInput{Account: account})
	return account, err
}

// katoTasks is the record of a finished operation under the key in which
// Spinnaker's clients look for it.
func katoTasks(t *workflows.TaskRun) pipeline.Map {
	return pipeline.Map{
		"kato.last.task.id": map[string]any{"id": t.Scope().Key()},
		"kato.tasks": []any{map[string]any{
			"id":      t.Scope().Key(),
			"status":  map[string]any{"completed": true, "failed": false},
			"history": []any{},
		}},
		"kato.task.lastStatus": "SUCCEEDED",
	}
}

// requiredArtifacts reads the artifacts that the stage's manifests must be bound
// to: those that it names by the ID of an expected artifact, and those that
// stand in the stage itself.
func requiredArtifacts(ctx workflow.Context, t *workflows.TaskRun) ([]pipeline.Artifact, error) {
	s := t.Stage
	var out []pipeline.Artifact
	add := func(id string, inline *pipeline.Artifact) error {
		bound, err := t.BoundArtifact(ctx, id, inline)
		if err != nil {
			return err
		}
		if bound == nil {
			return pipeline.Errorf(pipeline.CodeInvalid, "No artifact with id %s could be found in the pipeline context.", id)
		}
		out = append(out, *bound)
		return nil
	}
	for _, id := range s.Context.Strings("requiredArtifactIds") {
		if err := add(id, nil); err != nil {
			return nil, err
		}
	}
	for _, e := range s.Context.List("requiredArtifacts") {
		entry := pipeline.AsMap(e)
		var inline *pipeline.Artifact
		m := entry.Map("artifact")
		if m == nil && entry.String("expectedArtifactId") == "" && entry.String("reference") != "" {
			m = entry // bound by an earlier attempt of the stage
		}
		if m != nil {
			inline = &pipeline.Artifact{}
			if err := pipeline.Bind(m, inline); err != nil {
				return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "A required artifact of stage '%s' cannot be read.", s.Name)
			}
		}
		if err := add(entry.String("expectedArtifactId"), inline); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// promotedKeys are the keys of [manifestOutputs].
var promotedKeys = []string{
	"outputs.manifests", "outputs.manifestNamesByNamespace", "outputs.boundArtifacts", "outputs.createdArtifacts", "artifacts",
}

// instant is a task that has nothing left to do: the step before it did both
// the work and the waiting. It stands in the list because Spinnaker's users and
// scripts look for it by name.
func instant(name string) workflows.Task {
	return workflows.Task{Name: name, Run: func(workflow.Context, *workflows.TaskRun) (workflows.Outcome, error) {
		return workflows.Outcome{}, nil
	}}
}

// The fields that stages on Kubernetes objects share.
var (
	accountField             = workflows.Field{Name: "account", Type: "account", Text: "The cluster. Older pipelines call it `credentials`."}
	providerField            = workflows.Field{Name: "cloudProvider", Type: "kubernetes", Default: "kubernetes", Text: "There is no other."}
	requiredArtifactsField   = workflows.Field{Name: "requiredArtifacts", Type: "list of {expectedArtifactId, artifact}", Text: "Artifacts that must be bound: an expected one by its ID, or one that stands here."}
	requiredArtifactIDsField = workflows.Field{Name: "requiredArtifactIds", Type: "list of IDs", Text: "The same, by the ID of an expected artifact."}
	noOutputField            = workflows.Field{Name: "noOutput", Type: "boolean", Default: "false", Text: "Leaves no outputs."}
	producedField            = workflows.Field{Name: "resolvedExpectedArtifacts", Type: "list of expected artifacts", Text: "With `expectedArtifacts`: each with its `boundArtifact`; `artifacts` then holds those."}
)

// sourceField says where what a stage applies comes from.
func sourceField(what string) workflows.Field {
	return workflows.Field{Name: "source", Type: "text or artifact", Default: "text", Text: "Where " + what + " from."}
}

// callsForManifests says for each manifest of a stage what is done with it.
func callsForManifests(verb string, s *pipeline.Stage) []string {
	target := " to account " + accountOf(s)
	if fromArtifact(s) {
		return []string{fetchCall(s), verb + " its manifests" + target}
	}
	manifests, err := flatten(s, manifestKeys...)
	if err != nil {
		return []string{verb + " manifests" + target}
	}
	out := make([]string, len(manifests))
	for i, m := range manifests {
		out[i] = verb + " " + m.String("kind") + " " + m.Map("metadata").String("name") + target
	}
	return out
}
