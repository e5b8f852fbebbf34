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
		{name: "deploy_rolled_back", pipeline: rollingBack, script: neverStable(nil), want: pipeline.Terminal, stages: statuses{"0": pipeline.Terminal},
			check: func(t *testing.T, l *workflowstest.Live, e *pipeline.Execution) {
				require.Len(t, l.World.Asked(activities.RollBack.Name), 1)
				require.Equal(t, "'deployment web' in 'shop' for account "+l.World.Account+": rolled back to revision 3, which is stable.", workflowstest.Errors(e, "0")[1])
			}},
		{name: "deploy_rollback_canceled", pipeline: rollingBack, script: neverStable(func(ctx context.Context) error { return workflowstest.UntilCanceled(ctx) }),
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.Until(e.ID, func(e *pipeline.Execution) bool { return len(e.Stages[0].Context.List("rolledBack")) > 0 })
				require.NoError(l, l.Cancel(e.ID))
			},
			want: pipeline.Canceled, stages: statuses{"0": pipeline.Terminal},
			check: func(t *testing.T, l *workflowstest.Live, e *pipeline.Execution) {
				tasks := e.Stages[0].Tasks
				require.Equal(t, pipeline.Canceled, tasks[len(tasks)-1].Status)
				require.Len(t, l.World.Asked(activities.RollBack.Name), 1)
				require.Equal(t, false, pipeline.AsMap(e.Stages[0].Context.List("rolledBack")[0])["stable"], "what was begun is told")
			}},
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

const rollingBack = `{"stages":[{"type":"deployManifest","account":"ACCOUNT","rollback":{"onFailure":true},"manifests":[{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}}]}]}`

// neverStable is a world in which what is deployed fails; after a rollback it waits
// as wait does.
func neverStable(wait func(context.Context) error) func(*workflowstest.World) {
	return func(w *workflowstest.World) {
		workflowstest.On(w, activities.AwaitStable, func(ctx context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
			status := activities.ManifestStatus{Namespace: "shop", Name: "deployment web", Stable: true}
			if in.Scope.Task == "waitForManifestToStabilize" {
				status.Stable, status.Failed, status.Message = false, true, "over its deadline"
			} else if wait != nil {
				return activities.AwaitStableOutput{}, wait(ctx)
			}
			return activities.AwaitStableOutput{Done: true, Statuses: []activities.ManifestStatus{status}}, nil
		})
	}
}
