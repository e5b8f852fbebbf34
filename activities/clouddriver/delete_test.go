package clouddriver

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

func (r *rig) deletion(name string) activities.DeleteManifestInput {
	return activities.DeleteManifestInput{Scope: scope(), Account: testAccount, Location: r.namespace, ManifestName: name}
}

const threeConfigs = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: a, namespace: NS, labels: {tier: front, env: prod}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: b, namespace: NS, labels: {tier: back, env: prod}}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: NS, labels: {tier: front, env: prod}}
spec: {ports: [{port: 80}]}
`

func TestReferenceDeleteManifestByName(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, threeConfigs)
	out, err := r.DeleteManifest(t.Context(), r.deletion("sa a"))
	require.NoError(t, err)
	require.Equal(t, map[string][]string{r.namespace: {"serviceAccount a"}}, out.ManifestNamesByNamespace)
	require.Nil(t, r.live(t, "serviceAccount a"))
	require.NotNil(t, r.live(t, "service a"))

	out, err = r.DeleteManifest(t.Context(), r.deletion("serviceAccount a"))
	require.NoError(t, err, "what does not exist is deleted already")
	require.Empty(t, out.ManifestNamesByNamespace)
}

func TestReferenceDeleteManifestByLabel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, threeConfigs)
	in := r.deletion("")
	in.Kinds = []string{"serviceAccount", "service", "configMap"}
	in.LabelSelectors.Selectors = []activities.LabelSelector{
		{Kind: "EQUALS", Key: "env", Values: []string{"prod"}}, {Kind: "CONTAINS", Key: "tier", Values: []string{"front", "side"}},
	}
	out, err := r.DeleteManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{r.namespace: {"serviceAccount a", "service a"}}, out.ManifestNamesByNamespace)
	require.NotNil(t, r.live(t, "serviceAccount b"))
	out, err = r.DeleteManifest(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, out.ManifestNamesByNamespace)
}

func TestReferenceDeleteManifestRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	nothing := r.deletion("")
	noSelector := r.deletion("")
	noSelector.Kinds = []string{"service"}
	badCascading := r.deletion("service a")
	badCascading.Options = pipeline.Map{"cascading": "sideways"}
	for text, in := range map[string]activities.DeleteManifestInput{
		"Set manifestName": nothing, "at least one label selector": noSelector, "sideways": badCascading,
		`not of the form`: r.deletion("service"), `"kind name"`: r.deletion("service a b"), "has no kind": r.deletion("gadget a"),
	} {
		_, err := r.DeleteManifest(t.Context(), in)
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, text)
	}
}

func TestDeleteWaitsForFinalizers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, threeConfigs)
	r.patchAs(t, "someone", "serviceAccount a", `{"metadata":{"finalizers":["example.com/hold"]}}`)
	done := make(chan error, 1)
	go func() {
		_, err := r.DeleteManifest(t.Context(), r.deletion("serviceAccount a"))
		done <- err
	}()
	require.Eventually(t, func() bool {
		live := r.live(t, "serviceAccount a")
		return live != nil && live.GetDeletionTimestamp() != nil
	}, 10*time.Second, 20*time.Millisecond)
	select {
	case err := <-done:
		t.Fatalf("returned before the object was gone: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	r.patchAs(t, "someone", "serviceAccount a", `{"metadata":{"finalizers":null}}`)
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("did not notice that the object is gone")
	}
}

func TestReferenceDeleteManifestOrphans(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, c := range []struct {
		options pipeline.Map
		stays   bool
	}{{pipeline.Map{"orphanDependents": true, "cascading": "true"}, true}, {pipeline.Map{"cascading": "foreground"}, false}, {nil, false}} {
		r.deploy(t, webDeployment)
		_, err := r.await(t, "deployment web")
		require.NoError(t, err)
		in := r.deletion("deployment web")
		in.Options = c.options
		_, err = r.DeleteManifest(t.Context(), in)
		require.NoError(t, err)
		sets := func() int {
			cl, o := r.object(t, "replicaSet x")
			list, err := cl.list(t.Context(), o.resource, r.namespace, metav1.ListOptions{})
			require.NoError(t, err)
			return len(list.Items)
		}
		if c.stays {
			require.Never(t, func() bool { return sets() == 0 }, time.Second, 100*time.Millisecond)
			in := r.deletion("")
			in.Kinds, in.LabelSelectors.Selectors = []string{"replicaSet"}, []activities.LabelSelector{{Kind: "EXISTS", Key: "app"}}
			_, err = r.DeleteManifest(t.Context(), in)
			require.NoError(t, err)
		}
		require.Eventually(t, func() bool { return sets() == 0 }, 20*time.Second, 50*time.Millisecond)
	}
}

func TestReferenceDeleteManifestOptions(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	orphan, background, foreground := metav1.DeletePropagationOrphan, metav1.DeletePropagationBackground, metav1.DeletePropagationForeground
	for _, c := range []struct {
		in   pipeline.Map
		want metav1.DeleteOptions
	}{
		{nil, metav1.DeleteOptions{}},
		{pipeline.Map{"orphanDependents": "true", "cascading": "true"}, metav1.DeleteOptions{PropagationPolicy: &orphan}},
		{pipeline.Map{"orphanDependents": "false", "cascading": "false"}, metav1.DeleteOptions{PropagationPolicy: &background}},
		{pipeline.Map{"cascading": false}, metav1.DeleteOptions{PropagationPolicy: &orphan}},
		{pipeline.Map{"cascading": true}, metav1.DeleteOptions{PropagationPolicy: &background}},
		{pipeline.Map{"cascading": "Foreground"}, metav1.DeleteOptions{PropagationPolicy: &foreground}},
		{pipeline.Map{"gracePeriodSeconds": "30"}, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](30)}},
		{pipeline.Map{"gracePeriodSeconds": int64(5)}, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](5)}},
		{pipeline.Map{"gracePeriodSeconds": 5.0}, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](5)}},
		{pipeline.Map{"gracePeriodSeconds": "0"}, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](1)}},
		{pipeline.Map{"gracePeriodSeconds": "-1"}, metav1.DeleteOptions{}},
		{pipeline.Map{"gracePeriodSeconds": "soon"}, metav1.DeleteOptions{}},
	} {
		got, err := deleteOptions(c.in, log)
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%v", c.in)
	}
}

func TestReferenceCleanupArtifacts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var out activities.DeployManifestOutput
	for _, v := range []string{"0", "1", "2", "3"} {
		out = r.deploy(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: NS, annotations: {strategy.spinnaker.io/max-version-history: '2'}}\ndata: {a: '"+v+"'}\n")
	}
	r.deploy(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: NS}\ndata: {a: x}\n")
	in := activities.CleanupArtifactsInput{Scope: scope(), Account: testAccount, Manifests: out.Manifests}
	for range 2 { // the second changes nothing
		_, err := r.CleanupArtifacts(t.Context(), in)
		require.NoError(t, err)
		for name, want := range map[string]bool{"conf-v000": false, "conf-v001": false, "conf-v002": true, "conf-v003": true, "other-v000": true} {
			require.Equal(t, want, r.live(t, "configMap "+name) != nil, name)
		}
	}
}

func TestCleanupSparesTheVersionInUse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	conf := func(v string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: NS, annotations: {strategy.spinnaker.io/max-version-history: '1'}}\ndata: {a: '" + v + "'}\n"
	}
	r.deploy(t, conf("0"))
	r.deploy(t, conf("1"))
	out := r.deploy(t, conf("0"))
	require.Equal(t, []string{"configMap conf-v000"}, out.ManifestNamesByNamespace[r.namespace])
	_, err := r.CleanupArtifacts(t.Context(), activities.CleanupArtifactsInput{Scope: scope(), Account: testAccount, Manifests: out.Manifests})
	require.NoError(t, err)
	require.NotNil(t, r.live(t, "configMap conf-v000"))
	require.Nil(t, r.live(t, "configMap conf-v001"))
}

func TestReferenceCleanupWithoutALimit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var manifests []pipeline.Map
	for _, limit := range []string{"'many'", "''"} {
		out := r.deploy(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: NS, annotations: {strategy.spinnaker.io/max-version-history: "+limit+"}}\ndata: {a: "+limit+"}\n")
		manifests = append(manifests, out.Manifests...)
	}
	_, err := r.CleanupArtifacts(t.Context(), activities.CleanupArtifactsInput{Scope: scope(), Account: testAccount, Manifests: manifests})
	require.NoError(t, err)
	require.NotNil(t, r.live(t, "configMap conf-v000"))
	require.NotNil(t, r.live(t, "configMap conf-v001"))
}
