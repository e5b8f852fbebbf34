package stages_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestWaitForConditionExample(t *testing.T) {
	t.Parallel()
	e := runExample(t, workflowstest.NewWorld(), "wait_for_condition.go", "WaitForCondition").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"waitForCondition"}, taskNames(stage(e)))
	require.Equal(t, "SKIPPED", stage(e).Context["status"])
	require.Less(t, stage(e).EndTime-stage(e).StartTime, pipeline.Millis(5))
	require.Empty(t, stage(e).Outputs)
}

// frozen is a pipeline before a frozen cluster.
func frozen(t *testing.T, w *workflowstest.World, cluster string) *workflowstest.Run {
	t.Helper()
	kind := stages.WaitForCondition{Clusters: []string{"shop-web"}, Conditions: []string{"holidays"}}
	return workflowstest.NewRun(t, w, []workflows.StageType{kind}, `{"stages":[{"type":"waitForCondition","cluster":"`+cluster+`"}]}`)
}

func TestWaitForConditionHolds(t *testing.T) {
	t.Parallel()
	r := frozen(t, workflowstest.NewWorld(), "shop-web")
	var seen *pipeline.Stage
	r.At(time.Minute, func() { seen = r.Query().Execution.Stages[0] })
	judged := r.PatchAt(2*time.Minute, "0", pipeline.Map{"judgmentStatus": "continue"})
	other := r.PatchAt(2*time.Minute, "0", pipeline.Map{"status": "ERROR"})
	skip := r.PatchAt(17*time.Minute, "0", pipeline.Map{"status": "SKIPPED"})
	e := r.Done()
	require.Equal(t, "WAITING", seen.Context["status"])
	require.Equal(t, []any{map[string]any{"name": "holidays", "description": "Active condition applies to: holidays"}}, seen.Outputs["conditions"])
	judged.Refused(t, pipeline.CodeConflict, "does not take judgmentStatus")
	other.Refused(t, pipeline.CodeInvalid, "can only be set to \"SKIPPED\"")
	skip.Took(t)
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.InDelta(t, 17*60_000, int64(stage(e).EndTime-stage(e).StartTime), 5)

	e = frozen(t, workflowstest.NewWorld(), "shop-web").Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.InDelta(t, 2*3600_000, int64(stage(e).EndTime-stage(e).StartTime), 5)

	e = frozen(t, workflowstest.NewWorld(), "shop-api").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Less(t, stage(e).EndTime-stage(e).StartTime, pipeline.Millis(5))
}

func TestWaitForConditionRestart(t *testing.T) {
	t.Parallel()
	s := &pipeline.Stage{Context: pipeline.Map{"status": "SKIPPED", "cluster": "c"}, Outputs: pipeline.Map{"conditions": []any{}}}
	stages.WaitForCondition{}.PrepareRestart(s, pipeline.Map{})
	require.Equal(t, pipeline.Map{"cluster": "c"}, s.Context)
	require.Empty(t, s.Outputs)
}
