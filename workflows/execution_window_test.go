package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// everyDay is a window that is always open, with more of its keys.
func everyDay(more string) string {
	return `"restrictExecutionDuringTimeWindow":true,"restrictedExecutionWindow":{"days":[1,2,3,4,5,6,7]` + more + `}`
}

// opensIn is a window that opens for one minute, in UTC.
func opensIn(d time.Duration, more ...string) string {
	at := time.Now().UTC().Add(d)
	text := `"restrictExecutionDuringTimeWindow":true,"restrictedExecutionWindow":{"whitelist":[{"startHour":%[1]d,"startMin":%[2]d,"endHour":%[1]d,"endMin":%[2]d}]`
	for _, m := range more {
		text += m
	}
	return fmt.Sprintf(text+"}", at.Hour(), at.Minute())
}

// windowed prepares the run of a stage "1" with a window.
func windowed(t *testing.T, window, stage string) *workflowstest.Run {
	t.Helper()
	types := append([]workflows.StageType{stages.RestrictExecution{Zone: "UTC"}}, scripted...)
	return workflowstest.NewRun(t, workflowstest.NewWorld(), types, `{"stages":[`+withType(t, `{"refId":"1",`+window+`,`+stage+`}`)+`]}`)
}

// What the window's stage is made from, and what other synthetic stages keep
// (reference: orca section 3.6).
func TestExecutionWindowIsTheFirstSyntheticStage(t *testing.T) {
	t.Parallel()
	e := windowed(t, everyDay(""), `"alias":"scriptedToo","stageTimeoutMs":9000,"comments":"c","failPipeline":false,
		"before":[{"name":"a","restrictExecutionDuringTimeWindow":true,"restrictedExecutionWindow":{}},{"name":"b","waitsFor":[0]},{"name":"c"}],"after":[{"name":"d","restrictExecutionDuringTimeWindow":true}]`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, map[string]pipeline.Status{"1<0": "SUCCEEDED", "1<1": "SUCCEEDED", "1<2": "SUCCEEDED", "1<3": "SUCCEEDED", "1": "SUCCEEDED", "1>1": "SUCCEEDED"}, workflowstest.Statuses(e))
	w := e.StageByRef("1<0")
	require.Equal(t, []string{"restrictExecutionDuringTimeWindow", "restrictExecutionDuringTimeWindow"}, []string{w.Type, w.Name})
	require.Equal(t, "c", w.Context["comments"], "a copy of the parent's context")
	for _, key := range []string{"restrictExecutionDuringTimeWindow", "stageTimeoutMs", "alias"} {
		require.NotContains(t, w.Context, key)
		require.Contains(t, e.StageByRef("1").Context, key)
	}
	require.Empty(t, w.RequisiteStageRefIDs)
	require.Empty(t, w.Outputs)
	for ref, requires := range map[string][]string{"1<1": {"1<0"}, "1<2": {"1<1"}, "1<3": {"1<0"}, "1>1": {}} {
		s := e.StageByRef(ref)
		require.Equal(t, requires, s.RequisiteStageRefIDs, ref)
		require.NotContains(t, s.Context, "restrictExecutionDuringTimeWindow", ref)
		require.NotContains(t, s.Context, "restrictedExecutionWindow", ref)
	}
}

// A window that is closed keeps the stage until it opens, at its scheduledTime,
// however long that is; a person may end the wait (reference: orca section 3.6).
func TestExecutionWindowOpens(t *testing.T) {
	t.Parallel()
	r := windowed(t, opensIn(20*time.Hour), `"stageTimeoutMs":1000`)
	r.At(time.Minute, func() {
		w := r.Query().Execution.StageByRef("1<0")
		require.Equal(t, pipeline.Running, w.Status)
		require.Equal(t, "suspendExecutionDuringTimeWindow", w.Tasks[0].Name)
		require.NotZero(t, w.ScheduledTime, "told while it waits")
	})
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	w := e.StageByRef("1<0")
	require.Equal(t, w.ScheduledTime, w.EndTime)
	require.Zero(t, w.ScheduledTime%60_000, "a window opens with its minute")
	require.Equal(t, w.EndTime, e.StageByRef("1").Tasks[0].StartTime)

	r = windowed(t, opensIn(20*time.Hour), `"x":1`)
	judged := r.PatchAt(time.Minute, "1<0", pipeline.Map{"judgmentStatus": "continue"})
	r.PatchAt(2*time.Minute, "1<0", pipeline.Map{"skipRemainingWait": true})
	e = r.Done()
	require.Error(t, judged.Err)
	require.Equal(t, e.StartTime+120_000, e.EndTime)
}

