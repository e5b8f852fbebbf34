package stages_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

const configMap = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}`

func deployed(t *testing.T, w *workflowstest.World) activities.DeployManifestInput {
	t.Helper()
	asked := w.Asked(activities.DeployManifest.Name)
	require.Len(t, asked, 1)
	return asked[0].(activities.DeployManifestInput)
}

func TestDeployManifestExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "deploy_manifest.go", "DeployManifest").Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	s := stage(e)
	require.Equal(t, []string{
		"resolveDeploySourceManifest", "deployManifest", "monitorDeploy", "promoteManifestKatoOutputs",
		"waitForManifestToStabilize", "cleanupArtifacts", "monitorCleanup", "bindProducedArtifacts",
	}, taskNames(s))

	in := deployed(t, w)
	require.Equal(t, "prod", in.Account)
	require.Equal(t, "shop", in.Moniker.App)
	require.True(t, in.EnableTraffic)
	require.Len(t, in.Manifests, 1)
	require.Equal(t, activities.Scope{
		Application: "bakery", Execution: e.ID, Stage: s.ID, StageName: "Deploy", Task: "deployManifest", User: "ines",
	}, in.Scope)

	names := map[string]any{"shop": []any{"configmap c"}}
	created := []any{map[string]any{"type": "kubernetes/configmap", "name": "c", "location": "shop"}}
	for _, m := range []pipeline.Map{s.Context, s.Outputs} {
		require.Equal(t, names, m["outputs.manifestNamesByNamespace"])
		require.Equal(t, created, m["outputs.createdArtifacts"])
		require.Equal(t, created, m["artifacts"])
		require.Len(t, m["outputs.manifests"], 1)
		require.Equal(t, []any{}, m["outputs.boundArtifacts"])
	}
	require.Equal(t, "SUCCEEDED", s.Context["kato.task.lastStatus"])
	require.Equal(t, []any{map[string]any{"manifestName": "configmap c", "location": "shop"}}, s.Context["stableManifests"])
	require.Empty(t, w.Asked(activities.CleanupArtifacts.Name), "no manifest asks for it")
}

func TestDeployManifestOptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stage string
		check       func(t *testing.T, in activities.DeployManifestInput)
	}{
		{"lists and empty documents", `"manifests":[null,[` + configMap + `,[` + configMap + `]]]`,
			func(t *testing.T, in activities.DeployManifestInput) { require.Len(t, in.Manifests, 2) }},
		{"one object", `"manifests":` + configMap,
			func(t *testing.T, in activities.DeployManifestInput) { require.Len(t, in.Manifests, 1) }},
		{"under manifest", `"manifest":` + configMap,
			func(t *testing.T, in activities.DeployManifestInput) { require.Len(t, in.Manifests, 1) }},
		{"application as moniker", `"manifests":` + configMap,
			func(t *testing.T, in activities.DeployManifestInput) { require.Equal(t, "bakery", in.Moniker.App) }},
		{"options", `"manifests":` + configMap + `,"namespaceOverride":"ns","versioned":false,"enableArtifactBinding":false,"skipSpecTemplateLabels":true,"allowNothingSelected":true,"labelSelectors":{"selectors":[{"kind":"EQUALS","key":"k","values":["v"]}]}`,
			func(t *testing.T, in activities.DeployManifestInput) {
				require.Equal(t, "ns", in.NamespaceOverride)
				require.False(t, *in.Versioned)
				require.True(t, in.DisableArtifactBinding)
				require.True(t, in.SkipSpecTemplateLabels)
				require.True(t, in.AllowNothingSelected)
				require.Equal(t, []activities.LabelSelector{{Kind: "EQUALS", Key: "k", Values: []string{"v"}}}, in.LabelSelectors.Selectors)
			}},
		{"traffic is off by default", `"manifests":` + configMap + `,"trafficManagement":{"enabled":false,"options":{"services":["service s"]}}`,
			func(t *testing.T, in activities.DeployManifestInput) {
				require.True(t, in.EnableTraffic)
				require.Empty(t, in.Services)
			}},
		{"traffic", `"manifests":` + configMap + `,"trafficManagement":{"enabled":true,"options":{"enableTraffic":false,"services":["service s"]}}`,
			func(t *testing.T, in activities.DeployManifestInput) {
				require.False(t, in.EnableTraffic)
				require.Equal(t, []string{"service s"}, in.Services)
			}},
		{"no strategy", `"manifests":` + configMap + `,"trafficManagement":{"enabled":true,"options":{"enableTraffic":true,"strategy":"none"}}`,
			func(t *testing.T, in activities.DeployManifestInput) { require.Empty(t, in.Strategy) }},
		{"required artifacts in the stage", `"manifests":` + configMap + `,"requiredArtifacts":[{"artifact":{"type":"docker/image","name":"bread"}}]`,
			func(t *testing.T, in activities.DeployManifestInput) {
				require.Equal(t, []pipeline.Artifact{{Type: "docker/image", Name: "bread"}}, in.RequiredArtifacts)
			}},
		{"required by the ID of an expected artifact", `"manifests":` + configMap + `,"requiredArtifactIds":["a1"],"requiredArtifacts":[{"expectedArtifactId":"a1"}],
			"resolvedExpectedArtifacts":[{"id":"a1","matchArtifact":{"artifactAccount":"hub"},"boundArtifact":{"type":"docker/image","name":"bread"}}]`,
			func(t *testing.T, in activities.DeployManifestInput) {
				want := pipeline.Artifact{Type: "docker/image", Name: "bread", ArtifactAccount: "hub"}
				require.Equal(t, []pipeline.Artifact{want, want}, in.RequiredArtifacts)
			}},
		{"nothing required", `"manifests":` + configMap + `,"requiredArtifacts":[],"requiredArtifactIds":[]`,
			func(t *testing.T, in activities.DeployManifestInput) { require.Empty(t, in.RequiredArtifacts) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			e := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod",`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
			tt.check(t, deployed(t, w))
		})
	}
}

func TestDeployManifestRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stage, want string }{
		{"no manifests", `"account":"prod"`, "needs at least one object under manifests"},
		{"empty manifests", `"account":"prod","manifests":[null,[]]`, "needs at least one object under manifests"},
		{"text", `"account":"prod","manifests":["kind: x"]`, `is "kind: x", not an object`},
		{"a number", `"account":"prod","manifests":[` + configMap + `,5]`, "is 5, not an object"},
		{"source that is none", `"account":"prod","source":"air","manifests":` + configMap, "has the source 'air': use text or artifact"},
		{"artifact source without one", `"account":"prod","source":"artifact"`, "No manifest artifact was specified."},
		{"artifact source that is not there", `"account":"prod","source":"artifact","manifestArtifactId":"none"`, "No manifest artifact was specified."},
		{"artifact without an account", `"account":"prod","source":"artifact","manifestArtifact":{"type":"http/file"}`, "No manifest artifact account was specified."},
		{"artifact that is none", `"account":"prod","source":"artifact","manifestArtifact":{"type":[]}`, "The manifestArtifact of stage 'deployManifest' cannot be read"},
		{"rollout strategy", `"account":"prod","manifests":` + configMap + `,"trafficManagement":{"enabled":true,"options":{"strategy":"slow"}}`, "has the rollout strategy 'slow'"},
		{"required by ID", `"account":"prod","manifests":` + configMap + `,"requiredArtifactIds":["a1"]`, "No artifact with id a1 could be found in the pipeline context."},
		{"required by expected ID", `"account":"prod","manifests":` + configMap + `,"requiredArtifacts":[{"expectedArtifactId":"a2"}]`, "No artifact with id a2 could be found"},
		{"required by an ID that an inline artifact does not replace", `"account":"prod","manifests":` + configMap + `,"requiredArtifacts":[{"expectedArtifactId":"a3","artifact":{}}]`, "No artifact with id a3 could be found"},
		{"required that cannot be read", `"account":"prod","manifests":` + configMap + `,"requiredArtifacts":[{"artifact":{"name":[]}}]`, "A required artifact of stage 'deployManifest' cannot be read"},
		{"no account", `"manifests":` + configMap, "names no account"},
		{"unknown account", `"account":"prud","manifests":` + configMap, "The account 'prud' does not exist: use prod."},
		{"bad selectors", `"account":"prod","manifests":` + configMap + `,"labelSelectors":{"selectors":"x"}`, "The labelSelectors of stage 'deployManifest' cannot be read"},
		{"bad moniker", `"account":"prod","manifests":` + configMap + `,"moniker":[]`, "The moniker of stage 'deployManifest' cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			e := newRun(t, w, `{"stages":[{"type":"deployManifest",`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
			require.Empty(t, w.Asked(activities.DeployManifest.Name), "nothing reached the cluster")
		})
	}
}

