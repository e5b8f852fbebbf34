package stages_test

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

const (
	aChart    = `"inputArtifacts":[{"account":"charts","artifact":{"type":"helm/chart","name":"web","artifactAccount":"own"}}]`
	manifests = `"expectedArtifacts":[{"id":"m","matchArtifact":{"type":"embedded/base64","name":"manifests","artifactAccount":"embedded-artifact"}}]`
)

func baked(t *testing.T, w *workflowstest.World) activities.BakeManifestInput {
	t.Helper()
	asked := w.Asked(activities.BakeManifest.Name)
	require.Len(t, asked, 1)
	return asked[0].(activities.BakeManifestInput)
}

func TestBakeManifestExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := runExample(t, w, "bake_manifest.go", "BakeManifest")
	r.Execution.Trigger.ResolvedExpectedArtifacts = []pipeline.ExpectedArtifact{{ID: "5f0c…", BoundArtifact: &pipeline.Artifact{Type: "github/file", Name: "values.yaml"}}}
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	require.Equal(t, []string{"createBake", "bindProducedArtifacts"}, taskNames(stage(e)))
	in := baked(t, w)
	require.Equal(t, "HELM3", in.Renderer)
	require.Equal(t, []pipeline.Artifact{
		{Type: "helm/chart", Name: "shop", Version: "1.4.0", ArtifactAccount: "charts"}, {Type: "github/file", Name: "values.yaml", ArtifactAccount: "github"},
	}, in.Artifacts)
	require.Equal(t, pipeline.Map{"replicas": "3"}, in.Overrides)
	require.Equal(t, "shop-manifests", in.OutputArtifactName)
	want := map[string]any{"type": "embedded/base64", "name": "shop-manifests", "artifactAccount": "embedded-artifact", "reference": base64.StdEncoding.EncodeToString([]byte("HELM3"))}
	for _, m := range []pipeline.Map{stage(e).Context, stage(e).Outputs} {
		require.Equal(t, []any{want}, m["artifacts"])
		require.Equal(t, "kubernetes", m["cloudProvider"])
		require.Equal(t, "91aa…", pipeline.AsMap(m.List("resolvedExpectedArtifacts")[0]).String("id"))
	}
}

func TestBakeManifestInputs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stage string
		check func(*testing.T, activities.BakeManifestInput)
	}{
		"everything": {aChart + `,"templateRenderer":"helm2","outputName":"o","namespace":"n","rawOverrides":true,"includeCRDs":true,"apiVersions":"a,b","kubeVersion":"1.30","helmChartFilePath":"p"`,
			func(t *testing.T, in activities.BakeManifestInput) {
				require.Equal(t, activities.BakeManifestInput{
					Scope: in.Scope, Renderer: "HELM2", Artifacts: []pipeline.Artifact{{Type: "helm/chart", Name: "web", ArtifactAccount: "charts"}}, OutputArtifactName: "manifests",
					OutputName: "o", Namespace: "n", RawOverrides: true, IncludeCRDs: true, APIVersions: "a,b", KubeVersion: "1.30", HelmChartFilePath: "p",
				}, in)
			}},
		"a single artifact": {`"templateRenderer":"KUSTOMIZE4","kustomizeFilePath":"k/kustomization.yaml","inputArtifact":{"account":"","artifact":{"type":"git/repo","artifactAccount":"own"}}`,
			func(t *testing.T, in activities.BakeManifestInput) {
				require.Equal(t, []pipeline.Artifact{{Type: "git/repo", ArtifactAccount: "own"}}, in.Artifacts)
				require.Equal(t, "k/kustomization.yaml", in.KustomizeFilePath)
			}},
		"overrides once more": {aChart + `,"templateRenderer":"HELM3","evaluateOverrideExpressions":true,"overrides":{"a":"${ '$' + '{1 + 1}' }","b":"x"}`,
			func(t *testing.T, in activities.BakeManifestInput) {
				require.Equal(t, pipeline.Map{"a": int64(2), "b": "x"}, in.Overrides)
			}},
		"overrides as they are": {aChart + `,"templateRenderer":"HELM3","overrides":{"a":"${ 1 + 1 }","n":5,"l":[1]}`,
			func(t *testing.T, in activities.BakeManifestInput) {
				require.Equal(t, pipeline.Map{"a": int64(2), "n": int64(5), "l": []any{int64(1)}}, in.Overrides)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			e := newRun(t, w, `{"stages":[{"type":"bakeManifest",`+manifests+`,`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
			tt.check(t, baked(t, w))
		})
	}
}

func TestBakeManifestRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ stage, want string }{
		"no artifact":         {manifests + `,"templateRenderer":"HELM3"`, "At least one input artifact to bake must be supplied"},
		"nothing expected":    {aChart + `,"templateRenderer":"HELM3"`, "contains exactly one artifact."},
		"two expected":        {aChart + `,"templateRenderer":"HELM3","expectedArtifacts":[{"id":"a"},{"id":"b"}]`, "contains exactly one artifact."},
		"an unknown renderer": {aChart + `,` + manifests + `,"templateRenderer":"JSONNET"`, "Invalid template renderer JSONNET"},
		"helmfile":            {aChart + `,` + manifests + `,"templateRenderer":"helmfile"`, "has the template renderer HELMFILE, which this version does not have"},
		"an artifact that is not there": {manifests + `,"templateRenderer":"HELM3","inputArtifacts":[{"id":"x","account":"a"}]`,
			"Input artifact (id: x, account: a) could not be found in execution (id: "},
		"an artifact that is none":    {manifests + `,"templateRenderer":"HELM3","inputArtifacts":[{"artifact":{"name":[]}}]`, "The input artifact of stage 'bakeManifest' cannot be read"},
		"an expectation that is none": {aChart + `,"templateRenderer":"HELM3","expectedArtifacts":["x"]`, "The expectedArtifacts of stage 'bakeManifest' cannot be read"},
		"something else came out":     {aChart + `,"templateRenderer":"HELM3","expectedArtifacts":[{"id":"a","matchArtifact":{"type":"docker/image","name":"x"}}]`, "Unmatched expected artifact"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			e := newRun(t, w, `{"stages":[{"type":"bakeManifest",`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
		})
	}
}

// What the template itself says is shown, and a world that does not answer is
// asked again.
func TestBakeManifestFailures(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	calls := 0
	workflowstest.On(w, activities.BakeManifest, func(context.Context, activities.BakeManifestInput) (activities.BakeManifestOutput, error) {
		if calls++; calls == 1 {
			return activities.BakeManifestOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The repository does not answer.")
		}
		return activities.BakeManifestOutput{}, pipeline.Errorf(pipeline.CodeFailed, "Bake failed: web/templates/x.yaml:3:1")
	})
	e := newRun(t, w, `{"stages":[{"type":"bakeManifest",`+aChart+`,`+manifests+`,"templateRenderer":"HELM3"}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, []string{"Bake failed: web/templates/x.yaml:3:1"}, workflowstest.Errors(e, "0"))
	require.Len(t, stage(e).Context.List("attempts"), 1)
}

func TestBakeManifestRestart(t *testing.T) {
	t.Parallel()
	s := &pipeline.Stage{Context: pipeline.Map{"artifacts": 1, "resolvedExpectedArtifacts": 1, "outputName": "o"}, Outputs: pipeline.Map{"artifacts": 1, "cloudProvider": "kubernetes"}}
	stages.BakeManifest{}.PrepareRestart(s, pipeline.Map{})
	require.Equal(t, pipeline.Map{"outputName": "o"}, s.Context)
	require.Equal(t, pipeline.Map{"cloudProvider": "kubernetes"}, s.Outputs)
}

func TestBakeManifestCalls(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"fetch the artifact web with the artifact account charts", "fetch the artifact v", "bake it with HELM3"},
		stages.BakeManifest{}.Calls(&pipeline.Stage{Context: pipeline.Map{"templateRenderer": "helm3", "inputArtifacts": []any{
			map[string]any{"account": "charts", "artifact": map[string]any{"name": "web"}}, map[string]any{"id": "v"},
		}}}))
}
