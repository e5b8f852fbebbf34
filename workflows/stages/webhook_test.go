package stages_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

type (
	webhookInput  = activities.CallWebhookInput
	webhookOutput = activities.CallWebhookOutput
)

// reply makes a call answer one thing after another, and the last for ever.
func reply(w *workflowstest.World, call activities.Call[webhookInput, webhookOutput], list ...any) {
	var mu sync.Mutex
	n := 0
	workflowstest.On(w, call, func(context.Context, webhookInput) (webhookOutput, error) {
		mu.Lock()
		defer mu.Unlock()
		a := list[min(n, len(list)-1)]
		n++
		switch a := a.(type) {
		case int:
			return workflowstest.Answered(a, nil), nil
		case activities.WebhookFailure:
			return webhookOutput{Failure: &a}, nil
		case error:
			return webhookOutput{}, a
		case webhookOutput:
			return a, nil
		}
		return workflowstest.Answered(200, a), nil
	})
}

func asked(w *workflowstest.World, call activities.Call[webhookInput, webhookOutput]) []webhookInput {
	var out []webhookInput
	for _, in := range w.Asked(call.Name) {
		out = append(out, in.(webhookInput))
	}
	return out
}

// hook returns the context's webhook of the first stage.
func hook(e *pipeline.Execution) pipeline.Map { return stage(e).Context.Map("webhook") }

func took(e *pipeline.Execution) time.Duration {
	return e.EndTime.Time().Sub(e.StartTime.Time())
}

// newWebhook runs one webhook stage.
func newWebhook(t *testing.T, w *workflowstest.World, context string) *workflowstest.Run {
	t.Helper()
	return newRun(t, w, `{"stages":[{"type":"webhook","refId":"1","name":"Call","url":"https://a.example/hook",`+context+`"x":1}]}`)
}

func TestWebhookExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	reply(w, activities.CallWebhook, webhookOutput{StatusCode: 201, Headers: map[string]string{"Server": "ci"}, Body: activities.JSON{Value: map[string]any{
		"links": map[string]any{"self": "https://ci.example.com/api/runs/7"},
	}}})
	reply(w, activities.PollWebhook, map[string]any{"state": "QUEUED", "step": "waiting"}, map[string]any{"state": "running", "step": "half"}, map[string]any{"state": "passed", "step": "done"})
	e := runExample(t, w, "webhook.go", "Webhook").Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	require.Equal(t, []string{"createWebhook", "waitBeforeMonitorWebhook", "monitorWebhook"}, taskNames(stage(e)))
	require.Equal(t, pipeline.Map{
		"statusCode": "CREATED", "statusCodeValue": int64(201), "headers": map[string]any{"Server": "ci"},
		"body":           map[string]any{"links": map[string]any{"self": "https://ci.example.com/api/runs/7"}},
		"statusEndpoint": "https://ci.example.com/api/runs/7",
		"monitor": map[string]any{
			"statusCode": "OK", "statusCodeValue": int64(200), "body": map[string]any{"state": "passed", "step": "done"}, "progressMessage": "done",
		},
	}, hook(e))
	require.Equal(t, "https://ci.example.com/api/runs/7", stage(e).Context["statusEndpoint"])
	require.Empty(t, stage(e).Outputs, "a webhook leaves nothing to stages downstream")
	scope := activities.Scope{Application: "bakery", Execution: e.ID, Stage: stage(e).ID, StageName: "Run the tests", Task: "createWebhook", User: "ines"}
	headers := map[string][]string{"X-Team": {"shop"}}
	require.Equal(t, []webhookInput{{
		Scope: scope, Method: "POST", URL: "https://ci.example.com/api/runs", Headers: headers, Account: "ci",
		Payload: activities.JSON{Value: map[string]any{"suite": "smoke"}},
	}}, asked(w, activities.CallWebhook))
	scope.Task = "monitorWebhook"
	polls := asked(w, activities.PollWebhook)
	require.Len(t, polls, 3)
	require.Equal(t, webhookInput{Scope: scope, URL: "https://ci.example.com/api/runs/7", Headers: headers, Account: "ci"}, polls[0])
	require.Equal(t, 7*time.Second, took(e).Round(time.Second), "5 s before the polling, 1 s between polls")
}

