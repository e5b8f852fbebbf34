package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/gennaker/gennaker/pipeline"
)

// TestTemporalShowsExecutions: who looks at Temporal finds an execution under
// its own ID, with words that people know, and by search attributes.
func TestTemporalShowsExecutions(t *testing.T) {
	t.Parallel()
	ctx := within(t, time.Minute)
	w := newWorld(t, ctx)
	_, err := w.Gate.Save(ctx, pipeline.Map{"application": w.Application, "name": "Shown", "stages": []any{
		map[string]any{
			"refId": "1", "type": "deployManifest", "name": "Deploy it", "account": "kubernetes", "cloudProvider": "kubernetes", "source": "text",
			"manifests": []any{map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "shown", "namespace": w.Namespace}}},
		},
		map[string]any{"refId": "2", "requisiteStageRefIds": []any{"1"}, "type": "wait", "name": "Rest a bit", "waitTime": 1},
	}})
	require.NoError(t, err)
	id, err := w.Gate.Start(ctx, w.Application, "Shown", nil)
	require.NoError(t, err)
	e, err := w.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, e.Status)

	described, err := w.Temporal.DescribeWorkflowExecution(ctx, id, "")
	require.NoError(t, err)
	var summary string
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(described.GetExecutionConfig().GetUserMetadata().GetSummary(), &summary))
	require.Equal(t, w.Application+" / Shown", summary)

	var summaries []string
	history := w.Temporal.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		if payload := event.GetUserMetadata().GetSummary(); payload != nil {
			var text string
			require.NoError(t, converter.GetDefaultDataConverter().FromPayload(payload, &text))
			summaries = append(summaries, text)
		}
	}
	for _, want := range []string{"Deploy it / deployManifest", "Deploy it / waitForManifestToStabilize", "Rest a bit / wait"} {
		require.True(t, slices.Contains(summaries, want), "%q is not among %q", want, summaries)
	}

	require.Eventually(t, func() bool {
		found, err := w.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: `Application = "` + w.Application + `" AND PipelineName = "Shown" AND PipelineStatus = "SUCCEEDED" AND TriggerType = "manual"`,
		})
		return err == nil && len(found.GetExecutions()) == 1 && found.GetExecutions()[0].GetExecution().GetWorkflowId() == id
	}, eventually, moment)
}
