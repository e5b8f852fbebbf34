package stages_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

var savingTasks = []string{
	"getPipelinesFromArtifact", "preparePipelineToSaveTask", "savePipeline", "waitForPipelineSave",
	"checkPipelineResults", "checkForRemainingPipelines", "savePipelinesCompleteTask",
}

func TestSavePipelinesFromArtifactExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "save_pipelines_from_artifact.go", "SavePipelinesFromArtifact").Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	require.Equal(t, savingTasks, taskNames(stage(e)))
	require.Equal(t, pipeline.Map{
		"pipelinesCreated":      []any{map[string]any{"application": "shop", "name": "Deploy", "id": "saved-Deploy"}},
		"pipelinesUpdated":      []any{},
		"pipelinesFailedToSave": []any{},
	}, stage(e).Outputs)
}

// saving runs a stage over a document.
func saving(t *testing.T, w *workflowstest.World, document string) *pipeline.Execution {
	t.Helper()
	return newRun(t, w, `{"spelEvaluator":"v4","stages":[{"type":"savePipelinesFromArtifact","pipelinesArtifact":{"type":"embedded/base64",
		"reference":"`+base64.StdEncoding.EncodeToString([]byte(document))+`"}}]}`).Done()
}

// Every pipeline is saved as it stands in the document, whatever else fails.
func TestSavePipelinesFromArtifact(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld(pipeline.Pipeline{"id": "p-old", "application": "shop", "name": "Old"})
	workflowstest.On(w, activities.SavePipeline, func(_ context.Context, in activities.SavePipelineInput) (activities.SavePipelineOutput, error) {
		p := in.Pipeline.Clone()
		if p.Name() == "Bad" {
			return activities.SavePipelineOutput{}, pipeline.Errorf(pipeline.CodeInvalid, "The pipeline is wrong.")
		}
		if p.ID() == "" {
			p["id"] = "p-new"
		}
		return activities.SavePipelineOutput{Pipeline: p}, nil
	})
	e := saving(t, w, `{"shop":[{"name":"Bad"},{"name":"Old","stages":[{"type":"wait","waitTime":"${1 + 1}"}]}],"api":[{"name":"New"}]}`)
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, []string{"Failed to save pipelines: shop:Bad", "shop:Bad: The pipeline is wrong."}, workflowstest.Errors(e, "0"))
	require.Equal(t, pipeline.Map{
		"pipelinesCreated":      []any{map[string]any{"application": "api", "name": "New", "id": "p-new"}},
		"pipelinesUpdated":      []any{map[string]any{"application": "shop", "name": "Old", "id": "p-old"}},
		"pipelinesFailedToSave": []any{map[string]any{"application": "shop", "name": "Bad", "id": "", "error": "The pipeline is wrong."}},
	}, stage(e).Outputs)
	asked := w.Asked(activities.SavePipeline.Name)
	require.Len(t, asked, 3)
	old := asked[2].(activities.SavePipelineInput).Pipeline
	require.Equal(t, "p-old", old.ID())
	require.Equal(t, "${1 + 1}", pipeline.AsMap(pipeline.Map(old).List("stages")[0])["waitTime"])
}

// A Front50 that does not answer ends the stage, and no pipeline counts as
// refused.
func TestSavePipelinesFromArtifactFront50Away(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.SavePipeline, func(context.Context, activities.SavePipelineInput) (activities.SavePipelineOutput, error) {
		return activities.SavePipelineOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "Front50 does not answer.")
	})
	e := saving(t, w, `{"shop":[{"name":"A"},{"name":"B"}]}`)
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, workflowstest.Errors(e, "0"), "Front50 does not answer.")
	require.Nil(t, stage(e).Context["pipelinesFailedToSave"])
}

