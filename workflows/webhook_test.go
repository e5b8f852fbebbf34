package workflows_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// polled makes a world answer the polls of webhooks: one after another, the last
// for ever.
func polled(w *workflowstest.World, list ...activities.CallWebhookOutput) {
	var n atomic.Int64
	workflowstest.On(w, activities.PollWebhook, func(context.Context, activities.CallWebhookInput) (activities.CallWebhookOutput, error) {
		return list[min(int(n.Add(1)), len(list))-1], nil
	})
}

func state(s string) activities.CallWebhookOutput {
	return workflowstest.Answered(200, map[string]any{"s": s})
}

const polledWebhook = `{"stages":[{"type":"webhook","url":"https://a.example","waitForCompletion":true,"waitBeforeMonitor":1,"statusJsonPath":"$.s",
	"successStatuses":"OK","terminalStatuses":"KO","cancelEndpoint":"https://a.example/cancel"}]}`

func webhookScenarios() []scenario {
	return []scenario{
		{name: "webhook", pipeline: polledWebhook,
			script: func(w *workflowstest.World) { polled(w, state("WAIT"), workflowstest.Answered(503, nil), state("OK")) },
			want:   pipeline.Succeeded, stages: map[string]pipeline.Status{"0": pipeline.Succeeded}},
		{name: "webhook_fails", pipeline: polledWebhook,
			script: func(w *workflowstest.World) { polled(w, state("KO")) },
			want:   pipeline.Terminal, stages: map[string]pipeline.Status{"0": pipeline.Terminal},
			check: func(t *testing.T, l *workflowstest.Live, _ *pipeline.Execution) {
				require.Len(t, l.World.Asked(activities.CallWebhook.Name), 2, "the webhook and its cancellation")
			}},
		{name: "webhook_canceled", pipeline: polledWebhook,
			script: func(w *workflowstest.World) { polled(w, state("WAIT")) },
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "0", "monitorWebhook")
				require.NoError(l, l.Cancel(e.ID))
			},
			want: pipeline.Canceled, stages: map[string]pipeline.Status{"0": pipeline.Canceled}},
		{name: "webhook_answers_expressions", pipeline: polledWebhook,
			script: func(w *workflowstest.World) {
				polled(w, workflowstest.Answered(200, map[string]any{"s": "OK", "text": "${#fromUrl('https://a.example/')}"}))
				workflowstest.On(w, activities.CallWebhook, func(context.Context, activities.CallWebhookInput) (activities.CallWebhookOutput, error) {
					return workflowstest.Answered(200, "${#fromUrl('https://a.example/')}"), nil
				})
			},
			want: pipeline.Succeeded, stages: map[string]pipeline.Status{"0": pipeline.Succeeded},
			check: func(t *testing.T, l *workflowstest.Live, e *pipeline.Execution) {
				require.Empty(t, l.World.Asked(activities.FetchExpressions.Name))
				require.Equal(t, "${#fromUrl('https://a.example/')}", e.Stages[0].Context.Map("webhook")["body"])
			}},
		{name: "preconfigured_webhook_missing", pipeline: `{"stages":[{"type":"tell","alias":"preconfiguredWebhook"}]}`,
			want: pipeline.Terminal, stages: map[string]pipeline.Status{"0": pipeline.Terminal}},
	}
}

// A stage goes on as it began when its preconfigured webhook is changed, and
// then disabled, under it.
func TestPreconfiguredWebhookThatIsChanged(t *testing.T) {
	t.Parallel()
	server := testkit.SharedTemporal(t)
	began := pipeline.PreconfiguredWebhook{
		"type": "build", "url": "https://a.example", "waitForCompletion": true, "statusJsonPath": "$.s", "successStatuses": "OK",
	}
	changed := pipeline.PreconfiguredWebhook{"type": "build", "enabled": false, "url": "https://b.example", "statusJsonPath": "$.other"}
	types := func(w pipeline.PreconfiguredWebhook) stages.Options {
		return stages.Options{Preconfigured: []pipeline.PreconfiguredWebhook{w}}
	}
	w := workflowstest.NewWorld()
	polled(w, state("WAIT"))
	first := workflowstest.NewLive(t, server.Address, server.Namespace, w, stages.Configured(types(began)))
	e := first.Start(`{"stages":[{"type":"build","alias":"preconfiguredWebhook"}]}`)
	first.UntilTask(e.ID, "0", "monitorWebhook")
	first.StopWorker()

	polled(w, state("OK"))
	second := workflowstest.Dial(t, server.Address, server.Namespace, w, stages.Configured(types(changed)), first.Queue)
	second.StartWorker()
	t.Cleanup(second.StopWorker)
	res, err := second.End(e.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, res.Status)
	require.NoError(t, replay(t, stages.Configured(types(changed)), w, second.History(e.ID)))
}
