package clouddriver

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// What people write wrong is refused in words that name the manifest, the value
// and what to do, before anything is sent where that can be known.
func TestBadManifests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const (
		head    = "apiVersion: v1\nkind: ServiceAccount\n"
		service = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: NS}\n"
	)
	for _, c := range []struct {
		name, manifest string
		code           pipeline.Code
		says           []string
	}{
		{"metadata that is text", head + "metadata: web", pipeline.CodeInvalid, []string{`Manifest 1 (serviceAccount) has the metadata "web"`, "no object"}},
		{"metadata that is a list", head + "metadata: [web]", pipeline.CodeInvalid, []string{`the metadata ["web"]`}},
		{"no metadata", head, pipeline.CodeInvalid, []string{"has no metadata.name", "generateName"}},
		{"a name that is a list", head + "metadata: {name: [a]}", pipeline.CodeInvalid, []string{`metadata.name ["a"], which is not text`}},
		{"a namespace that is a number", head + "metadata: {name: a, namespace: 7}", pipeline.CodeInvalid, []string{"metadata.namespace 7, which is not text", "quotes"}},
		{"a generateName that is true", head + "metadata: {generateName: true}", pipeline.CodeInvalid, []string{"metadata.generateName true, which is not text"}},
		{"labels that are a list", head + "metadata: {name: a, namespace: NS, labels: [a]}", pipeline.CodeInvalid, []string{`metadata.labels is ["a"]`, "object"}},
		{"an annotation that is a boolean", head + "metadata: {name: a, namespace: NS, annotations: {strategy.spinnaker.io/versioned: false}}", pipeline.CodeInvalid,
			[]string{"Manifest 1 (serviceAccount a)", `metadata.annotations["strategy.spinnaker.io/versioned"] is false`, "quotes"}},
		{"a kind that is a number", "apiVersion: v1\nkind: 5\nmetadata: {name: a}", pipeline.CodeInvalid, []string{"Manifest 1", "the kind 5", "as text"}},
		{"an apiVersion that is a number", "apiVersion: 1\nkind: Service\nmetadata: {name: a}", pipeline.CodeInvalid, []string{"the apiVersion 1", `the kind "Service"`}},
		{"an apiVersion of three parts", "apiVersion: a/b/c\nkind: Service\nmetadata: {name: a}", pipeline.CodeInvalid, []string{`apiVersion "a/b/c"`, "group/version"}},
		{"items that are text", "apiVersion: v1\nkind: List\nitems: web", pipeline.CodeInvalid, []string{"Manifest 1 is a List", `"web"`}},
		{"an item that is text", "apiVersion: v1\nkind: List\nitems: [web]", pipeline.CodeInvalid, []string{`Manifest 1 is "web", which is not an object`}},
		{"a name with a slash", head + "metadata: {name: a/b, namespace: NS}", pipeline.CodeInvalid, []string{"Manifest 1 (serviceAccount a/b)", `metadata.name "a/b" cannot be used`, "may not contain '/'"}},
		{"a name that is a path", head + "metadata: {name: .., namespace: NS}", pipeline.CodeInvalid, []string{`metadata.name ".." cannot be used`}},
		{"a name of capitals", head + "metadata: {name: Web_1, namespace: NS}", pipeline.CodeUnprocessable, []string{"Manifest 1 (serviceAccount Web_1)", `metadata.name: Invalid value: "Web_1"`, "lowercase RFC 1123"}},
		{"a name too long", head + "metadata: {name: " + strings.Repeat("a", 300) + ", namespace: NS}", pipeline.CodeUnprocessable, []string{"metadata.name", "253"}},
		{"a namespace that is a path", head + "metadata: {name: a, namespace: ../kube-system}", pipeline.CodeInvalid, []string{`namespace "../kube-system" cannot be used`, "may not contain '/'"}},
		{"a namespace with a query", head + "metadata: {name: a, namespace: 'x?dryRun=All'}", pipeline.CodeNotFound, []string{"x?dryRun=All", "no such namespace"}},
		{"a label too long", head + "metadata: {name: a, namespace: NS, labels: {l: " + strings.Repeat("a", 64) + "}}", pipeline.CodeUnprocessable, []string{"metadata.labels", "63"}},
		{"spec that is text", service + "spec: web", pipeline.CodeInvalid, []string{"Manifest 1 (service a)", "spec"}},
		{"ports that are an object", service + "spec: {ports: {port: 80}}", pipeline.CodeInvalid, []string{"Manifest 1 (service a)", "ports"}},
		{"containers that are text", strings.Replace(webDeployment, "containers:", "initContainers: web\n      containers:", 1), pipeline.CodeInvalid, []string{"Manifest 1 (deployment web)", "initContainers"}},
		{"a template that is a list", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: NS}\nspec: {selector: {matchLabels: {a: b}}, template: []}", pipeline.CodeInvalid, []string{"Manifest 1 (deployment a)", "template"}},
		{"data of numbers", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: NS}\ndata: {k: 5}", pipeline.CodeInvalid, []string{"Manifest 1 (configMap a-v000)", "data"}},
		{"a secret that is no base64", "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: NS}\ndata: {k: '%%'}", pipeline.CodeInvalid, []string{"Manifest 1 (secret a-v000)", "base64"}},
		{"a config map over its limit", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: NS, annotations: {strategy.spinnaker.io/replace: 'true'}}\ndata: {k: " + strings.Repeat("a", 1100<<10) + "}", pipeline.CodeUnprocessable, []string{"Manifest 1 (configMap a-v000)", "1048576"}},
		{"an object over the API server's limit", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: NS, annotations: {strategy.spinnaker.io/replace: 'true'}}\ndata: {k: " + strings.Repeat("a", 4<<20) + "}", pipeline.CodeTooLarge, []string{"Manifest 1 (configMap a-v000)", "limit is 3145728"}},
		{"a pod without containers", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: NS}\nspec: {}", pipeline.CodeUnprocessable, []string{"Manifest 1 (pod a-v000)", "spec.containers"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := r.DeployManifest(t.Context(), r.input(t, c.manifest))
			requireCode(t, err, c.code)
			for _, text := range c.says {
				require.ErrorContains(t, err, text)
			}
			require.Less(t, len(pipeline.MessageOf(err)), 4096, "a message is for reading")
		})
	}
}

