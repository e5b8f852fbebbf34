package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// TestStorm: for a while something dies every moment and is started again,
// workers, stores, the engine and the cluster alike, while pipelines run.
func TestStorm(t *testing.T) {
	const deaths, pipelines = 12, 6
	ctx := within(t, 4*time.Minute)
	w := newWorld(t, ctx)
	raw, err := os.ReadFile(filepath.Join("testdata", "storm.json"))
	require.NoError(t, err)
	var runs []string
	want := map[string]int{}
	for i := range pipelines {
		name := fmt.Sprintf("storm-%d", i)
		text := strings.NewReplacer("{{name}}", name, "{{namespace}}", w.Namespace, "{{application}}", w.Application).Replace(string(raw))
		var config pipeline.Map
		require.NoError(t, json.Unmarshal([]byte(text), &config))
		config["application"], config["name"] = w.Application, name
		_, err := w.Gate.Save(ctx, config)
		require.NoError(t, err)
		id, err := w.Gate.Start(ctx, w.Application, name, nil)
		require.NoError(t, err)
		runs = append(runs, id)
		for _, object := range []string{"configmaps/" + name + "-v000", "deployments/" + name, "jobs/" + name} {
			want[object] = 1
		}
	}
	// A fixed seed: what fails once fails again.
	random := rand.New(rand.NewPCG(1, 2))
	servers := append([]*harness.Server{w.TemporalServer, w.MinIO, w.Redis, w.APIServer, w.Front50, w.GateServer}, w.Workers...)
	for range deaths {
		victim := servers[random.IntN(len(servers))]
		t.Logf("%s dies", victim.Name())
		killed(t, victim)
		restart(t, ctx, victim)
	}
	for _, id := range runs {
		e, err := w.Gate.AwaitEnd(ctx, id)
		require.NoError(t, err)
		require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))
	}
	writes, err := w.Cluster.Writes(w.Namespace)
	require.NoError(t, err)
	made := map[string]int{}
	for _, one := range writes {
		if one.Code == http.StatusCreated || one.Code == http.StatusOK {
			made[one.Object]++
		}
	}
	require.Equal(t, want, made, "%v", writes)
	requireNothingOpen(t, ctx, w)
}
