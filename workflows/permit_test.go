package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

const limited = `{"id":"config","limitConcurrent":true,"keepWaitingPipelines":true,"stages":[{"type":"scripted","refId":"1","takes":60}]}`

// permitted plays the limit: it signals the execution after a while.
func permitted(r *workflowstest.Run, d time.Duration, refused string) {
	r.At(d, func() { r.Env.SignalWorkflow(activities.PermitSignal, activities.PermitAnswer{Refused: refused}) })
}

// told lists what the limit was told, as kinds of messages.
func told(t testing.TB, w *workflowstest.World) []activities.LimitMessageKind {
	t.Helper()
	var out []activities.LimitMessageKind
	for _, in := range w.Asked(activities.TellLimit.Name) {
		out = append(out, in.(activities.TellLimitInput).Message.Kind)
	}
	return out
}

func TestExecutionsWaitForTheirPermit(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, limited)
	r.At(20*time.Second, func() {
		e := r.Query().Execution
		require.Equal(t, pipeline.NotStarted, e.Status)
		require.Zero(t, e.StartTime)
		published := w.Published(e.ID)
		require.Equal(t, pipeline.NotStarted, published[len(published)-1].Execution.Status, "readers see that it waits")
	})
	early, edited := r.PauseAt(10*time.Second, "ines"), r.PatchAt(10*time.Second, "1", pipeline.Map{"note": "soon"})
	permitted(r, 30*time.Second, "")
	permitted(r, 40*time.Second, "")       // said twice
	permitted(r, 41*time.Second, "a late") // and a refusal that is too late
	e := r.Done()
	early.Refused(t, pipeline.CodeConflict, "is NOT_STARTED and cannot be paused")
	edited.Took(t)
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "soon", e.Stages[0].Context["note"])
	require.Equal(t, e.BuildTime+30_000, e.StartTime)
	require.Equal(t, e.StartTime+60_000, e.EndTime)
	require.Equal(t, []activities.LimitMessageKind{activities.LimitAsk, activities.LimitRelease}, told(t, w))
	in := w.Asked(activities.TellLimit.Name)[0].(activities.TellLimitInput)
	require.Equal(t, activities.TellLimitInput{
		Limit: activities.LimitInput{ConfigID: "config", Application: "bakery", Pipeline: "Bake"}, Queue: workflows.OrcaQueue,
		Summary:    "bakery / Bake (limit)",
		Attributes: map[string]string{"Application": "bakery", "PipelineConfigId": "config", "PipelineName": "Bake"},
		Message:    activities.LimitMessage{Kind: activities.LimitAsk, Permit: activities.Permit{ExecutionID: e.ID, At: e.BuildTime, Limit: 1, Keep: true}},
	}, in)
}

// Which executions ask, and for what.
func TestWhoAsksForAPermit(t *testing.T) {
	t.Parallel()
	for config, limit := range map[string]int{
		`"id":"c"`:                             0,
		`"limitConcurrent":true`:               0, // nothing to be counted by
		`"id":"c","limitConcurrent":true`:      1,
		`"id":"c","maxConcurrentExecutions":7`: 7,
		`"id":"c","maxConcurrentExecutions":7,"limitConcurrent":true`:  1,
		`"id":"c","maxConcurrentExecutions":-7,"limitConcurrent":true`: 1,
		`"id":"c","maxConcurrentExecutions":-7`:                        0,
	} {
		w := workflowstest.NewWorld()
		r := newRun(t, w, `{`+config+`,"stages":[{"type":"scripted"}]}`)
		permitted(r, time.Second, "")
		require.Equal(t, pipeline.Succeeded, r.Done().Status, config)
		asked := w.Asked(activities.TellLimit.Name)
		if limit == 0 {
			require.Empty(t, asked, config)
			continue
		}
		require.Len(t, asked, 2, config)
		require.Equal(t, limit, asked[0].(activities.TellLimitInput).Message.Permit.Limit, config)
	}
}

func TestExecutionsThatNeverStart(t *testing.T) {
	t.Parallel()
	type kinds = []activities.LimitMessageKind
	for _, tt := range []struct {
		name       string
		drive      func(r *workflowstest.Run)
		by, reason string
		told       kinds
	}{
		{"cancelled by a person", func(r *workflowstest.Run) { r.CancelAt(10*time.Second, byInes) },
			"ines", "wrong flour", kinds{activities.LimitAsk, activities.LimitRelease}},
		{"cancelled by a parent", func(r *workflowstest.Run) {
			r.At(10*time.Second, func() {
				r.Env.SignalWorkflow(workflows.CancelSignal, workflows.CancelInput{User: "parent pipeline"})
			})
		}, "parent pipeline", "", kinds{activities.LimitAsk, activities.LimitRelease}},
		{"cancelled in Temporal", func(r *workflowstest.Run) { r.At(10*time.Second, r.Env.CancelWorkflow) },
			"temporal", "The workflow was cancelled in Temporal.", kinds{activities.LimitAsk, activities.LimitRelease}},
		{"superseded", func(r *workflowstest.Run) { permitted(r, 20*time.Second, "a newer one") },
			"spinnaker", "a newer one", kinds{activities.LimitAsk}},
		{"expired", func(r *workflowstest.Run) { permitted(r, 50*time.Second, "") },
			"spinnaker", "Could not begin execution before start time expiry", kinds{activities.LimitAsk, activities.LimitRelease}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			r := newRun(t, w, limited)
			r.Execution.StartTimeExpiry = r.Execution.BuildTime + 45_000
			tt.drive(r)
			e := r.Done()
			require.Equal(t, pipeline.Canceled, e.Status)
			require.True(t, e.Canceled)
			require.Equal(t, tt.by, e.CanceledBy)
			require.Equal(t, tt.reason, e.CancellationReason)
			require.Equal(t, map[string]pipeline.Status{"1": "NOT_STARTED"}, workflowstest.Statuses(e))
			require.Zero(t, e.StartTime)
			require.Zero(t, e.EndTime, "what never started has no end")
			require.Equal(t, tt.told, told(t, w))
		})
	}
}

