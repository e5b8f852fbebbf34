package stages

import (
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// operationTimeout bounds a change of a cluster, as Orca's monitor does.
const operationTimeout = time.Hour

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
		"outputs.manifests":                manifests,
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

// visibleArtifacts lists what stages upstream and the trigger offer, nearest
// first.
func visibleArtifacts(t *workflows.TaskRun) ([]pipeline.Artifact, error) {
	var out []pipeline.Artifact
	for _, v := range t.AncestorOutputs("artifacts") {
		list, _ := v.([]any)
		for _, e := range list {
			var a pipeline.Artifact
			if err := pipeline.Bind(e, &a); err != nil {
				return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "An artifact upstream of stage '%s' cannot be read.", t.Stage.Name)
			}
			out = append(out, a)
		}
	}
	return append(out, t.Execution().Trigger.Artifacts...), nil
}

// requiredArtifacts reads the artifacts that the stage's manifests must be bound
// to. Those that stand in the stage itself can be used; those that it names by
// the ID of an expected artifact are not found, since nothing binds them.
func requiredArtifacts(s *pipeline.Stage) ([]pipeline.Artifact, error) {
	missing := s.Context.Strings("requiredArtifactIds")
	var out []pipeline.Artifact
	for _, e := range s.Context.List("requiredArtifacts") {
		entry := pipeline.AsMap(e)
		inline := entry.Map("artifact")
		if inline == nil {
			missing = append(missing, entry.String("expectedArtifactId"))
			continue
		}
		var a pipeline.Artifact
		if err := pipeline.Bind(inline, &a); err != nil {
			return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "A required artifact of stage '%s' cannot be read.", s.Name)
		}
		out = append(out, a)
	}
	if len(missing) > 0 {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "No artifact with id %s could be found in the pipeline context.", missing[0])
	}
	return out, nil
}

// refuseExpectedArtifacts fails a stage that should bind what it produces.
func refuseExpectedArtifacts(s *pipeline.Stage) error {
	if len(s.Context.List("expectedArtifacts")) > 0 {
		return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' expects artifacts to be produced (expectedArtifacts), and binding produced artifacts is not available: remove them.", s.Name)
	}
	return nil
}

// instant is a task that has nothing left to do: the step before it did both
// the work and the waiting. It stands in the list because Spinnaker's users and
// scripts look for it by name.
func instant(name string) workflows.Task {
	return workflows.Task{Name: name, Run: func(workflow.Context, *workflows.TaskRun) (workflows.Outcome, error) {
		return workflows.Outcome{}, nil
	}}
}

// The fields that all stages on Kubernetes objects have.
var (
	accountField  = workflows.Field{Name: "account", Type: "account", Text: "The cluster. Older pipelines call it `credentials`."}
	providerField = workflows.Field{Name: "cloudProvider", Type: "kubernetes", Default: "kubernetes", Text: "There is no other."}
)

// callsForManifests says for each manifest of a stage what is done with it.
func callsForManifests(verb string, s *pipeline.Stage) []string {
	target := " to account " + accountOf(s)
	manifests, err := flatten(s)
	if err != nil || strings.EqualFold(s.Context.String("source"), "artifact") {
		return []string{verb + " the manifests of an artifact" + target}
	}
	out := make([]string, len(manifests))
	for i, m := range manifests {
		out[i] = verb + " " + m.String("kind") + " " + m.Map("metadata").String("name") + target
	}
	return out
}
