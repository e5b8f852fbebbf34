package clouddriver

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

const webDeployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
      - name: side
        image: busybox:1
`

func TestReferenceDeployManifest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	out := r.deploy(t, webDeployment)
	require.Equal(t, map[string][]string{r.namespace: {"deployment web"}}, out.ManifestNamesByNamespace)
	require.Equal(t, []pipeline.Artifact{{
		Type: "kubernetes/deployment", Name: "web", Location: r.namespace, Reference: "web", Metadata: pipeline.Map{"account": testAccount},
	}}, out.CreatedArtifacts)
	live := r.live(t, "deployment web")
	require.Equal(t, string(live.GetUID()), out.Manifests[0].Map("metadata").String("uid"))
	require.NotContains(t, out.Manifests[0].Map("metadata"), "managedFields")
	annotations, labels := live.GetAnnotations(), live.GetLabels()
	require.Equal(t, "kubernetes/deployment", annotations["artifact.spinnaker.io/type"])
	require.Equal(t, "deployment web", annotations["moniker.spinnaker.io/cluster"])
	require.Equal(t, "spinnaker", labels["app.kubernetes.io/managed-by"])
	require.Equal(t, "shop", at(live.Object, "spec", "template", "metadata", "labels", "app.kubernetes.io/name"))
	require.NotContains(t, annotations, "gennaker.io/operation", "an apply needs no mark: repeating it changes nothing")
}

func TestReferenceDeployManifestBinds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := r.input(t, webDeployment)
	in.RequiredArtifacts = []pipeline.Artifact{image("nginx", "nginx:2")}
	in.OptionalArtifacts = []pipeline.Artifact{image("redis", "redis:7")}
	out, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, in.RequiredArtifacts, out.BoundArtifacts)
	require.Equal(t, "nginx:2", containers(t, r.live(t, "deployment web"))[0].(map[string]any)["image"])

	in.RequiredArtifacts = []pipeline.Artifact{image("redis", "redis:7")}
	in.Manifests = r.docs(t, strings.Replace(webDeployment, "name: web,", "name: never,", 1))
	_, err = r.DeployManifest(t.Context(), in)
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "redis")
	require.Nil(t, r.live(t, "deployment never"), "nothing is sent")

	in = r.input(t, webDeployment)
	in.OptionalArtifacts = []pipeline.Artifact{image("nginx", "nginx:3")}
	in.DisableArtifactBinding = true
	out, err = r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, out.BoundArtifacts)
	require.Equal(t, "nginx:1", containers(t, r.live(t, "deployment web"))[0].(map[string]any)["image"])

	in = r.input(t, confAndWeb)
	in.DisableArtifactBinding = true
	_, err = r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "conf-v000", boundConfigMap(t, r), "what the deployment itself makes is bound all the same")
}

func TestReferenceDeployManifestConverts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := r.input(t, `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: elsewhere}}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: role-NS}}
- null
`)
	in.NamespaceOverride = r.namespace
	out, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"_": {"clusterRole role-" + r.namespace}, r.namespace: {"serviceAccount a"}}, out.ManifestNamesByNamespace)
	deleted, err := r.DeleteManifest(t.Context(), activities.DeleteManifestInput{Scope: scope(), Account: testAccount, Location: "_", ManifestName: "clusterRole role-" + r.namespace})
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"_": {"clusterRole role-" + r.namespace}}, deleted.ManifestNamesByNamespace)
}

func TestDeployOfNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	out, err := r.DeployManifest(t.Context(), activities.DeployManifestInput{Scope: scope(), Account: testAccount})
	require.NoError(t, err)
	require.Empty(t, out.Manifests)
	stable, err := r.AwaitStable(t.Context(), activities.AwaitStableInput{Scope: scope(), Account: testAccount, Manifests: out.ManifestNamesByNamespace})
	require.NoError(t, err)
	require.True(t, stable.Done)
}

func TestReferenceDeployManifestBySelector(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := r.input(t, threeConfigs)
	in.LabelSelectors.Selectors = []activities.LabelSelector{{Kind: "EQUALS", Key: "tier", Values: []string{"back"}}}
	out, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{r.namespace: {"serviceAccount b"}}, out.ManifestNamesByNamespace)
	require.Nil(t, r.live(t, "serviceAccount a"))

	in.LabelSelectors.Selectors[0].Values = []string{"none"}
	_, err = r.DeployManifest(t.Context(), in)
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "tier=none")
	in.AllowNothingSelected = true
	_, err = r.DeployManifest(t.Context(), in)
	require.NoError(t, err)

	in.Manifests = r.docs(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: NS, annotations: {strategy.spinnaker.io/replace: 'true'}}\n")
	_, err = r.DeployManifest(t.Context(), in)
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "replace strategy")
}

func TestReferenceSourceCapacityDeployment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := strings.Replace(webDeployment, "metadata: {name: web,", "metadata: {name: web, annotations: {strategy.spinnaker.io/use-source-capacity: 'true'},", 1)
	r.deploy(t, text)
	require.Equal(t, int64(2), at(r.live(t, "deployment web").Object, "spec", "replicas"), "nothing to take over yet")
	r.patchAs(t, "autoscaler", "deployment web", `{"spec":{"replicas":4}}`)
	r.deploy(t, text)
	require.Equal(t, int64(4), at(r.live(t, "deployment web").Object, "spec", "replicas"))
}

func TestReferenceSourceCapacityReplicaSet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web, namespace: NS, annotations: {strategy.spinnaker.io/use-source-capacity: "true"}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: nginx}]}}
`
	r.deploy(t, text)
	r.patchAs(t, "autoscaler", "replicaSet web-v000", `{"spec":{"replicas":3}}`)
	r.deploy(t, text)
	require.Equal(t, int64(3), at(r.live(t, "replicaSet web-v001").Object, "spec", "replicas"))
}

