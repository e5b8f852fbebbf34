package stages_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

var withScripted = append(stages.All(), workflowstest.Scripted{})

// family prepares a parent whose stages are given and a child configuration
// "kid" whose stages are given.
func family(t *testing.T, parent, child string) *workflowstest.Run {
	t.Helper()
	w := workflowstest.NewWorld(workflowstest.ParsePipeline(t, `{"id":"kid","name":"Kid","application":"crib",`+child+`}`))
	return workflowstest.NewRun(t, w, withScripted, `{"id":"mum","name":"Mum","stages":[`+parent+`]}`)
}

// childOf returns the ended child that the stage with a refId started.
func childOf(r *workflowstest.Run, e *pipeline.Execution, ref string) *pipeline.Execution {
	r.Helper()
	id := e.StageByRef(ref).Context.String("executionId")
	require.NotEmpty(r, id)
	return workflowstest.RequireEnd(r, r.World, id)
}

func TestPipelineExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld(workflowstest.ParsePipeline(t, `{"id":"3c1b…","name":"EU","stages":[{"type":"wait"}]}`))
	r := runExample(t, w, "pipeline.go", "Pipeline")
	require.Equal(t, pipeline.Succeeded, r.Done().Status)
}

func TestChildPipeline(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","refId":"1","name":"Call","pipeline":"kid","pipelineParameters":{"tag":"v1"}},
		{"type":"scripted","refId":"2","requisiteStageRefIds":["1"],"reads":"fruit"}`,
		`"parameterConfig":[{"name":"tag"},{"name":"size","default":"s"}],"stages":[{"type":"scripted","takes":30,"outputs":{"fruit":"pear","l":[1]}},{"type":"scripted","outputs":{"l":[1,2]}}]`)
	r.Execution.RootID = "grandmother"
	r.Execution.Trigger.Artifacts = []pipeline.Artifact{{Type: "docker/image", Name: "bread"}}
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	s := e.StageByRef("1")
	require.Equal(t, []string{"startPipeline", "monitorPipeline"}, taskNames(s))
	require.Equal(t, "SUCCEEDED", s.Context["status"])
	require.Equal(t, "Kid", s.Context["executionName"])
	require.NotContains(t, s.Outputs, "executionId", "a stage downstream would take it for its own")
	require.Equal(t, []any{int64(1), int64(2)}, s.Outputs["l"])
	require.Equal(t, "pear", e.StageByRef("2").Context["read"], "the child's outputs are the stage's")
	require.Equal(t, pipeline.Millis(30_000), s.EndTime-s.StartTime)

	child := childOf(r, e, "1")
	require.Equal(t, "crib", child.Application)
	require.Equal(t, "kid", child.PipelineConfigID)
	require.Equal(t, "grandmother", child.RootID)
	require.Equal(t, "ines", child.Authentication.User)
	require.Equal(t, "pipeline", child.Trigger.Type)
	require.Equal(t, pipeline.Map{"tag": "v1", "size": "s"}, child.Trigger.Parameters)
	require.Equal(t, r.Execution.Trigger.Artifacts, child.Trigger.Artifacts)
	require.Equal(t, &pipeline.ParentRef{ExecutionID: e.ID, Application: "bakery", Pipeline: "Mum", StageID: s.ID, RootID: "grandmother"}, child.Trigger.Parent)
	require.Equal(t, e.ID, child.Trigger.Other["parentPipelineId"])
	require.Equal(t, e.ID+"_"+s.ID+"_kid_"+strconv.FormatInt(int64(e.StartTime), 10), child.Trigger.CorrelationID)
}

func TestChildPipelineOptions(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","pipeline":"kid","skipDownstreamOutput":true}`, `"stages":[{"type":"scripted","outputs":{"fruit":"pear"}}]`)
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.NotContains(t, stage(e).Outputs, "fruit")

	r = family(t, `{"type":"pipeline","pipeline":"kid","waitForCompletion":false},{"type":"wait","waitTime":60}`, `"stages":[{"type":"scripted","takes":30,"code":"failed"}]`)
	e = r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status, "nobody waits for the child's failure")
	require.Equal(t, []string{"startPipeline"}, taskNames(stage(e)))
	require.NotContains(t, stage(e).Context, "status")
	require.Equal(t, pipeline.Terminal, childOf(r, e, "0").Status)
}

func TestChildPipelineEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, options, child string
		want, stage          pipeline.Status
		status               string
		errors               []string
	}{
		{"failed", ``, `{"type":"scripted","name":"Feed","code":"failed"}`, "TERMINAL", "TERMINAL", "TERMINAL",
			[]string{"Exception in child pipeline stage (Kid: Feed): Feed went wrong.", "Exception in child pipeline stage (Kid: Feed): the first detail"}},
		{"failed without words", ``, `{"type":"scripted","ends":"TERMINAL"}`, "TERMINAL", "TERMINAL", "TERMINAL", []string{"The pipeline 'Kid' ended TERMINAL."}},
		{"failed and ignored", `,"continuePipeline":true`, `{"type":"scripted","name":"Feed","ends":"TERMINAL"}`, "SUCCEEDED", "FAILED_CONTINUE", "TERMINAL",
			[]string{"The pipeline 'Kid' ended TERMINAL.", "monitorPipeline:", "Unexpected Task Failure", "The pipeline 'Kid' ended TERMINAL."}},
		{"failed in a branch", `,"failPipeline":false`, `{"type":"scripted","name":"Feed","ends":"TERMINAL"}`, "SUCCEEDED", "STOPPED", "TERMINAL", []string{"The pipeline 'Kid' ended TERMINAL."}},
		{"cancelled", ``, `{"type":"scripted","ends":"CANCELED"}`, "CANCELED", "CANCELED", "CANCELED", nil},
		{"stopped in a branch", ``, `{"type":"scripted","ends":"STOPPED"}`, "SUCCEEDED", "SUCCEEDED", "SUCCEEDED", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := family(t, `{"type":"pipeline","pipeline":"kid"`+tt.options+`}`, `"stages":[`+tt.child+`]`)
			e := r.Done()
			require.Equal(t, tt.want, e.Status)
			require.Equal(t, tt.stage, stage(e).Status)
			require.Equal(t, tt.status, stage(e).Context["status"])
			require.Equal(t, tt.errors, workflowstest.Errors(e, "0"))
		})
	}
}

func TestChildPipelineRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, parent, child, want string }{
		{"none named", `{"type":"pipeline"}`, `"stages":[]`, "names no pipeline"},
		{"custom strategy", `{"type":"pipeline","pipelineId":"s1","pipelineParameters":{"strategy":true}}`, `"stages":[]`, "runs the custom strategy 's1', which needs strategies in Front50"},
		{"missing", `{"type":"pipeline","pipeline":"gone"}`, `"stages":[]`, "The referenced pipeline cannot be located (gone)"},
		{"disabled", `{"type":"pipeline","pipeline":"kid"}`, `"disabled":true,"stages":[]`, "The referenced pipeline is disabled"},
		{"broken", `{"type":"pipeline","pipeline":"kid"}`, `"stages":[{}]`, "has no type"},
		{"missing parameter", `{"type":"pipeline","pipeline":"kid"}`, `"parameterConfig":[{"name":"tag","required":true}],"stages":[]`, "requires the parameters 'tag'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := family(t, tt.parent, tt.child)
			e := r.Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
			require.NotContains(t, stage(e).Context, "executionId")
		})
	}
}

func TestCancelReachesTheChild(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","pipeline":"kid"}`, `"stages":[{"type":"scripted","takes":600}]`)
	r.CancelAt(time.Minute, workflows.CancelInput{User: "ines"})
	e := r.Done()
	require.Equal(t, pipeline.Canceled, e.Status)
	require.Equal(t, pipeline.Canceled, stage(e).Status)
	require.Len(t, r.World.Asked(activities.FindEnd.Name), 1, "the child asked whether it had ended")
}

