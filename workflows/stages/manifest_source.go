package stages

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// sourceTimeout bounds the fetching of a stage's manifests with its retries.
const sourceTimeout = 10 * time.Minute

// fromArtifact tells whether a stage takes its manifests from an artifact.
func fromArtifact(s *pipeline.Stage) bool {
	return strings.EqualFold(s.Context.String("source"), "artifact")
}

// sourceChange marks runs that refuse an unknown source: older ones took it for
// text.
const sourceChange = "manifests.source"

// sourceManifests returns the manifests of a stage, whatever their source: those
// of an artifact, fetched and with their expressions evaluated, or those that
// stand in the stage under the first of keys that it holds (reference: clouddriver
// section 8, the Orca side). None at all is for the caller to judge.
//
// Errors: invalid for what is no manifest; those of the artifact's fetch.
func sourceManifests(ctx workflow.Context, t *workflows.TaskRun, keys ...string) ([]pipeline.Map, error) {
	switch source := t.Stage.Context.String("source"); {
	case fromArtifact(t.Stage):
	case source != "" && !strings.EqualFold(source, "text") && workflow.GetVersion(ctx, sourceChange, workflow.DefaultVersion, 1) != workflow.DefaultVersion:
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' has the source '%s': use text or artifact.", t.Stage.Name, source)
	default:
		return flattenValue(t.Stage, firstOf(t.Stage, keys), keys[0])
	}
	artifact, err := manifestArtifact(ctx, t)
	if err != nil {
		return nil, err
	}
	out, err := workflows.Call(ctx, t, activities.FetchManifests, activities.FetchArtifactInput{Scope: t.Scope(), Artifact: *artifact})
	if err != nil {
		return nil, err
	}
	if t.Stage.Context.Bool("skipExpressionEvaluation") {
		return out.Manifests, nil
	}
	return evaluatedManifests(ctx, t, out.Manifests)
}

// manifestArtifact is the artifact that a stage names, with the account to fetch
// it with.
func manifestArtifact(ctx workflow.Context, t *workflows.TaskRun) (*pipeline.Artifact, error) {
	s := t.Stage
	inline, err := inlineArtifact(s, s.Context.Map("manifestArtifact"), "manifestArtifact")
	if err != nil {
		return nil, err
	}
	artifact, err := t.BoundArtifact(ctx, s.Context.String("manifestArtifactId"), inline)
	if err != nil {
		return nil, err
	}
	if artifact == nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "No manifest artifact was specified.")
	}
	if account := s.Context.String("manifestArtifactAccount"); account != "" {
		artifact.ArtifactAccount = account
	}
	if artifact.ArtifactAccount == "" && strings.HasPrefix(artifact.Type, "embedded/") {
		artifact.ArtifactAccount = activities.EmbeddedAccount
	}
	if artifact.ArtifactAccount == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "No manifest artifact account was specified.")
	}
	return artifact, nil
}

// checkSource says whether a stage that takes its manifests from an artifact
// names one.
func checkSource(s *pipeline.Stage) error {
	if fromArtifact(s) && s.Context.String("manifestArtifactId") == "" && s.Context.Map("manifestArtifact") == nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "No manifest artifact was specified.")
	}
	return nil
}

// inlineArtifact reads an artifact that stands in the stage under a key; nil when
// there is none.
func inlineArtifact(s *pipeline.Stage, m pipeline.Map, key string) (*pipeline.Artifact, error) {
	if m == nil {
		return nil, nil
	}
	var out pipeline.Artifact
	if err := pipeline.Bind(m, &out); err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The %s of stage '%s' cannot be read: %s.", key, s.Name, err)
	}
	return &out, nil
}

// evaluatedManifests evaluates the expressions in fetched manifests; those that
// fail stay text, unless the stage says that they must not.
func evaluatedManifests(ctx workflow.Context, t *workflows.TaskRun, manifests []pipeline.Map) ([]pipeline.Map, error) {
	value, summary, err := t.Evaluate(ctx, manifestValues(manifests))
	if err != nil {
		return nil, err
	}
	if summary.Failed() && t.Stage.Context.Bool("failOnFailedExpressions") {
		return nil, &pipeline.Error{
			Code: pipeline.CodeInvalid, Message: "The manifests of stage '" + t.Stage.Name + "' hold expressions that failed.", Details: summary.Descriptions(),
		}
	}
	evaluated, _ := value.([]any)
	out := make([]pipeline.Map, 0, len(evaluated))
	for _, v := range evaluated {
		m := pipeline.AsMap(v)
		if m == nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "A manifest of stage '%s' is no object once its expressions are evaluated.", t.Stage.Name)
		}
		out = append(out, m)
	}
	return out, nil
}

// artifactTitle is what a plan calls the artifact of a stage: its name, else its
// reference, else the id by which it is expected.
func artifactTitle(id string, inline pipeline.Map) string {
	for _, s := range []string{id, inline.String("name"), inline.String("reference")} {
		if s != "" {
			return s
		}
	}
	return "(none)"
}

// The fields of stages that take manifests from artifacts.
var (
	manifestArtifactField        = workflows.Field{Name: "manifestArtifact", Type: "artifact", Text: "With source artifact: the artifact that holds the manifests as YAML, one document after another."}
	manifestArtifactIDField      = workflows.Field{Name: "manifestArtifactId", Type: "id of an expected artifact", Text: "The same, by the id of an expected artifact."}
	manifestArtifactAccountField = workflows.Field{Name: "manifestArtifactAccount", Type: "artifact account", Default: "the artifact's own", Text: "The account to fetch it with."}
)

// fetchCall says how the manifests of an artifact are fetched.
func fetchCall(s *pipeline.Stage) string {
	inline := s.Context.Map("manifestArtifact")
	account := s.Context.String("manifestArtifactAccount")
	if account == "" {
		account = inline.String("artifactAccount")
	}
	fetch := "fetch the artifact " + artifactTitle(s.Context.String("manifestArtifactId"), inline)
	if account != "" {
		fetch += " with the artifact account " + account
	}
	return fetch
}

// manifestValues is the list of manifests as a context holds it.
func manifestValues(manifests []pipeline.Map) []any {
	out := make([]any, len(manifests))
	for i, m := range manifests {
		out[i] = map[string]any(m)
	}
	return out
}
