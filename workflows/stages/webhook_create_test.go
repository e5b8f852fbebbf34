package stages_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

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
