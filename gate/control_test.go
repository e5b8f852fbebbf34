package gate_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	populate(w)
	status := func() string { return pipeline.AsMap(w.get("/pipelines/running")).String("status") }
	empty := func(method, target string) {
		t.Helper()
		out := w.do(method, target, "")
		require.Equal(t, http.StatusOK, out.Code, out.Body.String())
		require.Empty(t, out.Body.String())
	}
	empty("PUT", "/pipelines/running/pause")
	require.Equal(t, "PAUSED", status())
	require.Equal(t, "anonymous", w.engine.paused["running"].User)
	require.Equal(t, http.StatusConflict, w.do("PUT", "/pipelines/running/pause", "").Code, "paused already")
	empty("PUT", "/pipelines/running/resume")
	require.Equal(t, "RUNNING", status())
	require.Equal(t, "anonymous", w.engine.resumed["running"].User)
	require.Equal(t, http.StatusConflict, w.do("PUT", "/pipelines/running/resume", "").Code)

	w.engine.silent = true
	empty("PUT", "/pipelines/running/pause")
	require.Equal(t, "RUNNING", status(), "the worker publishes it in a moment")
}

func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	populate(w)
	w.pipeline(`{"application":"shop","name":" Deploy ","id":"p-checks","stages":[
		{"refId":"1","type":"checkPreconditions","preconditions":[{"type":"expression","context":{"expression":"true"}}]},
		{"refId":"2","type":"checkPreconditions"},{"refId":"3","type":"wait","preconditions":[{}]}]}`)
	ended := &pipeline.Execution{ID: "ended", Application: "shop", Name: "deploy", PipelineConfigID: "p-checks", Status: pipeline.Terminal, Canceled: true,
		StartTime: 5, EndTime: 9, Stages: []*pipeline.Stage{{ID: "s-1", RefID: "1", Type: "checkPreconditions", Status: pipeline.Terminal, Context: pipeline.Map{}}}}
	w.execution(ended)

	out := w.do("PUT", "/pipelines/ended/stages/s-1/restart", `{"skip":false}`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	answer := w.object(out)
	require.Equal(t, "RUNNING", answer.String("status"))
	require.Equal(t, "RUNNING", pipeline.AsMap(w.get("/pipelines/ended")).String("status"), "readers see it at once")
	got := w.engine.restarted[0]
	require.Equal(t, "s-1", got.in.StageID)
	require.Equal(t, "anonymous", got.in.User)
	require.Equal(t, int64(1), got.known.Sequence)
	require.Equal(t, map[string][]any{"1": {map[string]any{"type": "expression", "context": map[string]any{"expression": "true"}}}}, got.in.Preconditions,
		"those of the stored pipeline, whatever the body says")

	// A pipeline that is not stored any more: the body's.
	w.execution(&pipeline.Execution{ID: "gone", Application: "shop", Name: "no more", Status: pipeline.Terminal,
		Stages: []*pipeline.Stage{{ID: "s-1", RefID: "1", Status: pipeline.Terminal, Context: pipeline.Map{}}}})
	out = w.do("PUT", "/pipelines/gone/stages/s-1/restart", `{"stages":[{"refId":"1","type":"checkPreconditions","preconditions":[]}]}`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	require.Equal(t, map[string][]any{"1": {}}, w.engine.restarted[1].in.Preconditions)

	// No worker answers: the end is gone all the same.
	w.engine.silent = true
	w.execution(&pipeline.Execution{ID: "late", Application: "shop", Name: "late", Status: pipeline.Terminal, Canceled: true, EndTime: 9,
		Stages: []*pipeline.Stage{{ID: "s-1", RefID: "1", Status: pipeline.Terminal, Context: pipeline.Map{}}}})
	answer = w.object(w.do("PUT", "/pipelines/late/stages/s-1/restart", ""))
	require.Equal(t, "RUNNING", answer.String("status"))
	require.Equal(t, false, answer["canceled"])
	require.Equal(t, noon.UnixMilli(), answer["startTime"])
	require.NotContains(t, answer, "endTime")
	require.Equal(t, "RUNNING", pipeline.AsMap(w.get("/pipelines/late")).String("status"))
}

// TestRestartReachesParents: the stage that started an execution waits for it
// again, as far up as executions have ended.
func TestRestartReachesParents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := func(id string, status pipeline.Status, parent string) {
		x := &pipeline.Execution{ID: id, Application: "shop", Name: id, Status: status,
			Stages: []*pipeline.Stage{{ID: "s-" + id, RefID: "1", Type: "pipeline", Status: pipeline.Terminal, Context: pipeline.Map{}}}}
		if parent != "" {
			x.Trigger.Parent = &pipeline.ParentRef{ExecutionID: parent, Application: "shop", StageID: "s-" + parent}
		}
		w.execution(x)
	}
	run("top", pipeline.Running, "")
	run("grandparent", pipeline.Terminal, "top")
	run("parent", pipeline.Terminal, "grandparent")
	run("child", pipeline.Terminal, "parent")
	run("orphan", pipeline.Terminal, "nowhere")
	require.Equal(t, http.StatusOK, w.do("PUT", "/pipelines/child/stages/s-child/restart", `{}`).Code)
	var restarted []string
	for _, r := range w.engine.restarted {
		restarted = append(restarted, r.known.Execution.ID)
		require.Equal(t, r.known.Execution.ID != "child", r.in.Attach)
		require.Equal(t, "s-"+r.known.Execution.ID, r.in.StageID)
	}
	require.Equal(t, []string{"child", "parent", "grandparent"}, restarted)
	require.Equal(t, http.StatusOK, w.do("PUT", "/pipelines/orphan/stages/s-orphan/restart", `{}`).Code, "the child was restarted all the same")
	require.Contains(t, w.log.String(), "the parent of a restarted execution was not restarted")
}

