package stages_test

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestReorderPipelinesExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld(pipeline.Pipeline{"id": "3c1b…"}, pipeline.Pipeline{"id": "88fe…"})
	e := newRun(t, w, `{"stages":[`+example(t, "reorder_pipelines.go", "ReorderPipelines")+`]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, []string{"reorderPipelines"}, taskNames(stage(e)))
	require.Equal(t, "reorderpipelines", stage(e).Context["notification.type"])
	require.Empty(t, stage(e).Outputs)
	in := w.Asked(activities.ReorderPipelines.Name)[0].(activities.ReorderPipelinesInput)
	require.Equal(t, "shop", in.Application)
	require.Equal(t, map[string]int{"3c1b…": 0, "88fe…": 1}, in.IDsToIndices)
	require.Equal(t, "ines", in.Scope.User)
}

// Gate sends every value as JSON in base64.
func TestReorderPipelinesInBase64(t *testing.T) {
	t.Parallel()
	b64 := func(text string) string { return `"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"` }
	for given, want := range map[string]string{b64(`"shop"`): "shop", `"shop"`: "shop", `"MTIz"`: "MTIz"} {
		w := workflowstest.NewWorld(pipeline.Pipeline{"id": "p"})
		e := newRun(t, w, `{"stages":[{"type":"reorderPipelines","application":`+given+`,"idsToIndices":`+b64(`{"p":3}`)+`,"isStrategy":`+b64(`false`)+`}]}`).Done()
		require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
		in := w.Asked(activities.ReorderPipelines.Name)[0].(activities.ReorderPipelinesInput)
		require.Equal(t, want, in.Application)
		require.Equal(t, map[string]int{"p": 3}, in.IDsToIndices)
	}
}

func TestReorderStrategies(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]bool{`true`: true, `"dHJ1ZQ=="`: true, `false`: false, `null`: false} {
		w := workflowstest.NewWorld(pipeline.Pipeline{"id": "p"})
		e := newRun(t, w, `{"stages":[{"type":"reorderPipelines","application":"shop","idsToIndices":{"p":3},"isStrategy":`+given+`}]}`).Done()
		require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
		require.Equal(t, want, w.Asked(activities.ReorderPipelines.Name)[0].(activities.ReorderPipelinesInput).Strategies, given)
	}
}

func TestReorderPipelinesRefuses(t *testing.T) {
	t.Parallel()
	for context, want := range map[string]string{
		`"idsToIndices":{"p":1}`:                         "names no application",
		`"application":"shop"`:                           "holds no idsToIndices",
		`"application":"shop","idsToIndices":"x"`:        "holds no idsToIndices",
		`"application":"shop","idsToIndices":{"p":-1}`:   "The index of the pipeline 'p' in stage 'reorderPipelines' is -1",
		`"application":"shop","idsToIndices":{"p":"x"}`:  "is x: use 0 or a positive number",
		`"application":"shop","idsToIndices":{"gone":1}`: "Pipeline not found (id: gone)",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"reorderPipelines",`+context+`}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status, context)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
	}
}
