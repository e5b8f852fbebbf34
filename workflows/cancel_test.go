package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

var byInes = workflows.CancelInput{User: "ines", Reason: "wrong flour"}

// Whatever a stage does when it is cancelled, it ends CANCELED after its
// clean-up, and what comes behind it never starts.
func TestCancel(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stage string
		prepare     func(w *workflowstest.World)
	}{
		{"during a wait", `"takes":600`, nil},
		{"during an open wait", `"forever":true`, nil},
		{"during an activity", `"cloud":"prod"`, func(w *workflowstest.World) {
			workflowstest.On(w, activities.CleanupArtifacts, func(ctx context.Context, _ activities.CleanupArtifactsInput) (activities.Done, error) {
				return activities.Done{}, workflowstest.UntilCanceled(ctx)
			})
		}},
		{"during back-off", `"calls":"p","allowed":3600`, func(w *workflowstest.World) {
			workflowstest.On(w, activities.ReadPipeline, func(context.Context, activities.ReadPipelineInput) (activities.ReadPipelineOutput, error) {
				return activities.ReadPipelineOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "Front50 does not answer.")
			})
		}},
		{"whatever the failure options", `"takes":600,"failPipeline":false`, nil},
		{"even when failures are ignored", `"takes":600,"continuePipeline":true`, nil},
		{"with a clean-up that fails", `"takes":600,"cleanUpFails":true`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			if tt.prepare != nil {
				tt.prepare(w)
			}
			r := newRun(t, w, `{"stages":[{"type":"scripted","refId":"1",`+tt.stage+`},{"type":"scripted","refId":"2","requisiteStageRefIds":["1"]}]}`)
			took := r.CancelAt(200*time.Millisecond, byInes)
			again := r.CancelAt(200*time.Millisecond, workflows.CancelInput{User: "mallory"})
			e := r.Done()
			took.Took(t)
			again.Failed(t, pipeline.CodeConflict, "has ended CANCELED and cannot be cancelled")
			require.Equal(t, pipeline.Canceled, e.Status)
			require.True(t, e.Canceled)
			require.Equal(t, "ines", e.CanceledBy)
			require.Equal(t, "wrong flour", e.CancellationReason)
			require.Equal(t, map[string]pipeline.Status{"1": "CANCELED", "2": "NOT_STARTED"}, workflowstest.Statuses(e))
			s := e.Stages[0]
			require.Equal(t, pipeline.Canceled, s.Tasks[0].Status)
			require.Equal(t, int64(1), s.Context["cleaned"])
			require.Equal(t, "over", s.Outputs["left"])
			require.NotContains(t, s.Context, "exception")
			require.Equal(t, s.Context.Bool("cleanUpFails"), s.Context["cleanUpException"] != nil)

			res, err := r.Result()
			var canceled *temporal.CanceledError
			require.ErrorAs(t, err, &canceled)
			require.Equal(t, pipeline.Canceled, res.Status)
		})
	}
}

func TestCancelBySignalAndByTemporal(t *testing.T) {
	t.Parallel()
	const config = `{"stages":[{"type":"scripted","takes":600}]}`

	r := newRun(t, workflowstest.NewWorld(), config)
	r.At(time.Second, func() { r.Env.SignalWorkflow(workflows.CancelSignal, byInes) })
	r.At(time.Second, func() { r.Env.SignalWorkflow(workflows.CancelSignal, byInes) })
	e := r.Done()
	require.Equal(t, pipeline.Canceled, e.Status)
	require.Equal(t, "ines", e.CanceledBy)

	r = newRun(t, workflowstest.NewWorld(), config)
	r.At(time.Second, func() { r.Env.CancelWorkflow() })
	e = r.Done()
	require.Equal(t, pipeline.Canceled, e.Status)
	require.Equal(t, "temporal", e.CanceledBy)
	require.Equal(t, pipeline.Canceled, e.Stages[0].Status)
}