// A child runs as the user of the stage that starts it (reference: orca section
// 3.12).
func TestWhoChildrenRunAs(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"manualJudgment","refId":"0","propagateAuthenticationContext":true},{"type":"pipeline","refId":"1","requisiteStageRefIds":["0"],"pipeline":"kid"},{"type":"pipeline","refId":"2","pipeline":"kid"}`,
		`"triggers":[{"type":"pipeline","pipeline":"mum","enabled":true,"runAsUser":"root"}],"stages":[{"type":"scripted"}]`)
	r.PatchAt(time.Minute, "0", pipeline.Map{"judgmentStatus": "continue"})
	e := r.Done()
	for ref, user := range map[string]string{"1": "tess", "2": "ines"} {
		child := childOf(r, e, ref)
		require.Equal(t, user, child.Authentication.User)
		require.Equal(t, user, child.Trigger.User)
	}
}

func TestChildThatTakesTooLongIsCanceled(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","refId":"0","pipeline":"kid","stageTimeoutMs":60000,"failPipeline":false},{"type":"wait","refId":"w","waitTime":600}`, `"stages":[{"type":"scripted","takes":300}]`)
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, pipeline.Stopped, stage(e).Status)
	require.Equal(t, []string{"The task monitorPipeline of stage 'pipeline' did not end within 1m0s."}, workflowstest.Errors(e, "0"))
	child := childOf(r, e, "0")
	require.Equal(t, pipeline.Canceled, child.Status)
	require.Equal(t, "parent pipeline", child.CanceledBy)
	require.Equal(t, pipeline.Canceled, child.Stages[0].Status)
}

// A pipeline "kid" that expects an image.
const expecting = `"expectedArtifacts":[{"id":"img","displayName":"Image","matchArtifact":{"type":"docker/image","artifactAccount":"hub"}%s}],"stages":[{"type":"scripted"}]`

