package stages

import (
	"strconv"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// ScaleManifest sets the replicas of a workload and waits until it is stable
// (reference: orca section 6.1, clouddriver section 4).
//
//	{"type": "scaleManifest", "refId": "1", "name": "Scale", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop",
//	 "manifestName": "deployment web", "replicas": 3}
type ScaleManifest struct{}

var (
	_ workflows.StageType  = ScaleManifest{}
	_ workflows.Caller     = ScaleManifest{}
	_ workflows.Receiver   = ScaleManifest{}
	_ workflows.Documented = ScaleManifest{}
)

// Type implements workflows.StageType.
func (ScaleManifest) Type() string { return "scaleManifest" }

// Tasks implements workflows.StageType.
func (ScaleManifest) Tasks(s *pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		{Name: "resolveTargetManifest", Run: resolveTarget},
		changes("scaleManifest", func(ctx workflow.Context, t *workflows.TaskRun, in activities.ManifestInput) error {
			replicas, err := replicasOf(t.Stage)
			if err != nil {
				return err
			}
			_, err = workflows.Call(ctx, t, activities.ScaleManifest, activities.ScaleManifestInput{ManifestInput: in, Replicas: replicas})
			return err
		}),
		instant("monitorScale"),
		becomesStable(s),
	}
}

// Received implements workflows.Receiver: what the object waits for.
func (ScaleManifest) Received(*pipeline.Stage) []string { return waitingKeys }

// Calls implements workflows.Caller.
func (ScaleManifest) Calls(s *pipeline.Stage) []string {
	replicas, ok := s.Context.Int("replicas")
	if !ok {
		return callOn("scale", s)
	}
	return callOn("scale to "+strconv.FormatInt(replicas, 10)+" replicas", s)
}

// Describe implements workflows.Documented.
func (ScaleManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Sets the replicas of a Deployment, ReplicaSet or StatefulSet and waits until it is stable.",
		Inputs: targetInputs(
			workflows.Field{Name: "replicas", Type: "whole number", Text: "How many there are to be."},
			stableField),
		Outputs: []workflows.Field{targetField},
		Notes:   []string{"A worker that dies leaves no doubt: the change carries the stage's key, so it is made once, also when something else scales the object meanwhile.", stabilityNote},
	}
}
