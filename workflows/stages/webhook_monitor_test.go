package stages_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

const monitoring = `"waitForCompletion":true,"statusJsonPath":"$.status","successStatuses":"SUCCESS, ok","canceledStatuses":"CANCELED","terminalStatuses":"TERMINAL,BROKEN",`

// What each answer to a poll means, with Orca's words.
func TestWebhookPolls(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		context string
		answer  any
		want    pipeline.Status // RUNNING when it goes on
		monitor pipeline.Map    // keys of the monitor, nil for absent ones
	}{
		"success":          {"", map[string]any{"status": "SUCCESS"}, pipeline.Succeeded, nil},
		"any case":         {"", map[string]any{"status": "Ok"}, pipeline.Succeeded, nil},
		"canceled":         {"", map[string]any{"status": "canceled"}, pipeline.Canceled, nil},
		"terminal":         {"", map[string]any{"status": "broken"}, pipeline.Terminal, pipeline.Map{"error": nil}},
		"unknown":          {"", map[string]any{"status": "HMM"}, pipeline.Running, nil},
		"in two lists":     {`"terminalStatuses":"SUCCESS",`, map[string]any{"status": "SUCCESS"}, pipeline.Terminal, nil},
		"boolean":          {`"successStatuses":"true",`, map[string]any{"status": true}, pipeline.Succeeded, nil},
		"empty":            {"", map[string]any{"status": ""}, pipeline.Running, nil},
		"42 percent":       {"", map[string]any{"status": int64(42)}, pipeline.Running, pipeline.Map{"percentComplete": int64(42)}},
		"100 percent":      {"", map[string]any{"status": int64(100)}, pipeline.Succeeded, pipeline.Map{"percentComplete": int64(100)}},
		"100.0 percent":    {"", map[string]any{"status": 100.0}, pipeline.Succeeded, pipeline.Map{"percentComplete": 100.0}},
		"99.9 percent":     {"", map[string]any{"status": 99.9}, pipeline.Running, pipeline.Map{"percentComplete": 99.9}},
		"no lists":         {`"successStatuses":null,"canceledStatuses":null,"terminalStatuses":null,`, map[string]any{"status": "x"}, pipeline.Running, nil},
		"no path":          {`"statusJsonPath":null,`, map[string]any{"status": "TERMINAL"}, pipeline.Succeeded, nil},
		"nothing there":    {"", map[string]any{"state": "SUCCESS"}, pipeline.Terminal, pipeline.Map{"error": "Unable to parse status: JSON property '$.status' not found in response body"}},
		"no body":          {"", 200, pipeline.Terminal, pipeline.Map{"error": "Unable to parse status: JSON property '$.status' not found in response body"}},
		"HTML":             {"", "<html/>", pipeline.Terminal, pipeline.Map{"error": "Unable to parse status: JSON property '$.status' not found in response body"}},
		"JSON called text": {"", `{"status":"SUCCESS"}`, pipeline.Succeeded, pipeline.Map{"body": `{"status":"SUCCESS"}`}},
		"list":             {"", map[string]any{"status": []any{"a"}}, pipeline.Terminal, pipeline.Map{"error": "The json path '$.status' did not resolve to a single value", "resolvedValue": []any{"a"}}},
		"null":             {"", map[string]any{"status": nil}, pipeline.Terminal, pipeline.Map{"error": "The json path '$.status' did not resolve to a single value", "resolvedValue": nil}},
		"indefinite path":  {`"statusJsonPath":"$..status",`, map[string]any{"status": "SUCCESS"}, pipeline.Terminal, pipeline.Map{"resolvedValue": []any{"SUCCESS"}}},
		"bad path":         {`"statusJsonPath":"$[",`, map[string]any{"status": "SUCCESS"}, pipeline.Terminal, pipeline.Map{"error": "Unable to parse status: The JSON path '$[' is not valid: a bracket holds neither a name in quotes, nor a number, nor a filter at character 3."}},
		"progress":         {`"progressJsonPath":"$.msg",`, map[string]any{"status": "SUCCESS", "msg": "done"}, pipeline.Succeeded, pipeline.Map{"progressMessage": "done"}},
		"no progress":      {`"progressJsonPath":"$.msg",`, map[string]any{"status": "SUCCESS"}, pipeline.Terminal, pipeline.Map{"error": "Unable to parse progress: JSON property '$.msg' not found in response body"}},
		"bad progress":     {`"progressJsonPath":"$[",`, map[string]any{"status": "SUCCESS"}, pipeline.Terminal, pipeline.Map{"progressMessage": nil}},
		"progress in a list": {`"progressJsonPath":"$.msg",`, map[string]any{"status": "SUCCESS", "msg": []any{"x"}}, pipeline.Terminal,
			pipeline.Map{"error": "The json path '$.msg' did not resolve to a String value", "resolvedValue": []any{"x"}}},
		"404":            {"", 404, pipeline.Terminal, pipeline.Map{"error": "an exception occurred in webhook monitor to https://a.example/hook: 404 NOT_FOUND", "pastStatusCodes": nil}},
		"404 goes on":    {`"retryStatusCodes":[404],`, 404, pipeline.Running, pipeline.Map{"pastStatusCodes": []any{int64(404)}, "error": nil, "statusCode": nil}},
		"429":            {"", 429, pipeline.Running, pipeline.Map{"pastStatusCodes": []any{int64(429)}}},
		"500":            {"", 500, pipeline.Running, pipeline.Map{"pastStatusCodes": []any{int64(500)}}},
		"504, capped":    {`"retries":{"504":{"maxAttempts":0}},`, 504, pipeline.Terminal, pipeline.Map{"pastStatusCodes": nil}},
		"404, capped":    {`"retries":{"404":{"maxAttempts":1}},`, 404, pipeline.Running, pipeline.Map{"pastStatusCodes": []any{int64(404)}}},
		"late":           {"", activities.WebhookFailure{Sent: true, TimedOut: true, Message: "Late."}, pipeline.Running, pipeline.Map{"error": "an exception occurred in webhook monitor to https://a.example/hook: Late. It will be polled again."}},
		"nobody listens": {"", activities.WebhookFailure{Message: "Refused."}, pipeline.Running, nil},
		"304":            {"", 304, pipeline.Terminal, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			reply(w, activities.CallWebhook, map[string]any{"id": int64(7)})
			reply(w, activities.PollWebhook, tt.answer, 410)
			e := newWebhook(t, w, monitoring+tt.context).Done()
			var first pipeline.Map
			for _, s := range w.Published(e.ID) {
				if m := hook(s.Execution).Map("monitor"); m != nil {
					first = m
					break
				}
			}
			require.NotNil(t, first)
			for k, v := range tt.monitor {
				if v == nil {
					require.NotContains(t, first, k)
				} else {
					require.Equal(t, v, first[k], k)
				}
			}
			require.Equal(t, map[string]any{"id": int64(7)}, hook(e)["body"], "the answer to the call is kept")
			polls := asked(w, activities.PollWebhook)
			if tt.want == pipeline.Running {
				require.Len(t, polls, 2)
				return
			}
			require.Len(t, polls, 1)
			require.Equal(t, tt.want, e.Status)
			if tt.want == pipeline.Terminal {
				require.NotEmpty(t, workflowstest.Errors(e, "1"))
			}
		})
	}
}

