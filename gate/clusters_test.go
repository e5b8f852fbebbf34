package gate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// watchedAccount is an account that a mirror in memory knows.
type watchedAccount struct {
	store  *clusters.Store
	status clusters.Status
}

// mirrors is a mirror in memory, by the rules of clusters.Mirror.
type mirrors map[string]watchedAccount

func (m mirrors) Want(context.Context, []string) error { return nil }

func (m mirrors) Statuses(_ context.Context, accounts []string) (map[string]clusters.Status, error) {
	out := map[string]clusters.Status{}
	for _, a := range accounts {
		if w, ok := m[a]; ok {
			out[a] = w.status
		}
	}
	return out, nil
}

func (m mirrors) Slices(ctx context.Context, app string, accounts []string) (map[string]clusters.Slice, map[string]clusters.Status, error) {
	statuses, _ := m.Statuses(ctx, accounts)
	out := map[string]clusters.Slice{}
	for a := range statuses {
		out[a] = m[a].store.Slice(app)
	}
	return out, statuses, nil
}

func (m mirrors) Indexes(ctx context.Context, accounts []string) (map[string]clusters.Index, map[string]clusters.Status, error) {
	statuses, _ := m.Statuses(ctx, accounts)
	out := map[string]clusters.Index{}
	for a := range statuses {
		out[a] = m[a].store.Index()
	}
	return out, statuses, nil
}

func (m mirrors) Find(_ context.Context, account, namespace, fullName string) (string, bool, error) {
	w, ok := m[account]
	if !ok {
		return "", false, nil
	}
	k, ok := clusters.ParseName(namespace, fullName)
	for _, r := range w.store.Object(namespace, fullName).Records {
		if ok && clusters.KeyOf(r) == k {
			return r.Moniker.App, true, nil
		}
	}
	return "", false, nil
}

func (m mirrors) Search(_ context.Context, account, query string, limit int) ([]clusters.Entry, error) {
	return m[account].store.Search(account, query, limit), nil
}

// noOwner has no worker.
type noOwner struct{}

var errNoWorker = pipeline.Errorf(pipeline.CodeUnavailable, "No worker took the call from its task queue.")

func (noOwner) Slice(context.Context, string, string) (clusters.Slice, clusters.Status, error) {
	return clusters.Slice{}, clusters.Status{}, errNoWorker
}

func (noOwner) Index(context.Context, string) (clusters.Index, clusters.Status, error) {
	return clusters.Index{}, clusters.Status{}, errNoWorker
}

func (noOwner) Object(context.Context, string, string, string) (clusters.Slice, clusters.Status, error) {
	return clusters.Slice{}, clusters.Status{}, errNoWorker
}

func (noOwner) Search(context.Context, string, string, int) ([]clusters.Entry, clusters.Status, error) {
	return nil, clusters.Status{}, errNoWorker
}

// cluster is the account's cluster as questions to it are answered.
type cluster struct{ fail error }

func (c cluster) Manifest(_ context.Context, in activities.ShowManifestInput) (pipeline.Map, error) {
	if in.Name == "pod gone" {
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "gone")
	}
	events := []any{}
	if in.IncludeEvents {
		events = append(events, map[string]any{"reason": "Killing"})
	}
	return pipeline.Map{
		"account": in.Account, "location": in.Location, "name": in.Name, "events": events,
		"artifacts": []any{}, "manifest": map[string]any{}, "metrics": []any{}, "moniker": map[string]any{}, "status": map[string]any{}, "warnings": []any{},
	}, c.fail
}

func (c cluster) Manifests(_ context.Context, in activities.ListManifestsInput) ([]activities.ManifestCoordinates, error) {
	if in.Cluster == "none" && in.Criteria != "" {
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "No manifests matching")
	}
	return []activities.ManifestCoordinates{{Kind: in.Kind, Namespace: in.Location, Name: in.Application + "/" + in.Cluster + "/" + in.Criteria}}, c.fail
}

func (c cluster) Console(_ context.Context, in activities.ReadConsoleInput) ([]activities.ContainerLog, error) {
	return []activities.ContainerLog{{Name: "main", Output: in.Namespace + " " + in.Name}}, c.fail
}

