package stages

import (
	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// EnableManifest sends traffic to a workload and waits until it is stable (reference:
// orca section 6.1, clouddriver section 9).
//
//	{"type": "enableManifest", "refId": "1", "name": "Enable", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop", "app": "shop",
//	 "kind": "replicaSet", "cluster": "replicaSet web", "criteria": "second_newest"}
type EnableManifest struct{}

var (
	_ workflows.StageType  = EnableManifest{}
	_ workflows.Caller     = EnableManifest{}
	_ workflows.Receiver   = EnableManifest{}
	_ workflows.Documented = EnableManifest{}
)

// Type implements workflows.StageType.
func (EnableManifest) Type() string { return "enableManifest" }

// Tasks implements workflows.StageType.
func (EnableManifest) Tasks(s *pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		{Name: "resolveTargetManifest", Run: resolveTarget},
		directs("enableManifest", activities.EnableManifest),
		instant("monitorEnable"),
		becomesStable(s),
	}
}

// Received implements workflows.Receiver: what the object waits for.
func (EnableManifest) Received(*pipeline.Stage) []string { return waitingKeys }

// Calls implements workflows.Caller.
func (EnableManifest) Calls(s *pipeline.Stage) []string { return callOn("send traffic to", s) }

// Describe implements workflows.Documented.
func (EnableManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Sends traffic to a workload: its pods get the labels that its load balancers select.",
		Inputs:  targetInputs(loadBalancersField, stableField),
		Outputs: []workflows.Field{targetField},
		Notes:   []string{"Without load balancers nothing changes. Of a ReplicaSet the live pods are changed too; other workloads roll out new ones.", stabilityNote},
	}
}
