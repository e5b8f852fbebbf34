package clouddriver

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

const confAndWeb = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: nginx, envFrom: [{configMapRef: {name: conf}}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf, namespace: NS}
data: {a: "1"}
`

func boundConfigMap(t *testing.T, r *rig) any {
	t.Helper()
	container := containers(t, r.live(t, "deployment web"))[0].(map[string]any)
	return container["envFrom"].([]any)[0].(map[string]any)["configMapRef"].(map[string]any)["name"]
}

func TestReferenceVersionReuse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	out := r.deploy(t, confAndWeb)
	require.Equal(t, []string{"configMap conf-v000", "deployment web"}, out.ManifestNamesByNamespace[r.namespace], "in deploy order")
	require.Equal(t, "conf-v000", boundConfigMap(t, r))
	require.Equal(t, "v000", out.CreatedArtifacts[0].Version)
	require.Equal(t, []pipeline.Artifact{out.CreatedArtifacts[0]}, out.BoundArtifacts)
	live := r.live(t, "configMap conf-v000")
	require.Equal(t, "conf", live.GetAnnotations()["artifact.spinnaker.io/name"])
	require.Equal(t, "v000", live.GetAnnotations()["artifact.spinnaker.io/version"])
	require.Equal(t, "0", live.GetLabels()["moniker.spinnaker.io/sequence"])

	r.deploy(t, confAndWeb)
	require.Equal(t, "conf-v000", boundConfigMap(t, r), "equal content is used again")
	require.Nil(t, r.live(t, "configMap conf-v001"))

	changed := strings.Replace(confAndWeb, `a: "1"`, `a: "2"`, 1)
	r.deploy(t, changed)
	require.Equal(t, "conf-v001", boundConfigMap(t, r))
	r.deploy(t, confAndWeb)
	require.Equal(t, "conf-v000", boundConfigMap(t, r), "and so is older content")
}

func TestVersionedReplicaSetIsFoundAgainOnRetry(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rs := `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web, namespace: NS}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: nginx}]}}
`
	in := r.input(t, rs)
	for range 3 {
		out, err := r.DeployManifest(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, []string{"replicaSet web-v000"}, out.ManifestNamesByNamespace[r.namespace])
	}
	in.Scope.Attempt++ // a restart of the stage is a new call
	out, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, []string{"replicaSet web-v001"}, out.ManifestNamesByNamespace[r.namespace],
		"a ReplicaSet with a template is never reused")
}

func TestReferenceVersionNumbers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	conf := func(value string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: NS}\ndata: {a: \"" + value + "\"}\n"
	}
	for _, v := range []string{"0", "1", "2"} {
		r.deploy(t, conf(v))
	}
	_, err := r.DeleteManifest(t.Context(), activities.DeleteManifestInput{Scope: scope(), Account: testAccount, Location: r.namespace, ManifestName: "configMap conf-v001"})
	require.NoError(t, err)
	r.deploy(t, conf("3"))
	require.NotNil(t, r.live(t, "configMap conf-v003"))
	r.deploy(t, conf("1"))
	require.NotNil(t, r.live(t, "configMap conf-v004"), "gaps are not filled")
	r.patchAs(t, "someone", "configMap conf-v004", `{"metadata":{"annotations":{"artifact.spinnaker.io/version":"v999"}}}`)
	r.deploy(t, conf("4"))
	require.NotNil(t, r.live(t, "configMap conf-v1000"))
}

func TestConcurrentDeploymentsNeverShareAVersion(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{"none", "recreate", "replace", "server-side-apply"} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			const writers = 4
			var group sync.WaitGroup
			errs := make([]error, writers)
			for i := range writers {
				in := r.input(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: NS, annotations: {strategy.spinnaker.io/"+strategy+": 'true'}}\n"+
					"data: {a: \""+string(rune('a'+i))+"\"}\n")
				group.Go(func() { _, errs[i] = r.DeployManifest(t.Context(), in) })
			}
			group.Wait()
			seen := map[any]bool{}
			for i := range writers {
				require.NoError(t, errs[i])
				seen[at(r.live(t, "configMap conf-"+versionText(i)).Object, "data", "a")] = true
			}
			require.Len(t, seen, writers, "each content has a version of its own")
		})
	}
}

// A version that another deployment takes between the choice and the write
// stays as that one made it.
func TestServerSideApplyClaimsItsVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cl, o := r.object(t, "configMap conf-v000")
	m := parsed(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf-v000, namespace: "+r.namespace+", annotations: {artifact.spinnaker.io/name: conf-v000, artifact.spinnaker.io/type: kubernetes/configMap}}\ndata: {a: mine}\n")
	mine := target{object: o, operation: "mine", fresh: true}
	m.mark("other")
	_, err := cl.applyServerSide(t.Context(), m, mine)
	require.NoError(t, err)
	made := r.live(t, "configMap conf-v000")
	require.Len(t, made.GetManagedFields(), 1, "the creation's fields are the applier's")
	require.Equal(t, serverManager, made.GetManagedFields()[0].Manager)

	_, err = cl.applyServerSide(t.Context(), m, mine)
	require.ErrorIs(t, err, errVersionTaken)
	require.Equal(t, made.GetResourceVersion(), r.live(t, "configMap conf-v000").GetResourceVersion())
}

func TestReferenceVersionDecision(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, c := range []struct {
		name, manifest string
		override       *bool
		want           bool
	}{
		{"config maps are", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}", nil, true},
		{"services are not", "apiVersion: v1\nkind: Service\nmetadata: {name: a}", nil, false},
		{"the request beats the kind", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}", &no, false},
		{"the request beats the kind, too", "apiVersion: v1\nkind: Service\nmetadata: {name: a}", &yes, true},
		{"the annotation beats the request", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {strategy.spinnaker.io/versioned: 'TRUE'}}", &no, true},
		{"any other annotation is no", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {strategy.spinnaker.io/versioned: 'yes'}}", &yes, false},
		{"an empty annotation is no", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {strategy.spinnaker.io/versioned: ''}}", &yes, false},
		{"generated names are not", "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}", &yes, false},
	} {
		require.Equal(t, c.want, parsed(t, c.manifest).wantsVersion(c.override), c.name)
	}
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"v000": 0, "v012": 12, "v1000": 1000, "v-1": -1, "v": -1, "": -1, "012": -1, "vx": -1} {
		require.Equal(t, want, parseVersion(text), text)
	}
	require.Equal(t, []string{"v000", "v012", "v1000"}, []string{versionText(0), versionText(12), versionText(1000)})
}

func TestReferenceVersionSameContent(t *testing.T) {
	t.Parallel()
	live := parsed(t, "apiVersion: v1\nkind: X\nmetadata: {name: x-v000}").obj
	for _, c := range []struct {
		applied string
		want    bool
	}{
		{`{"apiVersion":"v1","kind":"X","metadata":{"name":"other"},"spec":{"count":5,"list":[1,{"a":null}]}}`, true},
		{`{"apiVersion":"v1","kind":"X","spec":{"count":5.0,"list":[1,{"a":null}]}}`, true},
		{`{"apiVersion":"v1","kind":"X","spec":{"count":"5","list":[1,{"a":null}]}}`, false},
		{`{"apiVersion":"v1","kind":"X","spec":{"count":5,"list":[1,{}]}}`, false},
		{`{"apiVersion":"v1","kind":"X","spec":{"count":5,"list":[{"a":null},1]}}`, false},
		{`{"apiVersion":"v1","kind":"X","spec":{"count":5,"list":[1,{"a":null}]},"data":{}}`, false},
		{`not JSON`, false},
		{`[]`, false},
		{``, false},
	} {
		setAnnotation(live, lastAppliedAnnotation, c.applied)
		require.Equal(t, c.want, sameContent(parsed(t, "apiVersion: v1\nkind: X\nmetadata: {name: x}\nspec: {count: 5, list: [1, {a: null}]}").obj, live), c.applied)
	}
}