func TestSavePipelinesFromArtifactByID(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.FetchExpressions, func(_ context.Context, in activities.FetchExpressionsInput) (activities.FetchExpressionsOutput, error) {
		answers := map[string]expr.Answer{}
		for _, r := range in.Requests {
			answers[r.Key()] = expr.Answer{Value: `{"shop":[{"name":"From ` + r.URL + `"}]}`}
		}
		return activities.FetchExpressionsOutput{Answers: answers}, nil
	})
	r := newRun(t, w, `{"stages":[{"type":"savePipelinesFromArtifact","pipelinesArtifactId":"doc"}]}`)
	r.Execution.Trigger.ResolvedExpectedArtifacts = []pipeline.ExpectedArtifact{{
		ID: "doc", BoundArtifact: &pipeline.Artifact{Type: "http/file", Reference: "https://files.example.com/pipelines.json"},
	}}
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, "From https://files.example.com/pipelines.json", w.Asked(activities.SavePipeline.Name)[0].(activities.SavePipelineInput).Pipeline.Name())
}

func TestSavePipelinesFromArtifactOfAnAccount(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"savePipelinesFromArtifact","pipelinesArtifact":{"type":"github/file","artifactAccount":"gh","reference":"{\"shop\":[{\"name\":\"A\"}]}"}}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, "gh", w.Asked(activities.FetchArtifact.Name)[0].(activities.FetchArtifactInput).Artifact.ArtifactAccount)
	require.Equal(t, "A", w.Asked(activities.SavePipeline.Name)[0].(activities.SavePipelineInput).Pipeline.Name())
}

func TestSavePipelinesFromArtifactRefuses(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`{}`:                                    "There are no pipelines to save",
		`{"shop":[]}`:                           "There are no pipelines to save",
		`[]`:                                    "is not a JSON object of lists of pipelines by application",
		`nonsense`:                              "is not a JSON object of lists of pipelines by application",
		`{"shop":{}}`:                           "The application 'shop' in the artifact of stage 'savePipelinesFromArtifact' has no list of pipelines.",
		`{"shop":[{"name":"A"},{"stages":[]}]}`: "The pipeline 2 of application 'shop' in the artifact of stage 'savePipelinesFromArtifact' has no name.",
		`{"shop":["x"]}`:                        "The pipeline 1 of application 'shop'",
		`{"shop":[` + strings.Repeat(`{"name":"A"},`, 500) + `{"name":"A"}]}`: "holds 501 pipelines: at most 500",
		`{"shop":"` + strings.Repeat("x", 700<<10) + `"}`:                     "at most 716800 are taken",
	} {
		w := workflowstest.NewWorld()
		e := saving(t, w, document)
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
		require.Empty(t, w.Asked(activities.SavePipeline.Name))
	}
	for artifact, want := range map[string]string{
		``:                             "No artifact could be bound to ''",
		`,"pipelinesArtifactId":"doc"`: "No artifact could be bound to 'doc'",
		`,"pipelinesArtifact":{"type":"github/file","reference":"x"}`:                                 "is not a JSON object of lists of pipelines",
		`,"pipelinesArtifact":{"type":"embedded/base64","name":"n","reference":"%"}`:                  "The reference of the artifact 'n' is not base64.",
		`,"pipelinesArtifact":{"type":"http/file","reference":"https://files.example.com/none.json"}`: "404 Not Found",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"savePipelinesFromArtifact"`+artifact+`}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
	}
}

func TestSavePipelinesFromArtifactRestart(t *testing.T) {
	t.Parallel()
	s := &pipeline.Stage{
		Context: pipeline.Map{"pipelinesArtifactId": "doc", "pipelinesToSave": []any{"x"}, "pipeline": "x", "pipelinesCreated": []any{}},
		Outputs: pipeline.Map{"pipelinesCreated": []any{}},
	}
	stages.SavePipelinesFromArtifact{}.PrepareRestart(s, pipeline.Map{})
	require.Equal(t, pipeline.Map{"pipelinesArtifactId": "doc"}, s.Context)
	require.Empty(t, s.Outputs)
}
