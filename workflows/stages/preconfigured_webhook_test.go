package stages_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

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
