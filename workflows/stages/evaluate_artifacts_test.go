package stages_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// embedded is the artifact that a text becomes.
func embedded(name, text string) map[string]any {
	return map[string]any{
		"type": "embedded/base64", "artifactAccount": "embedded-artifact", "name": name,
		"reference": base64.StdEncoding.EncodeToString([]byte(text)),
	}
}

func TestEvaluateArtifactsExample(t *testing.T) {
	t.Parallel()
	for size, want := range map[string]string{"large": "replicas: 6", "small": "replicas: 2"} {
		r := runExample(t, workflowstest.NewWorld(), "evaluate_artifacts.go", "EvaluateArtifacts")
		r.Execution.Trigger.Parameters = pipeline.Map{"size": size}
		e := r.Done()
		require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
		s := stage(e)
		require.Equal(t, []string{"evaluateArtifacts", "bindArtifacts"}, taskNames(s))
		require.Equal(t, []any{embedded("values.yaml", want)}, s.Outputs["artifacts"])
		require.Equal(t, embedded("values.yaml", want), pipeline.AsMap(s.Outputs.List("resolvedExpectedArtifacts")[0])["boundArtifact"])
	}
}

func TestEvaluateArtifacts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stage string
		want        []any
	}{
		{"none", ``, []any{}},
		{"null", `,"artifactContents":null`, []any{}},
		{"empty contents make nothing", `,"artifactContents":[{"name":"a","contents":""},{"name":"b","contents":null},{"name":"c"}]`, []any{}},
		{"in order, equal ones too", `,"artifactContents":[{"name":"b","contents":"x"},{"name":"a","contents":"x"},{"name":"b","contents":"x"}]`,
			[]any{embedded("b", "x"), embedded("a", "x"), embedded("b", "x")}},
		{"later rows see earlier ones", `,"artifactContents":[{"name":"one","contents":"${1 + 1}"},{"name":"two","contents":"<${one}>"}]`,
			[]any{embedded("one", "2"), embedded("two", "<2>")}},
		{"no text", `,"artifactContents":[{"name":"n","contents":5},{"name":"m","contents":{"a":[true]}}]`,
			[]any{embedded("n", "5"), embedded("m", `{"a":[true]}`)}},
		{"letters of every kind", `,"artifactContents":[{"name":"u","contents":"Brötchen"}]`, []any{embedded("u", "Brötchen")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newRun(t, workflowstest.NewWorld(), `{"spelEvaluator":"v4","stages":[{"type":"evaluateArtifacts"`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
			require.Equal(t, pipeline.Map{"artifacts": tt.want}, stage(e).Outputs)
			require.NotContains(t, stage(e).Context, "artifacts")
		})
	}
}

func TestEvaluateArtifactsRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stage, want string }{
		{"no list", `"artifactContents":"x"`, "The artifactContents of stage 'evaluateArtifacts' are no list"},
		{"no object", `"artifactContents":[{},"x"]`, "The artifact 2 of stage 'evaluateArtifacts' is not an object"},
		{"too many", `"artifactContents":[` + strings.Repeat(`{},`, 500) + `{}]`, "makes 501 artifacts: make at most 500"},
		{"unmatched", `"artifactContents":[{"name":"a","contents":"x"}],"expectedArtifacts":[{"id":"e","matchArtifact":{"name":"b"}}]`,
			"Unmatched expected artifact 'e' {name: b} could not be resolved."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"evaluateArtifacts",`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
		})
	}
}
