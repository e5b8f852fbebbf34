package stages

import (
	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// DisableManifest stops sending traffic to a workload and waits until it is stable (reference:
// orca section 6.1, clouddriver section 9).
//
//	{"type": "disableManifest", "refId": "1", "name": "Disable", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop", "app": "shop",
//	 "kind": "replicaSet", "cluster": "replicaSet web", "criteria": "second_newest"}
type DisableManifest struct{}

var (
	_ workflows.StageType  = DisableManifest{}
	_ workflows.Caller     = DisableManifest{}
	_ workflows.Receiver   = DisableManifest{}
	_ workflows.Documented = DisableManifest{}
)

// Type implements workflows.StageType.
func (DisableManifest) Type() string { return "disableManifest" }

// Tasks implements workflows.StageType.
func (DisableManifest) Tasks(s *pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		{Name: "resolveTargetManifest", Run: resolveTarget},
		directs("disableManifest", activities.DisableManifest),
		instant("monitorDisable"),
		becomesStable(s),
	}
}

// Received implements workflows.Receiver: what the object waits for.
func (DisableManifest) Received(*pipeline.Stage) []string { return waitingKeys }

// Calls implements workflows.Caller.
func (DisableManifest) Calls(s *pipeline.Stage) []string { return callOn("stop traffic to", s) }

// Describe implements workflows.Documented.
func (DisableManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Stops sending traffic to a workload: its pods lose the labels that its load balancers select.",
		Inputs:  targetInputs(loadBalancersField, stableField),
		Outputs: []workflows.Field{targetField},
		Notes:   []string{"Without load balancers nothing changes. Of a ReplicaSet the live pods are changed too; other workloads roll out new ones.", stabilityNote},
	}
}
