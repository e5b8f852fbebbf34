package expr

import (
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Sample returns the environment that the examples of [Functions] are evaluated
// in: the stage Notify of a small release, with the answers of the functions
// that fetch.
func Sample() *Env {
	image := pipeline.Artifact{Type: "docker/image", Name: "registry.example.com/shop", Version: "1.4.2", Reference: "registry.example.com/shop:1.4.2"}
	labels := map[string]any{"app": "shop", "version": "1.4.2"}
	deployment := map[string]any{
		"kind": "Deployment",
		"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"labels": labels}}},
	}
	execution := &pipeline.Execution{
		Type: pipeline.TypePipeline, ID: "01HV0000000000000000000000", Application: "shop", Name: "Release", Status: pipeline.Running,
		SpelEvaluator: "v4", Authentication: pipeline.Authentication{User: "ana@example.com"},
		Trigger: pipeline.Trigger{
			Type: "manual", User: "ana@example.com",
			Parameters:                pipeline.Map{"region": "eu-west-1", "manifests": "kind: Service\n---\nkind: Deployment\n"},
			Artifacts:                 []pipeline.Artifact{image},
			ResolvedExpectedArtifacts: []pipeline.ExpectedArtifact{{ID: "image", MatchArtifact: &image, BoundArtifact: &image}},
		},
		Stages: []*pipeline.Stage{
			{
				ID: "s1", RefID: "1", Type: "bakeManifest", Name: "Bake", Status: pipeline.Succeeded, Context: pipeline.Map{},
				Outputs: pipeline.Map{"artifacts": []any{map[string]any{"type": "embedded/base64", "name": "shop"}}},
			},
			{
				ID: "s2", RefID: "2", Type: "deployManifest", Name: "Deploy", Status: pipeline.Succeeded, RequisiteStageRefIDs: []string{"1"},
				Context: pipeline.Map{"account": "prod", "outputs.manifests": []any{deployment}}, Outputs: pipeline.Map{},
			},
			{
				ID: "s3", RefID: "3", Type: "createServerGroup", Name: "Deploy VM", Status: pipeline.Succeeded, RequisiteStageRefIDs: []string{"2"},
				Context: pipeline.Map{"account": "prod", "region": "eu-west-1", "deploy.server.groups": map[string]any{"eu-west-1": []any{"shop-main-v003"}}},
				Outputs: pipeline.Map{},
			},
			{
				ID: "s4", RefID: "4", Type: "manualJudgment", Name: "Approve", Status: pipeline.Succeeded, RequisiteStageRefIDs: []string{"3"},
				Context: pipeline.Map{"judgmentStatus": "continue", "judgmentInput": "green"}, Outputs: pipeline.Map{},
			},
			{
				ID: "s5", RefID: "5", Type: "wait", Name: "Notify", Status: pipeline.Running, RequisiteStageRefIDs: []string{"4"},
				Context: pipeline.Map{"waitTime": int64(5)}, Outputs: pipeline.Map{},
			},
		},
	}
	env := NewEnv(execution, execution.Stages[4])
	env.Now = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	env.Fetched = map[string]Answer{}
	for _, a := range []struct {
		request Request
		value   any
	}{
		{Request{Kind: FetchURL, URL: "https://example.com/version.txt"}, "1.4.2"},
		{Request{Kind: FetchURL, URL: "https://example.com/release.json"}, `{"version": "1.4.2"}`},
		{Request{Kind: FetchURL, URL: "https://example.com/values.yaml"}, "image:\n  tag: 1.4.2\n"},
		{Request{Kind: FetchURL, URL: "https://example.com/build.properties"}, "# made by the build\nbuild.version=1.4.2\n"},
		{Request{Kind: FetchPipeline, Application: "shop", Name: "Promote"}, "0a1b2c3d"},
		{Request{Kind: FetchPipeline, Application: "shop", Name: "Nowhere"}, nil},
		{Request{Kind: FetchApplication, Application: "shop"}, map[string]any{"name": "shop", "email": "shop@example.com"}},
		{Request{Kind: FetchCanaryConfig, Application: "shop", Name: "latency"}, "c0ffee"},
	} {
		env.Fetched[a.request.Key()] = Answer{Value: a.value}
	}
	return env
}
