package pipeline_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

func webhook(t *testing.T, text string) pipeline.PreconfiguredWebhook {
	t.Helper()
	var w pipeline.PreconfiguredWebhook
	require.NoError(t, json.Unmarshal([]byte(text), &w))
	return w
}

// all holds every key that Deck's form could ask for.
const allWebhookFields = `"url":"https://a.example","customHeaders":{"a":["b"]},"method":"POST","payload":"{}","failFastStatusCodes":[500],
	"waitForCompletion":true,"statusUrlResolution":"webhookResponse","statusUrlJsonPath":"$.a","statusJsonPath":"$.b","progressJsonPath":"$.c",
	"successStatuses":"OK","canceledStatuses":"NO","terminalStatuses":"KO","signalCancellation":true,"cancelEndpoint":"https://a.example/c",
	"cancelMethod":"POST","cancelPayload":"{}","waitBeforeMonitor":5,"retryStatusCodes":[404]`

func TestPreconfiguredProperties(t *testing.T) {
	t.Parallel()
	w := webhook(t, `{"type":"w",`+allWebhookFields+`}`)
	require.NoError(t, w.Validate())
	require.Equal(t, []string{
		"url", "customHeaders", "method", "payload", "failFastStatusCodes", "waitForCompletion", "statusUrlResolution",
		"statusUrlJsonPath", "statusJsonPath", "progressJsonPath", "successStatuses", "canceledStatuses", "terminalStatuses",
		"signalCancellation", "cancelEndpoint", "cancelMethod", "cancelPayload", "waitBeforeMonitor", "retryStatusCodes",
	}, w.PreconfiguredProperties())
	require.True(t, w.NoUserConfigurableFields())
	delete(w, "payload")
	require.False(t, w.NoUserConfigurableFields())
	w["statusUrlResolution"] = "getMethod"
	require.True(t, w.NoUserConfigurableFields(), "one may be missing when no path is needed")
	for text, want := range map[string]bool{
		`{"type":"w"}`:                           false,
		`{"type":"w","waitForCompletion":false}`: false,
		`{"type":"w","waitForCompletion":false,"url":"https://a.example","customHeaders":{},"method":"GET","payload":""}`: true,
	} {
		require.Equal(t, want, webhook(t, text).NoUserConfigurableFields(), text)
	}
	require.Equal(t, []string{}, webhook(t, `{"type":"w","label":"W","parameterValues":{"a":"b"}}`).PreconfiguredProperties())
}

func TestOverride(t *testing.T) {
	t.Parallel()
	w := webhook(t, `{"type":"w","label":"W","url":"https://own.example","method":null,"account":"ci","sensitiveHeaders":{"A":"env:A"},
		"parameters":[{"name":"a","defaultValue":"1"},{"name":"b","defaultValue":"2"},{"name":"c"}]}`)
	context := pipeline.Map{"url": "https://evil.example", "method": "PUT", "label": "mine", "parameterValues": map[string]any{"b": "own"}}
	given := context.Map("parameterValues")
	w.Override(context)
	require.Equal(t, pipeline.Map{
		"url": "https://own.example", "method": "PUT", "label": "mine", "account": "ci",
		"parameterValues": map[string]any{"a": "1", "b": "own"},
	}, context)
	require.Len(t, given, 1, "what the stage held is not written to")
	context = pipeline.Map{}
	webhook(t, `{"type":"w","parameterValues":{"x":"y"},"parameterData":{"p":{"q":"r"}},"permissions":{"WRITE":["dev"]}}`).Override(context)
	require.Equal(t, pipeline.Map{
		"parameterValues": map[string]any{"x": "y"}, "parameterData": map[string]any{"p": map[string]any{"q": "r"}},
		"permissions": map[string]any{"WRITE": []any{"dev"}},
	}, context)
	context = pipeline.Map{}
	webhook(t, `{"type":"w"}`).Override(context)
	require.Empty(t, context)
}

func TestPreconfiguredWebhook(t *testing.T) {
	t.Parallel()
	w := webhook(t, `{"type":"w","url":"https://api.example:8443/x?${ parameterValues['q'] }","sensitiveHeaders":{"A":"env:A","B":["file:/b","env:B"]},
		"permissions":{"READ":["dev","ops"],"WRITE":[]}}`)
	require.NoError(t, w.Validate())
	require.True(t, w.Enabled())
	require.Equal(t, map[string][]string{"A": {"env:A"}, "B": {"file:/b", "env:B"}}, w.SensitiveHeaders())
	require.Equal(t, []string{"api.example"}, w.SensitiveHosts())
	require.Equal(t, []string{"dev", "ops"}, w.Permitted("READ"))
	require.Empty(t, w.Permitted("WRITE"))
	require.NotContains(t, w.Shown(), "sensitiveHeaders")
	require.Contains(t, w, "sensitiveHeaders")
	require.False(t, webhook(t, `{"type":"w","enabled":false}`).Enabled())
	require.Equal(t, []string{"*.api.example"}, webhook(t, `{"type":"w","url":"https://${x}.api.example","sensitiveHosts":["*.api.example"]}`).SensitiveHosts())
}

func TestPreconfiguredWebhooksThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`:                           "it has no type",
		`{"type":" "}`:                 "it has no type",
		`{"type":5}`:                   "type is not text",
		`{"type":"w","urll":"x"}`:      "urll is not a key",
		`{"type":"w","enabled":"yes"}`: "enabled is not true or false",
		`{"type":"w","failFastStatusCodes":[5.5]}`:                                 "failFastStatusCodes is not a list of whole numbers",
		`{"type":"w","waitBeforeMonitor":"5"}`:                                     "waitBeforeMonitor is not a whole number",
		`{"type":"w","customHeaders":{"a":{}}}`:                                    "customHeaders is not headers",
		`{"type":"w","customHeaders":[]}`:                                          "customHeaders is not headers",
		`{"type":"w","permissions":{"READ":"x"}}`:                                  "permissions is not lists of texts by name",
		`{"type":"w","parameters":["a"]}`:                                          "parameters is not a list of objects",
		`{"type":"w","parameters":[{}]}`:                                           "needs a name of its own",
		`{"type":"w","parameters":[{"name":"a"},{"name":"a"}]}`:                    "needs a name of its own",
		`{"type":"w","parameterValues":[]}`:                                        "parameterValues is not an object",
		`{"type":"w","statusUrlResolution":"x"}`:                                   "use getMethod",
		`{"type":"w","sensitiveHosts":[1]}`:                                        "sensitiveHosts is not a list of texts",
		`{"type":"w","sensitiveHeaders":{"a":"env:A"}}`:                            "need a url with a fixed host",
		`{"type":"w","url":"https://${h}/","sensitiveHeaders":{"a":"env:A"}}`:      "need a url with a fixed host",
		`{"type":"w","url":"https://a.${h}.example/","sensitiveHeaders":{"a":""}}`: "need a url with a fixed host",
		`{"type":"w","url":"%%","sensitiveHeaders":{"a":"env:A"}}`:                 "need a url with a fixed host",
	} {
		err := webhook(t, text).Validate()
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), text)
		require.Contains(t, err.Error(), want)
	}
}
