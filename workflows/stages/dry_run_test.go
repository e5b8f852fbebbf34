package stages_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Which stages of a dry run are real and which are played (reference: orca
// section 3.12).
func TestDryRunPlaysAllButThese(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stage string
		played      bool
		want        pipeline.Status
	}{
		{"wait", `{"type":"wait","waitTime":3600}`, true, "SUCCEEDED"},
		{"waitUntil", `{"type":"waitUntil","epochMillis":99999999999999}`, true, "SUCCEEDED"},
		{"deployManifest", `{"type":"deployManifest","account":"nope","manifests":[{}]}`, true, "SUCCEEDED"},
		{"deleteManifest", `{"type":"deleteManifest","account":"nope"}`, true, "SUCCEEDED"},
		{"runJob", `{"type":"runJob","account":"nope"}`, true, "SUCCEEDED"},
		{"runJobManifest by its alias", `{"type":"runJobManifest","alias":"runJob","account":"nope"}`, true, "SUCCEEDED"},
		{"webhook", `{"type":"webhook","url":"https://example.com"}`, true, "SUCCEEDED"},
		{"savePipeline", `{"type":"savePipeline"}`, true, "SUCCEEDED"},
		{"runMultiplePipelines", `{"type":"runMultiplePipelines"}`, true, "SUCCEEDED"},
		{"noop, which has no tasks of its own", `{"type":"noop"}`, true, "SUCCEEDED"},
		{"an unknown type fails", `{"type":"telepathy"}`, false, "TERMINAL"},
		{"evaluateVariables", `{"type":"evaluateVariables","variables":[{"key":"a","value":"1"}]}`, false, "SUCCEEDED"},
		{"manualJudgment", `{"type":"manualJudgment"}`, false, "SUCCEEDED"},
		{"pipeline", `{"type":"pipeline","pipeline":"kid"}`, false, "SUCCEEDED"},
		{"checkPreconditions of expressions", `{"type":"checkPreconditions","preconditions":[{"type":"expression","context":{"expression":"true"}}]}`, false, "SUCCEEDED"},
		{"findImage", `{"type":"findImage"}`, false, "TERMINAL"}, // real, and not available
		{"findImageFromTags", `{"type":"findImageFromTags"}`, false, "TERMINAL"},
		{"determineTargetServerGroup", `{"type":"determineTargetServerGroup"}`, false, "TERMINAL"},
		{"rollbackCluster", `{"type":"rollbackCluster"}`, false, "TERMINAL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld(workflowstest.ParsePipeline(t, `{"id":"kid","name":"Kid","stages":[{"type":"wait","waitTime":3600}]}`))
			r := newRun(t, w, `{"spelEvaluator":"v4","stages":[`+tt.stage+`]}`)
			r.Execution.Trigger.DryRun = true
			r.PatchAt(time.Minute, "0", pipeline.Map{"judgmentStatus": "continue"})
			e := r.Done()
			require.Equal(t, tt.want, e.StageByRef("0").Status, e.StageByRef("0").Context)
			require.Equal(t, tt.played, len(e.StageByRef("0").Tasks) == 1 && e.StageByRef("0").Tasks[0].Name == "dry run")
			for _, call := range []string{activities.DeployManifest.Name, activities.DeleteManifest.Name, activities.RunJob.Name, activities.CallWebhook.Name} {
				require.Empty(t, w.Asked(call))
			}
			switch tt.name {
			case "manualJudgment":
				require.Equal(t, e.StartTime+60_000, e.EndTime)
			case "pipeline":
				child := childOf(r, e, "0")
				require.True(t, child.Trigger.DryRun, "children are dry too")
				require.Equal(t, "dry run", child.Stages[0].Tasks[0].Name)
			default:
				require.Equal(t, e.StartTime, e.EndTime)
			}
		})
	}
}

// A dry run does not wait for windows; it keeps the stages that wait for them.
func TestDryRunPlaysWindows(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"evaluateVariables","variables":[],"restrictExecutionDuringTimeWindow":true,"restrictedExecutionWindow":{}}]}`)
	r.Execution.Trigger.DryRun = true
	e := r.Done()
	require.Equal(t, map[string]pipeline.Status{"0<0": "SUCCEEDED", "0": "SUCCEEDED"}, workflowstest.Statuses(e))
	require.Equal(t, []string{"dry run"}, taskNames(e.StageByRef("0<0")))
}
