package stages_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// holding is a world whose artifacts hold one ConfigMap with these data.
func holding(data map[string]any) *workflowstest.World {
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.FetchManifests, func(context.Context, activities.FetchArtifactInput) (activities.FetchManifestsOutput, error) {
		return activities.FetchManifestsOutput{Manifests: []pipeline.Map{
			{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": data},
			{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "b"}},
		}}, nil
	})
	return w
}

func fetched(t *testing.T, w *workflowstest.World) pipeline.Artifact {
	t.Helper()
	asked := w.Asked(activities.FetchManifests.Name)
	require.Len(t, asked, 1)
	return asked[0].(activities.FetchArtifactInput).Artifact
}

func TestDeployManifestOfAnArtifact(t *testing.T) {
	t.Parallel()
	const resolved = `,"resolvedExpectedArtifacts":[{"id":"m","matchArtifact":{"artifactAccount":"expected"},"boundArtifact":{"type":"s3/object","name":"m","reference":"s3://b/${parameters.v}.yaml"}}]`
	for name, tt := range map[string]struct {
		stage string
		want  pipeline.Artifact
	}{
		"by its id":                {`"manifestArtifactId":"m"` + resolved, pipeline.Artifact{Type: "s3/object", Name: "m", Reference: "s3://b/7.yaml", ArtifactAccount: "expected"}},
		"with the stage's account": {`"manifestArtifactId":"m","manifestArtifactAccount":"stage"` + resolved, pipeline.Artifact{Type: "s3/object", Name: "m", Reference: "s3://b/7.yaml", ArtifactAccount: "stage"}},
		"in the stage":             {`"manifestArtifact":{"type":"http/file","artifactAccount":"web","reference":"https://x/${parameters.v}"}`, pipeline.Artifact{Type: "http/file", Reference: "https://x/7", ArtifactAccount: "web"}},
		"embedded":                 {`"manifestArtifactAccount":"","manifestArtifact":{"type":"embedded/base64","reference":"YQ=="}`, pipeline.Artifact{Type: "embedded/base64", Reference: "YQ==", ArtifactAccount: "embedded-artifact"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := holding(map[string]any{"v": "${ parameters.v }", "bad": "${ nope.deep }"})
			r := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod","source":"artifact","manifests":[],`+tt.stage+`}]}`)
			r.Execution.Trigger.Parameters = pipeline.Map{"v": "7"}
			e := r.Done()
			require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
			require.Equal(t, tt.want, fetched(t, w))
			in := deployed(t, w)
			require.Len(t, in.Manifests, 2)
			require.Equal(t, pipeline.Map{"v": "7", "bad": "${ nope.deep }"}, in.Manifests[0].Map("data"), "expressions that fail stay text")
			require.Len(t, stage(e).Context.List("manifests"), 2)
		})
	}
}

func TestArtifactsExpressions(t *testing.T) {
	t.Parallel()
	const of = `{"stages":[{"type":"deployManifest","account":"prod","source":"artifact","manifestArtifact":{"type":"http/file","artifactAccount":"web"}`
	w := holding(map[string]any{"v": "${ 1 + 1 }"})
	e := newRun(t, w, of+`,"skipExpressionEvaluation":true}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "${ 1 + 1 }", deployed(t, w).Manifests[0].Map("data")["v"])

	w = holding(map[string]any{"v": "${ nope.deep }"})
	e = newRun(t, w, of+`,"failOnFailedExpressions":true}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, workflowstest.Errors(e, "0")[0], "hold expressions that failed")
	require.Empty(t, w.Asked(activities.DeployManifest.Name))

	w = workflowstest.NewWorld()
	workflowstest.On(w, activities.FetchManifests, func(context.Context, activities.FetchArtifactInput) (activities.FetchManifestsOutput, error) {
		return activities.FetchManifestsOutput{}, nil
	})
	e = newRun(t, w, of+`}]}`).Done()
	require.Contains(t, workflowstest.Errors(e, "0")[0], "holds no manifest")
}