func (c cluster) Logs(_ context.Context, in activities.FollowLogsInput) (activities.FollowLogsOutput, error) {
	if in.Name == "pod gone" {
		return activities.FollowLogsOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "gone")
	}
	out := activities.FollowLogsOutput{Container: "main", After: "2026-01-01T00:00:00.5Z", Seen: 2, Lines: []activities.LogLine{
		{Time: "2026-01-01T00:00:00.5Z", Text: "one"}, {Time: "2026-01-01T00:00:00.5Z", Text: "two\ndata: x"},
	}}
	if in.After != "" {
		return activities.FollowLogsOutput{Container: in.Container, After: in.After, Seen: in.Seen, Ended: true}, nil
	}
	return out, c.fail
}

// shopStore holds the objects of the door's own test data.
func shopStore(t testing.TB) *clusters.Store {
	t.Helper()
	raw, err := os.ReadFile("../clusters/testdata/shop.yaml")
	require.NoError(t, err)
	store := clusters.NewStore(nil)
	kindOf := func(kind string) string { return strings.ToLower(kind[:1]) + kind[1:] }
	groups := map[string]string{
		"deployment": clusters.ServerGroupManagers, "replicaSet": clusters.ServerGroups, "statefulSet": clusters.ServerGroups, "cronJob": clusters.ServerGroups,
		"pod": clusters.Instances, "service": clusters.LoadBalancers, "ingress": clusters.LoadBalancers, "networkPolicy": clusters.SecurityGroups,
	}
	for doc := range strings.SplitSeq(string(raw), "\n---\n") {
		var object map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(doc), &object))
		kind := kindOf(object["kind"].(string))
		if r, keep := clusters.Extract(clusters.Object{Fields: object, Kind: kind, Group: groups[kind], KindOf: func(_, k string) string { return kindOf(k) }}, clusters.Options{}); keep {
			store.Put(r)
		}
	}
	return store
}

// newClusterWorld is a world with two watched accounts, one of which the caller
// may not read, and one that nobody watches.
func newClusterWorld(t *testing.T, changes ...change) *world {
	t.Helper()
	store := shopStore(t)
	fresh := clusters.Status{Leader: "w1", Held: true, Generation: "g", At: noon.UnixMilli(), Synced: true, Kinds: []clusters.Watched{{Kind: "pod", State: clusters.Synced, Objects: 3}}}
	m := mirrors{"kubernetes": {store, fresh}, "hidden": {store, fresh}}
	all := []change{func(d *gate.Dependencies, _ *gate.Config) {
		d.Clusters = clusters.NewReader(m, noOwner{}, slog.New(slog.DiscardHandler), func() time.Time { return noon })
		d.Live = cluster{}
		_, err := d.Front50.SaveDocument(t.Context(), front50.KindProject, pipeline.Map{"name": "fleet", "config": map[string]any{"applications": []any{"shop"}, "clusters": []any{
			map[string]any{"account": "kubernetes", "detail": "*", "stack": "*"},
			map[string]any{"account": "hidden", "detail": "*", "stack": "*", "applications": nil},
		}}}, front50.DocumentOptions{})
		require.NoError(t, err)
		d.Accounts = accountsNamed("hidden", "kubernetes")
		d.AccountPermissions = func(_ context.Context, account string) (map[string][]string, bool) {
			if account == "hidden" {
				return map[string][]string{"READ": {"somebody"}}, true
			}
			return nil, account != "unknown"
		}
	}}
	w := newWorld(t, append(all, changes...)...)
	w.application(pipeline.Application{"name": "shop", "email": "a@example.com", "accounts": "elsewhere", "cloudProviders": "kubernetes"})
	return w
}

