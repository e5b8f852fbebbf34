package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// controlScenarios are what people do to running executions, and what the engine
// itself adds to stages.
func controlScenarios() []scenario {
	type statuses = map[string]pipeline.Status
	return []scenario{
		{name: "paused", pipeline: `{"stages":[{"type":"wait","refId":"a","waitTime":1},{"type":"manualJudgment","refId":"b","requisiteStageRefIds":["a"]}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "a", "wait")
				workflowstest.RequireRefusal(l, l.Update(e.ID, workflows.ResumeUpdate, workflows.PauseInput{User: "tess"}, nil), pipeline.CodeConflict, "cannot be resumed")
				require.NoError(l, l.Update(e.ID, workflows.PauseUpdate, workflows.PauseInput{User: "tess"}, nil))
				require.Equal(l, pipeline.Paused, l.Query(e.ID).Execution.Status)
				require.NoError(l, l.Update(e.ID, workflows.ResumeUpdate, workflows.PauseInput{User: "tess"}, nil))
				l.UntilTask(e.ID, "b", "waitForJudgment")
				_, err := l.Patch(e, "b", pipeline.Map{"judgmentStatus": "continue"})
				require.NoError(l, err)
			},
			want: "SUCCEEDED", stages: statuses{"a": "SUCCEEDED", "b": "SUCCEEDED"}},
		{name: "canceled_while_paused", pipeline: `{"stages":[{"type":"manualJudgment","refId":"a"}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "a", "waitForJudgment")
				require.NoError(l, l.Update(e.ID, workflows.PauseUpdate, workflows.PauseInput{User: "tess"}, nil))
				require.NoError(l, l.Cancel(e.ID))
			},
			want: "CANCELED", stages: statuses{"a": "CANCELED"}},
		// A cancel by signal asks first whether the end was told before.
		{name: "canceled_by_parent", pipeline: `{"stages":[{"type":"wait","waitTime":3600}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "0", "wait")
				require.NoError(l, l.Client.SignalWorkflow(l.Context(), e.ID, "", workflows.CancelSignal, byInes))
			},
			want: "CANCELED", stages: statuses{"0": "CANCELED"}},
		{name: "dry_run", pipeline: `{"spelEvaluator":"v4","stages":[{"type":"wait","waitTime":3600,"restrictExecutionDuringTimeWindow":true,"restrictedExecutionWindow":{}},
			{"type":"checkPreconditions","preconditions":[{"type":"clusterSize"},{"type":"expression","context":{"expression":"true"}}]}]}`, dry: true,
			want: "SUCCEEDED", stages: statuses{"0<0": "SUCCEEDED", "0": "SUCCEEDED", "1<1": "SUCCEEDED", "1<2": "SUCCEEDED", "1": "SUCCEEDED"}},
		{name: "restarted_while_running", pipeline: `{"stages":[{"type":"wait","refId":"a"},{"type":"wait","refId":"b","requisiteStageRefIds":["a"]},{"type":"manualJudgment","refId":"c"}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "c", "waitForJudgment")
				id := func(ref string) string { return e.StageByRef(ref).ID }
				workflowstest.RequireRefusal(l, l.Update(e.ID, workflows.RestartUpdate, workflows.RestartInput{StageID: id("c"), User: "tess"}, nil), pipeline.CodeConflict, "only a stage that has ended")
				require.NoError(l, l.Update(e.ID, workflows.RestartUpdate, workflows.RestartInput{StageID: id("a"), User: "tess"}, nil))
				_, err := l.Patch(e, "c", pipeline.Map{"judgmentStatus": "continue"})
				require.NoError(l, err)
			},
			want: "SUCCEEDED", stages: statuses{"a": "SUCCEEDED", "b": "SUCCEEDED", "c": "SUCCEEDED"},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Equal(t, 1, e.StageByRef("a").Attempt)
				require.Equal(t, 1, e.StageByRef("b").Attempt)
			}},
		{name: "skipped_by_hand", pipeline: `{"stages":[{"type":"scripted","refId":"a","takes":3600,"skippable":true,"before":[{"name":"x"}]},{"type":"wait","refId":"b","requisiteStageRefIds":["a"]}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "a", "first")
				_, err := l.Patch(e, "a", pipeline.Map{"manualSkip": true})
				require.NoError(l, err)
			},
			want: "SUCCEEDED", stages: statuses{"a<1": "SUCCEEDED", "a": "SKIPPED", "b": "SUCCEEDED"}},
		{name: "synthetic_stages", pipeline: `{"stages":[{"type":"scripted","refId":"a","before":[{"takes":1},{"waitsFor":[0]}],"after":[{"name":"x","code":"failed"}],"onFailure":[{"name":"y","takes":1}]}]}`,
			want: "TERMINAL", stages: statuses{"a<1": "SUCCEEDED", "a<2": "SUCCEEDED", "a": "TERMINAL", "a>1": "TERMINAL", "a>2": "SUCCEEDED"}},
		{name: "loop", pipeline: `{"stages":[{"type":"scripted","refId":"a","redirects":2,"takes":1}]}`, want: "SUCCEEDED", stages: statuses{"a": "SUCCEEDED"}},
		{name: "conditions", pipeline: `{"spelEvaluator":"v4","stages":[{"type":"evaluateVariables","refId":"a","variables":[{"key":"x","value":"${6 * 7}"}]},
			{"type":"wait","refId":"b","requisiteStageRefIds":["a"],"stageEnabled":{"type":"expression","expression":"x == 41"}},
			{"type":"checkPreconditions","refId":"c","requisiteStageRefIds":["b"],"preconditions":[{"type":"expression","failPipeline":true,"context":{"expression":"x == 42"}},{"type":"stageStatus","failPipeline":true,"context":{"stageName":"wait","stageStatus":"SKIPPED"}}]}]}`,
			want: "SUCCEEDED", stages: statuses{"a": "SUCCEEDED", "b": "SKIPPED", "c<1": "SUCCEEDED", "c<2": "SUCCEEDED", "c": "SUCCEEDED"}},
		{name: "expressions_that_fetch", pipeline: `{"spelEvaluator":"v4","stages":[{"type":"wait","refId":"a","comments":"${#fromUrl('https://a.example.com/')}","gone":"${#fromUrl('https://b.example.com/')}"}]}`,
			script: func(w *workflowstest.World) {
				workflowstest.On(w, activities.FetchExpressions, func(_ context.Context, in activities.FetchExpressionsInput) (activities.FetchExpressionsOutput, error) {
					out := activities.FetchExpressionsOutput{Answers: map[string]expr.Answer{}}
					for _, r := range in.Requests {
						answer := expr.Answer{Value: "text"}
						if r.URL == "https://b.example.com/" {
							answer = expr.Answer{Error: "404 Not Found"}
						}
						out.Answers[r.Key()] = answer
					}
					return out, nil
				})
			},
			want: "SUCCEEDED", stages: statuses{"a": "SUCCEEDED"},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Equal(t, "text", e.Stages[0].Context["comments"])
				require.Equal(t, "${#fromUrl('https://b.example.com/')}", e.Stages[0].Context["gone"])
			}},
		{name: "execution_window", pipeline: `{"stages":[{"type":"wait","refId":"a","restrictExecutionDuringTimeWindow":true,"restrictedExecutionWindow":{"days":[1,2,3,4,5,6,7],"jitter":{"enabled":true,"minDelay":3600,"maxDelay":3600}}}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "a<0", "waitForJitter")
				_, err := l.Patch(l.Query(e.ID).Execution, "a<0", pipeline.Map{"skipRemainingWait": true})
				require.NoError(l, err)
			},
			want: "SUCCEEDED", stages: statuses{"a<0": "SUCCEEDED", "a": "SUCCEEDED"}},
		{name: "waits_until", pipeline: `{"stages":[{"type":"waitUntil","refId":"a","epochMillis":1000},{"type":"waitForCondition","refId":"b","requisiteStageRefIds":["a"]},{"type":"noop","refId":"c","requisiteStageRefIds":["b"]}]}`,
			want: "SUCCEEDED", stages: statuses{"a": "SUCCEEDED", "b": "SUCCEEDED", "c": "SKIPPED"}},
		{name: "artifacts", pipeline: `{"stages":[{"type":"evaluateArtifacts","refId":"a","artifactContents":[{"name":"x","id":"1","contents":"hello"}]}]}`,
			want: "SUCCEEDED", stages: statuses{"a": "SUCCEEDED"}},
		{name: "unavailable_type", pipeline: `{"stages":[{"type":"jenkins","refId":"a","failPipeline":false}]}`,
			want: "SUCCEEDED", stages: statuses{"a": "STOPPED"}},
	}
}