// A window that cannot be read fails its stage (reference: orca section 3.6).
func TestExecutionWindowsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for window, why := range map[string]string{
		`"restrictExecutionDuringTimeWindow":true`:                                              "neither hours nor days",
		`"restrictExecutionDuringTimeWindow":true,"restrictedExecutionWindow":{"whitelist":[]}`: "neither hours nor days",
		`"restrictExecutionDuringTimeWindow":"true","restrictedExecutionWindow":{"days":[9]}`:   "day 9 is no weekday",
		everyDay(`,"whitelist":[{"startHour":25,"endHour":26}]`):                                "startHour 25",
	} {
		e := windowed(t, window, `"x":1`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Equal(t, map[string]pipeline.Status{"1<0": "TERMINAL", "1": "TERMINAL"}, workflowstest.Statuses(e))
		require.Contains(t, e.StageByRef("1<0").Context["failureReason"], why)
	}
	e := windowed(t, `"restrictExecutionDuringTimeWindow":false,"restrictedExecutionWindow":{"days":[9]}`, `"x":1`).Done()
	require.Equal(t, map[string]pipeline.Status{"1": "SUCCEEDED"}, workflowstest.Statuses(e), "nobody asked for it")
}

// The time zone is America/Los_Angeles unless the workers' configuration names
// another (reference: orca section 3.6).
func TestExecutionWindowZone(t *testing.T) {
	t.Parallel()
	for configured, want := range map[string]string{"": "America/Los_Angeles", "Asia/Tokyo": "Asia/Tokyo"} {
		zone, err := time.LoadLocation(want)
		require.NoError(t, err)
		types := append([]workflows.StageType{stages.RestrictExecution{Zone: configured}}, scripted...)
		hour := time.Now().In(zone).Add(3 * time.Hour).Hour()
		window := fmt.Sprintf(`"restrictExecutionDuringTimeWindow":true,"restrictedExecutionWindow":{"whitelist":[{"startHour":%[1]d,"startMin":0,"endHour":%[1]d,"endMin":59}]}`, hour)
		e := workflowstest.NewRun(t, workflowstest.NewWorld(), types, `{"stages":[`+withType(t, `{"refId":"1",`+window+`}`)+`]}`).Done()
		w := e.StageByRef("1<0")
		require.Equal(t, want, w.Context["timeZone"])
		require.Equal(t, hour, w.EndTime.Time().In(zone).Hour())
		require.Equal(t, w.ScheduledTime, w.EndTime)
	}
	types := append([]workflows.StageType{stages.RestrictExecution{Zone: "Moon/Base"}}, scripted...)
	e := workflowstest.NewRun(t, workflowstest.NewWorld(), types, `{"stages":[`+withType(t, `{"refId":"1",`+everyDay("")+`}`)+`]}`).Done()
	require.Contains(t, e.StageByRef("1<0").Context["failureReason"], `"Moon/Base" of execution windows is unknown`)
}

// Jitter delays the start within its bounds, counted from the window stage's
// start, and leaves manual starts out when it is told to (reference: orca section
// 3.6).
func TestExecutionWindowJitter(t *testing.T) {
	t.Parallel()
	const jitter = `,"jitter":{"enabled":true,"minDelay":30,"maxDelay":40`
	for _, tt := range []struct {
		name, window, trigger string
		tasks                 []pipeline.Status
		delayed               bool
	}{
		{"a manual start", everyDay(jitter + `}`), "manual", []pipeline.Status{"SUCCEEDED", "SUCCEEDED"}, true},
		{"a manual start that is left out", everyDay(jitter + `,"skipManual":true}`), "manual", []pipeline.Status{"SUCCEEDED", "SKIPPED"}, false},
		{"a trigger where manual starts are left out", everyDay(jitter + `,"skipManual":true}`), "cron", []pipeline.Status{"SUCCEEDED", "SUCCEEDED"}, true},
		{"switched off", everyDay(`,"jitter":{"enabled":false,"minDelay":30,"maxDelay":40}`), "cron", []pipeline.Status{"SUCCEEDED"}, false},
		{"a longer wait for the window swallows it", opensIn(3*time.Hour, jitter+`}`), "cron", []pipeline.Status{"SUCCEEDED", "SUCCEEDED"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := windowed(t, tt.window, `"x":1`)
			r.Execution.Trigger.Type = tt.trigger
			e := r.Done()
			require.Equal(t, pipeline.Succeeded, e.Status)
			w := e.StageByRef("1<0")
			var tasks []pipeline.Status
			for _, task := range w.Tasks {
				tasks = append(tasks, task.Status)
			}
			require.Equal(t, tt.tasks, tasks)
			opened := max(w.StartTime, w.ScheduledTime)
			if !tt.delayed {
				require.Equal(t, opened, w.EndTime)
				return
			}
			require.Equal(t, "waitForJitter", w.Tasks[1].Name)
			waited, _ := w.Context.Int("waitTime")
			require.GreaterOrEqual(t, waited, int64(30))
			require.LessOrEqual(t, waited, int64(40))
			require.Equal(t, w.StartTime+pipeline.Millis(waited*1000), w.EndTime)
		})
	}
	r := windowed(t, everyDay(`,"jitter":{"enabled":true,"minDelay":3600,"maxDelay":3600}`), `"x":1`)
	r.PatchAt(time.Minute, "1<0", pipeline.Map{"skipRemainingWait": true})
	e := r.Done()
	require.Equal(t, e.StartTime+60_000, e.EndTime, "a person may skip it")
}