// TestClusterAnswers: each path answers what its golden shape says.
func TestClusterAnswers(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	golden := func(name string) string {
		raw, err := os.ReadFile("../clusters/testdata/golden/" + name + ".json")
		require.NoError(t, err)
		return strings.ReplaceAll(string(raw), `"main"`, `"kubernetes"`)
	}
	group := strings.TrimSuffix(strings.TrimSpace(golden("server-group")), "}")
	web := "/applications/shop/clusters/kubernetes/deployment%20web"
	for target, want := range map[string]string{
		"/applications/shop/serverGroups":                                                           golden("server-groups"),
		"/applications/SHOP/serverGroups?expand=false&cloudProvider=Kubernetes":                     golden("server-groups"),
		"/applications/shop/serverGroups?clusters=kubernetes:replicaSet%20cart":                     golden("server-groups-filtered"),
		"/applications/shop/serverGroups?clusters=kubernetes:replicaSet%20cart,a:":                  golden("server-groups-filtered"),
		"/applications/shop/serverGroups?clusters=":                                                 "[]",
		"/applications/shop/serverGroups?clusters=nonsense":                                         "[]",
		"/applications/shop/serverGroups?cloudProvider=aws":                                         "[]",
		"/applications/shop/serverGroups?expand=true&clusters=kubernetes:deployment%20web":          golden("server-groups-expanded"),
		"/serverGroups?applications=shop,unknown":                                                   golden("server-groups"),
		"/applications/nope/serverGroups":                                                           "[]",
		"/applications/shop/serverGroups/kubernetes/prod/replicaSet%20web-7d4?includeDetails=false": group + `, "insightActions": []}`,
		"/applications/shop/serverGroups/kubernetes/prod/replicaSet%20nope":                         "{}",
		"/serverGroups/kubernetes/prod/replicaSet%20web-7d4":                                        golden("server-group"),
		"/applications/shop/serverGroupManagers":                                                    golden("managers"),
		"/applications/shop/loadBalancers":                                                          golden("load-balancers"),
		"/loadBalancers":                                                                            "[]",
		"/kubernetes/loadBalancers":                                                                 "[]",
		"/kubernetes/loadBalancers/kubernetes/prod/service%20edge":                                  "[" + golden("load-balancer") + "]",
		"/loadBalancers/kubernetes/prod/service%20edge?provider=kubernetes":                         "[" + strings.TrimSuffix(strings.TrimSpace(golden("load-balancer")), "}") + `, "insightActions": []}]`,
		"/loadBalancers/kubernetes/prod/service%20nope":                                             "[]",
		"/loadBalancers/kubernetes/prod/service%20edge?provider=gce":                                "[]",
		"/applications/shop/clusters":                                                               golden("cluster-names"),
		"/applications/shop/clusters/kubernetes":                                                    golden("clusters"),
		web:                                                                                         golden("cluster"),
		web + "/kubernetes":                                                                         golden("cluster"),
		web + "/kubernetes?expand=false":                                                            golden("cluster-unexpanded"),
		"/applications/shop/clusters/kubernetes/nope":                                               "{}",
		"/applications/shop/clusters/kubernetes/nope/serverGroups":                                  "[]",
		web + "/serverGroups/x/scalingActivities":                                                   "[]",
		"/applications/shop/rawResources":                                                           golden("raw-resources"),
		"/securityGroups":                                                                           `{"kubernetes":{"kubernetes":{"prod":[{"id":"networkPolicy web","name":"networkPolicy web"}]}}}`,
		"/firewalls":                                                                                `{"kubernetes":{"kubernetes":{"prod":[{"id":"networkPolicy web","name":"networkPolicy web"}]}}}`,
		"/securityGroups/kubernetes?provider=kubernetes":                                            `{"prod":[{"id":"networkPolicy web","name":"networkPolicy web"}]}`,
		"/securityGroups/kubernetes/kubernetes":                                                     `{"prod":[{"id":"networkPolicy web","name":"networkPolicy web"}]}`,
		"/securityGroups/kubernetes/kubernetes?region=data":                                         `[]`,
		"/firewalls/kubernetes/prod":                                                                `[{"id":"networkPolicy web","name":"networkPolicy web"}]`,
		"/firewalls/kubernetes?provider=gce":                                                        `{}`,
		"/securityGroups/kubernetes/prod/networkPolicy%20web":                                       golden("security-group"),
		"/securityGroups/kubernetes/kubernetes/prod/networkPolicy%20web":                            golden("security-group"),
		"/firewalls/kubernetes/prod/networkPolicy%20web?provider=kubernetes":                        golden("security-group"),
		"/instances/kubernetes/data/pod%20db-0":                                                     strings.TrimSuffix(strings.TrimSpace(golden("instance")), "}") + `, "insightActions": []}`,
		"/instances/kubernetes/data/pod%20db-0/console?provider=kubernetes":                         `{"output":[{"name":"main","output":"data pod db-0"}]}`,
		"/manifests/kubernetes/prod/deployment%20web":                                               `{"account":"kubernetes","artifacts":[],"events":[{"reason":"Killing"}],"location":"prod","manifest":{},"metrics":[],"moniker":{},"name":"deployment web","status":{},"warnings":[]}`,
		"/manifests/kubernetes/prod/deployment%20web?includeEvents=false":                           `{"account":"kubernetes","artifacts":[],"events":[],"location":"prod","manifest":{},"metrics":[],"moniker":{},"name":"deployment web","status":{},"warnings":[]}`,
		"/manifests/kubernetes/_/namespace%20prod":                                                  `{"account":"kubernetes","artifacts":[],"events":[{"reason":"Killing"}],"location":"","manifest":{},"metrics":[],"moniker":{},"name":"namespace prod","status":{},"warnings":[]}`,
		"/manifests/kubernetes/namespace%20prod":                                                    `{"account":"kubernetes","artifacts":[],"events":[{"reason":"Killing"}],"location":"","manifest":{},"metrics":[],"moniker":{},"name":"namespace prod","status":{},"warnings":[]}`,
		"/manifests/kubernetes/prod/replicaSet/cluster/shop/replicaSet%20cart":                      `[{"kind":"replicaSet","name":"shop/replicaSet cart/","namespace":"prod"}]`,
		"/manifests/kubernetes/prod/replicaSet/cluster/shop/x/dynamic/newest":                       `{"kind":"replicaSet","name":"shop/x/newest","namespace":"prod"}`,
		"/projects/fleet/clusters":                                                                  "@1",
		"/credentials/kubernetes/watch":                                                             fmt.Sprintf(`{"account":"kubernetes","kinds":[{"kind":"pod","objects":3,"state":"synced"}],"leader":"w1","synced":true,"updatedAt":%d,"watched":true}`, noon.UnixMilli()),
		web + "/kubernetes/serverGroups?region=data":                                                "[]",
		web + "/kubernetes/loadBalancers":                                                           "@2",
		web + "/serverGroups":                                                                       "@2",
		web + "/serverGroups/replicaSet%20web-5c1":                                                  "@1",
		web + "/kubernetes/serverGroups/replicaSet%20web-5c1":                                       "@1",
		"/serverGroups?ids=kubernetes:prod:replicaSet%20web-7d4,kubernetes:a:b%20c,hidden:prod:replicaSet%20web-7d4": "@1",
		"/search?q=web-7d4&type=instances":    "@1",
		"/search?q=nightly&type=serverGroups": "@1",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			out := w.do("GET", target, "")
			require.Equal(t, http.StatusOK, out.Code, out.Body.String())
			require.Empty(t, out.Header().Get("X-Gennaker-Incomplete"))
			if count, isCount := strings.CutPrefix(want, "@"); isCount {
				var list []any
				require.NoError(t, json.Unmarshal(out.Body.Bytes(), &list))
				require.Len(t, list, int(count[0]-'0'))
				return
			}
			require.JSONEq(t, want, out.Body.String())
		})
	}
}