// What each status of the first call means, with Orca's words.
func TestWebhookStatusCodes(t *testing.T) {
	t.Parallel()
	body := map[string]any{"error": "no"}
	for name, tt := range map[string]struct {
		context string
		status  int
		want    pipeline.Status
		calls   int
		message string
	}{
		"200":                      {"", 200, pipeline.Succeeded, 1, ""},
		"204":                      {"", 204, pipeline.Succeeded, 1, ""},
		"304":                      {"", 304, pipeline.Succeeded, 1, ""},
		"400":                      {"", 400, pipeline.Terminal, 1, "Error submitting webhook for pipeline ID to https://a.example/hook with status code 400."},
		"401":                      {"", 401, pipeline.Terminal, 1, "with status code 401."},
		"404, to be repeated":      {`"webhookRetryStatusCodes":[404,"401"],`, 404, pipeline.Terminal, 30, "Error submitting webhook for pipeline ID to https://a.example/hook with status code 404, will retry."},
		"401, to be repeated":      {`"webhookRetryStatusCodes":[404,"401"],`, 401, pipeline.Terminal, 30, "with status code 401, will retry."},
		"429":                      {"", 429, pipeline.Terminal, 30, "with status code 429, will retry."},
		"500":                      {"", 500, pipeline.Terminal, 30, "with status code 500, will retry."},
		"504 fails fast":           {"", 504, pipeline.Terminal, 1, "Received status code 504, which is configured to fail fast, terminating stage for pipeline ID to https://a.example/hook"},
		"503 fails fast":           {`"failFastStatusCodes":[503],`, 503, pipeline.Terminal, 1, "Received status code 503, which is configured to fail fast"},
		"504 is no longer special": {`"failFastStatusCodes":[],`, 504, pipeline.Terminal, 30, "with status code 504, will retry."},
		"429 fails fast":           {`"failFastStatusCodes":[429],`, 429, pipeline.Terminal, 1, "fail fast"},
		"a status of its own":      {"", 299, pipeline.Succeeded, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			reply(w, activities.CallWebhook, workflowstest.Answered(tt.status, body))
			e := newWebhook(t, w, tt.context).Done()
			require.Equal(t, tt.want, e.Status)
			require.Len(t, asked(w, activities.CallWebhook), tt.calls)
			require.Equal(t, int64(tt.status), hook(e)["statusCodeValue"])
			require.Equal(t, body, hook(e)["body"])
			if tt.message == "" {
				require.NotContains(t, hook(e), "error")
				return
			}
			want := strings.ReplaceAll(tt.message, "ID", e.ID)
			require.Contains(t, hook(e)["error"], want)
			require.Contains(t, workflowstest.Errors(e, "1")[0], want)
			if tt.calls > 1 {
				require.LessOrEqual(t, took(e), 5*time.Minute)
				require.Contains(t, workflowstest.Errors(e, "1")[1], "time")
			}
		})
	}
}

func TestWebhookStatusNames(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{200: "OK", 404: "NOT_FOUND", 418: "I_AM_A_TEAPOT", 503: "SERVICE_UNAVAILABLE", 299: "299"} {
		w := workflowstest.NewWorld()
		reply(w, activities.CallWebhook, status, 200)
		e := newWebhook(t, w, `"failFastStatusCodes":[503],`).Done()
		require.Equal(t, want, hook(e)["statusCode"])
	}
}