// A paused execution does not count as running (reference: orca section 3.9).
func TestPausesGiveThePermitBack(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, limited)
	permitted(r, time.Second, "")
	r.PauseAt(10*time.Second, "ines")
	r.At(15*time.Second, func() {
		require.Equal(t, []activities.LimitMessageKind{activities.LimitAsk, activities.LimitRelease}, told(t, w))
	})
	r.ResumeAt(20*time.Second, "ines")
	e := r.Done()
	require.Equal(t, e.BuildTime+61_000, e.EndTime)
	require.Equal(t, []activities.LimitMessageKind{activities.LimitAsk, activities.LimitRelease, activities.LimitTake, activities.LimitRelease}, told(t, w))
}

// A cancelled pause ends with the execution, whose permit is back already.
func TestCancelOfAPausedExecutionWithALimit(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, limited)
	permitted(r, time.Second, "")
	r.PauseAt(10*time.Second, "ines")
	r.CancelAt(20*time.Second, byInes)
	require.Equal(t, pipeline.Canceled, r.Done().Status)
	kinds := told(t, w)
	require.Equal(t, activities.LimitRelease, kinds[len(kinds)-1])
}

// A restarted execution waits like a new one, behind those that wait already.
func TestRestartsAskAgain(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	first := newRun(t, w, limited)
	permitted(first, time.Second, "")
	ended := first.Done()
	require.Equal(t, pipeline.Succeeded, ended.Status)

	again := workflowstest.NewRunOf(t, w, everyType, ended)
	again.At(30*time.Second, func() {
		e := again.Query().Execution
		require.Equal(t, pipeline.NotStarted, e.Status)
		require.Zero(t, e.EndTime)
	})
	permitted(again, 60*time.Second, "")
	e := again.Restart("1", "tess")
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, ended.EndTime+120_000, e.StartTime)
	require.Equal(t, []activities.LimitMessageKind{activities.LimitAsk, activities.LimitRelease, activities.LimitAsk, activities.LimitRelease}, told(t, w))
	asked := w.Asked(activities.TellLimit.Name)[2].(activities.TellLimitInput)
	require.Equal(t, ended.EndTime+60_000, asked.Message.Permit.At)
}

// Temporal may be away, and a limit may have been terminated.
func TestAskingAgain(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	var times []time.Time
	var r *workflowstest.Run
	workflowstest.On(w, activities.TellLimit, func(_ context.Context, in activities.TellLimitInput) (activities.Done, error) {
		times = append(times, r.Env.Now())
		if in.Message.Kind == activities.LimitRelease || len(times) <= 3 {
			return activities.Done{}, pipeline.Errorf(pipeline.CodeUnavailable, "Temporal is away.")
		}
		return activities.Done{}, nil
	})
	r = newRun(t, w, limited)
	permitted(r, 24*time.Hour, "")
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status, "an execution ends although its permit cannot be given back")
	var since []time.Duration
	for _, at := range times {
		since = append(since, at.Sub(e.BuildTime.Time()).Truncate(time.Second))
	}
	require.Equal(t, []time.Duration{0, second, 3 * second, 7 * second,
		7*second + 5*time.Minute, 7*second + 15*time.Minute, 7*second + 35*time.Minute, 7*second + 75*time.Minute, 7*second + 135*time.Minute}, since[:9])
	require.Equal(t, e.StartTime+60_000, e.EndTime)
	require.Less(t, len(times), 50)
}

// What an earlier run of the workflow told the limit is not known: it is said
// again, and answered by nothing.
func TestPermitsOutliveContinuingAsNew(t *testing.T) {
	t.Parallel()
	for status, want := range map[pipeline.Status]activities.LimitMessageKind{
		pipeline.Running: activities.LimitTake, pipeline.Paused: activities.LimitRelease,
	} {
		w := workflowstest.NewWorld()
		r := newRun(t, w, limited)
		e := r.Execution
		e.Status, e.StartTime = status, e.BuildTime
		in := workflows.Input{Execution: e.Clone(), Sequence: 5, Continued: true}
		if status == pipeline.Paused {
			in.Execution.Paused = &pipeline.PausedDetails{PausedBy: "ines", PauseTime: e.BuildTime, IsPaused: true}
			in.Pauses = []workflows.Pause{{From: e.BuildTime}}
		}
		r.CancelAt(10*time.Second, byInes)
		r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, in)
		require.True(t, r.Env.IsWorkflowCompleted())
		require.Equal(t, pipeline.Canceled, workflowstest.RequireEnd(t, w, e.ID).Status)
		kinds := told(t, w)
		require.Equal(t, want, kinds[0], status)
		require.Equal(t, activities.LimitRelease, kinds[len(kinds)-1], status)
	}
}
