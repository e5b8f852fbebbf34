package stages

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// PauseRolloutManifest pauses the rollout of a Deployment (reference: orca section 6.1, clouddriver
// section 4). It does not wait.
//
//	{"type": "pauseRolloutManifest", "refId": "1", "name": "Pause", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop", "manifestName": "deployment web"}
type PauseRolloutManifest struct{}

var (
	_ workflows.StageType  = PauseRolloutManifest{}
	_ workflows.Caller     = PauseRolloutManifest{}
	_ workflows.Documented = PauseRolloutManifest{}
)

// Type implements workflows.StageType.
func (PauseRolloutManifest) Type() string { return "pauseRolloutManifest" }

// Tasks implements workflows.StageType.
func (PauseRolloutManifest) Tasks(_ *pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		changes("pauseRolloutManifest", func(ctx workflow.Context, t *workflows.TaskRun, in activities.ManifestInput) error {
			_, err := workflows.Call(ctx, t, activities.PauseRollout, in)
			return err
		}),
		instant("monitorPauseRollout"),
	}
}

// Calls implements workflows.Caller.
func (PauseRolloutManifest) Calls(s *pipeline.Stage) []string {
	return callOn("pause the rollout of", s)
}

// Describe implements workflows.Documented.
func (PauseRolloutManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Pauses the rollout of a Deployment, as `kubectl rollout pause` does.",
		Inputs:  staticInputs(),
		Notes:   []string{"Kubernetes pauses Deployments alone. One that is paused already stays so."},
	}
}