// What the calling stage sees is what the child receives, nearest first; what it
// matches there must be resolved (reference: orca section 5).
func TestChildPipelineReceivesArtifacts(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"scripted","refId":"1","outputs":{"artifacts":[{"type":"docker/image","name":"bread"},{"name":"other"}]}},
		{"type":"pipeline","refId":"2","requisiteStageRefIds":["1"],"pipeline":"kid"}`, fmt.Sprintf(expecting, ""))
	r.Execution.Trigger.Artifacts = []pipeline.Artifact{{Name: "from trigger"}, {Name: "other"}}
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "2"))
	trigger := childOf(r, e, "2").Trigger
	image := pipeline.Artifact{Type: "docker/image", Name: "bread"}
	require.Equal(t, []pipeline.Artifact{image, {Name: "other"}, {Name: "from trigger"}}, trigger.Artifacts)
	require.Equal(t, []pipeline.ExpectedArtifact{{
		ID: "img", DisplayName: "Image", MatchArtifact: &pipeline.Artifact{Type: "docker/image", ArtifactAccount: "hub"}, BoundArtifact: &image,
	}}, trigger.ResolvedExpectedArtifacts)
	require.Equal(t, []any{"img"}, trigger.Other["expectedArtifactIds"])
	require.Empty(t, r.World.Asked(activities.LatestExecutions.Name), "nothing prior is needed")
}

// A child whose artifacts are not resolved is recorded as failed, and the stage
// that started it fails with its words.
func TestChildPipelineWhoseArtifactsAreMissing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, artifacts, triggers, want string }{
		{"missing", ``, `,"triggers":[{"type":"pipeline","pipeline":"mum","expectedArtifactIds":["img"]}]`,
			"Unmatched expected artifact 'Image' {type: docker/image} could not be resolved."},
		{"several", `{"type":"docker/image","name":"a"},{"type":"docker/image","name":"b"}`, ``,
			"Expected artifact 'Image' {type: docker/image} matches multiple artifacts [{type: docker/image, name: a}, {type: docker/image, name: b}]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := family(t, `{"type":"scripted","refId":"1","outputs":{"artifacts":[`+tt.artifacts+`]}},
				{"type":"pipeline","refId":"2","name":"Call","requisiteStageRefIds":["1"],"pipeline":"kid"}`, fmt.Sprintf(expecting, "")+tt.triggers)
			e := r.Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Equal(t, []string{"Exception in child pipeline stage (Kid: Failed on startup): " + tt.want}, workflowstest.Errors(e, "2"))
			require.Equal(t, "TERMINAL", e.StageByRef("2").Context["status"])
			child := childOf(r, e, "2")
			require.Equal(t, pipeline.Terminal, child.Status)
			require.Equal(t, "system", child.CanceledBy)
			require.Equal(t, "Failed on startup: "+tt.want, child.CancellationReason)
			require.Equal(t, pipeline.NotStarted, child.Stages[0].Status)
		})
	}
}

// Prior artifacts are looked for when nothing else will do.
func TestChildPipelineUsesPriorArtifacts(t *testing.T) {
	t.Parallel()
	prior := func(id string, start pipeline.Millis, names ...string) *pipeline.Execution {
		e := &pipeline.Execution{ID: id, Type: pipeline.TypePipeline, PipelineConfigID: "kid", StartTime: start, Status: pipeline.Terminal, Stages: []*pipeline.Stage{}}
		for _, n := range names {
			e.Trigger.Artifacts = append(e.Trigger.Artifacts, pipeline.Artifact{Type: "docker/image", Name: n})
		}
		return e
	}
	start := func(t *testing.T, executions ...*pipeline.Execution) (*workflowstest.Run, *pipeline.Execution) {
		t.Helper()
		r := family(t, `{"type":"pipeline","refId":"2","pipeline":"kid"}`, fmt.Sprintf(expecting, `,"usePriorArtifact":true`))
		r.World.Shelve(executions...)
		return r, r.Done()
	}
	r, e := start(t, prior("A", 5, "new"), prior("B", 4, "old"))
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "2"))
	require.Equal(t, "new", childOf(r, e, "2").Trigger.ResolvedExpectedArtifacts[0].BoundArtifact.Name)
	in := r.World.Asked(activities.LatestExecutions.Name)[0].(activities.LatestExecutionsInput)
	require.Equal(t, "kid", in.ConfigID)
	require.Empty(t, in.Statuses, "executions of every status count")
	require.Len(t, in.Matching, 1)

	_, e = start(t, prior("A", 5, "one", "two"))
	require.Contains(t, workflowstest.Errors(e, "2")[0], "matches multiple artifacts")
	_, e = start(t)
	require.Contains(t, workflowstest.Errors(e, "2")[0], "Unmatched expected artifact 'Image'")
}

func TestChildPipelineBindsWhatItLeft(t *testing.T) {
	t.Parallel()
	const child = `"stages":[{"type":"scripted","outputs":{"artifacts":[{"name":"crumb"},{"name":"loaf"}]}}]`
	const expected = `"expectedArtifacts":[{"id":"l","matchArtifact":{"name":"lo.*"}}]`
	e := family(t, `{"type":"pipeline","pipeline":"kid",`+expected+`}`, child).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, []string{"startPipeline", "monitorPipeline", "bindProducedArtifacts"}, taskNames(stage(e)))
	require.Equal(t, []any{map[string]any{"name": "loaf"}}, stage(e).Outputs["artifacts"])
	require.Equal(t, []any{map[string]any{"name": "loaf"}}, stage(e).Context["artifacts"])

	e = family(t, `{"type":"pipeline","pipeline":"kid","skipDownstreamOutput":true,"expectedArtifacts":[{"id":"l","useDefaultArtifact":true,"matchArtifact":{"name":"lo.*"},"defaultArtifact":{"name":"d"}}]}`, child).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Empty(t, stage(e).Outputs)
	require.Equal(t, []any{map[string]any{"name": "d"}}, stage(e).Context["artifacts"])
}

// A stage that names an execution starts nothing and waits for that one.
func TestPipelineStageAttaches(t *testing.T) {
	t.Parallel()
	ended := func(status pipeline.Status) activities.ExecutionState {
		s := state("E7", status)
		s.Outputs = pipeline.Map{"fruit": "pear"}
		return s
	}
	failed := ended(pipeline.Terminal)
	failed.Failures = []activities.StageFailure{{Stage: "Feed", Message: "no flour"}}
	large := ended(pipeline.Succeeded)
	large.Outputs, large.OutputsSize = nil, workflows.MaxOutputs+1
	for _, tt := range []struct {
		name, options string
		end           activities.ExecutionState
		want          pipeline.Status
		outputs       pipeline.Map
		errors        []string
	}{
		{"succeeded", ``, ended(pipeline.Succeeded), "SUCCEEDED", pipeline.Map{"fruit": "pear"}, nil},
		{"outputs are not wanted", `,"skipDownstreamOutput":true`, ended(pipeline.Succeeded), "SUCCEEDED", pipeline.Map{"fruit": "pear"}, nil},
		{"failed", ``, failed, "TERMINAL", pipeline.Map{"fruit": "pear"}, []string{"Exception in child pipeline stage (Deploy: Feed): no flour"}},
		{"stopped", ``, ended(pipeline.Stopped), "TERMINAL", pipeline.Map{"fruit": "pear"}, []string{"The pipeline 'Deploy' ended STOPPED."}},
		{"cancelled", ``, ended(pipeline.Canceled), "CANCELED", pipeline.Map{"fruit": "pear"}, nil},
		{"left too much", ``, large, "TERMINAL", pipeline.Map{}, []string{"The pipeline 'Deploy' left outputs of 16777217 bytes, and a parent takes at most 16777216: let its stages leave less, or set skipDownstreamOutput."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := family(t, `{"type":"pipeline","pipeline":"kid","executionId":"E7"`+tt.options+`}`, `"stages":[]`)
			answers(r.World, []activities.ExecutionState{state("E7", pipeline.Running)}, []activities.ExecutionState{tt.end})
			e := r.Done()
			require.Equal(t, tt.want, e.Status)
			s := stage(e)
			require.Equal(t, []string{"monitorPipeline"}, taskNames(s))
			require.Equal(t, string(tt.end.Status), s.Context["status"])
			require.Equal(t, tt.errors, workflowstest.Errors(e, "0"))
			in := r.World.Asked(activities.AwaitExecutions.Name)[0].(activities.AwaitExecutionsInput)
			require.Equal(t, []string{"E7"}, in.IDs)
			require.Equal(t, pipeline.TypePipeline, in.Type)
			require.Equal(t, workflows.MaxOutputs, in.MaxOutputs)
			require.Empty(t, r.World.Asked(activities.ReadPipeline.Name))
			if tt.options != "" {
				require.False(t, in.Outputs)
				require.Empty(t, s.Outputs)
				return
			}
			require.True(t, in.Outputs)
			require.Equal(t, tt.outputs, s.Outputs)
		})
	}

	r := family(t, `{"type":"pipeline","pipeline":"kid","executionId":"gone"}`, `"stages":[]`)
	r.Env.OnSignalExternalWorkflow(mock.Anything, "gone", "", workflows.CancelSignal, mock.Anything).Return(nil)
	e := r.Done()
	require.Equal(t, []string{"There is no execution with the id 'gone'."}, workflowstest.Errors(e, "0"))
	e = family(t, `{"type":"pipeline","pipeline":"kid","executionId":"gone","waitForCompletion":false}`, `"stages":[]`).Done()
	require.Equal(t, pipeline.Skipped, stage(e).Status, "there is nothing to do")
}

// A workflow that goes on from its execution alone still knows its child.
func TestChildPipelineOutlivesItsParentsRun(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","refId":"1","pipeline":"kid"}`, `"stages":[{"type":"scripted","takes":600}]`)
	r.At(time.Minute, func() { r.Env.SetContinueAsNewSuggested(true) })
	r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, workflows.Input{Execution: r.Execution.Clone()})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, r.Env.GetWorkflowError(), &again)
	in := workflowstest.ContinuedInput(t, again)
	id := in.Execution.StageByRef("1").Context.String("executionId")
	require.NotEmpty(t, id)

	next := workflowstest.NewRunOf(t, r.World, withScripted, in.Execution)
	end := state(id, pipeline.Succeeded)
	end.Outputs = pipeline.Map{"fruit": "pear"}
	answers(r.World, []activities.ExecutionState{end})
	next.Env.ExecuteWorkflow(workflows.PipelineWorkflow, in)
	e := workflowstest.RequireEnd(t, r.World, r.Execution.ID)
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"startPipeline", "monitorPipeline"}, taskNames(e.StageByRef("1")))
	require.Equal(t, "pear", e.StageByRef("1").Outputs["fruit"])
	require.Equal(t, []string{id}, r.World.Asked(activities.AwaitExecutions.Name)[0].(activities.AwaitExecutionsInput).IDs)
	require.Len(t, r.World.Asked(activities.ReadPipeline.Name), 1, "one child")
}

