package stages_test

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestSavePipelineExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "save_pipeline.go", "SavePipeline").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"savePipeline", "waitForPipelineSave"}, taskNames(stage(e)))
	require.Equal(t, "Deploy", stage(e).Context["pipeline.name"])
	require.Equal(t, "saved-Deploy", stage(e).Context["pipeline.id"])
	require.Equal(t, "savepipeline", stage(e).Context["notification.type"])
	in := w.Asked(activities.SavePipeline.Name)[0].(activities.SavePipelineInput)
	require.True(t, in.StaleCheck)
	require.Equal(t, "Deploy", in.Pipeline.Name())
}

// What is saved is the document itself, whatever is in it, expressions in
// base64 included.
func TestSavePipelineKeepsTheDocument(t *testing.T) {
	t.Parallel()
	document := `{"name":"P","application":"a","ratio":1.0,"x":null,"stages":[{"type":"wait","waitTime":"${parameters.n}"}]}`
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"updatePipeline","pipeline":"`+base64.StdEncoding.EncodeToString([]byte(document))+`"}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	saved := w.Asked(activities.SavePipeline.Name)[0].(activities.SavePipelineInput).Pipeline
	want, err := pipeline.DecodeValue([]byte(document))
	require.NoError(t, err)
	require.Equal(t, want, map[string]any(saved))
}

func TestSavePipelineRefuses(t *testing.T) {
	t.Parallel()
	for stage, want := range map[string]string{
		`{"type":"savePipeline"}`:                           "holds no pipeline",
		`{"type":"savePipeline","pipeline":"%%%"}`:          "holds no pipeline",
		`{"type":"savePipeline","pipeline":"WzFd"}`:         "is not a JSON object",
		`{"type":"savePipeline","pipeline":""}`:             "holds no pipeline",
		`{"type":"deletePipeline","pipeline":{"name":1}}`:   "names no pipeline to delete",
		`{"type":"deletePipeline","pipeline":{"name":"P"}}`: "names no pipeline to delete",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+stage+`]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
	}
}

func TestSavePipelineConflict(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.SavePipeline, func(context.Context, activities.SavePipelineInput) (activities.SavePipelineOutput, error) {
		return activities.SavePipelineOutput{}, pipeline.Errorf(pipeline.CodeConflict, "The pipeline was changed by another.")
	})
	e := newRun(t, w, `{"stages":[{"type":"savePipeline","pipeline":{"name":"P","application":"a"}}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, []string{"The pipeline was changed by another."}, workflowstest.Errors(e, "0"))
}

// updatePipeline has one task, as in Orca.
func TestUpdatePipelineHasOneTask(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"updatePipeline","pipeline":{"id":"p","name":"P","application":"a"}}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"updatePipeline"}, taskNames(stage(e)))
	require.Equal(t, "p", stage(e).Context["pipeline.id"])
	require.Empty(t, stage(e).Outputs)
}

// A configuration without an ID is the one that the stage has saved before, or
// that it names.
func TestSavePipelineAgain(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	first := newRun(t, w, `{"stages":[{"type":"savePipeline","pipeline":{"name":"P","application":"a"}}]}`).Done()
	e := workflowstest.NewRunOf(t, w, stages.All(), first.Clone()).Restart("0", "tess")
	require.Equal(t, pipeline.Succeeded, e.Status)
	asked := w.Asked(activities.SavePipeline.Name)
	require.Len(t, asked, 2)
	require.NotContains(t, asked[0].(activities.SavePipelineInput).Pipeline, "id")
	require.Equal(t, pipeline.Pipeline{"name": "P", "application": "a", "id": "saved-P", "regenerateCronTriggerIds": true}, asked[1].(activities.SavePipelineInput).Pipeline)
	require.NotContains(t, stage(e).Context.Map("pipeline"), "id", "what was asked for stays as it was")
}

func TestDeletePipelineExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "save_pipeline.go", "DeletePipeline").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"deletePipeline"}, taskNames(stage(e)))
	require.Len(t, w.Asked(activities.DeletePipeline.Name), 1)
	for key, want := range map[string]any{"notification.type": "deletepipeline", "application": "shop", "pipeline.name": "Deploy", "pipeline.id": "3c1b…"} {
		require.Equal(t, want, stage(e).Context[key])
	}
}

// Clients of Spinnaker delete by application and name.
func TestDeletePipelineByName(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{"Deploy": "p1", "Gone": ""} {
		w := workflowstest.NewWorld(pipeline.Pipeline{"id": "p1", "application": "shop", "name": "Deploy"})
		e := newRun(t, w, `{"stages":[{"type":"deletePipeline","pipeline":{"application":"shop","name":"`+name+`"}}]}`).Done()
		require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
		require.Equal(t, id, stage(e).Context["pipeline.id"])
		asked := w.Asked(activities.DeletePipeline.Name)
		if id == "" {
			require.Empty(t, asked, "a missing one is a success")
			continue
		}
		require.Equal(t, id, asked[0].(activities.DeletePipelineInput).ID)
	}
}