// Names that operations are given go the same way.
func TestBadTargets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, c := range []struct{ name, location, says string }{
		{"deployment a/b", r.namespace, `name "a/b" cannot be used`},
		{"deployment ..", r.namespace, `name ".." cannot be used`},
		{"deployment web", "../kube-system", `namespace "../kube-system" cannot be used`},
		{"gadget web", r.namespace, `no kind "gadget"`},
		{"web", r.namespace, "not of the form"},
	} {
		in := r.target(c.name)
		in.Location = c.location
		_, err := r.ScaleManifest(t.Context(), activities.ScaleManifestInput{ManifestInput: in, Replicas: 1})
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, c.says)
		_, err = r.ReadManifest(t.Context(), in)
		requireCode(t, err, pipeline.CodeInvalid)
		_, err = r.DeleteManifest(t.Context(), activities.DeleteManifestInput{Scope: scope(), Account: testAccount, Location: c.location, ManifestName: c.name})
		requireCode(t, err, pipeline.CodeInvalid)
	}
}

// A cluster-scoped kind loses a namespace that was written, as with kubectl, and
// so does not count as outside of the account's namespaces.
func TestClusterScopedKindWithANamespace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig, Namespaces: []string{r.namespace}})
	in := r.input(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: NS, namespace: elsewhere}\nrules: []\n")
	out, err := c.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"_": {"clusterRole " + r.namespace}}, out.ManifestNamesByNamespace)
	_, err = c.DeleteManifest(t.Context(), activities.DeleteManifestInput{Scope: scope(), Account: testAccount, ManifestName: "clusterRole " + r.namespace})
	require.NoError(t, err)
}

// kinds and omitKinds are about what is shown; as in Spinnaker they forbid
// nothing.
func TestKindsOfTheAccountForbidNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, account := range []Account{
		{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig, Kinds: []string{"pod"}},
		{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig, OmitKinds: []string{"serviceAccount"}},
	} {
		_, err := clouddriverFor(t, account).DeployManifest(t.Context(), r.input(t, plainAccount))
		require.NoError(t, err)
	}
}

// The same object twice: both are applied in order and the last wins, as with
// kubectl; of versioned ones each is a version, and what follows gets the last.
func TestTheSameObjectTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const twice = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: NS, labels: {order: '1'}}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: NS, labels: {order: '2'}}\n"
	out := r.deploy(t, twice)
	require.Len(t, out.Manifests, 2)
	require.Equal(t, "2", r.live(t, "serviceAccount a").GetLabels()["order"])
	again := strings.Replace(confAndWeb[strings.LastIndex(confAndWeb, "---\n"):], `a: "1"`, `a: "2"`, 1)
	in := r.input(t, strings.TrimSuffix(confAndWeb, "\n")+"\n"+strings.TrimSuffix(again, "\n"))
	for range 2 { // and a repetition makes no more
		_, err := r.DeployManifest(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, []string{"conf-v000", "conf-v001"}, r.names(t, "configMap"))
		require.Equal(t, "conf-v001", boundConfigMap(t, r))
	}
}

// The largest request that is taken costs a worker a small multiple of its size.
// No other test runs beside this one, whose memory it would count.
func TestLargeRequestsAreBounded(t *testing.T) {
	many := make([]pipeline.Map, maxManifests)
	for i := range many {
		many[i] = pipeline.Map{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": map[string]any{"v": strings.Repeat("x", maxBytes/maxManifests-200)}}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	flat, err := flatten(many)
	require.NoError(t, err)
	require.Len(t, flat, maxManifests)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10*maxBytes), "in sum, of which most is garbage at once")

	one := pipeline.Map{"kind": "A", "data": strings.Repeat("x", 1<<20)}
	_, err = flatten(slices.Concat(many, []pipeline.Map{one}))
	requireCode(t, err, pipeline.CodeTooLarge)
	require.ErrorContains(t, err, "Split the deployment")
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	deep := any("x")
	for range 9000 { // as deep as JSON is read
		deep = map[string]any{"d": deep}
	}
	_, err := r.DeployManifest(t.Context(), activities.DeployManifestInput{Scope: scope(), Account: testAccount, Manifests: []pipeline.Map{{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "deep", "namespace": r.namespace}, "spec": deep,
	}}})
	requireCode(t, err, pipeline.CodeInvalid)
	require.Less(t, len(pipeline.MessageOf(err)), 4096)
}