// What the stage was expected to produce is found among what it created, by the
// reference's rules (orca section 5).
func TestDeployManifestBindsWhatItCreates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stage, want string
		status            pipeline.Status
	}{
		{"bound", `[{"id":"x","matchArtifact":{"type":"kubernetes/.*"}}]`, "", "SUCCEEDED"},
		{"unmatched", `[{"id":"x","matchArtifact":{"type":"docker/image"}}]`, "Unmatched expected artifact 'x' {type: docker/image} could not be resolved.", "TERMINAL"},
		{"no expectations", `["x"]`, "The expectedArtifacts of stage 'deployManifest' cannot be read: Expected artifact 1 is a string", "TERMINAL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			e := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod","manifests":`+configMap+`,"expectedArtifacts":`+tt.stage+`}]}`).Done()
			require.Equal(t, tt.status, e.Status)
			s := stage(e)
			if tt.want != "" {
				require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
				return
			}
			created := s.Outputs["outputs.createdArtifacts"]
			require.Equal(t, created, s.Outputs["artifacts"])
			bound := pipeline.AsMap(s.Outputs.List("resolvedExpectedArtifacts")[0])
			require.Equal(t, "x", bound["id"])
			require.Equal(t, created.([]any)[0], bound["boundArtifact"])
			require.Equal(t, s.Context["resolvedExpectedArtifacts"], s.Outputs["resolvedExpectedArtifacts"])
		})
	}

	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"deployManifest","noOutput":true,"account":"prod","manifests":`+configMap+`,"expectedArtifacts":[{"id":"x"}]}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Empty(t, stage(e).Outputs)
	require.NotEmpty(t, stage(e).Context["resolvedExpectedArtifacts"])
}

// An account under its older name is the account of every call.
func TestDeployManifestWithCredentials(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"deployManifest","credentials":"prod","manifests":`+configMap+`}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "prod", deployed(t, w).Account)
	require.Equal(t, "prod", w.Asked(activities.AwaitStable.Name)[0].(activities.AwaitStableInput).Account)
}

func TestDeployManifestSeesArtifacts(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, `{"stages":[
		{"type":"deployManifest","account":"prod","manifests":{"kind":"Secret","metadata":{"name":"s"}}},
		{"type":"deployManifest","account":"prod","manifests":`+configMap+`}]}`)
	r.Execution.Trigger.Artifacts = []pipeline.Artifact{{Type: "docker/image", Name: "bread"}}
	require.Equal(t, pipeline.Succeeded, r.Done().Status)
	asked := w.Asked(activities.DeployManifest.Name)
	require.Equal(t, []pipeline.Artifact{{Type: "docker/image", Name: "bread"}}, asked[0].(activities.DeployManifestInput).OptionalArtifacts)
	require.Equal(t, []pipeline.Artifact{
		{Type: "kubernetes/secret", Name: "s", Location: "shop"}, {Type: "docker/image", Name: "bread"},
	}, asked[1].(activities.DeployManifestInput).OptionalArtifacts)
}

func TestDeployManifestCleansUpOldVersions(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod","noOutput":true,"manifests":[{"kind":"ConfigMap","metadata":{"name":"c",
		"annotations":{"strategy.spinnaker.io/max-version-history":"3"}}}]}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	asked := w.Asked(activities.CleanupArtifacts.Name)
	require.Len(t, asked, 1)
	require.Len(t, asked[0].(activities.CleanupArtifactsInput).Manifests, 1)
	require.Empty(t, stage(e).Outputs, "noOutput")
}

func TestDeployThatTheClusterRefuses(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.DeployManifest, func(context.Context, activities.DeployManifestInput) (activities.DeployManifestOutput, error) {
		return activities.DeployManifestOutput{}, &pipeline.Error{Code: pipeline.CodeUnprocessable, Message: "The cluster refused it.", Details: []string{"spec.replicas: must be a number"}}
	})
	e := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod","manifests":`+configMap+`}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, []string{"The cluster refused it.", "spec.replicas: must be a number"}, workflowstest.Errors(e, "0"))
	require.Equal(t, pipeline.Terminal, stage(e).Tasks[1].Status)
	require.Equal(t, pipeline.NotStarted, stage(e).Tasks[2].Status)
	require.Len(t, w.Asked(activities.DeployManifest.Name), 1)
}

func TestWaitForStable(t *testing.T) {
	t.Parallel()
	status := func(stable, failed bool, message string) activities.ManifestStatus {
		return activities.ManifestStatus{Namespace: "shop", Name: "deployment web", Stable: stable, Failed: failed, Message: message}
	}
	w := workflowstest.NewWorld()
	n := 0
	var seen [][]activities.ManifestStatus
	workflowstest.On(w, activities.AwaitStable, func(_ context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
		seen = append(seen, in.Seen)
		n++
		other := activities.ManifestStatus{Namespace: "_", Name: "namespace shop", Stable: true}
		switch n {
		case 1:
			return activities.AwaitStableOutput{Statuses: []activities.ManifestStatus{status(false, false, "1 of 3 ready"), other}}, nil
		case 2:
			return activities.AwaitStableOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The cluster does not answer.")
		}
		return activities.AwaitStableOutput{Done: true, Statuses: []activities.ManifestStatus{status(false, true, "over its deadline"), other}}, nil
	})
	e := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod","manifests":{"kind":"Deployment","metadata":{"name":"web"}}}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, [][]activities.ManifestStatus{nil, seen[1], seen[1]}, seen)
	require.Len(t, seen[1], 2, "the next call knows what the first one said")
	fault := "'deployment web' in 'shop' for account prod: over its deadline"
	require.Equal(t, []string{fault}, workflowstest.Errors(e, "0"))
	require.Equal(t, []any{fault}, stage(e).Context["messages"])
	require.Equal(t, []any{map[string]any{"manifestName": "deployment web", "location": "shop"}}, stage(e).Context["failedManifests"])
	require.Equal(t, []any{map[string]any{"manifestName": "namespace shop", "location": ""}}, stage(e).Context["stableManifests"])

	var told bool
	for _, s := range w.Published(e.ID) {
		messages := s.Execution.Stages[0].Context.List("messages")
		told = told || len(messages) == 1 && messages[0] == "'deployment web' in 'shop' for account prod: waiting for manifest to stabilize: 1 of 3 ready"
	}
	require.True(t, told, "progress is published while the stage waits")
}

func TestWaitForStableTimesOut(t *testing.T) {
	t.Parallel()
	for options, minutes := range map[string]int{``: 30, `,"stableManifestTimeoutMinutes":5`: 5, `,"stageTimeoutMs":120000`: 2} {
		w := workflowstest.NewWorld()
		workflowstest.On(w, activities.AwaitStable, func(context.Context, activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
			return activities.AwaitStableOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The cluster does not answer.")
		})
		e := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod","manifests":`+configMap+options+`}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.InDelta(t, minutes, time.Duration(e.EndTime-e.StartTime).Seconds()*1e9/60_000, 1)
		require.Equal(t, "waitForManifestToStabilize", stage(e).Context.Map("exception")["operation"])
	}
}

func TestCancelDuringDeploy(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AwaitStable, func(ctx context.Context, _ activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
		return activities.AwaitStableOutput{}, workflowstest.UntilCanceled(ctx)
	})
	r := newRun(t, w, `{"stages":[{"type":"deployManifest","account":"prod","manifests":`+configMap+`}]}`)
	cancel := r.CancelAt(50*time.Millisecond, workflows.CancelInput{User: "ines"})
	e := r.Done()
	cancel.Took(t)
	require.Equal(t, pipeline.Canceled, stage(e).Status)
	require.NotContains(t, stage(e).Context, "exception")
}

// What the cluster now holds is data: what looks like an expression there is the
// text of a manifest that was to stay as it is, or was written by somebody else.
func TestDeployedManifestsAreNotEvaluated(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"spelEvaluator":"v4","stages":[{"type":"deployManifest","account":"prod","skipExpressionEvaluation":true,"failOnFailedExpressions":true,
		"note":"${1 + 1}","manifests":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"run":"echo ${HOME} ${1 + 1}"}}]}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	for _, m := range []pipeline.Map{stage(e).Context, stage(e).Outputs} {
		deployed := pipeline.AsMap(m.List("outputs.manifests")[0])
		require.Equal(t, "echo ${HOME} ${1 + 1}", deployed.Map("data")["run"])
	}
	require.Equal(t, int64(2), stage(e).Context["note"])
	require.NotContains(t, stage(e).Context, "expressionEvaluationSummary")
}
