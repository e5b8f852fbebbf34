package stages_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Each stage that changes one live object, by its example: the tasks that users
// know, and what the room is asked. Reference: orca section 6.1, clouddriver
// section 11.
func TestManifestOperationExamples(t *testing.T) {
	t.Parallel()
	web := func(task string) activities.ManifestInput {
		return activities.ManifestInput{Scope: activities.Scope{Task: task}, Account: "prod", Location: "shop", ManifestName: "deployment web"}
	}
	chosen := func(task string) activities.ManifestInput {
		in := web(task)
		in.ManifestName = "replicaSet second_newest"
		return in
	}
	for _, tt := range []struct {
		file, typeName string
		tasks          []string
		call           string
		want           any
	}{
		{"scale_manifest.go", "ScaleManifest", []string{"resolveTargetManifest", "scaleManifest", "monitorScale", "waitForManifestToStabilize"},
			activities.ScaleManifest.Name, activities.ScaleManifestInput{ManifestInput: web("scaleManifest"), Replicas: 3}},
		{"undo_rollout_manifest.go", "UndoRolloutManifest", []string{"undoRolloutManifest", "monitorUndoRollout", "waitForManifestToStabilize"},
			activities.UndoRollout.Name, activities.UndoRolloutInput{ManifestInput: web("undoRolloutManifest"), NumRevisionsBack: new(int64(1))}},
		{"pause_rollout_manifest.go", "PauseRolloutManifest", []string{"pauseRolloutManifest", "monitorPauseRollout"},
			activities.PauseRollout.Name, web("pauseRolloutManifest")},
		{"resume_rollout_manifest.go", "ResumeRolloutManifest", []string{"resumeRolloutManifest", "monitorResumeRollout", "waitForManifestToStabilize"},
			activities.ResumeRollout.Name, web("resumeRolloutManifest")},
		{"rolling_restart_manifest.go", "RollingRestartManifest", []string{"rollingRestartManifest", "monitorRollingRestart"},
			activities.RollingRestart.Name, web("rollingRestartManifest")},
		{"enable_manifest.go", "EnableManifest", []string{"resolveTargetManifest", "enableManifest", "monitorEnable", "waitForManifestToStabilize"},
			activities.EnableManifest.Name, activities.TrafficInput{ManifestInput: chosen("enableManifest")}},
		{"disable_manifest.go", "DisableManifest", []string{"resolveTargetManifest", "disableManifest", "monitorDisable", "waitForManifestToStabilize"},
			activities.DisableManifest.Name, activities.TrafficInput{ManifestInput: chosen("disableManifest")}},
		{"find_artifacts_from_resource.go", "FindArtifactsFromResource", []string{"resolveTargetManifest", "findArtifactsFromResource", "bindProducedArtifacts"},
			activities.ReadManifest.Name, web("findArtifactsFromResource")},
		{"resize_server_group.go", "ResizeServerGroup", []string{"determineHealthProviders", "resizeServerGroup", "monitorServerGroup", "forceCacheRefresh", "waitForCapacityMatch"},
			activities.ScaleManifest.Name, activities.ScaleManifestInput{
				ManifestInput: activities.ManifestInput{Scope: activities.Scope{Task: "resizeServerGroup"}, Account: "prod", Location: "shop", ManifestName: "replicaSet web-v001"},
				Replicas:      3, Resize: true,
			}},
		{"patch_manifest.go", "PatchManifest", []string{
			"resolveTargetManifest", "resolvePatchSourceManifest", "patchManifest", "monitorPatch",
			"promoteManifestKatoOutputs", "waitForManifestToStabilize", "bindProducedArtifacts",
		}, activities.PatchManifest.Name, activities.PatchManifestInput{
			ManifestInput: web("patchManifest"), Strategy: "strategic", Record: true,
			Body: []pipeline.Map{{"spec": map[string]any{"replicas": int64(3)}}},
		}},
	} {
		t.Run(tt.typeName, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			e := runExample(t, w, tt.file, tt.typeName).Done()
			require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
			require.Equal(t, tt.tasks, taskNames(stage(e)))
			asked := w.Asked(tt.call)
			require.Len(t, asked, 1)
			require.Equal(t, toMap(t, tt.want), withoutScope(t, asked[0]))
			if waits := w.Asked(activities.AwaitStable.Name); len(waits) > 0 {
				in := waits[0].(activities.AwaitStableInput)
				require.Equal(t, "prod", in.Account)
				require.Len(t, in.Manifests["shop"], 1)
			}
		})
	}
}

