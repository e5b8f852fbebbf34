package clouddriver

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

func TestReferenceKindIdentity(t *testing.T) {
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

// The table of kinds, row by row (reference: clouddriver section 2), with what
// may be done with each: rollout stands for pause, resume, undo and restart.
func TestReferenceKindTable(t *testing.T) {
	t.Parallel()
	acc, err := newAccount(0, Account{Name: "a", CustomResources: []CustomResource{{KubernetesKind: "Widget.example.com", DeployPriority: "workload_priority", Versioned: true}}})
	require.NoError(t, err)
	rows := []struct {
		kind      string
		priority  int
		versioned bool
		spinnaker string
		can       string
	}{
		{"namespace", 0, false, "unclassified", ""},
		{"role", 20, false, "unclassified", ""},
		{"clusterRole", 20, false, "unclassified", ""},
		{"roleBinding", 30, false, "unclassified", ""},
		{"clusterRoleBinding", 30, false, "unclassified", ""},
		{"customResourceDefinition", 30, false, "unclassified", ""},
		{"persistentVolume", 40, false, "configs", ""},
		{"serviceAccount", 40, false, "unclassified", ""},
		{"storageClass", 40, false, "unclassified", ""},
		{"mutatingWebhookConfiguration", 40, false, "unclassified", ""},
		{"validatingWebhookConfiguration", 40, false, "unclassified", ""},
		{"configMap", 50, true, "configs", ""},
		{"secret", 50, true, "configs", ""},
		{"persistentVolumeClaim", 50, false, "configs", ""},
		{"service", 70, false, "loadBalancers", ""},
		{"ingress", 70, false, "loadBalancers", ""},
		{"networkPolicy", 70, false, "securityGroups", ""},
		{"apiService", 80, false, "unclassified", ""},
		{"limitRange", 90, false, "unclassified", ""},
		{"podPreset", 90, false, "unclassified", ""},
		{"podSecurityPolicy", 90, false, "unclassified", ""},
		{"podDisruptionBudget", 90, false, "unclassified", ""},
		{"pod", 100, true, "instances", "traffic"},
		{"replicaSet", 100, true, "serverGroups", "traffic,scale,resize,pods"},
		{"deployment", 100, false, "serverGroupManagers", "traffic,scale,resize,rollout"},
		{"statefulSet", 100, false, "serverGroups", "traffic,scale,resize,rollout"},
		{"daemonSet", 100, false, "serverGroups", "traffic,resize,rollout"},
		{"job", 100, false, "serverGroups", "traffic"},
		{"cronJob", 100, false, "serverGroups", "traffic"},
		{"horizontalpodautoscaler", 110, false, "unclassified", ""},
		{"Gadget.example.com", 1000, false, "unclassified", ""},
		{"Widget.example.com", 100, true, "unclassified", ""},
		{"event", 0, false, "unclassified", "undeployable"},
		{"controllerRevision", 0, false, "unclassified", "undeployable"},
	}
	clusterScoped := map[string]bool{}
	for _, kind := range []string{
		"apiService", "clusterRole", "clusterRoleBinding", "customResourceDefinition", "mutatingWebhookConfiguration", "validatingWebhookConfiguration",
		"namespace", "persistentVolume", "podSecurityPolicy", "storageClass",
	} {
		clusterScoped[kind] = true
	}
	for _, c := range rows {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			info := acc.info(ParseKind(c.kind))
			require.Equal(t, c.priority, info.priority)
			require.Equal(t, c.versioned, info.versioned)
			require.Equal(t, c.spinnaker, info.spinnakerKind)
			require.Equal(t, clusterScoped[c.kind], info.clusterScoped)
			require.Equal(t, c.kind, ParseKind(c.kind).String(), "it prints as registered")
			var can []string
			for what, has := range []bool{info.traffic, info.scale, info.resize, info.rollout, info.pods, info.undeployable} {
				if has {
					can = append(can, []string{"traffic", "scale", "resize", "rollout", "pods", "undeployable"}[what])
				}
			}
			require.Equal(t, c.can, strings.Join(can, ","))
		})
	}
	require.Len(t, kinds, len(rows)-2, "no kind is left out: two are none of the table")
}

func TestReferenceKindAliases(t *testing.T) {
	t.Parallel()
	for alias, kind := range map[string]string{
		"cm": "configMap", "crd": "customResourceDefinition", "ds": "daemonSet", "deploy": "deployment", "hpa": "horizontalpodautoscaler", "ns": "namespace",
		"netpol": "networkPolicy", "pv": "persistentVolume", "pvc": "persistentVolumeClaim", "po": "pod", "rs": "replicaSet", "svc": "service", "sa": "serviceAccount", "sc": "storageClass",
	} {
		require.Equal(t, kind, ParseKind(alias).String(), alias)
	}
	require.Len(t, aliases, 14)
	for _, group := range []string{
		"core", "batch", "apps", "extensions", "storage.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "autoscaling", "admissionregistration.k8s.io", "policy",
		"scheduling.k8s.io", "settings.k8s.io", "authorization.k8s.io", "authentication.k8s.io", "rbac.authorization.k8s.io", "certificates.k8s.io", "networking.k8s.io",
	} {
		require.True(t, ParseKind("deployment").Equal(ParseKind("Deployment."+group)), group)
	}
}

func TestReferenceDeployOrder(t *testing.T) {
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