// A capped status code is counted over the whole polling, also when others come
// between.
func TestWebhookRetriesAreCapped(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	reply(w, activities.PollWebhook, 404, 429, activities.WebhookFailure{Message: "Refused."}, 404, 404)
	e := newWebhook(t, w, monitoring+`"retries":{"404":{"maxAttempts":2}},`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Len(t, asked(w, activities.PollWebhook), 5)
	require.Equal(t, []any{int64(404), int64(429), int64(404)}, hook(e).Map("monitor")["pastStatusCodes"])
}

func TestWebhookPollsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	reply(w, activities.PollWebhook, pipeline.Errorf(pipeline.CodeInvalid, "Host not allowed."))
	e := newWebhook(t, w, monitoring).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, map[string]any{"error": "an exception occurred in webhook monitor to https://a.example/hook: Host not allowed."}, hook(e)["monitor"])
}

// Polls come every second for a minute, then every 15 seconds, for an hour.
func TestWebhookPollsAreSpaced(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		context string
		lasts   time.Duration
		polls   int
	}{
		"an hour":            {"", time.Hour, 62 + (3600-61)/15},
		"two minutes":        {`"stageTimeoutMs":120000,`, 2 * time.Minute, 62 + (120-61)/15},
		"with a longer wait": {`"stageTimeoutMs":120000,"backoffPeriodMs":30000,`, 2 * time.Minute, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			reply(w, activities.PollWebhook, map[string]any{"status": "RUNNING"})
			e := newWebhook(t, w, monitoring+tt.context).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Equal(t, tt.lasts, took(e).Round(time.Second))
			require.InDelta(t, tt.polls, len(asked(w, activities.PollWebhook)), 2)
			require.Contains(t, workflowstest.Errors(e, "1")[0], "did not end within")
		})
	}
}

