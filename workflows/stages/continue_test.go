package stages_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Stages that wait for the outside world are taken up by the next run of the
// workflow from their context alone.
func TestStagesGoOnWhenTheWorkflowContinuesAsNew(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stage string
		// once is the call that must not be made again.
		once    string
		outputs []string
	}{
		"deployManifest": {
			`{"type":"deployManifest","account":"prod","manifests":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","annotations":{"strategy.spinnaker.io/max-version-history":"2"}}}]}`,
			activities.DeployManifest.Name, []string{"outputs.manifests", "artifacts"},
		},
		"runJob": {
			`{"type":"runJob","account":"prod","manifest":{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"}}}`,
			activities.RunJob.Name, []string{"jobStatus"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			var goesOn atomic.Bool
			workflowstest.On(w, activities.AwaitStable, func(ctx context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
				if !goesOn.Load() {
					<-ctx.Done()
					return activities.AwaitStableOutput{}, ctx.Err()
				}
				return activities.AwaitStableOutput{Done: true}, nil
			})
			workflowstest.On(w, activities.AwaitJob, func(ctx context.Context, in activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
				if !goesOn.Load() {
					<-ctx.Done()
					return activities.AwaitJobOutput{}, ctx.Err()
				}
				return activities.AwaitJobOutput{Succeeded: true, Status: pipeline.Map{"name": in.Name}}, nil
			})
			r := newRun(t, w, `{"stages":[`+tt.stage+`]}`)
			r.At(100*time.Millisecond, func() { r.Env.SetContinueAsNewSuggested(true) })
			r.PatchAt(150*time.Millisecond, "0", pipeline.Map{"note": "x"}) // something that wakes the workflow
			r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, workflows.Input{Execution: r.Execution.Clone()})
			var again *workflow.ContinueAsNewError
			require.ErrorAs(t, r.Env.GetWorkflowError(), &again)
			in := workflowstest.ContinuedInput(t, again)

			goesOn.Store(true)
			next := workflowstest.NewRunOf(t, w, stages.All(), in.Execution)
			next.Env.ExecuteWorkflow(workflows.PipelineWorkflow, in)
			e := workflowstest.RequireEnd(t, w, r.Execution.ID)
			require.Equal(t, pipeline.Succeeded, e.Status, e.Stages[0].Context)
			require.Len(t, w.Asked(tt.once), 1)
			for _, key := range tt.outputs {
				require.NotEmpty(t, e.Stages[0].Outputs[key], key)
			}
			if name == "deployManifest" {
				require.Len(t, w.Asked(activities.CleanupArtifacts.Name), 1)
			}
		})
	}
}
