package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// TestIstioCanary runs a canary as people write it, with Istio's routes, on a
// cluster where the documented command has installed Istio's definitions.
func TestIstioCanary(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	w := newWorld(t, ctx)
	install := exec.CommandContext(ctx, "go", "run", "./deploy/local/cmd/demo", "istio", "--kubeconfig", w.Cluster.Kubeconfig)
	install.Dir = ".."
	out, err := install.CombinedOutput()
	require.NoError(t, err, string(out))

	raw, err := os.ReadFile(filepath.Join("testdata", "istio", "canary.json"))
	require.NoError(t, err)
	text := strings.NewReplacer("{{application}}", w.Application, "{{namespace}}", w.Namespace).Replace(string(raw))
	var config pipeline.Map
	require.NoError(t, json.Unmarshal([]byte(text), &config))
	config["application"] = w.Application
	_, err = w.Gate.Save(ctx, config)
	require.NoError(t, err)
	id, err := w.Gate.Start(ctx, w.Application, config.String("name"), nil)
	require.NoError(t, err)

	e, err := w.Gate.Await(ctx, id, "its judgment", func(e *pipeline.Execution) bool {
		return e.Status.Complete() || harness.StageNamed(e, "Promote?").Status == pipeline.Running
	})
	require.NoError(t, err)
	require.Equal(t, pipeline.Running, e.Status, harness.Describe(e))
	route, err := w.Cluster.Get(ctx, "networking.istio.io/v1alpha3", "VirtualService", w.Namespace, "shop")
	require.NoError(t, err)
	require.NotNil(t, route)
	requirePart(t, map[string]any{"metadata": map[string]any{
		"annotations": map[string]any{"moniker.spinnaker.io/application": w.Application, "artifact.spinnaker.io/name": "shop"},
		"labels":      map[string]any{"app.kubernetes.io/managed-by": "spinnaker", "app.kubernetes.io/name": w.Application},
	}}, route.Object, "VirtualService")
	first, err := w.Cluster.Get(ctx, "batch/v1", "Job", w.Namespace, "shop-tests")
	require.NoError(t, err)
	require.NotNil(t, first)

	require.NoError(t, w.Gate.Patch(ctx, id, "Promote?", pipeline.Map{"judgmentStatus": "continue"}))
	e, err = w.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))
	for _, s := range e.Stages {
		require.Equal(t, pipeline.Succeeded, s.Status, s.Name)
		require.Empty(t, s.Context["attempts"], s.Name)
	}

	prod, err := w.Cluster.Get(ctx, "apps/v1", "Deployment", w.Namespace, "shop-prod")
	require.NoError(t, err)
	requirePart(t, map[string]any{"status": map[string]any{"readyReplicas": 3}}, prod.Object, "shop-prod")
	canary, err := w.Cluster.Get(ctx, "apps/v1", "Deployment", w.Namespace, "shop-canary")
	require.NoError(t, err)
	require.Nil(t, canary, "the last stage deletes the canary")
	require.Equal(t, []string{"deployment shop-canary"}, harness.StageNamed(e, "Delete (Manifest)").Outputs.Map("outputs.manifestNamesByNamespace").Strings(w.Namespace))
	route, err = w.Cluster.Get(ctx, "networking.istio.io/v1alpha3", "VirtualService", w.Namespace, "shop")
	require.NoError(t, err)
	requirePart(t, map[string]any{"spec": map[string]any{"http": []any{map[string]any{"route": []any{
		map[string]any{"destination": map[string]any{"subset": "prod"}},
	}}}}}, route.Object, "VirtualService")
	second, err := w.Cluster.Get(ctx, "batch/v1", "Job", w.Namespace, "shop-tests")
	require.NoError(t, err)
	require.NotEqual(t, first.GetUID(), second.GetUID(), "the second Job replaces the first")
	require.Equal(t, []string{
		"create services/shop", "create deployments/shop-canary",
		"create destinationrules/shop", "create virtualservices/shop",
		"create jobs/shop-tests",
		"create deployments/shop-prod",
		"patch virtualservices/shop",
		"delete jobs/shop-tests", "create jobs/shop-tests",
		"delete deployments/shop-canary",
	}, w.writes(t))
}