// A poll that only fails gives up with the world's own words.
func TestWebhookThatNeverAnswersPolls(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	reply(w, activities.PollWebhook, 503)
	e := newWebhook(t, w, monitoring+`"stageTimeoutMs":60000,`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, workflowstest.Errors(e, "1")[0], "503 SERVICE_UNAVAILABLE")
	require.LessOrEqual(t, took(e), time.Minute)
}

func TestWebhookMonitorOnly(t *testing.T) {
	t.Parallel()
	for context, want := range map[string]string{
		`"statusEndpoint":" https://b.example/status ",`: "https://b.example/status",
		`"statusEndpoint":"",`:                           "https://a.example/hook",
		``:                                               "https://a.example/hook",
	} {
		w := workflowstest.NewWorld()
		reply(w, activities.PollWebhook, map[string]any{"status": "SUCCESS"})
		e := newWebhook(t, w, monitoring+`"monitorOnly":true,`+context).Done()
		require.Equal(t, pipeline.Succeeded, e.Status)
		require.Equal(t, []string{"monitorWebhook"}, taskNames(stage(e)))
		require.Empty(t, asked(w, activities.CallWebhook))
		require.Equal(t, want, asked(w, activities.PollWebhook)[0].URL)
	}
}

func TestWaitBeforeMonitorCanBeSkipped(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	reply(w, activities.PollWebhook, map[string]any{"status": "RUNNING"}, map[string]any{"status": "RUNNING"}, map[string]any{"status": "SUCCESS"})
	r := newWebhook(t, w, monitoring+`"waitBeforeMonitor":3600,`)
	judged := r.PatchAt(time.Minute, "1", pipeline.Map{"judgmentStatus": "continue"})
	skipped := r.PatchAt(2*time.Minute, "1", pipeline.Map{"skipRemainingWait": true})
	late := r.PatchAt(2*time.Minute+1500*time.Millisecond, "1", pipeline.Map{"skipRemainingWait": true})
	edited := r.PatchAt(2*time.Minute+1600*time.Millisecond, "1", pipeline.Map{"comments": "x"})
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	judged.Refused(t, pipeline.CodeConflict, "takes no judgment")
	skipped.Took(t)
	late.Refused(t, pipeline.CodeConflict, "no wait to skip")
	edited.Took(t)
	require.Equal(t, int64(3600), stage(e).Context["waitTime"])
	require.Equal(t, 122*time.Second, took(e).Round(time.Second))
}
