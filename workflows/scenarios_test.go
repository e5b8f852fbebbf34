package workflows_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// scenario is one behaviour of the engine whose history is kept.
type scenario struct {
	name string
	// pipeline is a configuration, in which ACCOUNT is the world's account;
	// child holds the stages of the configuration "kid".
	pipeline, child string
	dry             bool // a dry run
	script          func(w *workflowstest.World)
	// drive acts on the running execution.
	drive  func(l *workflowstest.Live, e *pipeline.Execution)
	want   pipeline.Status
	stages map[string]pipeline.Status
	check  func(t *testing.T, l *workflowstest.Live, e *pipeline.Execution)
}

func (s scenario) config(w *workflowstest.World) string {
	return strings.ReplaceAll(s.pipeline, "ACCOUNT", w.Account)
}

const deploy = `{"type":"deployManifest","account":"ACCOUNT","manifests":[{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}}]}`

const runJob = `{"type":"runJob","account":"ACCOUNT","manifest":{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"test"}}`

func scenarios() []scenario {
	type statuses = map[string]pipeline.Status
	return append(slices.Concat(webhookScenarios(), controlScenarios(), manifestScenarios()), []scenario{
		{name: "wait", pipeline: `{"stages":[{"type":"wait","waitTime":1}]}`, want: "SUCCEEDED", stages: statuses{"0": "SUCCEEDED"}},
		{name: "no_stages", pipeline: `{"stages":[]}`, want: "TERMINAL", stages: statuses{}},
		{name: "diamond", pipeline: `{"stages":[{"type":"wait","refId":"a"},{"type":"wait","refId":"b","requisiteStageRefIds":["a"],"waitTime":1},
			{"type":"wait","refId":"c","requisiteStageRefIds":["a"],"waitTime":2},{"type":"wait","refId":"d","requisiteStageRefIds":["b","c"]}]}`,
			want: "SUCCEEDED", stages: statuses{"a": "SUCCEEDED", "b": "SUCCEEDED", "c": "SUCCEEDED", "d": "SUCCEEDED"}},
		{name: "failure_cancels_siblings", pipeline: `{"stages":[{"type":"wait","refId":"a","waitTime":3600},{"type":"scripted","refId":"b","takes":1,"code":"failed"},{"type":"wait","refId":"c","requisiteStageRefIds":["b"]}]}`,
			want: "TERMINAL", stages: statuses{"a": "CANCELED", "b": "TERMINAL", "c": "NOT_STARTED"}},
		{name: "stopped_branch", pipeline: `{"stages":[{"type":"scripted","refId":"a","code":"failed","failPipeline":false,"completeOtherBranchesThenFail":true},{"type":"wait","refId":"b","waitTime":1}]}`,
			want: "TERMINAL", stages: statuses{"a": "STOPPED", "b": "SUCCEEDED"}},
		{name: "unknown_type_ignored", pipeline: `{"stages":[{"type":"telepathy","continuePipeline":true},{"type":"wait"}]}`,
			want: "SUCCEEDED", stages: statuses{"0": "FAILED_CONTINUE", "1": "SUCCEEDED"}},
		{name: "judgment_continue", pipeline: `{"stages":[{"type":"manualJudgment"},{"type":"wait"}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "0", "waitForJudgment")
				_, err := l.Patch(e, "1", pipeline.Map{"judgmentStatus": "continue"})
				workflowstest.RequireRefusal(l, err, pipeline.CodeConflict, "takes no judgment")
				_, err = l.Patch(e, "0", pipeline.Map{"judgmentStatus": "perhaps"})
				workflowstest.RequireRefusal(l, err, pipeline.CodeInvalid, "is not a judgment")
				_, err = l.Patch(e, "0", pipeline.Map{"judgmentStatus": "continue"})
				require.NoError(l, err)
				require.Equal(l, "tess", l.Query(e.ID).Execution.Stages[0].Context["lastModifiedBy"], "a query after the answer sees the edit")
			},
			want: "SUCCEEDED", stages: statuses{"0": "SUCCEEDED", "1": "SUCCEEDED"}},
		{name: "judgment_stop", pipeline: `{"stages":[{"type":"manualJudgment"},{"type":"wait"}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "0", "waitForJudgment")
				_, err := l.Patch(e, "0", pipeline.Map{"judgmentStatus": "stop"})
				require.NoError(l, err)
			},
			want: "TERMINAL", stages: statuses{"0": "TERMINAL", "1": "NOT_STARTED"}},
		{name: "judgment_times_out", pipeline: `{"stages":[{"type":"manualJudgment","stageTimeoutMs":1000,"markSuccessfulOnTimeout":true}]}`,
			want: "SUCCEEDED", stages: statuses{"0": "SUCCEEDED"}},
		{name: "wait_skipped", pipeline: `{"stages":[{"type":"wait","waitTime":3600}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "0", "wait")
				_, err := l.Patch(e, "0", pipeline.Map{"skipRemainingWait": true})
				require.NoError(l, err)
			},
			want: "SUCCEEDED", stages: statuses{"0": "SUCCEEDED"}},
		{name: "cancel", pipeline: `{"stages":[{"type":"manualJudgment","refId":"a"},{"type":"wait","refId":"b","waitTime":3600},{"type":"wait","refId":"c","requisiteStageRefIds":["b"]}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "b", "wait")
				require.NoError(l, l.Cancel(e.ID))
			},
			want: "CANCELED", stages: statuses{"a": "CANCELED", "b": "CANCELED", "c": "NOT_STARTED"}},
		{name: "cancel_in_temporal", pipeline: `{"stages":[{"type":"wait","waitTime":3600}]}`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "0", "wait")
				require.NoError(l, l.Client.CancelWorkflow(l.Context(), e.ID, ""))
			},
			want: "CANCELED", stages: statuses{"0": "CANCELED"}},
		{name: "deploy", pipeline: `{"stages":[` + deploy + `]}`,
			script: func(w *workflowstest.World) {
				var n atomic.Int32
				workflowstest.On(w, activities.AwaitStable, func(_ context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
					status := activities.ManifestStatus{Namespace: "shop", Name: "deployment web", Message: "1 of 3 ready"}
					switch n.Add(1) {
					case 1:
						return activities.AwaitStableOutput{Statuses: []activities.ManifestStatus{status}}, nil
					case 2:
						return activities.AwaitStableOutput{}, pipeline.Errorf(pipeline.CodeThrottled, "Slower, please.")
					}
					status.Stable, status.Message = true, ""
					return activities.AwaitStableOutput{Done: true, Statuses: []activities.ManifestStatus{status}}, nil
				})
			},
			want: "SUCCEEDED", stages: statuses{"0": "SUCCEEDED"},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Len(t, e.Stages[0].Context.List("attempts"), 1)
				require.Len(t, e.Stages[0].Context.List("stableManifests"), 1)
			}},
		{name: "deploy_times_out", pipeline: `{"stages":[` + strings.Replace(deploy, `"account"`, `"stageTimeoutMs":2500,"account"`, 1) + `]}`,
			script: func(w *workflowstest.World) {
				workflowstest.On(w, activities.AwaitStable, func(ctx context.Context, _ activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
					return activities.AwaitStableOutput{}, workflowstest.UntilCanceled(ctx)
				})
			},
			want: "TERMINAL", stages: statuses{"0": "TERMINAL"},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Equal(t, "The task waitForManifestToStabilize of stage 'deployManifest' did not end within 2.5s.", workflowstest.Errors(e, "0")[0])
			}},
		{name: "deploy_refused", pipeline: `{"stages":[` + deploy + `]}`,
			script: func(w *workflowstest.World) {
				workflowstest.On(w, activities.DeployManifest, func(context.Context, activities.DeployManifestInput) (activities.DeployManifestOutput, error) {
					return activities.DeployManifestOutput{}, &pipeline.Error{Code: pipeline.CodeForbidden, Message: "Not here.", Details: []string{"rule 7"}}
				})
			},
			want: "TERMINAL", stages: statuses{"0": "TERMINAL"},
			check: func(t *testing.T, l *workflowstest.Live, e *pipeline.Execution) {
				require.Equal(t, []string{"Not here.", "rule 7"}, workflowstest.Errors(e, "0"))
				require.Equal(t, "forbidden", e.Stages[0].Context.Map("exception")["exceptionType"])
				require.Len(t, l.World.Asked(activities.DeployManifest.Name), 1)
			}},
		{name: "local_call_retried", pipeline: `{"stages":[{"type":"scripted","calls":"p","allowed":60}]}`,
			script: func(w *workflowstest.World) { failing(w, 2, unavailable) },
			want:   "SUCCEEDED", stages: statuses{"0": "SUCCEEDED"},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Len(t, e.Stages[0].Context.List("attempts"), 2)
			}},
		{name: "local_call_refused", pipeline: `{"stages":[{"type":"scripted","calls":"p","allowed":60}]}`,
			want: "TERMINAL", stages: statuses{"0": "TERMINAL"},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Equal(t, "not_found", e.Stages[0].Context.Map("exception")["exceptionType"])
				require.Equal(t, []string{"There is no pipeline 'p'."}, workflowstest.Errors(e, "0"))
			}},
		{name: "local_call_hangs", pipeline: `{"stages":[{"type":"scripted","calls":"p","allowed":2}]}`,
			script: func(w *workflowstest.World) {
				workflowstest.On(w, activities.ReadPipeline, func(ctx context.Context, _ activities.ReadPipelineInput) (activities.ReadPipelineOutput, error) {
					<-ctx.Done()
					return activities.ReadPipelineOutput{}, ctx.Err()
				})
			},
			want: "TERMINAL", stages: statuses{"0": "TERMINAL"},
			check: func(t *testing.T, l *workflowstest.Live, e *pipeline.Execution) {
				require.Contains(t, workflowstest.Errors(e, "0"), "The task first of stage 'scripted' did not end within 2s.")
				require.Len(t, l.World.Asked(activities.ReadPipeline.Name), 1)
			}},
		{name: "job", pipeline: `{"stages":[` + runJob + `}]}`, want: "SUCCEEDED", stages: statuses{"0": "SUCCEEDED"}},
		{name: "job_canceled", pipeline: `{"stages":[` + runJob + `}]}`,
			script: waitForJob,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "0", "waitOnJobCompletion")
				require.Eventually(l, func() bool { return len(l.World.Asked(activities.AwaitJob.Name)) > 0 }, workflowstest.Patience, 10*time.Millisecond)
				require.NoError(l, l.Cancel(e.ID))
			},
			want: "CANCELED", stages: statuses{"0": "CANCELED"},
			check: func(t *testing.T, l *workflowstest.Live, e *pipeline.Execution) {
				require.Len(t, l.World.Asked(activities.DeleteManifest.Name), 1)
				require.Equal(t, map[string]any{"shop": []any{"job test"}}, e.Stages[0].Context["canceledJobs"])
				require.NotContains(t, e.Stages[0].Context, "exception")
			}},
		{name: "application_deleted", pipeline: `{"stages":[{"type":"deleteApplication","application":{"name":"shop"}}]}`,
			want: "SUCCEEDED", stages: statuses{"0": "SUCCEEDED"},
			check: func(t *testing.T, l *workflowstest.Live, _ *pipeline.Execution) {
				require.Len(t, l.World.Asked(activities.ApplicationResources.Name), 1, "the account is looked at first")
			}},
		{name: "applications", pipeline: `{"stages":[{"type":"createApplication","application":{"name":"shop","email":"a@b.c"}},{"type":"deleteApplication","application":{"name":"shop"}},
			{"type":"savePipeline","pipeline":{"name":"P","application":"shop"}},{"type":"deletePipeline","pipeline":{"id":"saved-P"}}]}`,
			want: "SUCCEEDED", stages: statuses{"0": "SUCCEEDED", "1": "SUCCEEDED", "2": "SUCCEEDED", "3": "SUCCEEDED"}},
		{name: "child", pipeline: `{"stages":[{"type":"pipeline","pipeline":"kid"},{"type":"scripted","reads":"fruit"}]}`,
			child: `"stages":[{"type":"scripted","takes":1,"outputs":{"fruit":"pear","l":[1]}}]`,
			want:  "SUCCEEDED", stages: statuses{"0": "SUCCEEDED", "1": "SUCCEEDED"},
			check: func(t *testing.T, l *workflowstest.Live, e *pipeline.Execution) {
				require.Equal(t, "pear", e.Stages[1].Context["read"])
				workflowstest.RequireEnd(t, l.World, e.Stages[0].Context.String("executionId"))
			}},
		{name: "child_failed", pipeline: `{"stages":[{"type":"pipeline","pipeline":"kid"}]}`,
			child: `"stages":[{"type":"scripted","name":"Feed","code":"failed"}]`,
			want:  "TERMINAL", stages: statuses{"0": "TERMINAL"},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Equal(t, "Exception in child pipeline stage (Kid: Feed): Feed went wrong.", workflowstest.Errors(e, "0")[0])
			}},
		{name: "child_canceled_itself", pipeline: `{"stages":[{"type":"pipeline","pipeline":"kid"}]}`,
			child: `"stages":[{"type":"scripted","ends":"CANCELED"}]`,
			want:  "CANCELED", stages: statuses{"0": "CANCELED"},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Equal(t, "CANCELED", e.Stages[0].Context["status"])
			}},
		{name: "child_terminated", pipeline: `{"stages":[{"type":"pipeline","pipeline":"kid"}]}`,
			child: `"stages":[{"type":"wait","waitTime":3600}]`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				id := l.UntilTask(e.ID, "0", "monitorPipeline").Stages[0].Context.String("executionId")
				require.NoError(l, l.Client.TerminateWorkflow(l.Context(), id, "", "test"))
			},
			want: "TERMINAL", stages: statuses{"0": "TERMINAL"},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Contains(t, workflowstest.Errors(e, "0")[0], "the child pipeline's workflow ended without a result")
			}},
		{name: "child_not_waited_for", pipeline: `{"stages":[{"type":"pipeline","pipeline":"kid","waitForCompletion":false}]}`,
			child: `"stages":[{"type":"wait","waitTime":2}]`,
			want:  "SUCCEEDED", stages: statuses{"0": "SUCCEEDED"},
			check: func(t *testing.T, l *workflowstest.Live, e *pipeline.Execution) {
				id := e.Stages[0].Context.String("executionId")
				require.Empty(t, l.World.Archived(id), "the child outlives its parent")
				res, err := l.End(id)
				require.NoError(t, err)
				require.Equal(t, pipeline.Succeeded, res.Status)
			}},
		{name: "cancel_with_child", pipeline: `{"stages":[{"type":"pipeline","pipeline":"kid"}]}`,
			child: `"stages":[{"type":"wait","waitTime":3600}]`,
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.UntilTask(e.ID, "0", "monitorPipeline")
				require.NoError(l, l.Cancel(e.ID))
			},
			want: "CANCELED", stages: statuses{"0": "CANCELED"},
			check: func(t *testing.T, l *workflowstest.Live, e *pipeline.Execution) {
				res, _ := l.End(e.Stages[0].Context.String("executionId"))
				require.Equal(t, pipeline.Canceled, res.Status)
				require.NotContains(t, e.Stages[0].Context, "cleanUpException")
			}},
		{name: "bake_and_deploy", pipeline: `{"stages":[
			{"type":"bakeManifest","refId":"1","templateRenderer":"HELM3","outputName":"web","overrides":{"replicas":"${ 1 + 2 }"},"evaluateOverrideExpressions":true,
				"inputArtifacts":[{"account":"charts","artifact":{"type":"helm/chart","name":"web"}}],
				"expectedArtifacts":[{"id":"m","matchArtifact":{"type":"embedded/base64","name":"manifests"}}]},
			{"type":"deployManifest","refId":"2","requisiteStageRefIds":["1"],"account":"ACCOUNT","source":"artifact","manifestArtifactId":"m"}]}`,
			want: "SUCCEEDED", stages: statuses{"1": "SUCCEEDED", "2": "SUCCEEDED"},
			check: func(t *testing.T, _ *workflowstest.Live, e *pipeline.Execution) {
				require.Equal(t, "manifests", pipeline.AsMap(e.StageByRef("2").Context.List("manifests")[0]).Map("metadata").String("name"))
			}},
		{name: "archive_retried", pipeline: `{"stages":[{"type":"wait"}]}`,
			script: func(w *workflowstest.World) {
				var n atomic.Int32
				workflowstest.On(w, activities.ArchiveExecution, func(_ context.Context, in activities.ArchiveExecutionInput) (activities.Done, error) {
					if n.Add(1) < 3 {
						return activities.Done{}, pipeline.Errorf(pipeline.CodeUnavailable, "The store is away.")
					}
					return activities.Done{}, w.Keep(in)
				})
			},
			drive: func(l *workflowstest.Live, e *pipeline.Execution) {
				l.Until(e.ID, func(e *pipeline.Execution) bool { return e.Status == pipeline.Succeeded })
				workflowstest.RequireRefusal(l, l.Cancel(e.ID), pipeline.CodeConflict, "has ended SUCCEEDED")
			},
			want: "SUCCEEDED", stages: statuses{"0": "SUCCEEDED"}},
	}...)
}

func waitForJob(w *workflowstest.World) {
	workflowstest.On(w, activities.AwaitJob, func(ctx context.Context, _ activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		return activities.AwaitJobOutput{}, workflowstest.UntilCanceled(ctx)
	})
}

func startOptions(l *workflowstest.Live, id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: l.Queue}
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