// What has ended in a computation that was lost stays as it ended: a cancel that
// the lost computation did not know finds the end in the archive.
func TestWhatHasEndedStaysEnded(t *testing.T) {
	t.Parallel()
	for name, cancel := range map[string]func(*workflowstest.Run){
		"a parent's cancel":          func(r *workflowstest.Run) { r.Env.SignalWorkflow(workflows.CancelSignal, byInes) },
		"a cancellation in Temporal": func(r *workflowstest.Run) { r.Env.CancelWorkflow() },
	} {
		for archived, want := range map[string]struct {
			end    activities.FindEndOutput
			err    error
			status pipeline.Status
		}{
			"ended":   {activities.FindEndOutput{Status: pipeline.Succeeded}, nil, pipeline.Succeeded},
			"running": {activities.FindEndOutput{}, nil, pipeline.Canceled},
			// An archive that is away keeps nobody from cancelling.
			"away": {activities.FindEndOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The store is away."), pipeline.Canceled},
		} {
			t.Run(name+", "+archived, func(t *testing.T) {
				t.Parallel()
				w := workflowstest.NewWorld()
				workflowstest.On(w, activities.FindEnd, func(context.Context, activities.FindEndInput) (activities.FindEndOutput, error) {
					return want.end, want.err
				})
				r := newRun(t, w, `{"stages":[{"type":"scripted","takes":5}]}`)
				r.At(time.Second, func() { cancel(r) })
				e := r.Done()
				require.Equal(t, want.status, e.Status)
				require.Equal(t, want.status == pipeline.Canceled, e.Canceled)
				require.Equal(t, []any{activities.FindEndInput{Execution: e.ID, Since: e.BuildTime}}, w.Asked(activities.FindEnd.Name))
			})
		}
	}
}

// A cancel that comes with the very start ends the execution at once.
func TestCancelAtOnce(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"scripted","takes":600}]}`)
	took := r.CancelAt(0, byInes)
	e := r.Done()
	took.Took(t)
	require.Equal(t, pipeline.Canceled, e.Status)
	require.Equal(t, e.StartTime, e.EndTime)
	require.Contains(t, []pipeline.Status{pipeline.NotStarted, pipeline.Canceled}, e.Stages[0].Status)
}

// A stage that went on regardless of the cancellation may have succeeded; what
// is behind it still does not start.
func TestActivityThatFinishesDespiteCancel(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.CleanupArtifacts, func(ctx context.Context, _ activities.CleanupArtifactsInput) (activities.Done, error) {
		_ = workflowstest.UntilCanceled(ctx)
		return activities.Done{}, nil
	})
	r := newRun(t, w, `{"stages":[{"type":"scripted","cloud":"prod"},{"type":"scripted"}]}`)
	r.CancelAt(50*time.Millisecond, byInes)
	e := r.Done()
	require.Equal(t, pipeline.Canceled, e.Status)
	require.Equal(t, pipeline.NotStarted, e.Stages[1].Status)
}

// The failure of one stage cancels the others, with the same clean-up.
func TestFailureCancelsSiblings(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[
		{"type":"scripted","refId":"1","takes":600},
		{"type":"scripted","refId":"2","takes":5,"code":"failed"}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.False(t, e.Canceled)
	require.Equal(t, pipeline.Canceled, e.StageByRef("1").Status)
	require.Equal(t, int64(1), e.StageByRef("1").Context["cleaned"])
	require.Equal(t, int64(1), e.StageByRef("2").Context["cleaned"], "a failed stage cleans up too")
	require.Equal(t, e.StartTime+5000, e.EndTime)
}

func TestResultOfTheWorkflow(t *testing.T) {
	t.Parallel()
	parent := &pipeline.ParentRef{ExecutionID: "P", StageID: "S"}
	run := func(stages string, parent *pipeline.ParentRef) (workflows.Result, error) {
		r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, stages)+`]}`)
		r.Execution.Trigger.Parent = parent
		r.Done()
		return r.Result()
	}
	const outputs = `{"refId":"1","outputs":{"l":[1,"a"],"x":"first","m":[2]}},{"refId":"2","requisiteStageRefIds":["1"],"outputs":{"l":["a","b"],"x":"second","m":"text"}}`
	res, err := run(outputs, parent)
	require.NoError(t, err)
	require.Equal(t, workflows.Result{
		Status:  pipeline.Succeeded,
		Outputs: pipeline.Map{"l": []any{int64(1), "a", "b"}, "x": "second", "m": "text"},
	}, res)

	res, err = run(outputs, nil)
	require.NoError(t, err)
	require.Nil(t, res.Outputs, "nobody waits for them")

	res, err = run(`{"refId":"1","name":"A","code":"failed"}`, nil)
	require.Equal(t, workflows.Result{Status: pipeline.Terminal, Failures: []string{"A: A went wrong.", "A: the first detail"}}, res)
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, "TERMINAL", app.Type())
	require.Equal(t, "A: A went wrong.", app.Message())
	require.True(t, app.NonRetryable())

	_, err = run(`{"refId":"1","ends":"TERMINAL"}`, nil)
	require.ErrorContains(t, err, "The execution failed.")
}
