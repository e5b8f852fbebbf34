package clouddriver

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

func TestKind(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Deployment": "deployment", "deployment": "deployment", "deployment.apps": "deployment", "Deployment.extensions": "deployment",
		"deploy": "deployment", "ReplicaSet": "replicaSet", "rs": "replicaSet", "cm": "configMap", "CRD": "customResourceDefinition",
		"hpa": "horizontalpodautoscaler", "HorizontalPodAutoscaler": "horizontalpodautoscaler", "svc": "service", "po": "pod",
		"Service.serving.knative.dev": "Service.serving.knative.dev", "Widget": "Widget", "netpol": "networkPolicy", "sc": "storageClass",
		"ds": "daemonSet", "ns": "namespace", "pv": "persistentVolume", "pvc": "persistentVolumeClaim", "sa": "serviceAccount",
		"Ingress.networking.k8s.io": "ingress",
	} {
		require.Equal(t, want, ParseKind(text).String(), text)
	}
	require.True(t, ParseKind("WIDGET.example.com").Equal(ParseKind("widget.Example.com")))
	require.False(t, ParseKind("service").Equal(ParseKind("Service.serving.knative.dev")))
	require.Equal(t, "job", KindOf(schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}).String())
	require.False(t, KindOf(schema.GroupVersionKind{Group: "batch.volcano.sh", Version: "v1", Kind: "Job"}).is("job"))
}

func TestKindTable(t *testing.T) {
	t.Parallel()
	acc, err := newAccount(0, Account{Name: "a", CustomResources: []CustomResource{{KubernetesKind: "Widget.example.com", DeployPriority: "workload_priority", Versioned: true}}})
	require.NoError(t, err)
	for _, c := range []struct {
		kind      string
		priority  int
		versioned bool
		spinnaker string
	}{
		{"namespace", 0, false, "unclassified"}, {"clusterRole", 20, false, "unclassified"}, {"roleBinding", 30, false, "unclassified"},
		{"customResourceDefinition", 30, false, "unclassified"}, {"persistentVolume", 40, false, "configs"}, {"storageClass", 40, false, "unclassified"},
		{"configMap", 50, true, "configs"}, {"secret", 50, true, "configs"}, {"persistentVolumeClaim", 50, false, "configs"},
		{"service", 70, false, "loadBalancers"}, {"ingress", 70, false, "loadBalancers"}, {"networkPolicy", 70, false, "securityGroups"},
		{"apiService", 80, false, "unclassified"}, {"podDisruptionBudget", 90, false, "unclassified"}, {"limitRange", 90, false, "unclassified"},
		{"pod", 100, true, "instances"}, {"replicaSet", 100, true, "serverGroups"}, {"deployment", 100, false, "serverGroupManagers"},
		{"statefulSet", 100, false, "serverGroups"}, {"daemonSet", 100, false, "serverGroups"}, {"job", 100, false, "serverGroups"}, {"cronJob", 100, false, "serverGroups"},
		{"horizontalpodautoscaler", 110, false, "unclassified"}, {"Gadget.example.com", 1000, false, "unclassified"}, {"Widget.example.com", 100, true, "unclassified"},
	} {
		info := acc.info(ParseKind(c.kind))
		require.Equal(t, c.priority, info.priority, c.kind)
		require.Equal(t, c.versioned, info.versioned, c.kind)
		require.Equal(t, c.spinnaker, info.spinnakerKind, c.kind)
	}
}

func TestDeployOrderIsStable(t *testing.T) {
	t.Parallel()
	var manifests []*manifest
	for _, text := range []string{"kind: Gadget\napiVersion: example.com/v1\nmetadata: {name: g}", "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: b}",
		"kind: Deployment\napiVersion: apps/v1\nmetadata: {name: a}", "kind: Service\napiVersion: v1\nmetadata: {name: s}", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}",
		"kind: Namespace\napiVersion: v1\nmetadata: {name: first}"} {
		manifests = append(manifests, parsed(t, text))
	}
	inDeployOrder(manifests)
	var names []string
	for _, m := range manifests {
		names = append(names, m.name)
	}
	require.Equal(t, []string{"first", "c", "s", "b", "a", "g"}, names)
}

func TestParsePriority(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 100, " ": 100, "7": 7, "LOWEST_PRIORITY": 1000, "workload_attachment_priority": 110, "Pdb_Priority": 90, "NAMESPACE_PRIORITY": 0} {
		got, err := parsePriority(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"HIGH", "LOWEST", "1.5"} {
		_, err := parsePriority(text)
		require.Error(t, err, text)
	}
}

func TestParseSelectors(t *testing.T) {
	t.Parallel()
	s, err := parseSelectors(activities.LabelSelectors{Selectors: []activities.LabelSelector{
		{Kind: "ANY"}, {Kind: "EQUALS", Key: "a", Values: []string{"1", "2"}}, {Kind: "not_equals", Key: "b", Values: []string{"1"}},
		{Kind: "CONTAINS", Key: "c", Values: []string{"x", "y"}}, {Kind: "NOT_CONTAINS", Key: "d", Values: []string{"x"}},
		{Kind: "EXISTS", Key: "e", Values: []string{"ignored"}}, {Kind: "NOT_EXISTS", Key: "f"},
	}})
	require.NoError(t, err)
	require.Equal(t, "a=1,b!=1,c in (x,y),d notin (x),e,!f", s.String())
	s, err = parseSelectors(activities.LabelSelectors{})
	require.NoError(t, err)
	require.True(t, s.Empty())
	for _, bad := range []activities.LabelSelector{{Kind: "LIKE", Key: "a"}, {Kind: "EQUALS", Values: []string{"1"}}, {Kind: "EQUALS", Key: "a"}, {Kind: "CONTAINS", Key: "a"}} {
		_, err = parseSelectors(activities.LabelSelectors{Selectors: []activities.LabelSelector{bad}})
		requireCode(t, err, pipeline.CodeInvalid)
	}
}

func TestGeneratedName(t *testing.T) {
	t.Parallel()
	name := generatedName("robot-", "op", 0, 0)
	require.Equal(t, name, generatedName("robot-", "op", 0, 0))
	seen := map[string]bool{name: true}
	for _, other := range []string{generatedName("robot-", "op2", 0, 0), generatedName("robot-", "op", 1, 0), generatedName("robot-", "op", 0, 1)} {
		require.False(t, seen[other])
		seen[other] = true
	}
	require.Len(t, generatedName(string(make([]byte, 100)), "op", 0, 0), 63)
}
