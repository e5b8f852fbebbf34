package activities_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// Values keep their types on the way through Temporal.
func TestFetchedValuesStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	in := activities.FetchExpressionsOutput{Answers: map[string]expr.Answer{
		expr.Request{Kind: expr.FetchApplication, Application: "shop"}.Key(): {Value: map[string]any{
			"whole": int64(9007199254740993), "decimal": 5.0, "none": nil, "list": []any{int64(1), true, "x"},
		}},
		expr.Request{Kind: expr.FetchPipeline, Name: "none"}.Key():        {},
		expr.Request{Kind: expr.FetchURL, URL: "https://a.example"}.Key(): {Error: "404"},
	}}
	text, err := json.Marshal(in)
	require.NoError(t, err)
	var out activities.FetchExpressionsOutput
	require.NoError(t, json.Unmarshal(text, &out))
	require.Equal(t, in, out)
	require.Error(t, json.Unmarshal([]byte(`{"answers":5}`), &out))

	for _, value := range []any{nil, int64(5), 5.0, "text", []any{}, map[string]any{"a": int64(1)}} {
		text, err := json.Marshal(activities.CallWebhookOutput{Body: activities.JSON{Value: value}})
		require.NoError(t, err)
		var out activities.CallWebhookOutput
		require.NoError(t, json.Unmarshal(text, &out))
		require.Equal(t, value, out.Body.Value)
	}
}