func TestClusterRefusals(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	web := "/applications/shop/clusters/kubernetes/deployment%20web"
	for target, want := range map[string]struct {
		status  int
		message string
	}{
		"/applications/shop/clusters/hidden":                              {403, "Access is denied"},
		"/applications/nope/clusters/kubernetes":                          {404, "No clusters found (application: nope, account: kubernetes)"},
		"/applications/shop/clusters/other":                               {404, "No clusters found"},
		web + "/aws":                                                      {404, "No cluster provider of type: aws found"},
		"/applications/shop/clusters/kubernetes/nope/kubernetes":          {404, "No clusters found"},
		web + "/kubernetes/prod/serverGroups/target/tallest":              {404, "unable to find tallest in kubernetes/kubernetes/prod/deployment web"},
		"/serverGroups":                                                   {400, "Provide either 'applications' or 'ids' parameter, but not both"},
		"/serverGroups?applications=a&ids=b:c:d":                          {400, "Provide either"},
		"/serverGroups?ids=a:b,c:d:e:f":                                   {400, "invalid ids: a:b, c:d:e:f"},
		"/serverGroups/kubernetes/prod/replicaSet%20x":                    {404, "Server group not found (account: kubernetes, region: prod, name: replicaSet x)"},
		"/serverGroups/hidden/prod/replicaSet%20web-7d4":                  {403, "Access is denied"},
		"/securityGroups?id=x":                                            {404, "No security group found (id: x)"},
		"/securityGroups/kubernetes/prod/networkPolicy%20x":               {404, "Security group 'networkPolicy x' does not exist"},
		"/securityGroups/kubernetes/aws/prod/networkPolicy%20web":         {404, "does not exist"},
		"/instances/kubernetes/prod/pod%20x":                              {404, "Instance not found (id: pod x)"},
		"/instances/hidden/prod/pod%20x/console":                          {403, "Access is denied"},
		"/instances/other/prod/pod%20x/console":                           {404, "Account not found"},
		"/instances/kubernetes/prod/pod%20gone/logs":                      {404, "gone"},
		"/instances/kubernetes/prod/pod%20x/logs?tail=x":                  {400, "tail"},
		"/manifests/hidden/prod/deployment%20web":                         {403, "Access is denied"},
		"/manifests/kubernetes/prod/pod%20gone":                           {404, "Unable to find pod gone in kubernetes/prod"},
		"/manifests/kubernetes/prod/pod/cluster/shop/none/dynamic/newest": {404, "No manifests matching"},
		"/manifests/kubernetes/prod/pod/cluster/shop/x/dynamic/tallest":   {400, "tallest"},
		"/projects/none/clusters":                                         {404, "Project not found (id: none)"},
		"/credentials/hidden/watch":                                       {403, "Access is denied"},
		"/loadBalancers/x":                                                {404, "Load balancer not found"},
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			out := w.do("GET", target, "")
			require.Equal(t, want.status, out.Code, out.Body.String())
			require.Contains(t, w.object(out).String("message"), want.message)
		})
	}
}