// A restarted stage starts another child, or waits again for a child that was
// itself restarted (reference: orca section 3.11).
func TestRestartOfAPipelineStage(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","refId":"1","pipeline":"kid"}`, `"stages":[{"type":"scripted","code":"failed"}]`)
	first := r.Done()
	require.Equal(t, pipeline.Terminal, first.Status)
	child := first.StageByRef("1").Context.String("executionId")

	second := workflowstest.NewRunOf(t, r.World, withScripted, first.Clone()).Restart("1", "tess")
	require.Equal(t, pipeline.Terminal, second.Status)
	s := second.StageByRef("1")
	require.NotEqual(t, child, s.Context["executionId"])
	require.Equal(t, []string{"startPipeline", "monitorPipeline"}, taskNames(s))
	require.Empty(t, r.World.Asked(activities.AwaitExecutions.Name))

	attached := first.Clone()
	attached.StageByRef("1").Context["_skipPipelineRestart"] = true
	end := state(child, pipeline.Succeeded)
	end.Outputs = pipeline.Map{"fruit": "pear"}
	answers(r.World, []activities.ExecutionState{end})
	third := workflowstest.NewRunOf(t, r.World, withScripted, attached).Restart("1", "tess")
	require.Equal(t, pipeline.Succeeded, third.Status)
	s = third.StageByRef("1")
	require.Equal(t, child, s.Context["executionId"])
	require.Equal(t, "Kid", s.Context["executionName"])
	require.Equal(t, "SUCCEEDED", s.Context["status"])
	require.NotContains(t, s.Context, "_skipPipelineRestart")
	require.Equal(t, []string{"monitorPipeline"}, taskNames(s))
	require.Equal(t, "pear", s.Outputs["fruit"])
}