// A call that the receiver may have got is not made twice unless that is safe.
func TestWebhookWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		context string
		failure activities.WebhookFailure
		again   bool
		message string
	}{
		"unknown host":       {"", activities.WebhookFailure{UnknownHost: true}, true, "Remote host resolution failure in webhook for pipeline ID to https://a.example/hook, will retry."},
		"nobody listens":     {"", activities.WebhookFailure{}, true, "Error submitting webhook for pipeline ID to https://a.example/hook, will retry. Why not."},
		"late":               {"", activities.WebhookFailure{Sent: true, TimedOut: true}, false, "An exception occurred for pipeline ID performing a POST request to https://a.example/hook. Why not."},
		"late, safe":         {"", activities.WebhookFailure{Sent: true, TimedOut: true, SafeToRetry: true}, true, "Socket timeout in webhook on POST request for pipeline ID to https://a.example/hook, will retry."},
		"late GET":           {`"method":"get",`, activities.WebhookFailure{Sent: true, TimedOut: true}, true, "Socket timeout in webhook on GET request"},
		"broken":             {`"method":"Delete",`, activities.WebhookFailure{Sent: true}, false, "performing a DELETE request"},
		"broken GET":         {`"method":"GET",`, activities.WebhookFailure{Sent: true}, true, "will retry. Why not."},
		"broken, safe":       {"", activities.WebhookFailure{Sent: true, SafeToRetry: true}, true, "will retry. Why not."},
		"unknown host again": {`"backoffPeriodMs":60000,`, activities.WebhookFailure{UnknownHost: true}, true, "will retry."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.failure.Message = "Why not."
			w := workflowstest.NewWorld()
			reply(w, activities.CallWebhook, tt.failure, 200)
			r := newWebhook(t, w, tt.context)
			e := r.Done()
			want := strings.ReplaceAll(tt.message, "ID", e.ID)
			seen := ""
			for _, s := range w.Published(e.ID) {
				if text := hook(s.Execution).String("error"); text != "" {
					seen = text
				}
			}
			require.Contains(t, seen, want, "people see what is going on")
			calls := asked(w, activities.CallWebhook)
			if !tt.again {
				require.Equal(t, pipeline.Terminal, e.Status)
				require.Len(t, calls, 1)
				require.Contains(t, workflowstest.Errors(e, "1")[0], want)
				return
			}
			require.Equal(t, pipeline.Succeeded, e.Status)
			require.Len(t, calls, 2)
			require.Equal(t, calls[0].Scope.Key(), calls[1].Scope.Key(), "the receiver can tell that it is the same call")
			require.NotContains(t, hook(e), "error")
			wait := 10 * time.Second
			if strings.Contains(tt.context, "backoff") {
				wait = time.Minute
			}
			require.Equal(t, wait, took(e).Round(time.Second))
		})
	}
}

func TestWebhookThatIsRefused(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	reply(w, activities.CallWebhook, pipeline.Errorf(pipeline.CodeInvalid, "Host not allowed: it is private."))
	e := newWebhook(t, w, "").Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, pipeline.Map{
		"error": "An exception occurred for pipeline " + e.ID + " performing a POST request to https://a.example/hook. Host not allowed: it is private.",
	}, hook(e))
	require.Equal(t, []string{"Host not allowed: it is private."}, workflowstest.Errors(e, "1"))
}

func TestWebhookContextsThatAreRefused(t *testing.T) {
	t.Parallel()
	for context, want := range map[string]string{
		`"monitorOnly":true,`:                                      "Can't specify monitorOnly = true and waitForCompletion = false at the same time",
		`"failFastStatusCodes":503,`:                               "The failFastStatusCodes of stage 'Call' are not a list",
		`"retryStatusCodes":["x"],`:                                "hold x, which is no status code",
		`"webhookRetryStatusCodes":[{}],`:                          "which is no status code",
		`"retries":{"4xx":{"maxAttempts":1}},`:                     "have the key '4xx'",
		`"waitForCompletion":true,"monitorOnly":"true","url":" ",`: "Missing required parameter. Either webhook url or statusEndpoint are required",
	} {
		w := workflowstest.NewWorld()
		e := newWebhook(t, w, context).Done()
		require.Equal(t, pipeline.Terminal, e.Status, context)
		require.Contains(t, workflowstest.Errors(e, "1")[0], want)
		require.Empty(t, asked(w, activities.CallWebhook))
		require.Empty(t, asked(w, activities.PollWebhook))
	}
}

func TestWebhookHeaders(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	newWebhook(t, w, `"customHeaders":{"A":"text","B":["one","two"],"C":5,"D":true,"E":null,"F":{}},"payload":"text","account":"ci",`).Done()
	in := asked(w, activities.CallWebhook)[0]
	require.Equal(t, map[string][]string{"A": {"text"}, "B": {"one", "two"}, "C": {"5"}, "D": {"true"}}, in.Headers)
	require.Equal(t, "text", in.Payload.Value)
	require.Equal(t, "ci", in.Account)
	require.Empty(t, in.Preconfigured)
}