// TestNoAnswerShowsAHiddenAccount asks every GET of the document with the
// account that the caller may not read.
func TestNoAnswerShowsAHiddenAccount(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	doc, err := gate.OpenAPI()
	require.NoError(t, err)
	parsed, err := openapi3.NewLoader().LoadFromData(doc)
	require.NoError(t, err)
	asked := 0
	values := strings.NewReplacer("{application}", "shop", "{account}", "hidden", "{cluster}", "deployment%20web", "{type}", "kubernetes", "{region}", "prod",
		"{scope}", "prod", "{location}", "prod", "{kind}", "replicaSet", "{app}", "shop", "{criteria}", "newest", "{target}", "current_asg", "{name}", "replicaSet%20web-7d4")
	for path, item := range parsed.Paths.Map() {
		if item.Get == nil || !strings.Contains(item.Get.Description, "READ on the account") {
			continue
		}
		for _, id := range []string{"pod%20web-7d4-aaaaa", "fleet"} {
			out := w.do("GET", strings.ReplaceAll(values.Replace(path), "{id}", id), "")
			asked++
			require.NotContains(t, out.Body.String(), `"hidden"`, path)
			require.NotContains(t, out.Header().Get("X-Gennaker-Incomplete")+out.Header().Get("X-Gennaker-Stale"), "hidden", path)
			require.Less(t, out.Code, 500, path)
			if strings.Contains(path, "{account}") {
				require.Contains(t, []int{403, 404, 200}, out.Code, path)
				if out.Code == 200 {
					require.Contains(t, []string{"[]", "{}"}, strings.TrimSpace(out.Body.String()), path)
				}
			}
		}
	}
	require.Greater(t, asked, 50)
	for _, target := range []string{"/search?q=web", "/search?q=shop&type=clusters", "/applications", "/applications/shop"} {
		require.NotContains(t, w.do("GET", target, "").Body.String(), "hidden", target)
	}
}

