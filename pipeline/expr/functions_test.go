package expr_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// The functions that Spinnaker has; a missing one would fail pipelines.
var spinnakerFunctions = []string{
	"toJson", "doNotEval", "readJson", "readYaml", "readAllYaml", "fromUrl", "jsonFromUrl", "yamlFromUrl", "propertiesFromUrl", "toInt",
	"toFloat", "toBoolean", "toBase64", "fromBase64", "alphanumerical", "fetchReference", "stage", "stageByRefId", "stageExists",
	"currentStage", "currentUser", "judgment", "judgement", "triggerResolvedArtifact", "triggerResolvedArtifactByType",
	"resolvedArtifacts", "manifestLabelValue", "deployedServerGroups", "cfServiceKey", "pipelineId", "pipelineIdOrNull",
	"pipelineIdInApplication", "applicationMetadata", "canaryConfigNameToId",
}

func TestFunctionTableIsComplete(t *testing.T) {
	var names []string
	for _, f := range expr.Functions() {
		names = append(names, f.Name)
		require.NotEmpty(t, f.Doc, f.Name)
		require.NotEmpty(t, f.Returns, f.Name)
		require.NotEmpty(t, f.Example, f.Name)
		require.Contains(t, f.Example, "#"+f.Name+"(")
		for _, p := range f.Params {
			require.NotEmpty(t, p.Doc, f.Name)
		}
	}
	slices.Sort(names)
	want := slices.Clone(spinnakerFunctions)
	slices.Sort(want)
	require.Equal(t, want, names)
}

func TestFunctionExamples(t *testing.T) {
	for _, f := range expr.Functions() {
		t.Run(f.Name, func(t *testing.T) {
			out, summary, err := expr.EvaluateString(expr.Sample(), f.Example, expr.Options{})
			require.NoError(t, err)
			require.Empty(t, summary.Descriptions())
			got, err := pipeline.EncodeValue(out)
			require.NoError(t, err)
			require.Equal(t, f.ExampleResult, string(got))
		})
	}
}

func TestSignatures(t *testing.T) {
	signatures := map[string]string{}
	for _, f := range expr.Functions() {
		signatures[f.Name] = f.Signature()
	}
	require.Equal(t, "#stage(String idOrName)", signatures["stage"])
	require.Equal(t, "#deployedServerGroups(String... ids)", signatures["deployedServerGroups"])
	require.Equal(t, "#currentStage()", signatures["currentStage"])
}

// A function that fetches asks for exactly what it lacks, once, and goes on when
// the answer is there.
func TestFetchProtocol(t *testing.T) {
	for _, f := range expr.Functions() {
		if !f.Fetches || f.Name == "fetchReference" {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			env := expr.Sample()
			answers := env.Fetched
			env.Fetched = nil
			_, _, err := expr.Evaluate(env, map[string]any{"a": f.Example, "b": []any{f.Example}}, expr.Options{})
			needs := expr.AsNeedsFetch(err)
			require.NotNil(t, needs)
			require.Len(t, needs.Requests, 1)
			key := needs.Requests[0].Key()
			require.Contains(t, answers, key)
			env.Fetched = map[string]expr.Answer{key: answers[key]}
			_, summary, err := expr.EvaluateString(env, f.Example, expr.Options{})
			require.NoError(t, err)
			require.False(t, summary.Failed())
			env.Fetched = map[string]expr.Answer{key: {Error: "the service is down"}}
			out, summary, err := expr.EvaluateString(env, f.Example, expr.Options{})
			require.NoError(t, err)
			require.Equal(t, f.Example, out)
			require.Contains(t, summary.Descriptions()[0], "the service is down")
		})
	}
}

func TestFetchCollectsAllOfADocument(t *testing.T) {
	env := expr.Sample()
	env.Fetched = nil
	_, _, err := expr.Evaluate(env, map[string]any{
		"a": "${#fromUrl('https://a.example.com/')}",
		"b": map[string]any{"c": []any{"x ${#jsonFromUrl('https://b.example.com/').v}"}},
		"d": "${#pipelineId('Promote')}",
		"e": "${1 + 1}",
	}, expr.Options{})
	needs := expr.AsNeedsFetch(err)
	require.NotNil(t, needs)
	require.Equal(t, []expr.Request{
		{Kind: expr.FetchURL, URL: "https://a.example.com/"},
		{Kind: expr.FetchURL, URL: "https://b.example.com/"},
		{Kind: expr.FetchPipeline, Application: "shop", Name: "Promote"},
	}, needs.Requests)
	require.Contains(t, needs.Error(), "https://a.example.com/")
}

