package stages_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// fails answers the first wait with a failure and the wait for what was rolled
// back with then.
func fails(w *workflowstest.World, then activities.ManifestStatus) {
	workflowstest.On(w, activities.AwaitStable, func(_ context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
		status := then
		if in.Scope.Task == "waitForManifestToStabilize" {
			status = activities.ManifestStatus{Failed: true, Message: "over its deadline", Explanation: why()}
		}
		status.Namespace, status.Name = "shop", "deployment web"
		return activities.AwaitStableOutput{Done: true, Statuses: []activities.ManifestStatus{status}}, nil
	})
}

const rollsBack = `{"type":"deployManifest","account":"prod","manifests":{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"}},"rollback":{"onFailure":true}`

func TestDeployManifestRollsBack(t *testing.T) {
	t.Parallel()
	const of = "'deployment web' in 'shop' for account prod: "
	for _, tt := range []struct {
		name, options string
		then          activities.ManifestStatus
		back          func(context.Context, activities.RollBackInput) (activities.RollBackOutput, error)
		want          string
		status        pipeline.Status // of the stage
		task          pipeline.Status // of the rollback
	}{
		{name: "stable again", then: activities.ManifestStatus{Stable: true}, want: "rolled back to revision 3, which is stable.", status: "TERMINAL", task: "SUCCEEDED"},
		{name: "not stable either", then: activities.ManifestStatus{Failed: true, Message: "also over"}, want: "rolled back to revision 3, which has not become stable: also over", status: "TERMINAL", task: "TERMINAL"},
		{name: "left alone", then: activities.ManifestStatus{Stable: true}, want: "not rolled back, because it is new.", status: "TERMINAL", task: "SUCCEEDED",
			back: func(context.Context, activities.RollBackInput) (activities.RollBackOutput, error) {
				return activities.RollBackOutput{Left: "it is new"}, nil
			}},
		{name: "refused", then: activities.ManifestStatus{Stable: true}, want: "not rolled back, because the rollback failed: Not you.", status: "TERMINAL", task: "TERMINAL",
			back: func(context.Context, activities.RollBackInput) (activities.RollBackOutput, error) {
				return activities.RollBackOutput{}, pipeline.Errorf(pipeline.CodeForbidden, "Not you.")
			}},
		{name: "failures that are ignored", options: `,"continuePipeline":true`, then: activities.ManifestStatus{Stable: true}, want: "rolled back to revision 3, which is stable.", status: "FAILED_CONTINUE", task: "SUCCEEDED"},
		{name: "a stage of little time", options: `,"stageTimeoutMs":1`, then: activities.ManifestStatus{Stable: true}, want: "rolled back to revision 3, which is stable.", status: "TERMINAL", task: "SUCCEEDED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			fails(w, tt.then)
			if tt.options == `,"stageTimeoutMs":1` {
				tt.options = `,"stageTimeoutMs":60000`
				workflowstest.On(w, activities.AwaitStable, func(_ context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
					if in.Scope.Task == "waitForManifestToStabilize" {
						return activities.AwaitStableOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "Away.")
					}
					return activities.AwaitStableOutput{Done: true, Statuses: []activities.ManifestStatus{{Namespace: "shop", Name: "deployment web", Stable: true}}}, nil
				})
			}
			if tt.back != nil {
				workflowstest.On(w, activities.RollBack, tt.back)
			}
			e := newRun(t, w, `{"stages":[`+rollsBack+tt.options+`}]}`).Done()
			s := stage(e)
			require.Equal(t, tt.status, s.Status)
			require.Equal(t, of+tt.want, workflowstest.Errors(e, "0")[1], "%v", workflowstest.Errors(e, "0"))
			last := s.Tasks[len(s.Tasks)-1]
			require.Equal(t, "rollBackManifests", last.Name)
			require.Equal(t, tt.task, last.Status)
			asked := w.Asked(activities.RollBack.Name)
			require.Len(t, asked, 1)
			in := asked[0].(activities.RollBackInput)
			require.Equal(t, "rollBackManifests", in.Scope.Task)
			require.Equal(t, int64(3), in.Target.Revision)
			require.Equal(t, "web", in.Deployed.Map("metadata")["name"])
			require.Equal(t, "deployManifest", w.Asked(activities.FindRollback.Name)[0].(activities.DeployManifestInput).Scope.Task, "it prepares the very deployment")
			require.Len(t, append(s.Context.List("rolledBack"), s.Context.List("notRolledBack")...), 1)
		})
	}
}

func TestNothingIsRolledBack(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[`+rollsBack+`}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, "what becomes stable stays")
	tasks := stage(e).Tasks
	require.Equal(t, pipeline.Skipped, tasks[len(tasks)-1].Status)
	require.Empty(t, w.Asked(activities.RollBack.Name))

	w = workflowstest.NewWorld()
	fails(w, activities.ManifestStatus{})
	e = newRun(t, w, `{"stages":[`+deployWeb+`}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status, "nobody asked for it")
	require.Empty(t, w.Asked(activities.FindRollback.Name))

	w = workflowstest.NewWorld()
	workflowstest.On(w, activities.DeployManifest, func(context.Context, activities.DeployManifestInput) (activities.DeployManifestOutput, error) {
		return activities.DeployManifestOutput{}, pipeline.Errorf(pipeline.CodeForbidden, "Not you.")
	})
	newRun(t, w, `{"stages":[`+rollsBack+`}]}`).Done()
	require.Empty(t, w.Asked(activities.RollBack.Name), "what was not deployed is not rolled back")
}

// Kinds without revisions are named, and what became stable is left alone.
func TestRollbackNamesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AwaitStable, func(_ context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
		return activities.AwaitStableOutput{Done: true, Statuses: []activities.ManifestStatus{
			{Namespace: "shop", Name: "deployment web", Stable: true}, {Namespace: "shop", Name: "job test", Failed: true, Message: "failed"},
			{Namespace: "shop", Name: "replicaset old", Failed: true, Message: "failed"},
		}}, nil
	})
	e := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod","rollback":{"onFailure":true},"manifests":[{"kind":"Deployment","metadata":{"name":"web"}},
		{"kind":"Job","metadata":{"name":"test"}},{"kind":"ReplicaSet","metadata":{"name":"old"}}]}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Empty(t, w.Asked(activities.RollBack.Name))
	errors := workflowstest.Errors(e, "0")
	require.Contains(t, errors, "'job test' in 'shop' for account prod: not rolled back, because a job has no revisions.")
	require.Contains(t, strings.Join(errors, "\n"), "the older server groups of its cluster were left as they are and go on serving.")
}
