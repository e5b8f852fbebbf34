package clusters_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/internal/httpjson"
)

var update = flag.Bool("update", false, "write the golden files")

// groups says what Spinnaker calls the kinds of the test data.
var groups = map[string]string{
	"deployment": clusters.ServerGroupManagers, "replicaSet": clusters.ServerGroups, "statefulSet": clusters.ServerGroups,
	"cronJob": clusters.ServerGroups, "pod": clusters.Instances, "service": clusters.LoadBalancers, "ingress": clusters.LoadBalancers,
	"networkPolicy": clusters.SecurityGroups,
}

// load puts the objects of a YAML file into a store.
func load(t testing.TB, file string, options clusters.Options) *clusters.Store {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	store := clusters.NewStore(nil)
	for doc := range strings.SplitSeq(string(raw), "\n---\n") {
		var object map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(doc), &object))
		if record, keep := clusters.Extract(objectOf(object), options); keep {
			store.Put(record)
		}
	}
	return store
}

func objectOf(fields map[string]any) clusters.Object {
	kind, _ := fields["kind"].(string)
	kind = strings.ToLower(kind[:1]) + kind[1:]
	return clusters.Object{Fields: fields, Kind: kind, Group: groups[kind], KindOf: func(_, kind string) string {
		return strings.ToLower(kind[:1]) + kind[1:]
	}}
}

// mirrored is what a slice is after it was kept as JSON.
func mirrored(t *testing.T, s clusters.Slice) clusters.Slice {
	t.Helper()
	raw, err := json.Marshal(s)
	require.NoError(t, err)
	var out clusters.Slice
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

// TestShapes compares every answer with what Spinnaker's clients know.
func TestShapes(t *testing.T) {
	t.Parallel()
	store := load(t, "testdata/shop.yaml", clusters.Options{})
	view := clusters.NewView("Shop", map[string]clusters.Slice{"main": mirrored(t, store.Slice("SHOP")), "empty": {}})
	object := func(namespace, name string) *clusters.View {
		return clusters.NewView("", map[string]clusters.Slice{"main": mirrored(t, store.Object(namespace, name))})
	}
	found := func(v any, ok bool) any {
		require.True(t, ok)
		return v
	}
	one := func(v any, ok bool) any { return found(v, ok) }
	web := clusters.ClusterID{Account: "main", Name: "deployment web"}
	star := "*"
	for name, answer := range map[string]any{
		"server-groups":          view.ServerGroups(nil),
		"server-groups-filtered": view.ServerGroups(clusters.ParseClusterIDs([]string{"main:replicaSet cart", "x", "other:deployment web", "a:b:c", ":x", "y:"})),
		"server-groups-expanded": view.ExpandedServerGroups([]clusters.ClusterID{web}),
		"managers":               view.ServerGroupManagers(),
		"load-balancers":         view.LoadBalancers(),
		"cluster-names":          view.ClusterNames(),
		"clusters":               view.Clusters("main"),
		"cluster":                func() any { c, ok := view.Cluster(web, true); return one(c, ok) }(),
		"cluster-unexpanded":     func() any { c, ok := view.Cluster(web, false); return one(c, ok) }(),
		"application-clusters":   view.ApplicationClusters(),
		"raw-resources":          view.RawResources(func(string) clusters.RawFilter { return clusters.RawFilter{} }),
		"raw-resources-filtered": view.RawResources(func(string) clusters.RawFilter {
			return clusters.RawFilter{OmitKinds: []string{"service"}, KindExpressions: []string{"in.*"}, OmitKindExpressions: []string{"(?i).*set", "ingress", "["}}
		}),
		"server-group": func() any {
			s, ok := object("prod", "replicaSet web-7d4").ServerGroup("prod", "replicaSet web-7d4")
			return one(s, ok)
		}(),
		"load-balancer": func() any {
			b, ok := object("prod", "service edge").LoadBalancer("prod", "service edge")
			return one(b, ok)
		}(),
		"instance": func() any { i, ok := object("data", "pod db-0").Instance("data", "pod db-0"); return one(i, ok) }(),
		"security-group": func() any {
			s, ok := object("prod", "networkpolicy web").SecurityGroup("prod", "networkPolicy web")
			return one(s, ok)
		}(),
		"project": clusters.ProjectCluster{Account: "main", Stack: nil, Detail: &star}.Row(
			[]string{"shop", "unknown"}, map[string]*clusters.View{"shop": view}),
		"index": store.Index(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, answer)
		})
	}
}

