package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// TestTemplates: a template is saved by a task, a pipeline made from it is
// planned and runs, by hand and as another's child, and a template in use stays.
func TestTemplates(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	w := newWorld(t, ctx)
	id := w.Application
	template := pipeline.Map{
		"id": id, "schema": "v2", "metadata": map[string]any{"name": "Wait", "description": "Waits", "scopes": []any{w.Application}},
		"variables": []any{map[string]any{"name": "seconds", "type": "int"}},
		"pipeline": map[string]any{"spelEvaluator": "v4", "stages": []any{
			map[string]any{"refId": "1", "type": "wait", "name": "Pause", "waitTime": "${ templateVariables.seconds }"},
		}},
	}
	const templates = "/v2/pipelineTemplates"
	var task pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodPost, templates+"/create?tag=stable", template, &task))
	require.Equal(t, "SUCCEEDED", task["status"])

	made := pipeline.Map{
		"application": w.Application, "name": "made", "type": "templatedPipeline", "schema": "v2",
		"template":  map[string]any{"artifactAccount": "front50ArtifactCredentials", "type": "front50/pipelineTemplate", "reference": "spinnaker://" + id + ":stable"},
		"variables": map[string]any{"seconds": int64(1)},
		"stages":    []any{map[string]any{"refId": "2", "type": "wait", "name": "After", "waitTime": int64(0), "requisiteStageRefIds": []any{"1"}}},
	}
	madeID, err := w.Gate.Save(ctx, made)
	require.NoError(t, err)
	planned := made.Clone()
	planned["plan"] = true
	var plan pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodPost, "/pipelines/start", planned, &plan))
	require.Len(t, plan.List("stages"), 2)
	require.Equal(t, int64(1), pipeline.AsMap(plan.Map("planned").List("stages")[0]).Map("context")["waitTime"])

	_, err = w.Gate.Save(ctx, pipeline.Map{"application": w.Application, "name": "parent", "stages": []any{
		map[string]any{"refId": "1", "type": "pipeline", "name": "Child", "application": w.Application, "pipeline": madeID},
	}})
	require.NoError(t, err)
	for _, name := range []string{"made", "parent"} {
		execution, err := w.Gate.Start(ctx, w.Application, name, nil)
		require.NoError(t, err)
		e, err := w.Gate.AwaitEnd(ctx, execution)
		require.NoError(t, err)
		if name == "parent" {
			require.Equal(t, pipeline.Succeeded, e.Status)
			e, err = w.Gate.Execution(ctx, e.Stages[0].Context.String("executionId"))
			require.NoError(t, err)
		}
		require.Equal(t, pipeline.Succeeded, e.Status)
		require.Len(t, e.Stages, 2)
		require.Equal(t, int64(1), e.Stages[0].Context["waitTime"])
		require.Equal(t, pipeline.Map{"seconds": int64(1)}, e.TemplateVariables)
	}

	answer, err := w.Gate.Do(ctx, http.MethodDelete, templates+"/"+id+"?tag=stable", nil)
	require.NoError(t, err)
	requireRefused(t, answer, http.StatusBadRequest, "a template in use", "depend on this template: "+madeID)
	require.NoError(t, w.Gate.Call(ctx, http.MethodDelete, "/pipelines/"+w.Application+"/made", nil, nil))
	answer, err = w.Gate.Do(ctx, http.MethodDelete, templates+"/"+id+"?tag=stable", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, answer.Status, answer.Message())
}