func TestManualSkip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.execution(&pipeline.Execution{ID: "x", Application: "shop", Status: pipeline.Running, Stages: []*pipeline.Stage{
		{ID: "no", RefID: "1", Type: "wait", Name: "Pause", Status: pipeline.Running, Context: pipeline.Map{}},
		{ID: "yes", RefID: "2", Type: "pipeline", Name: "Child", Status: pipeline.Running, Context: pipeline.Map{"skippable": true}}}})
	out := w.do("PATCH", "/pipelines/x/stages/no", `{"manualSkip":true}`)
	require.Equal(t, http.StatusMethodNotAllowed, out.Code)
	require.Contains(t, w.object(out).String("message"), "cannot be skipped by hand")
	out = w.do("PATCH", "/pipelines/x/stages/yes", `{"manualSkip":true}`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	require.Equal(t, "yes", w.engine.patched[0].StageID)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	populate(w)
	w.execution(&pipeline.Execution{ID: "waiting", Application: "shop", Status: pipeline.NotStarted})
	w.execution(&pipeline.Execution{ID: "task-waiting", Type: pipeline.TypeOrchestration, Application: "shop", Status: pipeline.NotStarted})
	for target, id := range map[string]string{
		"/pipelines/finished": "finished", "/tasks/task-done": "task-done", "/pipelines/waiting": "waiting", "/tasks/task-waiting": "task-waiting",
	} {
		require.Equal(t, http.StatusOK, w.do("DELETE", target, "").Code, target)
		require.Contains(t, w.engine.deleted, id, "from Temporal, too")
		require.Equal(t, http.StatusNotFound, w.do("GET", target, "").Code, target)
		require.Equal(t, http.StatusNotFound, w.do("DELETE", target, "").Code, target)
	}
	require.Len(t, w.engine.cancelled, 2)
	require.Contains(t, w.engine.cancelled["waiting"].Reason, "deleted while it waited")

	w.execution(&pipeline.Execution{ID: "stays", Application: "shop", Status: pipeline.Succeeded})
	w.engine.fail = pipeline.Errorf(pipeline.CodeUnavailable, "Temporal does not answer.")
	require.Equal(t, http.StatusServiceUnavailable, w.do("DELETE", "/pipelines/stays", "").Code)
	require.Equal(t, "SUCCEEDED", pipeline.AsMap(w.get("/pipelines/stays")).String("status"), "nothing is half deleted")
}

