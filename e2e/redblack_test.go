package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// redBlackRounds is how many deployments follow each other;
// GENNAKER_REDBLACK_ROUNDS asks for more than the short form, 50 for a release.
func redBlackRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("GENNAKER_REDBLACK_ROUNDS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// balanced is a pipeline that deploys a ReplicaSet behind the service front.
func balanced(w *world, strategy string) pipeline.Map {
	return pipeline.Map{"application": w.Application, "name": strategy, "stages": []any{map[string]any{
		"refId": "1", "type": "deployManifest", "name": "Deploy", "account": "kubernetes", "cloudProvider": "kubernetes",
		"moniker": map[string]any{"app": w.Application},
		"manifests": []any{map[string]any{
			"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": map[string]any{"name": "web", "namespace": w.Namespace},
			"spec": map[string]any{
				"replicas": 2, "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
				"template": map[string]any{
					"metadata": map[string]any{"labels": map[string]any{"app": "web"}},
					"spec":     map[string]any{"containers": []any{map[string]any{"name": "web", "image": "nginx:${execution.id}"}}},
				},
			},
		}},
		"trafficManagement": map[string]any{"enabled": true, "options": map[string]any{
			"enableTraffic": true, "services": []any{"service front"}, "strategy": strategy,
		}},
	}}}
}

// serving lists the ready pods that the service selects, by their ReplicaSets.
func serving(ctx context.Context, w *world) (map[string]int, error) {
	pods, err := w.Cluster.Pods(ctx, w.Namespace, "web-v")
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, pod := range pods {
		ready := false
		for _, c := range pod.Status.Conditions {
			ready = ready || c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		}
		if ready && pod.Labels["lb"] == "front" && pod.DeletionTimestamp == nil {
			out[pod.Name[:strings.LastIndex(pod.Name, "-")]]++
		}
	}
	return out, nil
}

// TestRedBlackWhileWorkersDie: one deployment after another replaces its
// forerunner while workers are killed at random moments. The service is never
// without a ready pod, each new server group has the traffic alone at its end, and
// red/black deletes none; the highlander at last leaves one.
func TestRedBlackWhileWorkersDie(t *testing.T) {
	rounds := redBlackRounds(t)
	ctx := within(t, 2*time.Minute+time.Duration(rounds)*time.Minute)
	w := newWorld(t, ctx)
	require.NoError(t, w.Cluster.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "front"},
		"spec": map[string]any{"selector": map[string]any{"lb": "front"}, "ports": []any{map[string]any{"port": int64(80)}}},
	}}, w.Namespace))
	for _, strategy := range []string{"redblack", "highlander"} {
		_, err := w.Gate.Save(ctx, balanced(w, strategy))
		require.NoError(t, err)
	}
	// The first comes undisturbed; from then on there is always someone to serve.
	deployAndEnd(t, ctx, w, "redblack", nil)
	var outages atomic.Int64
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for watching.Err() == nil {
			if now, err := serving(watching, w); err == nil && len(now) == 0 {
				outages.Add(1)
			}
			select {
			case <-watching.Done():
			case <-time.After(moment):
			}
		}
	}()
	// A fixed seed: what fails once fails again.
	random := rand.New(rand.NewPCG(3, 4))
	kill := func() {
		for range 1 + random.IntN(2) {
			select { // the moment is what is random
			case <-ctx.Done():
			case <-time.After(time.Duration(random.IntN(2500)) * time.Millisecond):
			}
			worker := w.Workers[random.IntN(len(w.Workers))]
			worker.Kill()
			require.NoError(t, worker.Start(ctx))
		}
	}
	for round := range rounds {
		deployAndEnd(t, ctx, w, "redblack", kill)
		requireTraffic(t, ctx, w, fmt.Sprintf("web-v%03d", round+1))
	}
	for version := range rounds + 1 {
		live, err := w.Cluster.Get(ctx, "apps/v1", "ReplicaSet", w.Namespace, fmt.Sprintf("web-v%03d", version))
		require.NoError(t, err)
		require.NotNil(t, live, "red/black deletes no server group that serves")
	}
	deployAndEnd(t, ctx, w, "highlander", kill)
	requireTraffic(t, ctx, w, fmt.Sprintf("web-v%03d", rounds+1))
	for version := range rounds + 1 {
		live, err := w.Cluster.Get(ctx, "apps/v1", "ReplicaSet", w.Namespace, fmt.Sprintf("web-v%03d", version))
		require.NoError(t, err)
		require.Nil(t, live, "there can be only one")
	}
	stop()
	<-watched
	require.Zero(t, outages.Load(), "moments in which no ready pod had traffic")
	requireNothingOpen(t, ctx, w)
}

// deployAndEnd runs a pipeline to its end and disturbs it meanwhile.
func deployAndEnd(t *testing.T, ctx context.Context, w *world, name string, meanwhile func()) {
	t.Helper()
	id, err := w.Gate.Start(ctx, w.Application, name, nil)
	require.NoError(t, err)
	if meanwhile != nil {
		meanwhile()
	}
	e, err := w.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))
}

// requireTraffic checks that one server group has the traffic alone.
func requireTraffic(t *testing.T, ctx context.Context, w *world, set string) {
	t.Helper()
	now, err := serving(ctx, w)
	require.NoError(t, err)
	require.Equal(t, map[string]int{set: 2}, now)
}
