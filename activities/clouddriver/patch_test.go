package clouddriver

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

func (r *rig) patchOf(name, strategy string, body ...pipeline.Map) activities.PatchManifestInput {
	return activities.PatchManifestInput{ManifestInput: r.target(name), Strategy: strategy, Body: body}
}

func patchFields(t *testing.T, text string) pipeline.Map {
	t.Helper()
	var m pipeline.Map
	require.NoError(t, json.Unmarshal([]byte(text), &m))
	return m
}

func TestReferencePatchManifestStrategic(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	in := r.patchOf("deployment web", "strategic", patchFields(t, `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx"}]}}}}`))
	in.AllArtifacts = []pipeline.Artifact{image("nginx", "nginx:7")}
	in.RequiredArtifacts = in.AllArtifacts
	in.Record = true
	out, err := r.PatchManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "nginx:7", r.image(t, "deployment web"))
	require.Len(t, containers(t, r.live(t, "deployment web")), 2, "the other container stays")
	require.Equal(t, in.RequiredArtifacts, out.BoundArtifacts)
	require.Equal(t, []pipeline.Map{{"kind": "deployment", "metadata": map[string]any{"namespace": r.namespace, "name": "web"}}}, out.Manifests)
	require.Equal(t, map[string][]string{r.namespace: {"deployment web"}}, out.ManifestNamesByNamespace)
	require.Equal(t, "kubectl patch deployment web --namespace="+r.namespace+` --record=true --type=strategic --patch={"spec":{"template":{"spec":{"containers":[{"image":"nginx:7","name":"web"}]}}}}`,
		r.live(t, "deployment web").GetAnnotations()[changeCauseAnnotation])

	in = r.patchOf("deployment web", "strategic", in.Body...)
	in.RequiredArtifacts = []pipeline.Artifact{image("redis", "redis:7")}
	_, err = r.PatchManifest(t.Context(), in)
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "could not be bound")
}

func TestReferencePatchManifestMerge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment+"---\n"+pinkService)
	in := r.patchOf("deployment web", "merge", patchFields(t, `{"metadata":{"labels":{"x":"y"}},"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx:9"}]}}}}`))
	_, err := r.PatchManifest(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, containers(t, r.live(t, "deployment web")), 1, "a merge replaces lists")
	require.Equal(t, "y", r.live(t, "deployment web").GetLabels()["x"])
	require.NotContains(t, r.live(t, "deployment web").GetAnnotations(), changeCauseAnnotation)

	_, err = r.PatchManifest(t.Context(), r.patchOf("service front", "merge", patchFields(t, `{"metadata":{"annotations":null}}`)))
	require.NoError(t, err)
	require.Empty(t, r.live(t, "service front").GetAnnotations())
}

func TestReferencePatchManifestJSON(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	add := patchFields(t, `{"op":"add","path":"/spec/template/spec/containers/0/env/-","value":{"name":"C","value":"3"}}`)
	in := r.patchOf("deployment web", "json", add, patchFields(t, `{"op":"remove","path":"/spec/template/spec/containers/0/env/0"}`))
	in.Record = true
	in.AllArtifacts = []pipeline.Artifact{image("nginx", "nginx:7")}
	_, err := r.PatchManifest(t.Context(), in)
	require.NoError(t, err)
	env := func() any { return containers(t, r.live(t, "deployment web"))[0].(map[string]any)["env"] }
	want := []any{map[string]any{"name": "B", "value": "2"}, map[string]any{"name": "C", "value": "3"}}
	require.Equal(t, want, env())
	require.Equal(t, "nginx:1", r.image(t, "deployment web"), "nothing is bound")
	_, err = r.PatchManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, want, env(), "the same operation again appends nothing")
	require.Contains(t, r.live(t, "deployment web").GetAnnotations()[changeCauseAnnotation], "--type=json --patch=[")

	for _, op := range []string{
		`{"op":"remove","path":"/metadata/annotations"}`,
		`{"op":"test","path":"/spec/replicas","value":2}`,
	} {
		_, err = r.PatchManifest(t.Context(), r.patchOf("deployment web", "json", patchFields(t, op)))
		require.NoError(t, err, op)
	}
	_, err = r.PatchManifest(t.Context(), r.patchOf("deployment web", "json", patchFields(t, `{"op":"remove","path":"/spec/nothing"}`)))
	requireCode(t, err, pipeline.CodeUnprocessable)
	_, err = r.PatchManifest(t.Context(), r.patchOf("deployment web", "json", patchFields(t, `{"op":"delete","path":"/spec/paused"}`)))
	requireCode(t, err, pipeline.CodeInvalid)
}

func TestReferencePatchManifestRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	object := patchFields(t, `{"spec":{"replicas":1}}`)
	for want, in := range map[string]activities.PatchManifestInput{
		`strategy ""`:                    r.patchOf("deployment web", "", object),
		"requires a valid patch body":    r.patchOf("deployment web", "merge"),
		"Only one patch object is valid": r.patchOf("deployment web", "strategic", object, object),
	} {
		_, err := r.PatchManifest(t.Context(), in)
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, want)
	}
	_, err := r.PatchManifest(t.Context(), r.patchOf("deployment gone", "merge", object))
	requireCode(t, err, pipeline.CodeNotFound)
	_, err = r.PatchManifest(t.Context(), r.patchOf("deployment web", "merge", patchFields(t, `{"spec":{"replicas":"many"}}`)))
	require.Error(t, err)
	require.Contains(t, []pipeline.Code{pipeline.CodeInvalid, pipeline.CodeUnprocessable}, pipeline.CodeOf(err))
	same := r.patchOf("deployment web", "merge", patchFields(t, `{"spec":{"replicas":2}}`))
	_, err = r.PatchManifest(t.Context(), same)
	require.NoError(t, err, "not patched is a success")
	pinned := r.patchOf("deployment web", "merge", patchFields(t, `{"metadata":{"resourceVersion":"1"},"spec":{"replicas":9}}`))
	_, err = r.PatchManifest(t.Context(), pinned)
	requireCode(t, err, pipeline.CodeConflict)
}

func TestChangeCauseIsBoundedAndHidesSecrets(t *testing.T) {
	t.Parallel()
	secret := object{resource: resource{gvk: secretKind}, name: "s", namespace: "n"}
	require.Equal(t, "kubectl patch secret s --namespace=n --record=true --type=merge --patch=CLASSIFIED",
		changeCause(secret, "merge", &change{fields: map[string]any{"stringData": map[string]any{"password": "hunter2"}}}))
	long := changeCause(object{resource: resource{gvk: deploymentKind}, name: "d"}, "merge", &change{fields: map[string]any{"a": strings.Repeat("ä", maxChangeCause)}})
	require.LessOrEqual(t, len(long), maxChangeCause+len("…"))
	require.True(t, strings.HasSuffix(long, "ä…"), "cut between characters")
	require.NotContains(t, long, "namespace")
}