func TestCancelTasks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	populate(w)
	require.Equal(t, http.StatusBadRequest, w.do("PUT", "/tasks/cancel", "").Code)
	require.Equal(t, http.StatusOK, w.do("PUT", "/tasks/cancel?ids=task-done&ids=task-running", "").Code)
	require.Contains(t, w.engine.cancelled, "task-running")
	require.NotContains(t, w.engine.cancelled, "task-done")
	require.Equal(t, http.StatusNotFound, w.do("PUT", "/tasks/cancel?ids=running", "").Code, "it is no task")
}

func TestFailedStages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failed := func(id, kind string, context pipeline.Map) *pipeline.Stage {
		return &pipeline.Stage{ID: id, RefID: id, Type: kind, Name: "Stage " + id, Status: pipeline.Terminal, Context: context}
	}
	w.execution(&pipeline.Execution{ID: "parent", Application: "shop", Name: "all", Status: pipeline.Terminal, Stages: []*pipeline.Stage{
		{ID: "2", RefID: "2", Type: "wait", Status: pipeline.Terminal, RequisiteStageRefIDs: []string{"1"},
			Context: pipeline.Map{"exception": map[string]any{"details": map[string]any{"errors": []any{"", "too slow"}}}}},
		{ID: "1", RefID: "1", Type: "wait", Status: pipeline.Succeeded, Context: pipeline.Map{}},
		failed("3", "pipeline", pipeline.Map{"executionId": "child", "executionName": "eu", "application": "shop"}),
		{ID: "3<1", RefID: "3<1", Type: "wait", ParentStageID: "3", Status: pipeline.Terminal, Context: pipeline.Map{}},
	}})
	w.execution(&pipeline.Execution{ID: "child", Application: "shop", Name: "eu", Status: pipeline.Terminal, Stages: []*pipeline.Stage{
		failed("a", "deployManifest", pipeline.Map{}), failed("b", "pipeline", pipeline.Map{"executionId": "missing"}), failed("c", "pipeline", pipeline.Map{}),
	}, Trigger: pipeline.Trigger{Parent: &pipeline.ParentRef{ExecutionID: "parent", Application: "shop", Pipeline: "all", StageID: "3"}}})

	require.Equal(t, []string{"2"}, names(t, w.get("/executions/failedStages?executionId=parent"), "stageId"))
	found := w.get("/pipelines/failedStages?executionId=parent&limit=10&deckOrigin=https://deck:9000").([]any)
	require.Equal(t, []string{"2", "a", "c"}, names(t, found, "stageId"))
	first, second := pipeline.AsMap(found[0]), pipeline.AsMap(found[1])
	require.Equal(t, "too slow", first["stageException"])
	require.Equal(t, "https://deck:9000/#/applications/shop/executions/details/parent?stage=2&step=0&details=runJobConfig", first["pipelineExecutionUrl"])
	require.Nil(t, first["parentPipelineExecutionId"])
	require.Equal(t, "NOT_FOUND_CHECK_UI", second["stageException"])
	require.Equal(t, "parent", second["parentPipelineExecutionId"])
	require.Equal(t, "all", second["parentPipelineExecutionName"])
	require.Empty(t, w.get("/executions/failedStages?executionId=nope"))
	require.Equal(t, http.StatusBadRequest, w.do("GET", "/executions/failedStages", "").Code)
	require.Equal(t, http.StatusBadRequest, w.do("GET", "/executions/failedStages?executionId=parent&limit=0", "").Code)
}