// Where the status is asked for.
func TestWebhookStatusURL(t *testing.T) {
	t.Parallel()
	const own = "https://a.example/hook"
	location := func(target string) webhookOutput {
		return webhookOutput{StatusCode: 202, Headers: map[string]string{"location": target}}
	}
	for name, tt := range map[string]struct {
		context string
		answer  any
		want    string // the URL, or the error when it does not begin with http
	}{
		"absent":                   {``, 200, own},
		"getMethod":                {`"statusUrlResolution":"getMethod",`, 200, own},
		"Location":                 {`"statusUrlResolution":"locationHeader",`, location("https://b.example/status"), "https://b.example/status"},
		"Location on another path": {`"statusUrlResolution":"locationHeader",`, location("/status/1?a=b"), "https://a.example/status/1?a=b"},
		"Location of its own kind": {`"statusUrlResolution":"locationHeader",`, location("http://a.example/status"), "https://a.example/status"},
		"Location on another host": {`"statusUrlResolution":"locationHeader",`, location("http://b.example/status"), "http://b.example/status"},
		"no Location":              {`"statusUrlResolution":"locationHeader",`, 200, "The status URL couldn't be resolved, but 'Wait for completion' is configured"},
		"no URL":                   {`"statusUrlResolution":"locationHeader",`, location("http://[::1"), "Exception while resolving status check URL: the answer names something that is no URL"},
		"body":                     {`"statusUrlResolution":"webhookResponse","statusUrlJsonPath":"$.at",`, map[string]any{"at": "https://b.example/7"}, "https://b.example/7"},
		"body as text":             {`"statusUrlResolution":"webhookResponse","statusUrlJsonPath":"$.at",`, `{"at": "https://b.example/7"}`, "https://b.example/7"},
		"body with a function":     {`"statusUrlResolution":"webhookResponse","statusUrlJsonPath":"concat(\"https://b.example/id/\", $.id)",`, map[string]any{"id": int64(2)}, "https://b.example/id/2"},
		"body without it":          {`"statusUrlResolution":"webhookResponse","statusUrlJsonPath":"$.at",`, map[string]any{}, "Exception while resolving status check URL: The document has nothing at the path '$.at'."},
		"null in the body":         {`"statusUrlResolution":"webhookResponse","statusUrlJsonPath":"$.at",`, map[string]any{"at": nil}, "The status URL couldn't be resolved"},
		"list in the body":         {`"statusUrlResolution":"webhookResponse","statusUrlJsonPath":"$.at",`, map[string]any{"at": []any{"x"}}, "Exception while resolving status check URL: The json path '$.at' did not resolve to a String value"},
		"no path":                  {`"statusUrlResolution":"webhookResponse",`, map[string]any{"at": "x"}, "Exception while resolving status check URL: The JSON path is empty"},
		"something else":           {`"statusUrlResolution":"magic",`, 200, "Exception while resolving status check URL: Unexpected value: magic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			reply(w, activities.CallWebhook, tt.answer)
			e := newWebhook(t, w, `"waitForCompletion":"true",`+tt.context).Done()
			if !strings.HasPrefix(tt.want, "http") {
				require.Equal(t, pipeline.Terminal, e.Status)
				require.Contains(t, hook(e)["error"], tt.want)
				require.Contains(t, workflowstest.Errors(e, "1")[0], tt.want)
				require.Nil(t, stage(e).Context["statusEndpoint"])
				require.NotNil(t, hook(e)["statusCodeValue"], "the answer is shown")
				return
			}
			require.Equal(t, pipeline.Succeeded, e.Status, "without a path the first answer ends the stage")
			require.Equal(t, tt.want, stage(e).Context["statusEndpoint"])
			require.Equal(t, tt.want, hook(e)["statusEndpoint"])
			require.Equal(t, tt.want, asked(w, activities.PollWebhook)[0].URL)
		})
	}
}

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

func TestWebhookArtifacts(t *testing.T) {
	t.Parallel()
	const expects = `"expectedArtifacts":[{"id":"e1","matchArtifact":{"name":"overrides","type":"github/file"}}],`
	found := map[string]any{"name": "overrides", "type": "github/file", "artifactAccount": "github", "reference": "https://api.github.com/file", "version": "master"}
	w := workflowstest.NewWorld()
	reply(w, activities.CallWebhook, map[string]any{"artifacts": []any{found}})
	e := newWebhook(t, w, expects).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	require.Equal(t, []string{"createWebhook", "bindProducedArtifacts"}, taskNames(stage(e)))
	artifacts, _ := stage(e).Outputs["artifacts"].([]any)
	require.Len(t, artifacts, 1)
	require.Equal(t, "https://api.github.com/file", pipeline.AsMap(artifacts[0])["reference"])

	w = workflowstest.NewWorld()
	reply(w, activities.CallWebhook, map[string]any{"ok": true})
	e = newWebhook(t, w, expects).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, hook(e)["error"], "Expected artifacts in webhook response couldn't be parsed: ")

	w = workflowstest.NewWorld()
	e = newWebhook(t, w, `"expectedArtifacts":[],`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"createWebhook", "bindProducedArtifacts"}, taskNames(stage(e)))
}

