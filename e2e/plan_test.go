package e2e

import (
	"context"
	"encoding/json"
	"net/http"
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

// planned asks for a plan with what would change in clusters: a line for each
// object of each stage, and the plan.
func (w *world) planned(t *testing.T, ctx context.Context, config pipeline.Map) (map[string][]string, pipeline.Map) {
	t.Helper()
	in := config.Clone()
	in["plan"], in["planManifests"] = true, true
	var answer pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodPost, "/pipelines/start", in, &answer))
	plan := answer.Map("planned")
	out := map[string][]string{}
	for _, v := range plan.List("stages") {
		s := pipeline.AsMap(v)
		for _, o := range s.Map("manifests").List("objects") {
			object := pipeline.AsMap(o)
			out[s.String("refId")] = append(out[s.String("refId")], object.String("action")+" "+object.String("kind")+" "+object.String("name"))
		}
	}
	return out, plan
}

// TestPlansOfManifests: what a plan says is what the run then does; the plan itself
// writes nothing; the second stage is planned with what the first would make.
func TestPlansOfManifests(t *testing.T) {
	t.Parallel()
	ctx := within(t, 3*time.Minute)
	w := newWorld(t, ctx)
	annotated := func(m map[string]any, key, value string) map[string]any {
		m["metadata"].(map[string]any)["annotations"] = map[string]any{key: value}
		return m
	}
	settings := func(color string) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "settings", "namespace": w.Namespace}, "data": map[string]any{"color": color}}
	}
	plain := func(name string) map[string]any {
		return annotated(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": w.Namespace}}, "strategy.spinnaker.io/versioned", "false")
	}
	web := stage("2", "1", harness.Account, w.Namespace, "web", nil)
	spec := pipeline.AsMap(web["manifests"].([]any)[0]).Map("spec").Map("template").Map("spec")
	spec["volumes"] = []any{map[string]any{"name": "settings", "configMap": map[string]any{"name": "settings"}}}
	config := func(first ...any) pipeline.Map {
		one := stage("1", "", harness.Account, w.Namespace, "first", map[string]any{})
		one["manifests"] = first
		return pipeline.Map{"application": w.Application, "name": "plan", "id": w.Application + "-plan", "stages": []any{one, web}}
	}
	early := config(settings("red"), plain("kept"), plain("dropped"))
	_, err := w.Gate.Save(ctx, early)
	require.NoError(t, err)
	objects, plan := w.planned(t, ctx, early)
	require.Equal(t, map[string][]string{
		"1": {"created configMap settings-v000", "created configMap kept", "created configMap dropped"}, "2": {"created deployment web"},
	}, objects, "%v", plan)
	require.Empty(t, plan.List("problems"))
	writes, err := w.Cluster.Writes(w.Namespace)
	require.NoError(t, err)
	require.Empty(t, writes, "a plan writes nothing")

	id, err := w.Gate.Start(ctx, w.Application, "plan", nil)
	require.NoError(t, err)
	e, err := w.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))

	late := config(settings("blue"), plain("kept"))
	require.Eventually(t, func() bool { // the run that just ended is in the lists
		objects, plan = w.planned(t, ctx, late)
		return len(objects["1"]) == 3
	}, 30*time.Second, 500*time.Millisecond)
	require.Equal(t, map[string][]string{
		"1": {"created configMap settings-v001", "left configMap kept", "orphaned configMap dropped"}, "2": {"changed deployment web"},
	}, objects)
	second := pipeline.AsMap(plan.List("stages")[1]).Map("manifests")
	change := pipeline.AsMap(pipeline.AsMap(second.List("objects")[0]).List("changes")[0])
	require.Equal(t, "spec.template.spec.volumes[name=settings].configMap.name", change["path"])
	require.Equal(t, "settings-v000", change["before"])
	require.Equal(t, "settings-v001", change["after"])

	file := filepath.Join(t.TempDir(), "pipeline.json")
	text, err := json.Marshal(late)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	out, err := exec.CommandContext(ctx, w.Binary(), "pipeline", "plan", "-f", file, "--manifests", "--gate-url="+w.Gate.Base).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "account "+harness.Account+": 1 created, 1 orphaned, 1 left")
	require.Contains(t, string(out), "data.color: red -> blue")

	_, err = w.Gate.Save(ctx, late)
	require.NoError(t, err)
	id, err = w.Gate.Start(ctx, w.Application, "plan", nil)
	require.NoError(t, err)
	e, err = w.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))
	require.Eventually(t, func() bool {
		objects, _ = w.planned(t, ctx, late)
		return strings.Join(append(objects["1"], objects["2"]...), ", ") == "left configMap settings-v001, left configMap kept, orphaned configMap dropped, left deployment web"
	}, 30*time.Second, 500*time.Millisecond, "%v", objects)
}

// TestPlansThroughAgents: an agent that reaches nothing but Temporal and its cluster
// makes plans too; without it the plan says within seconds that nobody serves the
// account.
func TestPlansThroughAgents(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	f := newFleet(t, ctx)
	east := f.agent(ctx, f.eastAccount, f.eastAccount, f.eastConfig)
	f.untilHealth(ctx, f.eastAccount, "up", up)
	config := pipeline.Map{"application": f.Application, "name": "plan", "stages": []any{stage("1", "", f.eastAccount, f.eastNS, "web-east", nil)}}
	var objects map[string][]string
	var plan pipeline.Map
	require.Eventually(t, func() bool { // Gate's list of accounts is seconds old
		objects, plan = f.planned(t, ctx, config)
		return len(objects) > 0
	}, 30*time.Second, 500*time.Millisecond, "%v", plan)
	require.Equal(t, map[string][]string{"1": {"created deployment web-east"}}, objects)

	east.Kill()
	began := time.Now()
	objects, plan = f.planned(t, ctx, config)
	require.Empty(t, objects)
	require.Less(t, time.Since(began), 35*time.Second)
	problem := pipeline.AsMap(plan.List("problems")[0])
	require.Equal(t, "WARN", problem["severity"])
	require.Regexp(t, "No worker serves the account|did not answer", problem["message"])
}