func TestRunJobOfAnArtifact(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"runJob","account":"prod","source":"artifact","manifest":{"kind":"Left over"},"manifestArtifact":{"type":"http/file","name":"test","artifactAccount":"web"}}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, "test", w.Asked(activities.RunJob.Name)[0].(activities.RunJobInput).Manifest.Map("metadata").String("name"))

	w = holding(nil)
	e = newRun(t, w, `{"stages":[{"type":"runJob","account":"prod","source":"artifact","manifestArtifact":{"type":"http/file","name":"test","artifactAccount":"web"}}]}`).Done()
	require.Contains(t, workflowstest.Errors(e, "0")[0], "holds 2 manifests: a Job stage runs exactly one")
}

func TestCallsOfAnArtifact(t *testing.T) {
	t.Parallel()
	s := &pipeline.Stage{Context: pipeline.Map{"source": "artifact", "account": "prod", "manifestArtifactId": "m", "manifestArtifactAccount": "s3"}}
	require.Equal(t, []string{"fetch the artifact m with the artifact account s3", "deploy its manifests to account prod"}, stages.DeployManifest{}.Calls(s))
	s.Context = pipeline.Map{"source": "artifact", "account": "prod", "manifestArtifact": map[string]any{"reference": "https://x", "artifactAccount": "web"}}
	require.Equal(t, []string{"fetch the artifact https://x with the artifact account web", "run its manifests to account prod"}, stages.RunJob{}.Calls(s))
}

func TestRunJobConsumesAnArtifact(t *testing.T) {
	t.Parallel()
	const of = `{"stages":[{"type":"runJob","account":"prod","manifest":{"kind":"Job","metadata":{"name":"test"}},"consumeArtifactSource":"Artifact","consumeArtifactAccount":"s3"`
	w := workflowstest.NewWorld()
	e := newRun(t, w, of+`,"consumeArtifact":{"type":"s3/object","reference":"{\"answer\": 42}"}}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, int64(42), stage(e).Outputs["answer"])
	require.Equal(t, "s3", w.Asked(activities.FetchArtifact.Name)[0].(activities.FetchArtifactInput).Artifact.ArtifactAccount)
	require.Equal(t, "consumeArtifact", taskNames(stage(e))[4])
	for artifact, want := range map[string]string{
		`,"consumeArtifactId":"x"`:                          "No artifact could be bound to 'x'",
		`,"consumeArtifact":{"name":"n","reference":"[1]"}`: "The artifact 'n' of stage 'runJob' is no JSON object.",
		`,"consumeArtifact":{"name":[]}`:                    "The consumeArtifact of stage 'runJob' cannot be read",
	} {
		e := newRun(t, workflowstest.NewWorld(), of+artifact+`}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
	}
}

// The expressions of fetched manifests are evaluated once: what they give is data
// to later tasks.
func TestFetchedManifestsAreData(t *testing.T) {
	t.Parallel()
	w := holding(map[string]any{"v": "${ '$' + '{1 + 1}' }"})
	e := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod","source":"artifact","manifestArtifact":{"type":"http/file","artifactAccount":"web"}}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "${1 + 1}", deployed(t, w).Manifests[0].Map("data")["v"])
	require.Equal(t, "${1 + 1}", pipeline.AsMap(stage(e).Context.List("manifests")[0]).Map("data")["v"])
}

func TestPatchManifestOfAnArtifact(t *testing.T) {
	t.Parallel()
	const of = `{"stages":[{"type":"patchManifest","account":"prod","location":"shop","manifestName":"deployment web","source":"artifact","manifestArtifact":{"type":"http/file","name":"p","artifactAccount":"web"}`
	w := workflowstest.NewWorld()
	e := newRun(t, w, of+`}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, "p", w.Asked(activities.PatchManifest.Name)[0].(activities.PatchManifestInput).Body[0].Map("metadata").String("name"))
	e = newRun(t, holding(nil), of+`}]}`).Done()
	require.Contains(t, workflowstest.Errors(e, "0")[0], "Only one patch object is valid")
	s := &pipeline.Stage{Context: pipeline.Map{"source": "artifact", "manifestArtifactId": "m"}}
	require.Equal(t, "fetch the artifact m", stages.PatchManifest{}.Calls(s)[0])
}
