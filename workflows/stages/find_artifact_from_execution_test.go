package stages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// shelved is an ended run of pipeline "p" whose stage with the refId left a jar.
func shelved(id, ref string, start pipeline.Millis, status pipeline.Status, jar string) *pipeline.Execution {
	return &pipeline.Execution{
		ID: id, Type: pipeline.TypePipeline, PipelineConfigID: "p", StartTime: start, Status: status,
		Stages: []*pipeline.Stage{
			{RefID: "before", Outputs: pipeline.Map{"artifacts": []any{map[string]any{"type": "jar", "name": "earlier"}}}},
			{RefID: ref, RequisiteStageRefIDs: []string{"before"}, Outputs: pipeline.Map{"artifacts": []any{map[string]any{"type": "jar", "name": jar}}}},
		},
		Trigger: pipeline.Trigger{Artifacts: []pipeline.Artifact{{Type: "jar", Name: "trigger"}, {Type: "image", Name: "trigger"}}},
	}
}

func TestFindArtifactFromExecutionExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "find_artifact_from_execution.go", "FindArtifactFromExecution").Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	require.Equal(t, []string{"findArtifactFromExecution"}, taskNames(stage(e)))
	require.Equal(t, []any{map[string]any{"type": "docker/image", "name": "registry.example.com/shop", "version": "stable"}}, stage(e).Outputs["artifacts"],
		"the default, since there is no execution")
	in := w.Asked(activities.LatestExecutions.Name)[0].(activities.LatestExecutionsInput)
	require.Equal(t, "3c1b…", in.ConfigID)
	require.Equal(t, []pipeline.Status{pipeline.Succeeded}, in.Statuses)
	require.Len(t, in.Matching, 1)
}

func TestFindArtifactFromExecution(t *testing.T) {
	t.Parallel()
	const jar = `"expectedArtifacts":[{"id":"j","matchArtifact":{"type":"jar"}}]`
	for _, tt := range []struct{ name, stage, want string }{
		{"the latest of any status", jar, "running"},
		{"successful", `"executionOptions":{"successful":true},` + jar, "succeeded"},
		{"succeeded", `"executionOptions":{"succeeded":"true","successful":false},` + jar, "succeeded"},
		{"terminal", `"executionOptions":{"terminal":true},` + jar, "failed"},
		{"successful or terminal", `"executionOptions":{"terminal":true,"successful":true},` + jar, "failed"},
		{"running", `"executionOptions":{"running":true},` + jar, "running"},
		{"a single expectation", `"expectedArtifact":{"id":"j","matchArtifact":{"type":"jar","name":"e.*"}}`, "earlier"},
		{"a list before a single one", `"expectedArtifact":{"id":"x"},` + jar, "running"},
		{"of its trigger", `"expectedArtifacts":[{"id":"j","matchArtifact":{"type":"image"}}]`, "trigger"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			w.Shelve(
				shelved("A", "0", 10, pipeline.Succeeded, "oldest"),
				shelved("B", "0", 20, pipeline.Succeeded, "succeeded"),
				shelved("C", "0", 30, pipeline.Terminal, "failed"),
				shelved("D", "0", 40, pipeline.Running, "running"))
			e := newRun(t, w, `{"id":"q","stages":[{"type":"findArtifactFromExecution","pipeline":"p",`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
			s := stage(e)
			found := s.Outputs.List("artifacts")
			require.Len(t, found, 1)
			require.Equal(t, tt.want, pipeline.AsMap(found[0])["name"])
			require.Equal(t, found[0], pipeline.AsMap(s.Outputs.List("resolvedExpectedArtifacts")[0])["boundArtifact"])
			require.Equal(t, s.Outputs["artifacts"], s.Context["artifacts"])
			require.Equal(t, s.Outputs["resolvedExpectedArtifacts"], s.Context["resolvedExpectedArtifacts"])
		})
	}
}

// In its own pipeline the stage does not take what it left itself.
func TestFindArtifactFromItsOwnPipeline(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	w.Shelve(shelved("A", "7", 10, pipeline.Succeeded, "its own"))
	const config = `{"id":"p","stages":[{"type":"findArtifactFromExecution","refId":"7","pipeline":"p","expectedArtifacts":[{"id":"j","matchArtifact":{"type":"jar"}}]}]}`
	e := newRun(t, w, config).Done()
	require.Equal(t, "earlier", pipeline.AsMap(stage(e).Outputs.List("artifacts")[0])["name"])

	// The latest execution may be this very one, which the stage knows best.
	r := newRun(t, workflowstest.NewWorld(), config)
	self := shelved(r.Execution.ID, "7", 90, pipeline.Running, "seen from outside")
	r.World.Shelve(self)
	r.Execution.Trigger.Artifacts = []pipeline.Artifact{{Type: "jar", Name: "as it is"}}
	r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, workflows.Input{Execution: r.Execution.Clone()})
	archived := r.World.Archived(r.Execution.ID)
	e = archived[len(archived)-1].Execution
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "as it is", pipeline.AsMap(stage(e).Outputs.List("artifacts")[0])["name"])
}

func TestFindArtifactFromExecutionRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stage, want string }{
		{"no pipeline", `"expectedArtifacts":[]`, "names no pipeline"},
		{"nothing found", `"pipeline":"gone","expectedArtifacts":[{"id":"j","displayName":"Jar","matchArtifact":{"type":"jar"}}]`,
			"Unmatched expected artifact 'Jar' {type: jar} could not be resolved."},
		{"prior artifacts are no way out", `"pipeline":"gone","expectedArtifacts":[{"id":"j","usePriorArtifact":true}]`, "Unmatched expected artifact 'j'"},
		{"not to be read", `"pipeline":"p","expectedArtifacts":[[]]`, "The expectedArtifacts of stage 'findArtifactFromExecution' cannot be read: Expected artifact 1 is a list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"findArtifactFromExecution",`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
		})
	}

	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"findArtifactFromExecution","pipeline":"p"}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, pipeline.Map{"artifacts": []any{}, "resolvedExpectedArtifacts": []any{}}, stage(e).Outputs)
	require.Empty(t, w.Asked(activities.LatestExecutions.Name), "nothing is expected, nothing is asked")
}
