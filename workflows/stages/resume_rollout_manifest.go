package stages

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// ResumeRolloutManifest resumes the rollout of a paused Deployment and waits until it is stable
// (reference: orca section 6.1, clouddriver section 4).
//
//	{"type": "resumeRolloutManifest", "refId": "1", "name": "Resume", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop", "manifestName": "deployment web"}
type ResumeRolloutManifest struct{}

var (
	_ workflows.StageType  = ResumeRolloutManifest{}
	_ workflows.Caller     = ResumeRolloutManifest{}
	_ workflows.Receiver   = ResumeRolloutManifest{}
	_ workflows.Documented = ResumeRolloutManifest{}
)

// Type implements workflows.StageType.
func (ResumeRolloutManifest) Type() string { return "resumeRolloutManifest" }

// Tasks implements workflows.StageType.
func (ResumeRolloutManifest) Tasks(s *pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		changes("resumeRolloutManifest", func(ctx workflow.Context, t *workflows.TaskRun, in activities.ManifestInput) error {
			_, err := workflows.Call(ctx, t, activities.ResumeRollout, in)
			return err
		}),
		instant("monitorResumeRollout"),
		becomesStable(s),
	}
}

// Received implements workflows.Receiver: what the object waits for.
func (ResumeRolloutManifest) Received(*pipeline.Stage) []string { return waitingKeys }

// Calls implements workflows.Caller.
func (ResumeRolloutManifest) Calls(s *pipeline.Stage) []string {
	return callOn("resume the rollout of", s)
}

// Describe implements workflows.Documented.
func (ResumeRolloutManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Resumes the rollout of a paused Deployment, as `kubectl rollout resume` does, and waits until it is stable.",
		Inputs:  staticInputs(stableField),
		Notes:   []string{"One that is not paused stays so.", stabilityNote},
	}
}