func TestSecretsStayInTheCluster(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	out := r.deploy(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: sec, namespace: NS}\nstringData: {password: hunter2}\n")
	encoded, err := pipeline.EncodeValue(out)
	require.NoError(t, err)
	require.NotContains(t, string(encoded), "hunter2")
	require.NotContains(t, string(encoded), "aHVudGVyMg")
	require.Equal(t, "aHVudGVyMg==", at(r.live(t, "secret sec-v000").Object, "data", "password"))
	require.Equal(t, []string{"secret sec-v000"}, out.ManifestNamesByNamespace[r.namespace])
	r.deploy(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: sec, namespace: NS}\nstringData: {password: hunter2}\n")
	require.Nil(t, r.live(t, "secret sec-v001"), "equal content is used again")
}

const pinkService = `
apiVersion: v1
kind: Service
metadata: {name: front, namespace: NS}
spec: {selector: {lb: front}, ports: [{port: 80}]}
`

func TestReferenceTrafficAttach(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	labels := func(name string) any {
		return at(r.live(t, "deployment "+name).Object, "spec", "template", "metadata", "labels", "lb")
	}
	in := r.input(t, webDeployment+"---\n"+pinkService)
	in.Services = []string{"service front"} // in the request
	_, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "front", labels("web"))
	require.Equal(t, `["service front"]`, r.live(t, "deployment web").GetAnnotations()[loadBalancersAnnotation])
	require.NotContains(t, r.live(t, "service front").GetAnnotations(), loadBalancersAnnotation)

	annotated := strings.Replace(webDeployment, "metadata: {name: web,", `metadata: {name: own, annotations: {traffic.spinnaker.io/load-balancers: '["service front"]'},`, 1)
	r.deploy(t, annotated) // in the cluster, by the user's own annotation
	require.Equal(t, "front", labels("own"))

	in = r.input(t, strings.Replace(annotated, "name: own", "name: without", 1))
	in.EnableTraffic = false
	_, err = r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	require.Nil(t, labels("without"))
}

func TestReferenceTrafficAttachRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, pinkService+"---\n"+strings.NewReplacer("name: front", "name: bare", "selector: {lb: front}, ", "").Replace(pinkService)+
		"---\n"+strings.NewReplacer("name: front", "name: same", "lb: front", "app: web").Replace(pinkService))
	for text, services := range map[string][]string{
		"service none does not exist":       {"service none"},
		"no support for load balancing via": {"ingress front"},
		"must be specified in the form":     {"front"},
		"has an empty selector":             {"service bare"},
		"shares the label(s) app":           {"service same"},
		"other than the stage's services":   {"service bare", "service front"},
		"is no list like":                   nil,
	} {
		manifest := webDeployment
		switch {
		case strings.HasPrefix(text, "other"):
			manifest = strings.Replace(manifest, "metadata: {name: web,", `metadata: {name: web, annotations: {traffic.spinnaker.io/load-balancers: '[]'},`, 1)
		case services == nil:
			manifest = strings.Replace(manifest, "metadata: {name: web,", `metadata: {name: web, annotations: {traffic.spinnaker.io/load-balancers: 'front'},`, 1)
		}
		in := r.input(t, manifest)
		in.Services = services
		_, err := r.DeployManifest(t.Context(), in)
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, text)
	}
}
