package stages_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

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
