package stages

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// FindArtifactsFromResource reads a live object and the artifacts that it refers
// to (reference: orca section 6.1, clouddriver section 4).
//
//	{"type": "findArtifactsFromResource", "refId": "1", "name": "Find", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop", "manifestName": "deployment web"}
type FindArtifactsFromResource struct{}

var (
	_ workflows.StageType  = FindArtifactsFromResource{}
	_ workflows.Aliased    = FindArtifactsFromResource{}
	_ workflows.Caller     = FindArtifactsFromResource{}
	_ workflows.Receiver   = FindArtifactsFromResource{}
	_ workflows.Documented = FindArtifactsFromResource{}
)

// Type implements workflows.StageType.
func (FindArtifactsFromResource) Type() string { return "findArtifactsFromResource" }

// Aliases implements workflows.Aliased: the name that Orca's own constant has.
func (FindArtifactsFromResource) Aliases() []string { return []string{"findArtifactFromResource"} }

// Tasks implements workflows.StageType.
func (FindArtifactsFromResource) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		{Name: "resolveTargetManifest", Run: resolveTarget},
		{Name: "findArtifactsFromResource", Timeout: operationTimeout, Run: findArtifacts},
		workflows.BindProducedArtifacts(),
	}
}

func findArtifacts(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	in, err := targetOf(t)
	if err != nil {
		return workflows.Outcome{}, err
	}
	if _, err := findAccount(ctx, t); err != nil {
		return workflows.Outcome{}, err
	}
	found, err := workflows.Call(ctx, t, activities.ReadManifest, in)
	if err != nil {
		return workflows.Outcome{}, err
	}
	artifacts, err := artifactValues(found.Artifacts)
	if err != nil {
		return workflows.Outcome{}, err
	}
	out := pipeline.Map{"manifest": map[string]any(found.Manifest), "artifacts": artifacts}
	return workflows.Outcome{Context: out, Outputs: out.Clone()}, nil
}

// Received implements workflows.Receiver: what the cluster holds.
func (FindArtifactsFromResource) Received(*pipeline.Stage) []string {
	return []string{"manifest", "artifacts"}
}

// Calls implements workflows.Caller.
func (FindArtifactsFromResource) Calls(s *pipeline.Stage) []string { return callOn("read", s) }

// Describe implements workflows.Documented.
func (FindArtifactsFromResource) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Reads a live Kubernetes object and finds the images, ConfigMaps and Secrets that it refers to. Also called findArtifactFromResource.",
		Inputs:  targetInputs(),
		Outputs: []workflows.Field{
			{Name: "manifest", Type: "object", Text: "The object as the cluster holds it, without the values of Secrets."},
			{Name: "artifacts", Type: "list of artifacts", Text: "What it refers to."},
			producedField,
			targetField,
		},
		Notes: []string{"An object that is not there is waited for a few seconds."},
	}
}
