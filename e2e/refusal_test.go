package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// TestRefusals: what is wrong with a request is answered with a 4xx whose
// message names the fault, and nothing is stored.
func TestRefusals(t *testing.T) {
	t.Parallel()
	ctx := within(t, time.Minute)
	w := newWorld(t, ctx)
	_, err := w.Gate.Save(ctx, pipeline.Map{"application": w.Application, "name": "taken", "stages": []any{}})
	require.NoError(t, err)
	var before []pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodGet, "/applications/"+w.Application+"/pipelineConfigs", nil, &before))
	require.Len(t, before, 1)

	stages := func(text string) string {
		return `{"application": "` + w.Application + `", "name": "new", "stages": ` + text + `}`
	}
	for _, tt := range []struct {
		name, path, body string
		status           int
		message          []string
	}{
		{"no JSON", "/pipelines", `{"name": `, 400, []string{"not JSON"}},
		{"a list", "/pipelines", `[]`, 400, []string{"list"}},
		{"no pipeline", "/pipelines", `{"stages": []}`, 400, []string{"name", "application"}},
		{"stages that are text", "/pipelines", stages(`"none"`), 400, []string{"stages", "'new'"}},
		{"a body over the limit", "/pipelines", `{"name": "` + strings.Repeat("x", 11<<20) + `"}`, 413, []string{"limit"}},
		{"a cycle", "/pipelines", stages(`[{"refId":"1","type":"wait","name":"A","requisiteStageRefIds":["2"]},{"refId":"2","type":"wait","name":"B","requisiteStageRefIds":["1"]}]`), 400, []string{"'A'", "'B'"}},
		{"a stage that requires itself", "/pipelines", stages(`[{"refId":"1","type":"wait","name":"A","requisiteStageRefIds":["1"]}]`), 400, []string{"'A'", "itself"}},
		{"an unknown requisite stage", "/pipelines", stages(`[{"refId":"1","type":"wait","name":"A","requisiteStageRefIds":["7"]}]`), 400, []string{"'A'", "'7'"}},
		{"one refId twice", "/pipelines", stages(`[{"refId":"1","type":"wait","name":"A"},{"refId":"1","type":"wait","name":"B"}]`), 400, []string{"refId '1'"}},
		{"a name taken", "/pipelines", `{"application": "` + w.Application + `", "name": "taken", "stages": []}`, 400, []string{"taken"}},
		{"an application name against the rules", "/tasks", `{"application": "my app", "description": "x", "job": [{"type": "createApplication", "application": {"name": "my app", "email": "a@example.com"}}]}`, 400, []string{"my app"}},
		{"an application name against Kubernetes' rules", "/tasks", `{"application": "9x", "description": "x", "job": [{"type": "createApplication", "application": {"name": "9x", "email": "a@example.com", "cloudProviders": "kubernetes"}}]}`, 400, []string{"9x", "kubernetes"}},
		{"a start of nothing", "/pipelines/" + w.Application + "/nothing", `{"type": "manual"}`, 404, []string{"nothing"}},
	} {
		answer, err := w.Gate.Do(ctx, http.MethodPost, tt.path, []byte(tt.body))
		require.NoError(t, err, tt.name)
		requireRefused(t, answer, tt.status, tt.name, tt.message...)
	}
	var after []pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodGet, "/applications/"+w.Application+"/pipelineConfigs", nil, &after))
	require.Equal(t, before, after)
}

// TestRefusalsOfRunningExecutions: judgments where none is waited for and
// cancels of what has ended are refused, and change nothing.
func TestRefusalsOfRunningExecutions(t *testing.T) {
	t.Parallel()
	ctx := within(t, time.Minute)
	w := newWorld(t, ctx)
	_, err := w.Gate.Save(ctx, pipeline.Map{"application": w.Application, "name": "live", "stages": []any{
		map[string]any{"refId": "1", "type": "wait", "name": "Pause", "waitTime": 3600},
		map[string]any{"refId": "2", "type": "manualJudgment", "name": "Judge"},
		map[string]any{"refId": "3", "type": "manualJudgment", "name": "Later", "requisiteStageRefIds": []any{"1"}},
	}})
	require.NoError(t, err)
	id, err := w.Gate.Start(ctx, w.Application, "live", nil)
	require.NoError(t, err)
	e, err := w.Gate.AwaitStage(ctx, id, "Judge", pipeline.Running)
	require.NoError(t, err)
	patch := func(stage string, patch pipeline.Map) harness.Answer {
		body, err := json.Marshal(patch)
		require.NoError(t, err)
		answer, err := w.Gate.Do(ctx, http.MethodPatch, "/pipelines/"+id+"/stages/"+harness.StageNamed(e, stage).ID, body)
		require.NoError(t, err)
		return answer
	}
	requireRefused(t, patch("Pause", pipeline.Map{"judgmentStatus": "continue"}), 409, "a judgment on a wait", "'Pause'")
	requireRefused(t, patch("Later", pipeline.Map{"judgmentStatus": "continue"}), 409, "a judgment too early", "'Later'", "NOT_STARTED")
	requireRefused(t, patch("Judge", pipeline.Map{"judgmentStatus": "perhaps"}), 400, "a judgment that is none", "perhaps")
	requireRefused(t, patch("Judge", pipeline.Map{"skipRemainingWait": true}), 409, "a skip of a judgment", "'Judge'")
	answer, err := w.Gate.Do(ctx, http.MethodPatch, "/pipelines/"+id+"/stages/none", []byte(`{"judgmentStatus": "continue"}`))
	require.NoError(t, err)
	requireRefused(t, answer, 404, "a judgment on no stage", "none")
	answer, err = w.Gate.Do(ctx, http.MethodDelete, "/pipelines/"+id, nil)
	require.NoError(t, err)
	requireRefused(t, answer, 409, "a delete of what runs", "running")

	require.NoError(t, w.Gate.Patch(ctx, id, "Judge", pipeline.Map{"judgmentStatus": "continue"}))
	_, err = w.Gate.AwaitStage(ctx, id, "Judge", pipeline.Succeeded)
	require.NoError(t, err)
	requireRefused(t, patch("Judge", pipeline.Map{"judgmentStatus": "stop"}), 409, "a second judgment", "'Judge'")
	require.NoError(t, w.Gate.Cancel(ctx, id, "enough"))
	e, err = w.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Canceled, e.Status)
	require.Equal(t, pipeline.Succeeded, harness.StageNamed(e, "Judge").Status)

	answer, err = w.Gate.Do(ctx, http.MethodPut, "/pipelines/"+id+"/cancel", nil)
	require.NoError(t, err)
	requireRefused(t, answer, 409, "a cancel of what has ended", id, "CANCELED")
	requireRefused(t, patch("Pause", pipeline.Map{"skipRemainingWait": true}), 409, "a skip in what has ended", id, "CANCELED")
}

func requireRefused(t *testing.T, a harness.Answer, status int, name string, message ...string) {
	t.Helper()
	require.Equal(t, status, a.Status, "%s: %s", name, a.Body)
	for _, part := range message {
		require.Contains(t, a.Message(), part, name)
	}
}