const cancelling = `"cancelEndpoint":"https://a.example/cancel/${webhook.body.id}","cancelMethod":"put","cancelPayload":{"id":"${webhook.body.id}"},"customHeaders":{"A":"b"},`

// Cancelling calls cancelEndpoint, with what the webhook answered.
func TestCancelTellsTheWebhook(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	reply(w, activities.CallWebhook, map[string]any{"id": int64(7)}, 503, 200)
	reply(w, activities.PollWebhook, map[string]any{"status": "RUNNING"})
	r := newWebhook(t, w, monitoring+cancelling)
	cancel := r.CancelAt(10*time.Second, workflows.CancelInput{User: "ines"})
	e := r.Done()
	cancel.Took(t)
	require.Equal(t, pipeline.Canceled, e.Status)
	calls := asked(w, activities.CallWebhook)
	require.Len(t, calls, 3)
	in := calls[2]
	require.Equal(t, "PUT", in.Method)
	require.Equal(t, "https://a.example/cancel/7", in.URL)
	require.Equal(t, map[string]any{"id": int64(7)}, in.Payload.Value)
	require.Equal(t, map[string][]string{"A": {"b"}}, in.Headers)
	require.NotEqual(t, calls[0].Scope.Key(), in.Scope.Key())
	require.Equal(t, map[string]any{"statusCodeValue": int64(200)}, hook(e)["cancellation"])
	require.Equal(t, map[string]any{"id": int64(7)}, hook(e)["body"])
}

// So does a failure, and a cancellation that the receiver does not take changes
// nothing.
func TestFailureTellsTheWebhook(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer any
		calls  int
		want   string
	}{
		"taken":   {204, 2, ""},
		"refused": {404, 2, "The cancelEndpoint https://a.example/cancel answered 404 NOT_FOUND."},
		"broken":  {500, 4, "answered 500"},
		"away":    {activities.WebhookFailure{Message: "Refused."}, 4, "Refused."},
		"unsure":  {activities.WebhookFailure{Message: "Late.", Sent: true, TimedOut: true}, 2, "Late."},
		"private": {pipeline.Errorf(pipeline.CodeInvalid, "Host not allowed."), 2, "Host not allowed."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			reply(w, activities.CallWebhook, 200, tt.answer)
			reply(w, activities.PollWebhook, map[string]any{"status": "BROKEN"})
			e := newWebhook(t, w, monitoring+`"cancelEndpoint":"https://a.example/cancel",`).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Equal(t, []string{"The status of the webhook is 'BROKEN', which is one of its terminalStatuses."}, workflowstest.Errors(e, "1"))
			calls := asked(w, activities.CallWebhook)
			require.Len(t, calls, tt.calls)
			require.Equal(t, "POST", calls[1].Method)
			if tt.want != "" {
				require.Contains(t, pipeline.AsMap(hook(e)["cancellation"])["error"], tt.want)
			}
		})
	}
}