// TestWhatAnAnswerLacksIsTold: old data and accounts without any.
func TestWhatAnAnswerLacksIsTold(t *testing.T) {
	t.Parallel()
	store := shopStore(t)
	at := func(ago time.Duration) clusters.Status {
		return clusters.Status{Generation: "g", At: noon.Add(-ago).UnixMilli(), Synced: true, Held: ago == 0}
	}
	behind, forbidden := at(0), at(0)
	behind.Behind = noon.Add(-90 * time.Second).UnixMilli()
	forbidden.Kinds = []clusters.Watched{{Kind: "pod", State: clusters.Forbidden, Message: "no"}}
	world := func(m mirrors, accounts ...string) *world {
		return newClusterWorld(t, func(d *gate.Dependencies, _ *gate.Config) {
			d.Clusters = clusters.NewReader(m, noOwner{}, slog.New(slog.DiscardHandler), func() time.Time { return noon })
			d.Accounts, d.AccountPermissions = accountsNamed(accounts...), nil
		})
	}
	m := mirrors{"old": {store, at(time.Minute)}, "behind": {store, behind}, "part": {store, forbidden}, "fresh": {store, at(0)}}
	out := world(m, "old", "behind", "part", "fresh", "nobody").do("GET", "/applications/shop/serverGroups", "")
	require.Equal(t, 200, out.Code)
	require.Equal(t, "old=60s, behind=90s", out.Header().Get("X-Gennaker-Stale"))
	require.Equal(t, "part (pod is forbidden), nobody (No worker took the call from its task queue.)", out.Header().Get("X-Gennaker-Incomplete"))
	require.Contains(t, out.Header().Get("Access-Control-Expose-Headers"), "X-Gennaker-Stale")
	var groups []any
	require.NoError(t, json.Unmarshal(out.Body.Bytes(), &groups))
	require.Len(t, groups, 4*5)

	nobody := world(mirrors{}, "nobody")
	out = nobody.do("GET", "/applications/shop/serverGroups", "")
	require.Equal(t, 503, out.Code, "nothing known is no empty list")
	require.Contains(t, out.Body.String(), "No worker took the call")
	for _, target := range []string{"/applications", "/applications/shop", "/applications/shop?expand=false", "/search?q=shop"} {
		out = nobody.do("GET", target, "")
		require.Equal(t, 200, out.Code, target)
		require.Contains(t, out.Header().Get("X-Gennaker-Incomplete"), "nobody", target)
		require.Contains(t, out.Body.String(), "shop", target)
	}
}

// TestApplicationsThatRun: what clusters hold completes what Front50 has.
func TestApplicationsThatRun(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	list := w.get("/applications").([]any)
	require.Equal(t, []string{"shop", "foo"}, names(t, list, "name"), "edge has a load balancer and no cluster")
	require.Equal(t, "kubernetes", pipeline.AsMap(list[0]).String("accounts"), "clusters know better than Front50")
	require.Equal(t, "kubernetes", pipeline.AsMap(list[1]).String("accounts"))
	app := pipeline.AsMap(w.get("/applications/shop"))
	require.Equal(t, "kubernetes", app.Map("attributes").String("accounts"))
	raw, err := os.ReadFile("../clusters/testdata/golden/application-clusters.json")
	require.NoError(t, err)
	got, err := json.Marshal(app["clusters"])
	require.NoError(t, err)
	require.JSONEq(t, strings.ReplaceAll(string(raw), `"main"`, `"kubernetes"`), string(got))
	require.Empty(t, pipeline.AsMap(w.get("/applications/shop?expand=false"))["clusters"])
	foo := pipeline.AsMap(w.get("/applications/Foo"))
	require.Equal(t, pipeline.Map{"name": "foo", "accounts": "kubernetes", "cloudProviders": "kubernetes"}, foo.Map("attributes"))
	require.Equal(t, 404, w.do("GET", "/applications/edge", "").Code)
}

