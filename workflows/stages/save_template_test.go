package stages_test

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestSaveTemplateExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "save_template.go", "SaveTemplate").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"createPipelineTemplate"}, taskNames(stage(e)))
	require.Equal(t, "web:stable", stage(e).Context["pipelineTemplate.id"])
	require.Equal(t, "createpipelinetemplate", stage(e).Context["notification.type"])
	require.True(t, w.Asked(activities.SaveTemplate.Name)[0].(activities.SaveTemplateInput).Create)
}

// The template is saved as it is, expressions included.
func TestUpdateTemplateKeepsTheDocument(t *testing.T) {
	t.Parallel()
	document := `{"schema":"v2","ratio":1.0,"pipeline":{"stages":[{"type":"wait","waitTime":"${ templateVariables.n }"}]}}`
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"updateV2PipelineTemplate","id":"web","pipelineTemplate":"`+base64.StdEncoding.EncodeToString([]byte(document))+`"}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"updatePipelineTemplate"}, taskNames(stage(e)))
	in := w.Asked(activities.SaveTemplate.Name)[0].(activities.SaveTemplateInput)
	require.False(t, in.Create)
	want, err := pipeline.DecodeValue([]byte(document))
	require.NoError(t, err)
	require.Equal(t, "web", in.Template["id"])
	delete(in.Template, "id")
	require.Equal(t, want, map[string]any(in.Template))
}

func TestTemplatesRefuse(t *testing.T) {
	t.Parallel()
	for stage, want := range map[string]string{
		`{"type":"createV2PipelineTemplate"}`:                                              "holds no template",
		`{"type":"createV2PipelineTemplate","pipelineTemplate":"WzFd"}`:                    "is not a JSON object",
		`{"type":"updateV2PipelineTemplate","id":"web","pipelineTemplate":{"id":"other"}}`: "make them equal",
		`{"type":"deleteV2PipelineTemplate"}`:                                              "names no template",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+stage+`]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
	}
}

func TestDeleteTemplateExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "save_template.go", "DeleteTemplate").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, activities.DeleteTemplateInput{Scope: w.Asked(activities.DeleteTemplate.Name)[0].(activities.DeleteTemplateInput).Scope, ID: "web", Tag: "stable"},
		w.Asked(activities.DeleteTemplate.Name)[0])
}