func golden(t *testing.T, name string, answer any) {
	t.Helper()
	compact, err := httpjson.Encode(answer)
	require.NoError(t, err)
	var decoded any
	require.NoError(t, json.Unmarshal(compact, &decoded))
	got, err := json.MarshalIndent(decoded, "", "  ")
	require.NoError(t, err)
	file := filepath.Join("testdata", "golden", name+".json")
	if *update {
		require.NoError(t, os.WriteFile(file, append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got)+"\n")
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	store := load(t, "testdata/shop.yaml", clusters.Options{})
	for _, name := range []string{"", "pod", "pod  x", "pod nope", "nope web", "pod web-7d4-aaaaa x", "deployment shop-hidden"} {
		require.Empty(t, store.Object("prod", name).Records, name)
	}
	require.Empty(t, store.Slice("nope").Records)
	view := clusters.NewView("nope", map[string]clusters.Slice{"main": {}})
	require.Empty(t, view.ServerGroups(nil))
	require.Empty(t, view.ClusterNames())
	_, ok := view.Cluster(clusters.ClusterID{Account: "main", Name: "x"}, true)
	require.False(t, ok)
	_, ok = view.ServerGroup("prod", "replicaSet x")
	require.False(t, ok)
}

func TestOnlySpinnakerManaged(t *testing.T) {
	t.Parallel()
	store := load(t, "testdata/shop.yaml", clusters.Options{OnlySpinnakerManaged: true})
	require.NotContains(t, store.Applications(), "foo")
	require.Contains(t, store.Applications(), "shop")
	require.Empty(t, store.Object("data", "pod db-0").Records, "its controller is managed, it is not")
}

func TestTargets(t *testing.T) {
	t.Parallel()
	store := load(t, "testdata/shop.yaml", clusters.Options{})
	view := clusters.NewView("shop", map[string]clusters.Slice{"main": store.Slice("shop")})
	web := clusters.ClusterID{Account: "main", Name: "deployment web"}
	cart := clusters.ClusterID{Account: "main", Name: "replicaSet cart"}
	for _, tt := range []struct {
		cluster      clusters.ClusterID
		target       string
		enabled, old bool
		want, why    string
	}{
		{web, "current_asg_dynamic", false, true, "replicaSet web-7d4", ""},
		{web, "NEWEST", false, true, "replicaSet web-7d4", ""},
		{web, "ancestor_asg", false, true, "replicaSet web-5c1", ""},
		{web, "oldest_asg_dynamic", false, true, "replicaSet web-5c1", ""},
		{web, "largest", false, true, "replicaSet web-7d4", ""},
		{web, "fail", false, true, "", "More than one target found"},
		{cart, "fail", false, true, "replicaSet cart-v003", ""},
		{cart, "current", true, true, "", "No server groups found"},
		{cart, "oldest", false, true, "", "Target not found (target: oldest)"},
		{cart, "oldest", false, false, "replicaSet cart-v003", ""},
		{cart, "previous", false, true, "", "Target not found (target: previous)"},
		{web, "tallest", false, true, "", "Target not found (target: tallest)"},
	} {
		t.Run(tt.cluster.Name+" "+tt.target, func(t *testing.T) {
			t.Parallel()
			got, why, ok := view.Target(tt.cluster, "prod", tt.target, tt.enabled, tt.old)
			require.Equal(t, tt.want != "", ok)
			require.Equal(t, tt.why, why)
			require.Equal(t, tt.want, got.Name)
		})
	}
}
