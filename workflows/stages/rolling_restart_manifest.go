package stages

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// RollingRestartManifest replaces the pods of a workload one after another (reference: orca
// section 6.1, clouddriver section 4). It does not wait.
//
//	{"type": "rollingRestartManifest", "refId": "1", "name": "Restart", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop", "manifestName": "deployment web"}
type RollingRestartManifest struct{}

var (
	_ workflows.StageType  = RollingRestartManifest{}
	_ workflows.Caller     = RollingRestartManifest{}
	_ workflows.Documented = RollingRestartManifest{}
)

// Type implements workflows.StageType.
func (RollingRestartManifest) Type() string { return "rollingRestartManifest" }

// Tasks implements workflows.StageType.
func (RollingRestartManifest) Tasks(_ *pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		changes("rollingRestartManifest", func(ctx workflow.Context, t *workflows.TaskRun, in activities.ManifestInput) error {
			_, err := workflows.Call(ctx, t, activities.RollingRestart, in)
			return err
		}),
		instant("monitorRollingRestart"),
	}
}

// Calls implements workflows.Caller.
func (RollingRestartManifest) Calls(s *pipeline.Stage) []string {
	return callOn("restart the pods of", s)
}

// Describe implements workflows.Documented.
func (RollingRestartManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Replaces the pods of a Deployment, StatefulSet or DaemonSet one after another, as `kubectl rollout restart` does.",
		Inputs:  staticInputs(),
		Notes:   []string{"It does not wait for the new pods. A worker that dies leaves no doubt: the restart carries the stage's key, so there is one."},
	}
}
