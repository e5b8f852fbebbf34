package clusters_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/clusters"
)

func TestMonikers(t *testing.T) {
	t.Parallel()
	n := func(i int) *int { return &i }
	for name, tt := range map[string]struct {
		kind, name  string
		annotations map[string]string
		want        clusters.Moniker
	}{
		"by name":            {"deployment", "foo-bar", nil, clusters.Moniker{App: "foo", Cluster: "foo-bar"}},
		"one word":           {"deployment", "foo", nil, clusters.Moniker{App: "foo", Cluster: "foo"}},
		"version":            {"configMap", "foo-bar-v012", nil, clusters.Moniker{App: "foo", Cluster: "foo-bar", Sequence: n(12)}},
		"long version":       {"configMap", "foo-v1000", nil, clusters.Moniker{App: "foo", Cluster: "foo", Sequence: n(1000)}},
		"no version":         {"configMap", "foo-v12", nil, clusters.Moniker{App: "foo", Cluster: "foo-v12"}},
		"system":             {"clusterRole", "system:coredns", nil, clusters.Moniker{App: "system", Cluster: "system:coredns"}},
		"system version":     {"clusterRole", "system:a:b-c-v003", nil, clusters.Moniker{App: "system", Cluster: "system:a:b-c", Sequence: n(3)}},
		"revision":           {"replicaSet", "foo-5f", map[string]string{"deployment.kubernetes.io/revision": "7"}, clusters.Moniker{App: "foo", Cluster: "foo-5f", Sequence: n(7)}},
		"revision of others": {"deployment", "foo", map[string]string{"deployment.kubernetes.io/revision": "7"}, clusters.Moniker{App: "foo", Cluster: "foo"}},
		"annotations": {"replicaSet", "foo-v001", map[string]string{
			"moniker.spinnaker.io/application": "shop", "moniker.spinnaker.io/cluster": "replicaSet foo", "moniker.spinnaker.io/stack": "s",
			"moniker.spinnaker.io/detail": `"d"`, "moniker.spinnaker.io/sequence": "9", "deployment.kubernetes.io/revision": "7",
		}, clusters.Moniker{App: "shop", Cluster: "replicaSet foo", Stack: "s", Detail: "d", Sequence: n(9)}},
		"quoted badly": {"deployment", "foo", map[string]string{"moniker.spinnaker.io/application": `"a"b"`}, clusters.Moniker{Cluster: "foo"}},
		"no number":    {"deployment", "foo-v001", map[string]string{"moniker.spinnaker.io/sequence": "x"}, clusters.Moniker{App: "foo", Cluster: "foo"}},
		"empty":        {"deployment", "foo", map[string]string{"moniker.spinnaker.io/application": ""}, clusters.Moniker{Cluster: "foo"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, clusters.MonikerOf(tt.kind, tt.name, tt.annotations))
		})
	}
}

// FuzzExtract: whatever an object holds, a record can be made of it, or not, and
// its slice can be shown.
func FuzzExtract(f *testing.F) {
	f.Add("foo-v001", "shop", `["service x"]`, "8080", "Running")
	f.Add("system:x", `"`, `[1]`, "http", "")
	f.Add("", "", `{`, "", "\x00")
	f.Fuzz(func(t *testing.T, name, app, balancers, port, phase string) {
		store := clusters.NewStore(nil)
		for _, kind := range []string{"ReplicaSet", "Pod", "Service", "Ingress", "NetworkPolicy", "CronJob"} {
			object := map[string]any{
				"kind": kind, "apiVersion": "networking.k8s.io/v1",
				"metadata": map[string]any{
					"name": name, "namespace": app, "labels": map[string]any{name: app, "x": 1}, "creationTimestamp": phase,
					"annotations":     map[string]any{"moniker.spinnaker.io/application": app, "moniker.spinnaker.io/sequence": port, "traffic.spinnaker.io/load-balancers": balancers},
					"ownerReferences": []any{map[string]any{"kind": "ReplicaSet", "name": name}, "x", nil},
				},
				"spec": map[string]any{
					"replicas": port, "selector": map[string]any{name: app}, "template": map[string]any{"metadata": map[string]any{"labels": map[string]any{name: app}}},
					"rules":   []any{map[string]any{"http": map[string]any{"paths": []any{map[string]any{"backend": map[string]any{"service": map[string]any{"name": name}}}}}}},
					"ingress": []any{map[string]any{"ports": []any{map[string]any{"port": port}, map[string]any{"port": 7.0}, 3}}},
				},
				"status": map[string]any{"phase": phase, "containerStatuses": []any{map[string]any{"name": name}}},
			}
			if record, keep := clusters.Extract(objectOf(object), clusters.Options{}); keep {
				store.Put(record)
			}
		}
		view := clusters.NewView(app, map[string]clusters.Slice{"a": store.Slice(app)})
		view.ServerGroups(nil)
		view.LoadBalancers()
		view.Clusters("a")
		view.RawResources(func(string) clusters.RawFilter { return clusters.RawFilter{KindExpressions: []string{name}} })
	})
}

// FuzzClusterIDs: items of the query are read or passed over.
func FuzzClusterIDs(f *testing.F) {
	for _, seed := range []string{"a:b", "a:b:c", ":", "", "a:", "deployment web"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, item string) {
		for _, id := range clusters.ParseClusterIDs([]string{item}) {
			require.Equal(t, item, id.Account+":"+id.Name)
		}
	})
}
