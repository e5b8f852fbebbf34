package e2e

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// stageOf writes one stage behind another; pairs are keys and values of its
// context.
func stageOf(ref, behind, kind, name string, pairs ...any) map[string]any {
	requisites := []any{}
	if behind != "" {
		requisites = append(requisites, behind)
	}
	out := map[string]any{"refId": ref, "type": kind, "name": name, "requisiteStageRefIds": requisites}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

// TestControls holds, restarts and deletes executions through Gate.
func TestControls(t *testing.T) {
	t.Parallel()
	ctx := within(t, 4*time.Minute)
	w := newWorld(t, ctx)
	save := func(name string, keys pipeline.Map, stages ...any) string {
		t.Helper()
		config := pipeline.Map{"application": w.Application, "name": name, "stages": stages, "spelEvaluator": "v4"}
		for k, v := range keys {
			config[k] = v
		}
		id, err := w.Gate.Save(ctx, config)
		require.NoError(t, err)
		return id
	}
	start := func(name string, trigger pipeline.Map) string {
		t.Helper()
		id, err := w.Gate.Start(ctx, w.Application, name, trigger)
		require.NoError(t, err)
		return id
	}
	reaches := func(id, stage string, status pipeline.Status) *pipeline.Execution {
		t.Helper()
		e, err := w.Gate.AwaitStage(ctx, id, stage, status)
		require.NoError(t, err)
		return e
	}
	put := func(path string) {
		t.Helper()
		require.NoError(t, w.Gate.Call(ctx, http.MethodPut, path, pipeline.Map{}, nil))
	}
	judge := func(id, verdict string) {
		t.Helper()
		reaches(id, "Ask", pipeline.Running)
		require.NoError(t, w.Gate.Patch(ctx, id, "Ask", pipeline.Map{"judgmentStatus": verdict}))
	}
	ends := func(id string, status pipeline.Status) *pipeline.Execution {
		t.Helper()
		e, err := w.Gate.AwaitEnd(ctx, id)
		require.NoError(t, err)
		require.Equal(t, status, e.Status, harness.Describe(e))
		return e
	}
	restart := func(e *pipeline.Execution, stage string) {
		t.Helper()
		put("/pipelines/" + e.ID + "/stages/" + harness.StageNamed(e, stage).ID + "/restart")
	}
	gone := func(id string) {
		t.Helper()
		_, err := w.Gate.Execution(ctx, id)
		var refusal *harness.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, http.StatusNotFound, refusal.Answer.Status)
	}

	child := save("child", nil,
		stageOf("1", "", "evaluateVariables", "Count", "variables", []any{map[string]any{"key": "next", "value": "${1 + 1}"}}),
		stageOf("2", "1", "manualJudgment", "Ask"), stageOf("3", "2", "wait", "Settle", "waitTime", int64(0)))

	// One event that arrives many times at once is one execution.
	const callers = 8
	started := make([]string, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			started[i], _ = w.Gate.Start(ctx, w.Application, "child", pipeline.Map{"correlationId": "event 7"})
		})
	}
	wg.Wait()
	id := started[0]
	for _, other := range started {
		require.Equal(t, id, other)
	}

	// Held while paused, and on after it.
	reaches(id, "Ask", pipeline.Running)
	put("/pipelines/" + id + "/pause")
	held := reaches(id, "Ask", pipeline.Paused)
	require.Equal(t, pipeline.Paused, held.Status)
	put("/pipelines/" + id + "/resume")
	judge(id, "stop")
	failed := ends(id, pipeline.Terminal)
	require.NotEqual(t, id, start("child", pipeline.Map{"correlationId": "event 7"}), "an ended execution is not answered")

	// Restarted at its failed stage, then at its first, after it had ended.
	restart(failed, "Ask")
	running := reaches(id, "Ask", pipeline.Running)
	require.Equal(t, pipeline.Running, running.Status)
	require.Equal(t, pipeline.Succeeded, harness.StageNamed(running, "Count").Status)
	judge(id, "continue")
	again := ends(id, pipeline.Succeeded)
	require.Equal(t, pipeline.Terminal, harness.StageNamed(again, "Ask").PreviousAttempts[0].Status)
	restart(again, "Count")
	judge(id, "continue")
	again = ends(id, pipeline.Succeeded)
	require.Equal(t, 2, harness.StageNamed(again, "Ask").Attempt)
	require.Equal(t, 1, harness.StageNamed(again, "Settle").Attempt)
	require.Equal(t, int64(2), harness.StageNamed(again, "Count").Outputs["next"])

	// Expressions on what has ended.
	var evaluated pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodGet, "/pipelines/"+id+"/evaluateExpression?expression="+
		url.QueryEscape("${#stage('Count').outputs.next + 1}"), nil, &evaluated))
	require.Equal(t, int64(3), evaluated["result"])

	// A parent waits again for the child that was restarted.
	save("parent", nil, stageOf("1", "", "pipeline", "Child", "application", w.Application, "pipeline", child))
	parent := start("parent", nil)
	begun, err := w.Gate.Await(ctx, parent, "its child", func(e *pipeline.Execution) bool {
		return harness.StageNamed(e, "Child").Context.String("executionId") != ""
	})
	require.NoError(t, err)
	childRun := harness.StageNamed(begun, "Child").Context.String("executionId")
	judge(childRun, "stop")
	ends(parent, pipeline.Terminal)
	restart(ends(childRun, pipeline.Terminal), "Ask")
	reaches(parent, "Child", pipeline.Running)
	judge(childRun, "continue")
	ends(childRun, pipeline.Succeeded)
	attached := ends(parent, pipeline.Succeeded)
	require.Equal(t, childRun, harness.StageNamed(attached, "Child").Context.String("executionId"))

	// Deleted for good; one that waits, too.
	require.NoError(t, w.Gate.Call(ctx, http.MethodDelete, "/pipelines/"+id, nil, nil))
	gone(id)
	save("limited", pipeline.Map{"limitConcurrent": true, "keepWaitingPipelines": true}, stageOf("1", "", "manualJudgment", "Ask"))
	first := start("limited", nil)
	reaches(first, "Ask", pipeline.Running)
	second := start("limited", nil)
	waits, err := w.Gate.Execution(ctx, second)
	require.NoError(t, err)
	require.Equal(t, pipeline.NotStarted, waits.Status)
	require.NoError(t, w.Gate.Call(ctx, http.MethodDelete, "/pipelines/"+second, nil, nil))
	gone(second)
	judge(first, "continue")
	ends(first, pipeline.Succeeded)

	// A start that cannot be is on record.
	require.Error(t, w.Gate.Call(ctx, http.MethodPost, "/pipelines/start",
		pipeline.Map{"application": w.Application, "name": "child", "id": child, "disabled": true, "stages": []any{}}, nil))
	require.NoError(t, harness.Until(ctx, "the failed start", func(ctx context.Context) (bool, error) {
		all, err := w.Gate.Executions(ctx, w.Application)
		for _, e := range all {
			if e.CancellationReason == "Failed on startup: Pipeline is disabled and cannot be started." && e.Status == pipeline.Terminal {
				return true, nil
			}
		}
		return false, err
	}))
}
