package clouddriver

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
)

// patchAs changes an object as someone other than Gennaker would.
func (r *rig) patchAs(t *testing.T, manager, fullName, patch string) {
	t.Helper()
	cl, o := r.object(t, fullName)
	_, err := cl.client(o.resource, o.namespace).Patch(t.Context(), o.name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: manager})
	require.NoError(t, err)
}

func containers(t *testing.T, obj *unstructured.Unstructured) []any {
	t.Helper()
	list, ok := at(obj.Object, "spec", "template", "spec", "containers").([]any)
	require.True(t, ok)
	return list
}

func TestApplyIsThreeWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	r.patchAs(t, "someone", "deployment web", `{"metadata":{"labels":{"someones":"yes"}},"spec":{"replicas":5,"revisionHistoryLimit":3}}`)

	changed := strings.Replace(webDeployment, "  replicas: 2\n", "", 1)                         // ours no longer
	changed = strings.Replace(changed, `, {name: B, value: "2"}`, `, {name: C, value: "3"}`, 1) // a list merged by key
	changed = strings.Replace(changed, "      - name: side\n        image: busybox:1\n", "", 1)
	r.deploy(t, changed)

	live := r.live(t, "deployment web")
	require.Equal(t, "yes", live.GetLabels()["someones"], "fields of others stay")
	require.Equal(t, int64(3), at(live.Object, "spec", "revisionHistoryLimit"), "fields of others stay")
	require.Equal(t, int64(1), at(live.Object, "spec", "replicas"), "a field that only we set before goes back to its default")
	require.Len(t, containers(t, live), 1, "a container that we no longer name is removed")
	container := containers(t, live)[0].(map[string]any)
	require.Equal(t, []any{map[string]any{"name": "A", "value": "1"}, map[string]any{"name": "C", "value": "3"}}, container["env"])
	require.Equal(t, "IfNotPresent", container["imagePullPolicy"], "defaults of the server stay")
}

func TestApplyKeepsWhatAnotherControllerAddsToLists(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	service := `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: NS, finalizers: []}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
`
	r.deploy(t, service)
	r.patchAs(t, "someone", "service web", `{"spec":{"ports":[{"port":80,"name":"http"},{"port":81,"name":"extra"}]}}`)
	ip := at(r.live(t, "service web").Object, "spec", "clusterIP")
	r.deploy(t, strings.Replace(service, "port: 80", "port: 80, targetPort: 8080", 1))
	live := r.live(t, "service web")
	require.Equal(t, ip, at(live.Object, "spec", "clusterIP"))
	ports := at(live.Object, "spec", "ports").([]any)
	require.Len(t, ports, 2)
	require.Equal(t, int64(8080), ports[0].(map[string]any)["targetPort"])
}

func TestApplyWithoutChangeWritesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: NS}\n"
	r.deploy(t, account)
	before := r.live(t, "serviceAccount robot").GetResourceVersion()
	r.deploy(t, account)
	require.Equal(t, before, r.live(t, "serviceAccount robot").GetResourceVersion())
}

func TestApplyLooksLikeKubectl(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	live := r.live(t, "deployment web")
	applied := live.GetAnnotations()[lastAppliedAnnotation]
	require.True(t, strings.HasSuffix(applied, "}\n"), "kubectl ends it with a newline")
	require.Contains(t, applied, `"moniker.spinnaker.io/application":"shop"`)
	require.NotContains(t, applied, lastAppliedAnnotation)
	var managers []string // beside the controller, which writes its status meanwhile
	for _, entry := range live.GetManagedFields() {
		managers = append(managers, entry.Manager+" "+entry.Subresource)
	}
	require.Contains(t, managers, "kubectl-client-side-apply ")
}

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.GROUP}
spec:
  group: GROUP
  scope: SCOPE
  names: {kind: Widget, plural: widgets, singular: widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// group is an API group of the test's own: CustomResourceDefinitions have no
// namespace to keep them apart.
func (r *rig) group() string { return r.namespace + ".example.com" }

func (r *rig) widgets(scope string) string {
	return strings.NewReplacer("GROUP", r.group(), "SCOPE", scope).Replace(widgets)
}

func (r *rig) removeWidgets(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		cl := r.connection(t, testAccount)
		gvr := crdGroupKind.WithVersion("v1").GroupVersion().WithResource("customresourcedefinitions")
		ctx, cancel := within(t.Context())
		defer cancel()
		_ = cl.dynamic.Resource(gvr).Delete(ctx, "widgets."+r.group(), metav1.DeleteOptions{})
	})
}

func TestCustomResourceArrivesWithItsDefinition(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.removeWidgets(t)
	widget := strings.ReplaceAll(`
apiVersion: GROUP/v1
kind: Widget
metadata: {name: one, namespace: NS}
spec: {size: 1, parts: [a, b], gone: true}
`, "GROUP", r.group())
	// Written before its definition: the order of kinds puts it after.
	out := r.deploy(t, widget+"\n---\n"+r.widgets("Namespaced"))
	require.Equal(t, map[string][]string{"_": {"customResourceDefinition widgets." + r.group()}, r.namespace: {"Widget." + r.group() + " one"}}, out.ManifestNamesByNamespace)

	name := "Widget." + r.group() + " one"
	r.patchAs(t, "someone", name, `{"spec":{"theirs":1,"parts":["a","b","c"]}}`)
	r.deploy(t, strings.Replace(widget, "size: 1, parts: [a, b], gone: true", "size: 2, parts: [a]", 1))
	spec := at(r.live(t, name).Object, "spec")
	require.Equal(t, map[string]any{"size": int64(2), "parts": []any{"a"}, "theirs": int64(1)}, spec,
		"a JSON merge replaces lists, removes what we dropped, keeps what others set")
}

