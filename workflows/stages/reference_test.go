package stages_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Rows of the reference's tables of stages, by section: what a stage of the type
// does with these inputs.
func TestReference(t *testing.T) {
	t.Parallel()
	const deploy = `{"type":"deployManifest","account":"prod","manifests":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}]`
	for _, tt := range []struct {
		name, stage string
		want        pipeline.Status // of the stage "0"
		check       func(*testing.T, *pipeline.Execution)
	}{
		{"6.1 deployManifest writes keys with a dot to context and outputs", deploy + `}`, "SUCCEEDED", func(t *testing.T, e *pipeline.Execution) {
			for _, m := range []pipeline.Map{stage(e).Context, stage(e).Outputs} {
				for _, key := range []string{"outputs.manifests", "outputs.manifestNamesByNamespace", "outputs.boundArtifacts", "outputs.createdArtifacts", "artifacts"} {
					require.Contains(t, m, key)
				}
			}
			require.Equal(t, stage(e).Outputs["outputs.createdArtifacts"], stage(e).Outputs["artifacts"])
		}},
		{"6.1 deployManifest with noOutput leaves none", deploy + `,"noOutput":true}`, "SUCCEEDED", func(t *testing.T, e *pipeline.Execution) {
			require.Empty(t, stage(e).Outputs)
		}},
		{"6.1 deleteManifest tells what it deleted", `{"type":"deleteManifest","account":"prod","location":"shop","manifestName":"deployment web"}`, "SUCCEEDED",
			func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, []string{"resolveTargetManifest", "deleteManifest", "monitorDelete", "promoteManifestKatoOutputs"}, taskNames(stage(e)))
				require.Equal(t, map[string]any{"shop": []any{"deployment web"}}, stage(e).Outputs["outputs.manifestNamesByNamespace"])
			}},
		{"6.1 findArtifactFromExecution fails by the text of section 5", `{"type":"findArtifactFromExecution","pipeline":"p","expectedArtifacts":[{"id":"j","matchArtifact":{"type":"jar"}}]}`, "TERMINAL",
			func(t *testing.T, e *pipeline.Execution) {
				require.Contains(t, workflowstest.Errors(e, "0")[0], "Unmatched expected artifact")
			}},
		{"6.2 wait without waitTime is over at once", `{"type":"wait"}`, "SUCCEEDED", func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, e.StartTime, e.EndTime)
		}},
		{"6.2 waitUntil without epochMillis is over at once", `{"type":"waitUntil"}`, "SUCCEEDED", func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, []string{"waitUntil"}, taskNames(stage(e)))
			require.Equal(t, e.StartTime, e.EndTime)
		}},
		{"6.2 manualJudgment waits three days", `{"type":"manualJudgment"}`, "TERMINAL", func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, 3*24*time.Hour, (e.EndTime - e.StartTime).Time().Sub(time.UnixMilli(0)))
		}},
		{"6.2 manualJudgment waits for stageTimeoutMs instead", `{"type":"manualJudgment","stageTimeoutMs":60000}`, "TERMINAL", func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, e.StartTime+60_000, e.EndTime)
		}},
		{"6.2 evaluateVariables drops blank keys", `{"type":"evaluateVariables","variables":[{"key":"","value":"1"},{"key":"a","value":"2"}]}`, "SUCCEEDED",
			func(t *testing.T, e *pipeline.Execution) {
				require.NotContains(t, stage(e).Outputs, "")
				require.Contains(t, stage(e).Outputs, "a")
			}},
		{"6.2 evaluateArtifacts makes embedded artifacts and skips empty ones", `{"type":"evaluateArtifacts","artifactContents":[{"name":"a","contents":"x","id":"1"},{"name":"b","contents":"","id":"2"}]}`, "SUCCEEDED",
			func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, []string{"evaluateArtifacts", "bindArtifacts"}, taskNames(stage(e)))
				found := stage(e).Outputs.List("artifacts")
				require.Len(t, found, 1)
				require.Equal(t, "embedded/base64", pipeline.AsMap(found[0])["type"])
				require.Equal(t, "embedded-artifact", pipeline.AsMap(found[0])["artifactAccount"])
			}},
		{"6.2 pipeline tells which pipeline is missing", `{"type":"pipeline","application":"shop","pipeline":"gone"}`, "TERMINAL", func(t *testing.T, e *pipeline.Execution) {
			require.Contains(t, workflowstest.Errors(e, "0")[0], "The referenced pipeline cannot be located (gone)")
		}},
		{"6.2 checkPreconditions knows noop", `{"type":"checkPreconditions","refId":"0","preconditions":[{"type":"noop"}]}`, "SUCCEEDED", func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, "Check precondition (noop)", e.StageByRef("0<1").Name)
		}},
		{"6.2 wait has no timeout", `{"type":"wait","waitTime":31536000}`, "SUCCEEDED", func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, e.StartTime+31536000_000, e.EndTime, "a year")
		}},
		{"6.2 evaluateVariables leaves what is no text", `{"type":"evaluateVariables","variables":[{"key":"a","value":[1,{"b":2}]}]}`, "SUCCEEDED", func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, []any{int64(1), map[string]any{"b": int64(2)}}, stage(e).Outputs["a"])
		}},
		{"6.2 checkPreconditions checks all at once, each with the stage's context but the list",
			`{"type":"checkPreconditions","mark":"m","preconditions":[{"type":"noop","failPipeline":false},{"type":"expression","context":{"expression":"mark == 'm'"}}]}`, "SUCCEEDED",
			func(t *testing.T, e *pipeline.Execution) {
				first, second := e.StageByRef("0<1"), e.StageByRef("0<2")
				require.Equal(t, first.StartTime, second.StartTime)
				require.Empty(t, second.RequisiteStageRefIDs)
				require.Equal(t, "m", first.Context["mark"])
				require.Equal(t, false, first.Context["failPipeline"])
				require.NotContains(t, second.Context, "failPipeline")
				require.NotContains(t, first.Context, "preconditions")
				require.Equal(t, "true", second.Context.Map("context")["expressionResult"])
			}},
		{"6.2 deletePipeline takes a missing one for a success", `{"type":"deletePipeline","pipeline":{"id":"gone"}}`, "SUCCEEDED", nil},
		{"6.2 upsertProject stores a project", `{"type":"upsertProject","project":{"name":"p"}}`, "SUCCEEDED", func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, "upsertproject", stage(e).Context["notification.type"])
		}},
		{"6.2 jenkins names the role that is missing", `{"type":"jenkins","master":"m","job":"j"}`, "TERMINAL", func(t *testing.T, e *pipeline.Execution) {
			require.Contains(t, workflowstest.Errors(e, "0")[0], "needs the Igor role")
		}},
		{"6.2 waitForCondition without conditions is over at once", `{"type":"waitForCondition","cluster":"c"}`, "SUCCEEDED", func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, []string{"waitForCondition"}, taskNames(stage(e)))
		}},
		{"6.2 a window adds its waiting before the stage and leaves no outputs",
			`{"type":"noop","restrictExecutionDuringTimeWindow":true,"restrictedExecutionWindow":{"whitelist":[{"startHour":0,"startMin":0,"endHour":23,"endMin":59}],"jitter":{"enabled":true,"minDelay":1,"maxDelay":1}}}`,
			"SUCCEEDED", func(t *testing.T, e *pipeline.Execution) {
				window := e.StageByRef("0<0")
				require.Equal(t, "restrictExecutionDuringTimeWindow", window.Type)
				require.Equal(t, []string{"suspendExecutionDuringTimeWindow", "waitForJitter"}, taskNames(window))
				require.Empty(t, window.Outputs)
			}},
		{"6.2 noop ends skipped", `{"type":"noop"}`, "SKIPPED", nil},
		{"6.2 dependsOnExecution fails when the execution is absent", `{"type":"dependsOnExecution","executionType":"PIPELINE","executionId":"01J0000000000000000000GONE"}`, "TERMINAL", nil},
		{"6.3 an unknown type fails at planning", `{"type":"telepathy"}`, "TERMINAL", func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, true, stage(e).Context["beforeStagePlanningFailed"])
			require.Empty(t, stage(e).Tasks)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+tt.stage+`]}`).Done()
			require.Equal(t, tt.want, e.StageByRef("0").Status, e.StageByRef("0").Context)
			if tt.check != nil {
				tt.check(t, e)
			}
		})
	}
}

