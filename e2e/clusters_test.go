package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// TestWhatRunsIsSeen deploys by a pipeline and asks Gate what Deck asks, with all
// parts there, without Redis, and after the worker that led has died.
func TestWhatRunsIsSeen(t *testing.T) {
	ctx := within(t, 5*time.Minute)
	w := newWorld(t, ctx)
	_, err := w.Gate.Save(ctx, pipeline.Map{"application": w.Application, "name": "Deploy", "stages": []any{map[string]any{
		"refId": "1", "type": "deployManifest", "name": "Deploy", "account": harness.Account, "cloudProvider": "kubernetes", "source": "text",
		"moniker": map[string]any{"app": w.Application}, "manifests": []any{
			map[string]any{
				"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "namespace": w.Namespace},
				"spec": map[string]any{"replicas": 2, "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}}, "template": map[string]any{
					"metadata": map[string]any{"labels": map[string]any{"app": "web"}},
					"spec":     map[string]any{"containers": []any{map[string]any{"name": "web", "image": "example.com/web:1"}}},
				}},
			},
			map[string]any{
				"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "web", "namespace": w.Namespace},
				"spec": map[string]any{"selector": map[string]any{"app": "web"}, "ports": []any{map[string]any{"port": 80}}},
			},
		},
	}}})
	require.NoError(t, err)
	id, err := w.Gate.Start(ctx, w.Application, "Deploy", nil)
	require.NoError(t, err)
	e, err := w.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))

	group := w.awaitGroup(ctx, t)
	require.Equal(t, "deployment web", group.Cluster)
	require.Equal(t, []string{"service web"}, group.LoadBalancers)
	pod := group.Instances[0].Name
	require.Eventually(t, func() bool { // the owner answers before a leader has mirrored everything
		answer, err := w.Gate.Do(ctx, http.MethodGet, "/credentials/kubernetes/watch", nil)
		return err == nil && strings.Contains(string(answer.Body), `"synced":true`)
	}, time.Minute, 200*time.Millisecond)
	app := "/applications/" + w.Application
	for path, want := range map[string]string{
		app + "/clusters":            `"deployment web"`,
		app + "/serverGroupManagers": group.Name,
		app + "/loadBalancers":       "service web",
		app + "/rawResources":        "deployment web",
		app:                          `"deployment web"`,
		app + "/serverGroups/kubernetes/" + w.Namespace + "/" + group.Name:                                                 `"insightActions"`,
		app + "/clusters/kubernetes/deployment web/kubernetes/" + "serverGroups":                                           group.Name,
		"/instances/kubernetes/" + w.Namespace + "/" + pod:                                                                 `"healthState":"Up"`,
		"/instances/kubernetes/" + w.Namespace + "/" + pod + "/console":                                                    "simulated container",
		"/manifests/kubernetes/" + w.Namespace + "/deployment web":                                                         `"stable":{"state":true}`,
		"/manifests/kubernetes/" + w.Namespace + "/replicaSet/cluster/x/y":                                                 "[]",
		"/search?q=" + w.Application + "&type=clusters":                                                                    "deployment web",
		"/search?q=" + strings.TrimPrefix(pod, "pod ") + "&type=instances":                                                 pod,
		"/credentials/kubernetes/watch":                                                                                    `"watched":true`,
		"/serverGroups?ids=kubernetes:" + w.Namespace + ":" + url.QueryEscape(group.Name):                                  group.Name,
		"/loadBalancers/kubernetes/" + w.Namespace + "/service web?provider=kubernetes":                                    group.Name,
		"/manifests/kubernetes/namespace " + w.Namespace:                                                                   w.Namespace,
		app + "/serverGroups?clusters=kubernetes:deployment web&expand=true":                                               `"accountName":"kubernetes"`,
		app + "/clusters/kubernetes/deployment web/kubernetes/" + w.Namespace + "/serverGroups/target/current_asg_dynamic": group.Name,
	} {
		answer, err := w.Gate.Do(ctx, http.MethodGet, strings.ReplaceAll(path, " ", "%20"), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.Status, "%s: %s", path, answer.Body)
		require.Contains(t, string(answer.Body), want, path)
	}
	w.followLog(ctx, t, pod)

	w.Redis.Kill()
	w.awaitGroup(ctx, t)
	require.NoError(t, w.Redis.Start(ctx))
	w.awaitGroup(ctx, t)
	for _, worker := range w.Workers { // one of them leads
		worker.Kill()
		died := time.Now()
		w.awaitGroup(ctx, t)
		t.Logf("answered %s after a worker died", time.Since(died).Round(time.Millisecond))
		require.NoError(t, worker.Start(ctx))
	}
}

// awaitGroup waits until Gate shows the one server group of the account with two
// healthy instances. At no moment may it show fewer than were there.
func (w *world) awaitGroup(ctx context.Context, t *testing.T) clusters.ServerGroupSummary {
	t.Helper()
	var found clusters.ServerGroupSummary
	var last harness.Answer
	require.Eventually(t, func() bool {
		answer, err := w.Gate.Do(ctx, http.MethodGet, "/applications/"+w.Application+"/serverGroups", nil)
		if err != nil || answer.Status != http.StatusOK {
			return false
		}
		last = answer
		var groups []clusters.ServerGroupSummary
		require.NoError(t, json.Unmarshal(answer.Body, &groups))
		for _, g := range groups {
			if g.Account == harness.Account && g.InstanceCounts.Up == 2 {
				found = g
				return true
			}
		}
		return false
	}, 90*time.Second, 100*time.Millisecond, "the last answer was %s", last.Body)
	return found
}

// followLog reads the stream of a pod's log until its last line.
func (w *world) followLog(ctx context.Context, t *testing.T, pod string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.Gate.Base+"/instances/kubernetes/"+w.Namespace+"/"+url.PathEscape(pod)+"/logs", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "simulated container done") {
			return
		}
	}
	t.Fatalf("the log's last line did not come: %v", lines.Err())
}