func TestClusterScopedCustomResourceLosesItsNamespace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.removeWidgets(t)
	in := r.input(t, r.widgets("Cluster")+"\n---\n"+strings.ReplaceAll(
		"apiVersion: GROUP/v1\nkind: Widget\nmetadata: {name: one, namespace: NS}\n", "GROUP", r.group()))
	in.NamespaceOverride = r.namespace
	out, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Contains(t, out.ManifestNamesByNamespace["_"], "Widget."+r.group()+" one")
	require.Empty(t, out.CreatedArtifacts[1].Location)
}

func TestRecreateReplacesTheObject(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: NS, annotations: {strategy.spinnaker.io/recreate: 'True'}}\n"
	in := r.input(t, account)
	_, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	first := r.live(t, "serviceAccount robot")

	_, err = r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, first.GetUID(), r.live(t, "serviceAccount robot").GetUID(), "a retry finds its own object")

	r.deploy(t, account)
	second := r.live(t, "serviceAccount robot")
	require.NotEqual(t, first.GetUID(), second.GetUID())
	require.NotEmpty(t, second.GetAnnotations()[lastAppliedAnnotation])
}

func TestReplaceOverwrites(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	config := `
apiVersion: v1
kind: ConfigMap
metadata: {name: conf, namespace: NS, annotations: {strategy.spinnaker.io/replace: "true", strategy.spinnaker.io/versioned: "false"}}
data: {a: "1"}
`
	r.deploy(t, config)
	r.patchAs(t, "someone", "configMap conf", `{"data":{"theirs":"1"}}`)
	uid := r.live(t, "configMap conf").GetUID()
	r.deploy(t, strings.Replace(config, `a: "1"`, `b: "2"`, 1))
	live := r.live(t, "configMap conf")
	require.Equal(t, uid, live.GetUID())
	require.Equal(t, map[string]any{"b": "2"}, live.Object["data"])
	require.Empty(t, live.GetAnnotations()[lastAppliedAnnotation])
}

func TestServerSideApply(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	config := `
apiVersion: v1
kind: ConfigMap
metadata: {name: conf, namespace: NS, annotations: {strategy.spinnaker.io/versioned: "false"}}
data: {a: "1", b: "1"}
`
	r.deploy(t, config) // by client-side apply first
	serverSide := strings.Replace(config, `annotations: {`, `annotations: {strategy.spinnaker.io/server-side-apply: "true", `, 1)
	r.deploy(t, strings.Replace(serverSide, `, b: "1"`, "", 1))
	live := r.live(t, "configMap conf")
	require.Equal(t, map[string]any{"a": "1"}, live.Object["data"], "fields of client-side apply are taken over and dropped")

	r.patchAs(t, "someone", "configMap conf", `{"data":{"a":"theirs"}}`)
	_, err := r.DeployManifest(t.Context(), r.input(t, strings.Replace(serverSide, `, b: "1"`, "", 1)))
	requireCode(t, err, "conflict")
	require.ErrorContains(t, err, "someone")

	r.deploy(t, strings.Replace(strings.Replace(serverSide, `, b: "1"`, "", 1), `server-side-apply: "true"`, `server-side-apply: "force-conflicts"`, 1))
	require.Equal(t, map[string]any{"a": "1"}, r.live(t, "configMap conf").Object["data"])
}

func TestGenerateNameCreatesOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {generateName: robot-, namespace: NS}\n"
	in := r.input(t, account+"---\n"+account)
	first, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	again, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, first.ManifestNamesByNamespace, again.ManifestNamesByNamespace)
	names := first.ManifestNamesByNamespace[r.namespace]
	require.Len(t, names, 2)
	require.NotEqual(t, names[0], names[1])
	require.Regexp(t, `^serviceAccount robot-[a-z0-9]{5}$`, names[0])
	require.NotEqual(t, names, r.deploy(t, account+"---\n"+account).ManifestNamesByNamespace[r.namespace], "another call makes others")
}

func TestTooLargeForLastAppliedSaysWhatHelps(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := r.input(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: NS}\ndata: {a: \""+strings.Repeat("x", 300<<10)+"\"}\n")
	_, err := r.DeployManifest(t.Context(), in)
	requireCode(t, err, "unprocessable")
	require.Contains(t, strings.Join(detailsOf(err), "\n"), "server-side-apply")
}

func TestPodInANamespaceOfTheSameRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	out := r.deploy(t, `
apiVersion: v1
kind: Pod
metadata: {name: first, namespace: NS-more}
spec: {containers: [{name: a, image: i}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: NS-more}
`)
	require.Equal(t, map[string][]string{"_": {"namespace " + r.namespace + "-more"}, r.namespace + "-more": {"pod first-v000"}}, out.ManifestNamesByNamespace)
	_, err := r.DeleteManifest(t.Context(), activities.DeleteManifestInput{Scope: scope(), Account: testAccount, ManifestName: "namespace " + r.namespace + "-more"})
	require.NoError(t, err)
}