func TestNothingToCancel(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	reply(w, activities.CallWebhook, 400)
	e := newWebhook(t, w, `"cancelEndpoint":" ",`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Len(t, asked(w, activities.CallWebhook), 1)
	require.NotContains(t, hook(e), "cancellation")
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

// A restarted webhook begins anew: with a key of its own, and counting anew.
func TestWebhookRestart(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	reply(w, activities.PollWebhook, 404, 404, 404, map[string]any{"status": "SUCCESS"})
	e := newWebhook(t, w, monitoring+`"retries":{"404":{"maxAttempts":1}},`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	e = workflowstest.NewRunOf(t, w, stages.All(), e.Clone()).Restart("1", "tess")
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	require.Equal(t, []any{int64(404)}, hook(e).Map("monitor")["pastStatusCodes"])
	calls := asked(w, activities.CallWebhook)
	require.Len(t, calls, 2)
	require.NotEqual(t, calls[0].Scope.Key(), calls[1].Scope.Key())
}

const chat = `{"type":"notifyChat","label":"Notify chat","url":"https://chat.example/hooks/${parameterValues['room']}","method":"POST",
	"payload":"{\"text\": \"${parameterValues['text']}\"}","customHeaders":{"Content-Type":["application/json"]},
	"sensitiveHeaders":{"X-Token":"file:/etc/token"},"account":"chat",
	"parameters":[{"name":"text","label":"Text","defaultValue":"A deployment began."},{"name":"room","label":"Room","defaultValue":"general"}]}`

func preconfigured(t *testing.T, w *workflowstest.World, definition, config string) *workflowstest.Run {
	t.Helper()
	var d pipeline.PreconfiguredWebhook
	require.NoError(t, json.Unmarshal([]byte(definition), &d))
	require.NoError(t, d.Validate())
	return workflowstest.NewRun(t, w, stages.Configured(stages.Options{Preconfigured: []pipeline.PreconfiguredWebhook{d}}), config)
}

// What the operator has set overrides the stage, its parameters are filled in,
// and its secrets stay with the worker.
func TestPreconfiguredWebhook(t *testing.T) {
	t.Parallel()
	for _, alias := range []string{`"alias":"preconfiguredWebhook",`, ``} {
		w := workflowstest.NewWorld()
		e := preconfigured(t, w, chat, `{"stages":[{"type":"notifyChat",`+alias+`"refId":"1","name":"Tell",
			"url":"https://evil.example","method":"DELETE","account":"root","parameterValues":{"room":"${'rel' + 'eases'}"}}]}`).Done()
		require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
		require.Equal(t, []string{"createWebhook"}, taskNames(stage(e)))
		in := asked(w, activities.CallWebhook)[0]
		in.Scope = activities.Scope{}
		require.Equal(t, webhookInput{
			Method: "POST", URL: "https://chat.example/hooks/releases", Headers: map[string][]string{"Content-Type": {"application/json"}},
			Payload: activities.JSON{Value: `{"text": "A deployment began."}`}, Account: "chat", Preconfigured: "notifyChat",
		}, in)
		require.Equal(t, map[string]any{"text": "A deployment began.", "room": "releases"}, stage(e).Context["parameterValues"])
		text, err := json.Marshal(e)
		require.NoError(t, err)
		require.NotContains(t, string(text), "etc/token")
	}
}

func TestPreconfiguredWebhookThatWaits(t *testing.T) {
	t.Parallel()
	const build = `{"type":"build","url":"https://ci.example/run","waitForCompletion":true,"statusUrlResolution":"getMethod","statusJsonPath":"$.s",
		"successStatuses":"OK","terminalStatuses":"KO","waitBeforeMonitor":5,"cancelEndpoint":"https://ci.example/cancel"}`
	w := workflowstest.NewWorld()
	reply(w, activities.PollWebhook, map[string]any{"s": "KO"})
	e := preconfigured(t, w, build, `{"stages":[{"type":"build","alias":"preconfiguredWebhook","refId":"1"}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, []string{"createWebhook", "waitBeforeMonitorWebhook", "monitorWebhook"}, taskNames(stage(e)))
	require.Equal(t, "build", asked(w, activities.PollWebhook)[0].Preconfigured)
	calls := asked(w, activities.CallWebhook)
	require.Len(t, calls, 2)
	require.Equal(t, "https://ci.example/cancel", calls[1].URL)
	require.Equal(t, "build", calls[1].Preconfigured)
}

func TestPreconfiguredWebhooksThatFail(t *testing.T) {
	t.Parallel()
	for definition, want := range map[string]string{
		`{"type":"other","url":"https://a.example"}`:                                                            "needs the preconfigured webhook 'notifyChat', which is not configured",
		`{"type":"notifyChat","enabled":false}`:                                                                 "needs the preconfigured webhook 'notifyChat', which is disabled",
		`{"type":"notifyChat","url":"https://a.example","permissions":{"READ":["dev"],"WRITE":["ops","root"]}}`: "is reserved for the roles ops, root, and who holds them cannot be checked",
	} {
		w := workflowstest.NewWorld()
		e := preconfigured(t, w, definition, `{"stages":[{"type":"notifyChat","alias":"preconfiguredWebhook","refId":"1","url":"https://mine.example"}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "1")[0], want)
		require.Empty(t, asked(w, activities.CallWebhook))
		require.Empty(t, stage(e).Tasks)
	}
	w := workflowstest.NewWorld()
	e := preconfigured(t, w, `{"type":"notifyChat","url":"https://a.example","permissions":{"READ":["dev"],"WRITE":[]}}`, `{"stages":[{"type":"notifyChat","refId":"1"}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, "everybody may")
}
