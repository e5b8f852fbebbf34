package activities

import (
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// The calls of deployments that roll themselves back.
var (
	// FindRollback finds, before a deployment, what it could be rolled back to. Its
	// input is the deployment's own, scope included.
	FindRollback = Call[DeployManifestInput, FindRollbackOutput]{
		Name: "clouddriver.findRollback", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in DeployManifestInput) string { return ClouddriverQueue(in.Account) },
	}
	// RollBack brings the last completed revision of a workload back, once.
	RollBack = Call[RollBackInput, RollBackOutput]{
		Name: "clouddriver.rollBack", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in RollBackInput) string { return ClouddriverQueue(in.Account) },
	}
)

// FindRollbackOutput lists the Deployments, StatefulSets and DaemonSets of a
// deployment as they were before it.
type FindRollbackOutput struct {
	Targets []RollbackTarget `json:"targets"`
}

// RollbackTarget is one workload before a deployment.
type RollbackTarget struct {
	Namespace string `json:"namespace"`
	// Name is "kind name".
	Name string `json:"name"`
	// UID tells it from others of its name; empty when there was none.
	UID string `json:"uid,omitempty"`
	// Present is the newest revision, Revision the last one whose rollout was
	// completed; 0 when there is none.
	Present  int64 `json:"present,omitempty"`
	Revision int64 `json:"revision,omitempty"`
	// Reason says why there is no Revision.
	Reason string `json:"reason,omitempty"`
}

// RollBackInput names a workload that a deployment has changed.
type RollBackInput struct {
	ManifestInput
	Target RollbackTarget `json:"target"`
	// Deployed is the object as the deployment left it. One that was changed since,
	// but for its replicas, is left alone.
	Deployed pipeline.Map `json:"deployed"`
}

// RollBackOutput tells which revision was brought back, or why none was.
type RollBackOutput struct {
	Revision int64  `json:"revision,omitempty"`
	Left     string `json:"left,omitempty"`
}
