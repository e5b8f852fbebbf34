package gate_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// What Deck builds the stages of the installation from.
func TestPreconfiguredWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) {
		d.Webhooks = []pipeline.PreconfiguredWebhook{
			{"type": "tell", "label": "Tell", "description": "Tells people.", "url": "https://chat.example", "method": "POST", "waitForCompletion": false,
				"customHeaders": map[string]any{"a": "b"}, "payload": "{}", "sensitiveHeaders": map[string]any{"X-Token": "env:TOKEN"},
				"parameters": []any{map[string]any{"name": "room", "label": "Room", "defaultValue": "general"}}},
			{"type": "bare"},
			{"type": "off", "enabled": false},
			{"type": "reserved", "permissions": map[string]any{"READ": []any{"ops"}}},
			{"type": "write only", "permissions": map[string]any{"READ": []any{}, "WRITE": []any{"ops"}}},
		}
	})
	out := w.do("GET", "/webhooks/preconfigured", "")
	require.Equal(t, http.StatusOK, out.Code)
	require.JSONEq(t, `[
		{"label":"Tell","description":"Tells people.","type":"tell","waitForCompletion":false,
			"preconfiguredProperties":["url","customHeaders","method","payload","waitForCompletion"],"noUserConfigurableFields":true,
			"parameters":[{"name":"room","label":"Room","defaultValue":"general"}],"parameterData":null},
		{"label":null,"description":null,"type":"bare","waitForCompletion":null,"preconfiguredProperties":[],"noUserConfigurableFields":false,"parameters":null,"parameterData":null},
		{"label":null,"description":null,"type":"write only","waitForCompletion":null,"preconfiguredProperties":[],"noUserConfigurableFields":false,"parameters":null,"parameterData":null}
	]`, out.Body.String())
	require.NotContains(t, out.Body.String(), "TOKEN")
}

// A plan knows the types of the installation, with the alias that Deck writes
// and without.
func TestPlanKnowsPreconfiguredWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) {
		d.Webhooks = []pipeline.PreconfiguredWebhook{{"type": "tell"}}
	})
	out := w.do("POST", "/pipelines/start", `{"plan":true,"application":"shop","name":"x","stages":[{"type":"tell"},{"type":"tell","alias":"preconfiguredWebhook"}]}`)
	require.Equal(t, http.StatusOK, out.Code)
	require.Contains(t, out.Body.String(), "call the preconfigured webhook tell")
	require.Contains(t, out.Body.String(), `"problems":[]`)
}
