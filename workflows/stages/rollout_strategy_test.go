package stages_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func strategyStage(strategy string) string {
	return `{"type":"deployManifest","account":"prod","moniker":{"app":"store"},"manifests":[{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"web","namespace":"shop"}},
		{"apiVersion":"v1","kind":"Service","metadata":{"name":"front"}}],
		"trafficManagement":{"enabled":true,"options":{"enableTraffic":true,"services":["service front"],"strategy":"` + strategy + `"}}}`
}

func replacing(w *workflowstest.World, groups ...activities.ReplacedServerGroup) {
	workflowstest.On(w, activities.FindReplaced, func(context.Context, activities.FindReplacedInput) (activities.FindReplacedOutput, error) {
		return activities.FindReplacedOutput{Replaced: groups}, nil
	})
}

func oldGroup(name string, unstable bool) activities.ReplacedServerGroup {
	return activities.ReplacedServerGroup{Namespace: "shop", ManifestName: "replicaSet " + name, UID: "uid-" + name, Unstable: unstable}
}

// afterStages lists the synthetic stages of the first stage as "type object".
func afterStages(e *pipeline.Execution) []string {
	var out []string
	for _, s := range e.Stages[1:] {
		out = append(out, s.Type+" "+s.Context.String("manifestName"))
	}
	return out
}

// Rows of reference: clouddriver section 9, the stages after a deployment.
func TestRolloutStrategyRows(t *testing.T) {
	t.Parallel()
	old := []activities.ReplacedServerGroup{oldGroup("web-v000", false), oldGroup("web-v001", true), oldGroup("web-v002", false)}
	redBlack := []string{"disableManifest replicaSet web-v000", "deleteManifest replicaSet web-v001", "disableManifest replicaSet web-v002"}
	for strategy, want := range map[string][]string{
		"redblack": redBlack, "RedBlack": redBlack, "bluegreen": redBlack,
		"highlander": {
			"disableManifest replicaSet web-v000", "disableManifest replicaSet web-v001", "disableManifest replicaSet web-v002",
			"deleteManifest replicaSet web-v000", "deleteManifest replicaSet web-v001", "deleteManifest replicaSet web-v002",
		},
		"none": nil, "": nil,
	} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			replacing(w, old...)
			e := newRun(t, w, `{"stages":[`+strategyStage(strategy)+`]}`).Done()
			require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
			require.Equal(t, want, afterStages(e))
			for i, s := range e.Stages[1:] {
				require.Equal(t, pipeline.Succeeded, s.Status)
				require.Equal(t, pipeline.StageAfter, s.SyntheticStageOwner)
				require.Equal(t, []any{"prod", "store", "kubernetes", "shop"}, []any{s.Context["account"], s.Context["app"], s.Context["cloudProvider"], s.Context["location"]})
				if i > 0 {
					require.Equal(t, []string{e.Stages[i].RefID}, s.RequisiteStageRefIDs, "one after another")
				}
			}
			for _, in := range deleted(w) {
				require.True(t, in.Detach, "traffic is stopped first")
				require.Equal(t, "uid-"+in.ManifestName[len("replicaSet "):], in.UID)
			}
			if want == nil {
				require.NotContains(t, taskNames(stage(e)), "findReplacedServerGroups")
				require.Empty(t, w.Asked(activities.FindReplaced.Name))
				return
			}
			require.Equal(t, "findReplacedServerGroups", taskNames(stage(e))[8])
			asked := w.Asked(activities.FindReplaced.Name)[0].(activities.FindReplacedInput)
			require.Equal(t, []activities.ServerGroup{{Namespace: "shop", Name: "web"}}, asked.Made, "ReplicaSets alone")
			require.Equal(t, "store", asked.Application)
			require.Equal(t, deployed(t, w).Scope.Key(), asked.Operation)
		})
	}
}

func TestRolloutStrategyOfOtherKindsDoesNothing(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	replacing(w, oldGroup("web-v000", false))
	e := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod","manifests":[{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}}],
		"trafficManagement":{"enabled":true,"options":{"strategy":"highlander"}}}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Len(t, e.Stages, 1)
	require.Empty(t, w.Asked(activities.FindReplaced.Name))
}

// Highlander deletes nothing when it could not stop the traffic of all.
func TestHighlanderStopsWhereItCannotDisable(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	replacing(w, oldGroup("web-v000", false), oldGroup("web-v001", false))
	workflowstest.On(w, activities.DisableManifest, func(_ context.Context, in activities.TrafficInput) (activities.TrafficOutput, error) {
		if in.ManifestName == "replicaSet web-v001" {
			return activities.TrafficOutput{}, pipeline.Errorf(pipeline.CodeForbidden, "Not here.")
		}
		return activities.TrafficOutput{}, nil
	})
	e := newRun(t, w, `{"stages":[`+strategyStage("highlander")+`]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Empty(t, deleted(w))
	require.Equal(t, pipeline.NotStarted, e.Stages[3].Status)
}

// A server group that is gone by now needs no waiting for.
func TestDisableOfWhatIsGone(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	replacing(w, oldGroup("web-v000", false))
	workflowstest.On(w, activities.DisableManifest, func(_ context.Context, in activities.TrafficInput) (activities.TrafficOutput, error) {
		require.Equal(t, "uid-web-v000", in.UID)
		return activities.TrafficOutput{Gone: true}, nil
	})
	e := newRun(t, w, `{"stages":[`+strategyStage("redblack")+`]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Len(t, w.Asked(activities.AwaitStable.Name), 1, "the deployment's own")
}

// What was deployed is gone: the old server groups keep their traffic.
func TestRolloutStrategyWithoutItsServerGroup(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.FindReplaced, func(context.Context, activities.FindReplacedInput) (activities.FindReplacedOutput, error) {
		return activities.FindReplacedOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "replicaSet web-v001 is gone.")
	})
	e := newRun(t, w, `{"stages":[`+strategyStage("redblack")+`]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Len(t, e.Stages, 1)
	require.Empty(t, w.Asked(activities.DisableManifest.Name))
}

func TestRolloutStrategyInAPlan(t *testing.T) {
	t.Parallel()
	var s pipeline.Stage
	s.Context = pipeline.Map{
		"account": "prod", "manifests": []any{map[string]any{"kind": "ReplicaSet", "metadata": map[string]any{"name": "web"}}},
		"trafficManagement": map[string]any{"enabled": true, "options": map[string]any{"strategy": "highlander"}},
	}
	require.Equal(t, []string{
		"deploy ReplicaSet web to account prod",
		"disable and then delete the older ReplicaSets of the cluster of web on account prod once it is stable",
	}, stages.DeployManifest{}.Calls(&s))
}