func toMap(t *testing.T, v any) pipeline.Map {
	t.Helper()
	out, err := pipeline.ToValue(v)
	require.NoError(t, err)
	return pipeline.AsMap(out)
}

// withoutScope is an input with no more of its scope than the task.
func withoutScope(t *testing.T, in any) pipeline.Map {
	t.Helper()
	m := toMap(t, in)
	m["scope"] = map[string]any{"application": "", "execution": "", "task": m.Map("scope").String("task")}
	return m
}

func TestManifestOperationContext(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	s := stage(newRun(t, w, `{"stages":[{"type":"scaleManifest","credentials":"prod","manifestName":"clusterThing x","replicas":"2"}]}`).Done())
	require.Equal(t, pipeline.Succeeded, s.Status, s.Errors())
	require.Equal(t, "prod", s.Context["manifest.account.name"])
	require.Equal(t, "clusterThing x", s.Context["manifest.name"])
	require.Equal(t, map[string]any{"_": []any{"clusterThing x"}}, s.Context["outputs.manifestNamesByNamespace"])
	require.NotContains(t, s.Outputs, "outputs.manifestNamesByNamespace", "the operation leaves it in the context alone")
	require.Equal(t, "SUCCEEDED", s.Context["kato.task.lastStatus"])
	require.Equal(t, int64(2), w.Asked(activities.ScaleManifest.Name)[0].(activities.ScaleManifestInput).Replicas)
}

func TestManifestOperationsRefuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stage, want string }{
		{"scale without a name", `"type":"scaleManifest","account":"prod","replicas":1`, "names no object"},
		{"scale without replicas", `"type":"scaleManifest","account":"prod","manifestName":"deployment web"`, "has the replicas <nil>: set a whole number"},
		{"scale to words", `"type":"scaleManifest","account":"prod","manifestName":"deployment web","replicas":"many"`, "has the replicas many"},
		{"undo to nowhere", `"type":"undoRolloutManifest","account":"prod","manifestName":"deployment web"`, "set numRevisionsBack or revision"},
		{"undo to words", `"type":"undoRolloutManifest","account":"prod","manifestName":"deployment web","revision":"last"`, "has the revision last"},
		{"unknown account", `"type":"pauseRolloutManifest","account":"nope","manifestName":"deployment web"`, "does not exist"},
		{"patch without a body", `"type":"patchManifest","account":"prod","manifestName":"deployment web"`, "requires a valid patch body"},
		{"patch by two objects", `"type":"patchManifest","account":"prod","manifestName":"deployment web","patchBody":[{"a":1},{"b":2}]`, "Only one patch object is valid"},
		{"patch by an unknown strategy", `"type":"patchManifest","account":"prod","manifestName":"deployment web","patchBody":{},"options":{"mergeStrategy":"best"}`, "the merge strategy 'best'"},
		{"patch with an artifact that is not there", `"type":"patchManifest","account":"prod","manifestName":"deployment web","patchBody":{"a":1},"requiredArtifactIds":["x"]`, "No artifact with id x could be found"},
		{"resize of another provider", `"type":"resizeServerGroup","credentials":"prod","cloudProvider":"aws","serverGroupName":"a-v000","capacity":{"desired":1}`, "of the cloud provider aws"},
		{"resize by target", `"type":"resizeServerGroup","credentials":"prod","cloudProvider":"kubernetes","target":"current_asg_dynamic","capacity":{"desired":1}`, "by target"},
		{"resize without capacity", `"type":"resizeServerGroup","credentials":"prod","serverGroupName":"replicaSet a"`, "has no capacity"},
		{"resize of nothing", `"type":"resizeServerGroup","credentials":"prod","capacity":{"desired":1}`, "names no server group"},
		{"find without a name", `"type":"findArtifactFromResource","account":"prod"`, "names no object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			e := newRun(t, w, `{"stages":[{`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
			for _, call := range []string{activities.ScaleManifest.Name, activities.UndoRollout.Name, activities.PauseRollout.Name, activities.PatchManifest.Name, activities.ReadManifest.Name} {
				require.Empty(t, w.Asked(call))
			}
		})
	}
}

