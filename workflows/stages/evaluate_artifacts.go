package stages

import (
	"encoding/base64"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// EvaluateArtifacts makes artifacts of texts (reference: orca section 6.2). The
// expressions in the contents are evaluated by the engine before its tasks: under
// evaluator v4 one after another, each seeing those before it by their names.
//
//	{"type": "evaluateArtifacts", "refId": "1", "name": "Values", "artifactContents": [
//	  {"id": "4b1d…", "name": "values.yaml", "contents": "replicas: ${parameters.size == 'large' ? 6 : 2}"}],
//	 "expectedArtifacts": [{"id": "9a2e…", "matchArtifact": {"type": "embedded/base64", "name": "values.yaml"}}]}
type EvaluateArtifacts struct{}

var (
	_ workflows.StageType  = EvaluateArtifacts{}
	_ workflows.Documented = EvaluateArtifacts{}
)

// maxContents is how many artifacts one stage makes.
const maxContents = 500

// Type implements workflows.StageType.
func (EvaluateArtifacts) Type() string { return "evaluateArtifacts" }

// Tasks implements workflows.StageType.
func (e EvaluateArtifacts) Tasks(*pipeline.Stage) []workflows.Task {
	bind := workflows.BindProducedArtifacts()
	bind.Name = "bindArtifacts"
	return []workflows.Task{{Name: "evaluateArtifacts", Run: e.evaluate}, bind}
}

func (EvaluateArtifacts) evaluate(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	raw := t.Stage.Context["artifactContents"]
	rows, isList := raw.([]any)
	if raw != nil && !isList {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The artifactContents of stage '%s' are no list: write [{\"name\": …, \"contents\": …}].", t.Stage.Name)
	}
	if len(rows) > maxContents {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeTooLarge, "The stage '%s' makes %d artifacts: make at most %d.", t.Stage.Name, len(rows), maxContents)
	}
	artifacts := []any{}
	for i, r := range rows {
		row := pipeline.AsMap(r)
		if row == nil {
			return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The artifact %d of stage '%s' is not an object: write {\"name\": …, \"contents\": …}.", i+1, t.Stage.Name)
		}
		text, err := contentsOf(row)
		if err != nil {
			return workflows.Outcome{}, err
		}
		if text == "" {
			continue
		}
		artifact := map[string]any{
			"type": "embedded/base64", "artifactAccount": "embedded-artifact",
			"reference": base64.StdEncoding.EncodeToString([]byte(text)),
		}
		if name := row.String("name"); name != "" {
			artifact["name"] = name
		}
		artifacts = append(artifacts, artifact)
	}
	return workflows.Outcome{Outputs: pipeline.Map{"artifacts": artifacts}}, nil
}

// contentsOf returns the text of an artifact. An expression may have given
// something else than text, which is written as JSON.
func contentsOf(row pipeline.Map) (string, error) {
	switch v := row["contents"].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	default:
		text, err := pipeline.EncodeValue(v)
		return string(text), err
	}
}

// Describe implements workflows.Documented.
func (EvaluateArtifacts) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Makes artifacts of texts in which expressions are evaluated.",
		Inputs: []workflows.Field{
			{Name: "artifactContents", Type: "list of {name, contents, id}", Text: "The texts. Under evaluator v4 they are evaluated in order, each seeing those before it by name; names are no templates. Empty contents make no artifact. The id is the user interface's."},
		},
		Outputs: []workflows.Field{
			{Name: "artifacts", Type: "list of artifacts", Text: "One of type `embedded/base64` and account `embedded-artifact` for each text, its contents in `reference`. With `expectedArtifacts`, those that were bound."},
			{Name: "resolvedExpectedArtifacts", Type: "list of expected artifacts", Text: "With `expectedArtifacts`: each with its `boundArtifact`."},
		},
		Notes: []string{
			"A text whose expression fails stays as it is, and what went wrong stands in `expressionEvaluationSummary`. Set `failOnFailedExpressions` to fail the stage instead.",
			"Contents that an expression turned into a list or an object are written as JSON; Orca writes them as Java prints them.",
		},
	}
}
