package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// How long a stage may take, and what counts (reference: orca section 3.7). Each
// pipeline ends by the timeout of its last stage.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	const second = pipeline.Millis(1000)
	for _, tt := range []struct {
		name, stages  string
		paused, until time.Duration
		ends          pipeline.Millis // after the execution's start
	}{
		{"a task's own timeout counts from the task's start", `{"refId":"1","forever":true,"allowed":20,"before":[{"takes":30}]}`, 0, 0, 50 * second},
		{"stageTimeoutMs counts from the stage's start", `{"refId":"1","forever":true,"allowed":20,"stageTimeoutMs":40000,"before":[{"takes":30}]}`, 0, 0, 40 * second},
		{"stageTimeoutMs replaces a shorter timeout of the task", `{"refId":"1","forever":true,"allowed":20,"stageTimeoutMs":60000}`, 0, 0, 60 * second},
		{"a synthetic stage has its parent's", `{"refId":"1","stageTimeoutMs":40000,"before":[{"takes":30},{"waitsFor":[0],"forever":true}]}`, 0, 0, 40 * second},
		{"the nearest stageTimeoutMs holds", `{"refId":"1","stageTimeoutMs":90000,"before":[{"takes":30},{"waitsFor":[0],"forever":true,"stageTimeoutMs":5000}]}`, 0, 0, 35 * second},
		{"a stage after has its parent's", `{"refId":"1","stageTimeoutMs":40000,"takes":30,"after":[{"forever":true}]}`, 0, 0, 40 * second},
		{"a pause does not count", `{"refId":"1","forever":true,"stageTimeoutMs":40000}`, 10 * time.Second, 25 * time.Second, 55 * second},
		{"a pause that began before the stage counts not at all", `{"refId":"1","takes":10},{"refId":"2","requisiteStageRefIds":["1"],"forever":true,"stageTimeoutMs":40000}`, 5 * time.Second, 25 * time.Second, 65 * second},
		{"a pause that outlasts the time", `{"refId":"1","forever":true,"stageTimeoutMs":10000}`, 5 * time.Second, 60 * time.Second, 65 * second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, tt.stages)+`]}`)
			if tt.until > 0 {
				r.PauseAt(tt.paused, "ines")
				r.ResumeAt(tt.until, "ines")
			}
			e := r.Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Equal(t, tt.ends, e.EndTime-e.StartTime)
		})
	}
}

// The time that a stage waits for its execution window is not its own
// (reference: orca section 3.7).
func TestExecutionWindowsDoNotCountForTimeouts(t *testing.T) {
	t.Parallel()
	e := windowed(t, opensIn(3*time.Hour), `"forever":true,"stageTimeoutMs":5000`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	opened := e.StageByRef("1<0").EndTime
	require.Greater(t, opened, e.StartTime+pipeline.Millis(2*time.Hour/time.Millisecond))
	require.Equal(t, opened+5000, e.EndTime)
}

// What a task that is out of time leaves (reference: orca section 3.7).
func TestTimeoutsEndByTheFailureOptions(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]pipeline.Status{
		``:                                "TERMINAL",
		`,"failPipeline":false`:           "STOPPED",
		`,"continuePipeline":true`:        "FAILED_CONTINUE",
		`,"markSuccessfulOnTimeout":true`: "SUCCEEDED",
		`,"markSuccessfulOnTimeout":true,"continuePipeline":true`: "SUCCEEDED",
		`,"markSuccessfulOnTimeout":false`:                        "TERMINAL",
	} {
		for _, timeout := range []string{`"stageTimeoutMs":5000`, `"allowed":5`} {
			e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","forever":true,`+timeout+options+`}`)+`]}`).Done()
			require.Equal(t, want, e.Stages[0].Status, options)
			require.Equal(t, want == pipeline.Succeeded, e.Stages[0].Tasks[1].Status == pipeline.Succeeded, "the next task runs only after a success")
		}
	}
}

// backoffPeriodMs raises the wait between attempts and never lowers it
// (reference: orca section 3.7).
func TestBackoff(t *testing.T) {
	t.Parallel()
	for period, want := range map[string][]int64{
		`"x":1`:                    {1000, 2000, 4000},
		`"backoffPeriodMs":1`:      {1000, 2000, 4000},
		`"backoffPeriodMs":-5`:     {1000, 2000, 4000},
		`"backoffPeriodMs":3000`:   {3000, 3000, 4000},
		`"backoffPeriodMs":"3000"`: {3000, 3000, 4000},
		`"backoffPeriodMs":90000`:  {90_000, 90_000, 90_000},
	} {
		w := workflowstest.NewWorld()
		failing(w, 3, unavailable)
		e := newRun(t, w, `{"stages":[`+withType(t, `{"refId":"1","calls":"p",`+period+`}`)+`]}`).Done()
		require.Equal(t, pipeline.Succeeded, e.Status)
		var waits []int64
		for _, v := range e.Stages[0].Context.List("attempts") {
			at, _ := pipeline.AsMap(v).Int("time")
			next, planned := pipeline.AsMap(v).Int("nextRetryTime")
			if !planned {
				next = int64(e.Stages[0].Tasks[0].EndTime)
			}
			waits = append(waits, next-at)
		}
		require.Equal(t, want[:2], waits[:2], period)
		require.InDelta(t, want[2], waits[2], 500, period)
	}
}

// Pauses and resumptions leave their traces (reference: orca sections 2.1 and
// 3.10): one object, overwritten by each new pause; every stage around a running
// task is PAUSED; the start time stays.
func TestPausesAreTold(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","before":[{"before":[{"takes":100}]}]},{"refId":"2"}`)+`]}`)
	r.PauseAt(5*time.Second, "ines")
	r.At(6*time.Second, func() {
		e := r.Query().Execution
		require.Equal(t, map[string]pipeline.Status{"1<1<1": "PAUSED", "1<1": "PAUSED", "1": "PAUSED", "2": "SUCCEEDED"}, workflowstest.Statuses(e))
		require.Equal(t, pipeline.Paused, e.StageByRef("1<1<1").Tasks[0].Status)
		require.Equal(t, &pipeline.PausedDetails{PausedBy: "ines", PauseTime: e.StartTime + 5000, IsPaused: true}, e.Paused)
	})
	r.ResumeAt(10*time.Second, "tess")
	var resumed *pipeline.Execution
	r.At(11*time.Second, func() {
		resumed = r.Query().Execution
		require.Equal(t, map[string]pipeline.Status{"1<1<1": "RUNNING", "1<1": "RUNNING", "1": "RUNNING", "2": "SUCCEEDED"}, workflowstest.Statuses(resumed))
		require.Equal(t, pipeline.Running, resumed.Status)
	})
	r.PauseAt(20*time.Second, "kim")
	r.ResumeAt(27*time.Second, "kim")
	e := r.Done()
	require.Equal(t, resumed.StartTime, e.StartTime)
	require.Equal(t, &pipeline.PausedDetails{PausedBy: "kim", PauseTime: e.StartTime + 20_000, ResumedBy: "kim", ResumeTime: e.StartTime + 27_000, PausedMs: 7000}, e.Paused)
}

// A cancel without a reason leaves none, and one that is refused changes nothing
// (reference: orca section 3.8).
func TestCancelWithoutAReason(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"scripted","takes":600}]}`)
	r.CancelAt(time.Second, workflows.CancelInput{User: "ines"})
	e := r.Done()
	require.True(t, e.Canceled)
	require.Equal(t, "ines", e.CanceledBy)
	require.Empty(t, e.CancellationReason)
}