func TestSkipAPipelineStage(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","refId":"1","pipeline":"kid","skippable":true},{"type":"wait","refId":"2","requisiteStageRefIds":["1"]}`,
		`"stages":[{"type":"scripted","takes":600}]`)
	skip := r.PatchAt(time.Minute, "1", pipeline.Map{"manualSkip": true})
	e := r.Done()
	skip.Took(t)
	require.Equal(t, map[string]pipeline.Status{"1": "SKIPPED", "2": "SUCCEEDED"}, workflowstest.Statuses(e))
	require.Equal(t, true, e.StageByRef("1").Context["canManuallySkip"])

	r = family(t, `{"type":"pipeline","refId":"1","pipeline":"kid"}`, `"stages":[{"type":"scripted","takes":600}]`)
	skip = r.PatchAt(time.Minute, "1", pipeline.Map{"manualSkip": true})
	e = r.Done()
	skip.Refused(t, pipeline.CodeNotAllowed, "cannot be skipped by hand")
	require.NotContains(t, e.StageByRef("1").Context, "canManuallySkip")
}

// What a child left is seen downstream also when its failure is ignored.
func TestOutputsOfAFailedChild(t *testing.T) {
	t.Parallel()
	r := family(t, `{"type":"pipeline","refId":"1","pipeline":"kid","continuePipeline":true},{"type":"scripted","refId":"2","requisiteStageRefIds":["1"],"reads":"fruit"}`,
		`"stages":[{"type":"scripted","outputs":{"fruit":"pear"}},{"type":"scripted","code":"failed"}]`)
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "pear", e.StageByRef("2").Context["read"])
}

func TestPipelineCalls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		context pipeline.Map
		want    string
	}{
		{pipeline.Map{"pipeline": "kid"}, "start the pipeline kid and wait for its end"},
		{pipeline.Map{"pipeline": "kid", "waitForCompletion": false}, "start the pipeline kid"},
		{pipeline.Map{"pipeline": "kid", "waitForCompletion": " False "}, "start the pipeline kid"},
		{pipeline.Map{"pipeline": "kid", "waitForCompletion": "no"}, "start the pipeline kid and wait for its end"},
		{pipeline.Map{"pipeline": "kid", "executionId": "E7"}, "watch the execution E7"},
	} {
		require.Equal(t, []string{tt.want}, stages.Pipeline{}.Calls(&pipeline.Stage{Context: tt.context}))
	}
}