func TestCheckURL(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://example.com/a": true, "http://api.example.co.uk:8080/x?y=z": true, "HTTPS://Example.com/": true,
		"file:///etc/passwd": false, "ftp://example.com/": false, "http://localhost/": false, "http://localhost.:80/": false,
		"http://127.0.0.1/": false, "http://[::1]/": false, "http://169.254.169.254/latest": false, "http://2130706433/": false,
		"http://0x7f.0.0.1/": false, "http://127.1/": false, "http://intranet/": false, "http://front50.spinnaker/": false,
		"http://x.local/": false, "http://x.localdomain/": false, "http://metadata.google.internal/": false, "http:///x": false,
		"http://a.localhost/": false, "nonsense": false, "http://%zz/": false, "https://user:pw@example.com/": true,
	} {
		err := expr.CheckURL(url)
		if ok {
			require.NoError(t, err, url)
		} else {
			require.Error(t, err, url)
		}
	}
}

func TestCheckURLCanBeReplaced(t *testing.T) {
	env := &expr.Env{CheckURL: func(string) error { return nil }}
	_, _, err := expr.EvaluateString(env, "${#fromUrl('http://localhost:8080/')}", expr.Options{})
	require.Equal(t, []expr.Request{{Kind: expr.FetchURL, URL: "http://localhost:8080/"}}, expr.AsNeedsFetch(err).Requests)
}

func TestArtifactStore(t *testing.T) {
	stored := expr.Request{Kind: expr.FetchArtifact, Reference: "ref://app/sha1"}
	env := &expr.Env{
		ArtifactStore: true,
		Context: map[string]any{
			"artifact": map[string]any{"reference": "ref://app/sha1"},
			"manifest": map[string]any{"type": "remote/map/base64", "reference": "ref://app/sha2", "name": "stored"},
			"other":    map[string]any{"type": "docker/image", "reference": "ref://app/sha2", "name": "kept"},
		},
		Fetched: map[string]expr.Answer{
			stored.Key(): {Value: "SGVsbG8gd29ybGQ="},
			expr.Request{Kind: expr.FetchArtifact, Reference: "ref://app/sha2"}.Key(): {Value: "eyJuYW1lIjoiZm9vIn0="},
		},
	}
	for text, want := range map[string]any{
		"${#fetchReference(artifact.reference)}": "SGVsbG8gd29ybGQ=",
		"${#fromBase64('ref://app/sha1')}":       "Hello world",
		"x ${artifact.reference}":                "x SGVsbG8gd29ybGQ=",
		"${artifact.reference}":                  "ref://app/sha1",
		"${manifest.name}":                       "foo",
		"${manifest.reference}":                  "ref://app/sha2",
		"${manifest['name']}":                    "stored",
		"${other.name}":                          "kept",
	} {
		out, summary, err := expr.EvaluateString(env, text, expr.Options{})
		require.NoError(t, err, text)
		require.Empty(t, summary.Descriptions(), text)
		require.Equal(t, want, out, text)
	}
	env.Fetched = nil
	_, _, err := expr.EvaluateString(env, "${#fromBase64('ref://app/sha1')}", expr.Options{})
	require.Equal(t, []expr.Request{stored}, expr.AsNeedsFetch(err).Requests)
	env.ArtifactStore = false
	out, _, err := expr.EvaluateString(env, "${#fetchReference('ref://app/sha1')}", expr.Options{})
	require.NoError(t, err)
	require.Equal(t, "ref://app/sha1", out)
}

func TestParentExecutionIsLoadedOnDemand(t *testing.T) {
	env := expr.Sample()
	env.Execution.Trigger.Parent = &pipeline.ParentRef{ExecutionID: "01PARENT"}
	request := expr.Request{Kind: expr.FetchExecution, ID: "01PARENT"}
	out, _, err := expr.EvaluateString(env, "${trigger.type}", expr.Options{})
	require.NoError(t, err)
	require.Equal(t, "manual", out)
	_, _, err = expr.EvaluateString(env, "${trigger.parentExecution.name}", expr.Options{})
	require.Equal(t, []expr.Request{request}, expr.AsNeedsFetch(err).Requests)
	env.Fetched[request.Key()] = expr.Answer{Value: map[string]any{"name": "Nightly", "stages": []any{map[string]any{"name": "Build"}}}}
	out, _, err = expr.EvaluateString(env, "${trigger['parentExecution'].name}/${trigger.parentExecution.stages[0].name}/${execution.trigger.parameters.region}", expr.Options{})
	require.NoError(t, err)
	require.Equal(t, "Nightly/Build/eu-west-1", out)
}