// How long tasks may take where stageTimeoutMs does not say otherwise; 0 is
// without end (reference: orca sections 6.1 and 6.2).
func TestReferenceTimeouts(t *testing.T) {
	t.Parallel()
	timeouts := map[string]time.Duration{}
	for _, kind := range stages.All() {
		for _, context := range []pipeline.Map{
			{"waitForCompletion": true, "waitBeforeMonitor": int64(1), "restrictedExecutionWindow": map[string]any{"jitter": map[string]any{"enabled": true}}},
			{"waitForCompletion": true, "monitorOnly": true},
		} {
			for _, task := range kind.Tasks(&pipeline.Stage{Context: context, Outputs: pipeline.Map{}}) {
				timeouts[kind.Type()+"."+task.Name] = task.Timeout
			}
		}
	}
	for name, want := range map[string]time.Duration{
		"wait.wait": 0, "waitUntil.waitUntil": 0, "manualJudgment.waitForJudgment": 72 * time.Hour,
		"restrictExecutionDuringTimeWindow.suspendExecutionDuringTimeWindow": 0, "restrictExecutionDuringTimeWindow.waitForJitter": 0,
		"webhook.createWebhook": 5 * time.Minute, "webhook.waitBeforeMonitorWebhook": 0, "webhook.monitorWebhook": time.Hour,
		"preconfiguredWebhook.createWebhook": 5 * time.Minute, "preconfiguredWebhook.monitorWebhook": time.Hour,
		"pipeline.monitorPipeline": 12 * time.Hour, "monitorPipeline.monitorPipeline": 12 * time.Hour,
		"dependsOnExecution.dependsOnExecution": 2 * time.Hour,
		"createApplication.createApplication":   time.Hour, "updateApplication.updateApplication": time.Hour,
		"upsertApplication.upsertApplication": time.Hour, "deleteApplication.deleteApplication": time.Hour,
		"savePipeline.savePipeline": time.Hour, "updatePipeline.updatePipeline": time.Hour, // 30 s in Orca
		"deletePipeline.deletePipeline": time.Hour, "reorderPipelines.reorderPipelines": time.Hour,
		"runJob.waitOnJobCompletion": 2 * time.Hour, "deployManifest.waitForManifestToStabilize": 30 * time.Minute,
	} {
		got, there := timeouts[name]
		require.True(t, there, name)
		require.Equal(t, want, got, name)
	}
}

// A wait counts from the start of its stage, so that what comes before its task
// is part of it (reference: orca section 6.2).
func TestReferenceWaitCountsFromTheStagesStart(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"wait","waitTime":60,"restrictExecutionDuringTimeWindow":true,
		"restrictedExecutionWindow":{"whitelist":[{"startHour":0,"startMin":0,"endHour":23,"endMin":59}],"jitter":{"enabled":true,"minDelay":50,"maxDelay":50}}}]}`)
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, e.StartTime+60_000, e.EndTime)
}

// The seconds of a wait are not adjusted for pauses (reference: orca section
// 6.2).
func TestReferenceWaitGoesOnWhilePaused(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"wait","waitTime":60}]}`)
	r.PauseAt(10*time.Second, "ines")
	r.ResumeAt(40*time.Second, "ines")
	e := r.Done()
	require.Equal(t, e.StartTime+60_000, e.EndTime)
}
