package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// manifestScenarios are those of the stages on Kubernetes objects.
func manifestScenarios() []scenario {
	type statuses = map[string]pipeline.Status
	on := func(kind, more string) string {
		return `{"type":"` + kind + `","account":"ACCOUNT","location":"shop","manifestName":"deployment web"` + more + `}`
	}
	chosen := func(kind string) string {
		return `{"type":"` + kind + `","account":"ACCOUNT","location":"shop","kind":"replicaSet","cluster":"replicaSet web","criteria":"oldest"}`
	}
	rolled := func(strategy string) string {
		return `{"stages":[{"type":"deployManifest","account":"ACCOUNT","manifests":[{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"web","namespace":"shop"}}],
			"trafficManagement":{"enabled":true,"options":{"enableTraffic":true,"services":["service web"],"strategy":"` + strategy + `"}}}]}`
	}
	two := func(w *workflowstest.World) {
		workflowstest.On(w, activities.FindReplaced, func(context.Context, activities.FindReplacedInput) (activities.FindReplacedOutput, error) {
			return activities.FindReplacedOutput{Replaced: []activities.ReplacedServerGroup{
				{Namespace: "shop", ManifestName: "replicaSet web-v000", UID: "u0"},
				{Namespace: "shop", ManifestName: "replicaSet web-v001", UID: "u1", Unstable: true},
			}}, nil
		})
	}
	const ok = pipeline.Succeeded
	return []scenario{
		{name: "scale_manifest", pipeline: `{"stages":[` + on("scaleManifest", `,"replicas":3`) + `]}`, want: ok, stages: statuses{"0": ok}},
		{name: "patch_manifest", pipeline: `{"stages":[` + on("patchManifest", `,"patchBody":[{"spec":{"replicas":3}}]`) + `]}`, want: ok, stages: statuses{"0": ok}},
		{name: "undo_rollout_manifest", pipeline: `{"stages":[` + on("undoRolloutManifest", `,"numRevisionsBack":1`) + `]}`, want: ok, stages: statuses{"0": ok}},
		{name: "pause_resume_restart", pipeline: `{"stages":[` + on("pauseRolloutManifest", "") + "," + on("resumeRolloutManifest", "") + "," + on("rollingRestartManifest", "") + `]}`,
			want: ok, stages: statuses{"0": ok, "1": ok, "2": ok}},
		{name: "enable_disable_manifest", pipeline: `{"stages":[` + chosen("enableManifest") + "," + chosen("disableManifest") + `]}`, want: ok, stages: statuses{"0": ok, "1": ok}},
		{name: "delete_by_criteria", pipeline: `{"stages":[` + chosen("deleteManifest") + `]}`, want: ok, stages: statuses{"0": ok}},
		{name: "find_artifacts_from_resource", pipeline: `{"stages":[` + on("findArtifactsFromResource", `,"expectedArtifacts":[{"id":"x","matchArtifact":{"type":"docker/image"}}]`) + `]}`,
			want: ok, stages: statuses{"0": ok}},
		{name: "resize_server_group", pipeline: `{"stages":[{"type":"resizeServerGroup","credentials":"ACCOUNT","region":"shop","serverGroupName":"replicaSet web-v000","capacity":{"desired":2}}]}`,
			want: ok, stages: statuses{"0": ok}},
		{name: "red_black", pipeline: rolled("redblack"), script: two, want: ok, stages: statuses{"0": ok, "0>1": ok, "0>2": ok},
			check: func(t *testing.T, l *workflowstest.Live, _ *pipeline.Execution) {
				require.Len(t, l.World.Asked(activities.DisableManifest.Name), 1)
				require.Len(t, l.World.Asked(activities.DeleteManifest.Name), 1)
			}},
		{name: "highlander", pipeline: rolled("highlander"), script: two, want: ok, stages: statuses{"0": ok, "0>1": ok, "0>2": ok, "0>3": ok, "0>4": ok}},
		{name: "job_properties", pipeline: `{"stages":[` + runJob + `,"propertyFile":"main"}]}`,
			script: func(w *workflowstest.World) {
				workflowstest.On(w, activities.AwaitJob, func(context.Context, activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
					return activities.AwaitJobOutput{Succeeded: true, Properties: pipeline.Map{"a": "1"}, Status: pipeline.Map{"jobState": "Succeeded"}}, nil
				})
			},
			want: ok, stages: statuses{"0": ok},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Equal(t, "1", e.Stages[0].Outputs["a"])
			}},
	}
}