func TestSearchInClusters(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	find := func(target string) (pipeline.Map, []any) {
		set := pipeline.AsMap(w.get(target).([]any)[0])
		return set, set["results"].([]any)
	}
	set, results := find("/search?q=WEB-7D4-A&type=instances&pageSize=500")
	require.Equal(t, int64(1), set["totalMatches"])
	require.Equal(t, pipeline.Map{
		"account": "kubernetes", "application": "shop", "group": "pod", "instanceId": "pod web-7d4-aaaaa", "kubernetesKind": "pod",
		"name": "pod web-7d4-aaaaa", "namespace": "prod", "provider": "kubernetes", "region": "prod", "type": "instances",
	}, pipeline.AsMap(results[0]))
	_, results = find("/search?q=nightly&type=clusters")
	require.Equal(t, pipeline.Map{
		"account": "kubernetes", "application": "shop", "cluster": "cronJob nightly", "group": "clusters", "logicalKind": "clusters",
		"name": "cronJob nightly", "provider": "kubernetes", "type": "clusters",
	}, pipeline.AsMap(results[0]))
	_, results = find("/search?q=shop&type=serverGroups")
	require.Len(t, results, 5, "the application's, whatever they are called")
	_, results = find("/search?q=cart&type=replicaSet")
	require.Equal(t, "replicaSet cart-v003", pipeline.AsMap(results[0]).String("serverGroup"))
	set, results = find("/search?q=web&pageSize=2&page=2")
	require.Len(t, results, 2)
	require.Greater(t, set["totalMatches"], int64(4))
	_, results = find("/search?q=foo&type=applications")
	require.Equal(t, "foo", pipeline.AsMap(results[0]).String("application"))
	_, results = find("/search?q=web&type=projects")
	require.Empty(t, results)
	_, results = find("/search?q=web&type=instances&page=99")
	require.Empty(t, results)
}

// TestClusterManifestsThatCannotBeRead answer null, and say why.
func TestClusterManifestsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t, func(d *gate.Dependencies, _ *gate.Config) {
		d.Live = cluster{fail: pipeline.Errorf(pipeline.CodeUnavailable, "away")}
	})
	out := w.do("GET", "/manifests/kubernetes/prod/pod/cluster/shop/x", "")
	require.Equal(t, 200, out.Code)
	require.Equal(t, "null", strings.TrimSpace(out.Body.String()))
	require.Equal(t, "kubernetes (away)", out.Header().Get("X-Gennaker-Incomplete"))
	require.Equal(t, 503, w.do("GET", "/manifests/kubernetes/prod/pod%20x", "").Code)
}

// TestLogStream: lines as events, whose id is where to go on.
func TestLogStream(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	out := w.do("GET", "/instances/kubernetes/prod/pod%20web/logs?container=main&tail=9", "")
	require.Equal(t, "text/event-stream", out.Header().Get("Content-Type"))
	require.Equal(t, ": open\n\n"+
		"event: line\ndata: {\"container\":\"main\",\"text\":\"one\",\"time\":\"2026-01-01T00:00:00.5Z\"}\n\n"+
		"id: 2026-01-01T00:00:00.5Z/2\nevent: line\ndata: {\"container\":\"main\",\"text\":\"two\\ndata: x\",\"time\":\"2026-01-01T00:00:00.5Z\"}\n\n"+
		"event: ping\ndata: {}\n\nevent: end\ndata: {}\n\n", out.Body.String())
	out = w.do("GET", "/instances/kubernetes/prod/pod%20web/logs", "", "Last-Event-ID", "2026-01-01T00:00:00.5Z/2")
	require.NotContains(t, out.Body.String(), "one")
	require.Contains(t, out.Body.String(), "event: end")
	require.Equal(t, 400, w.do("GET", "/instances/kubernetes/prod/pod%20web/logs", "", "Last-Event-ID", "7").Code)
}
