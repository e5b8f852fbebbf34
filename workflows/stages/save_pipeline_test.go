package stages_test

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
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
		`{"type":"savePipeline"}`:                         "holds no pipeline",
		`{"type":"savePipeline","pipeline":"%%%"}`:        "holds no pipeline",
		`{"type":"savePipeline","pipeline":"WzFd"}`:       "is not a JSON object",
		`{"type":"savePipeline","pipeline":""}`:           "holds no pipeline",
		`{"type":"deletePipeline","pipeline":{"name":1}}`: "names no pipeline to delete",
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

func TestDeletePipelineExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "save_pipeline.go", "DeletePipeline").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Len(t, w.Asked(activities.DeletePipeline.Name), 1)
}