// A patch takes what it is to bind from the stages before, and shows what was
// bound; a restart finds them again.
func TestPatchManifestBindsArtifacts(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	config := `{"stages":[{"type":"patchManifest","account":"prod","location":"shop","manifestName":"deployment web","patchBody":{"spec":{}},"options":{"record":false,"mergeStrategy":"merge"},
		"requiredArtifacts":[{"artifact":{"type":"docker/image","name":"nginx","reference":"nginx:2"}}]}]}`
	e := newRun(t, w, config).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	in := w.Asked(activities.PatchManifest.Name)[0].(activities.PatchManifestInput)
	require.Equal(t, "merge", in.Strategy)
	require.False(t, in.Record)
	require.Equal(t, []pipeline.Artifact{{Type: "docker/image", Name: "nginx", Reference: "nginx:2"}}, in.RequiredArtifacts)
	s := stage(e)
	require.Len(t, s.Outputs["outputs.boundArtifacts"], 1)
	require.Equal(t, []any{map[string]any{"spec": map[string]any{}}}, s.Outputs["manifests"])
	require.Equal(t, map[string]any{"shop": []any{"deployment web"}}, s.Outputs["outputs.manifestNamesByNamespace"])

	again := workflowstest.NewRunOf(t, w, stages.All(), e.Clone()).Restart("0", "ines")
	require.Equal(t, pipeline.Succeeded, again.Status, workflowstest.Errors(again, "0"))
	require.Equal(t, in.RequiredArtifacts, w.Asked(activities.PatchManifest.Name)[1].(activities.PatchManifestInput).RequiredArtifacts)
}

func TestFindArtifactsFromResourceBinds(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"findArtifactFromResource","account":"prod","location":"shop","manifestName":"deployment web",
		"expectedArtifacts":[{"id":"x","matchArtifact":{"type":"docker/image","name":"nginx"}}]}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, "Deployment", pipeline.AsMap(stage(e).Outputs["manifest"])["kind"])
	require.Len(t, stage(e).Outputs["resolvedExpectedArtifacts"], 1)
}

// What Deck sends to /tasks for a Kubernetes object starts the same stages.
func TestManifestOperationsAsTasks(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{
		"deleteManifest", "scaleManifest", "undoRolloutManifest", "pauseRolloutManifest", "resumeRolloutManifest", "rollingRestartManifest",
		"enableManifest", "disableManifest", "resizeServerGroup",
	} {
		w := workflowstest.NewWorld()
		job := pipeline.Map{
			"type": kind, "account": "prod", "cloudProvider": "kubernetes", "location": "shop", "manifestName": "deployment web",
			"replicas": int64(2), "revision": int64(1), "serverGroupName": "deployment web", "region": "shop", "capacity": map[string]any{"desired": int64(2)},
			"reason": "because", "user": "ines",
		}
		id := ids.NewExecutionID(time.Now())
		e, err := pipeline.NewOrchestration(pipeline.TaskRequest{Application: "shop", Description: kind, Job: []pipeline.Map{job}}, pipeline.Launch{
			ID: id, User: "ines", Now: time.Now(), StageID: func(ref string) string { return ids.StageID(id, ref) },
		})
		require.NoError(t, err)
		e = workflowstest.NewRunOf(t, w, stages.All(), e).Done()
		require.Equal(t, pipeline.Succeeded, e.Status, "%s: %v", kind, stage(e).Errors())
	}
}

// A world that does not answer is asked again with the same key; the same holds
// for nothing but that.
func TestManifestOperationIsRepeatedUnderItsKey(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	var keys []string
	workflowstest.On(w, activities.RollingRestart, func(_ context.Context, in activities.ManifestInput) (activities.Done, error) {
		keys = append(keys, in.Scope.Key())
		if len(keys) < 3 {
			return activities.Done{}, pipeline.Errorf(pipeline.CodeUnavailable, "The cluster does not answer.")
		}
		return activities.Done{}, nil
	})
	e := newRun(t, w, `{"stages":[{"type":"rollingRestartManifest","account":"prod","location":"shop","manifestName":"deployment web"}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Len(t, keys, 3)
	require.Equal(t, keys[0], keys[1])
	require.Equal(t, keys[0], keys[2])
}
