package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// ClouddriverOperations change one live object of a cluster. Every one finds by
// its scope's key what an earlier attempt did, and then changes nothing (see
// [Clouddriver]).
type ClouddriverOperations interface {
	PatchManifest(context.Context, PatchManifestInput) (PatchManifestOutput, error)
	ScaleManifest(context.Context, ScaleManifestInput) (Done, error)
	UndoRollout(context.Context, UndoRolloutInput) (UndoRolloutOutput, error)
	FindRollback(context.Context, DeployManifestInput) (FindRollbackOutput, error)
	RollBack(context.Context, RollBackInput) (RollBackOutput, error)
	PauseRollout(context.Context, ManifestInput) (Done, error)
	ResumeRollout(context.Context, ManifestInput) (Done, error)
	RollingRestart(context.Context, ManifestInput) (Done, error)
	EnableManifest(context.Context, TrafficInput) (TrafficOutput, error)
	DisableManifest(context.Context, TrafficInput) (TrafficOutput, error)
	FindReplaced(context.Context, FindReplacedInput) (FindReplacedOutput, error)
	ResolveTarget(context.Context, ResolveTargetInput) (ResolveTargetOutput, error)
	ReadManifest(context.Context, ManifestInput) (ReadManifestOutput, error)
}

// The calls.
var (
	// PatchManifest patches an object.
	PatchManifest = Call[PatchManifestInput, PatchManifestOutput]{
		Name: "clouddriver.patchManifest", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in PatchManifestInput) string { return ClouddriverQueue(in.Account) },
	}
	// ScaleManifest sets an object's replicas.
	ScaleManifest = Call[ScaleManifestInput, Done]{
		Name: "clouddriver.scaleManifest", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in ScaleManifestInput) string { return ClouddriverQueue(in.Account) },
	}
	// UndoRollout brings an earlier revision of a workload back.
	UndoRollout = Call[UndoRolloutInput, UndoRolloutOutput]{
		Name: "clouddriver.undoRollout", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in UndoRolloutInput) string { return ClouddriverQueue(in.Account) },
	}
	// PauseRollout stops a Deployment from rolling out what changes.
	PauseRollout = Call[ManifestInput, Done]{
		Name: "clouddriver.pauseRollout", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in ManifestInput) string { return ClouddriverQueue(in.Account) },
	}
	// ResumeRollout lets it go on.
	ResumeRollout = Call[ManifestInput, Done]{
		Name: "clouddriver.resumeRollout", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in ManifestInput) string { return ClouddriverQueue(in.Account) },
	}
	// RollingRestart replaces a workload's pods one after another.
	RollingRestart = Call[ManifestInput, Done]{
		Name: "clouddriver.rollingRestart", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in ManifestInput) string { return ClouddriverQueue(in.Account) },
	}
	// EnableManifest sends traffic to a workload.
	EnableManifest = Call[TrafficInput, TrafficOutput]{
		Name: "clouddriver.enableManifest", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in TrafficInput) string { return ClouddriverQueue(in.Account) },
	}
	// DisableManifest stops sending traffic to a workload.
	DisableManifest = Call[TrafficInput, TrafficOutput]{
		Name: "clouddriver.disableManifest", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in TrafficInput) string { return ClouddriverQueue(in.Account) },
	}
	// FindReplaced finds the server groups that a deployment replaces.
	FindReplaced = Call[FindReplacedInput, FindReplacedOutput]{
		Name: "clouddriver.findReplaced", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in FindReplacedInput) string { return ClouddriverQueue(in.Account) },
	}
	// ResolveTarget finds the object that a criterion means.
	ResolveTarget = Call[ResolveTargetInput, ResolveTargetOutput]{
		Name: "clouddriver.resolveTarget", Timeout: 2 * time.Minute, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in ResolveTargetInput) string { return ClouddriverQueue(in.Account) },
	}
	// ReadManifest reads a live object.
	ReadManifest = Call[ManifestInput, ReadManifestOutput]{
		Name: "clouddriver.readManifest", Timeout: operationTimeout, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in ManifestInput) string { return ClouddriverQueue(in.Account) },
	}
)

// operationTimeout bounds one attempt to change one object.
const operationTimeout = 10 * time.Minute

func registerClouddriverOperations(r Registry, impl ClouddriverOperations) {
	register(r, PatchManifest, impl.PatchManifest)
	register(r, ScaleManifest, impl.ScaleManifest)
	register(r, UndoRollout, impl.UndoRollout)
	register(r, FindRollback, impl.FindRollback)
	register(r, RollBack, impl.RollBack)
	register(r, PauseRollout, impl.PauseRollout)
	register(r, ResumeRollout, impl.ResumeRollout)
	register(r, RollingRestart, impl.RollingRestart)
	register(r, EnableManifest, impl.EnableManifest)
	register(r, DisableManifest, impl.DisableManifest)
	register(r, FindReplaced, impl.FindReplaced)
	register(r, ResolveTarget, impl.ResolveTarget)
	register(r, ReadManifest, impl.ReadManifest)
}

// ManifestInput names one live object.
type ManifestInput struct {
	Scope   Scope  `json:"scope"`
	Account string `json:"account"`
	// Location is the namespace, empty or "_" for objects without one.
	Location string `json:"location"`
	// ManifestName is "kind name".
	ManifestName string `json:"manifestName"`
}

// How a patch is merged into an object.
const (
	MergeStrategic = "strategic"
	MergeMerge     = "merge"
	MergeJSON      = "json"
)

// PatchManifestInput is the patchManifest operation (reference: clouddriver
// section 4). Errors: invalid for a body that does not fit the strategy, and for
// a strategy that the kind does not take; what the API server refuses.
type PatchManifestInput struct {
	ManifestInput
	// Strategy is strategic, merge or json.
	Strategy string `json:"strategy"`
	// Body is one object with strategic and merge, the list of operations with
	// json.
	Body []pipeline.Map `json:"body"`
	// Record writes the change's cause as kubectl does.
	Record            bool                `json:"record,omitempty"`
	RequiredArtifacts []pipeline.Artifact `json:"requiredArtifacts,omitempty"`
	// AllArtifacts may be bound into the body of a strategic or merge patch.
	AllArtifacts []pipeline.Artifact `json:"allArtifacts,omitempty"`
}

// PatchManifestOutput names what was patched; the manifest is no more than kind,
// namespace and name.
type PatchManifestOutput struct {
	Manifests                []pipeline.Map      `json:"manifests"`
	ManifestNamesByNamespace map[string][]string `json:"manifestNamesByNamespace"`
	BoundArtifacts           []pipeline.Artifact `json:"boundArtifacts"`
}

// ScaleManifestInput is the scaleManifest operation, and resizeServerGroup with
// Resize set: they tell their refusals apart (reference: clouddriver section 4).
type ScaleManifestInput struct {
	ManifestInput
	// Replicas is 0 or more.
	Replicas int64 `json:"replicas"`
	Resize   bool  `json:"resize,omitempty"`
}

// UndoRolloutInput is the undoRolloutManifest operation (reference: clouddriver
// section 4). NumRevisionsBack goes before Revision; the Revision 0 is the last
// one before the present.
type UndoRolloutInput struct {
	ManifestInput
	Revision         *int64 `json:"revision,omitempty"`
	NumRevisionsBack *int64 `json:"numRevisionsBack,omitempty"`
}

// UndoRolloutOutput tells which revision was brought back; 0 when an earlier
// attempt did it.
type UndoRolloutOutput struct {
	Revision int64 `json:"revision,omitempty"`
	// Skipped: the workload is at this revision already.
	Skipped bool `json:"skipped,omitempty"`
}

// TrafficInput is enableManifest and disableManifest (reference: clouddriver
// section 9).
type TrafficInput struct {
	ManifestInput
	// LoadBalancers are "service name"; empty means those of the object's
	// annotation.
	LoadBalancers []string `json:"loadBalancers,omitempty"`
	// UID narrows the object to this very one: when it is gone there is nothing to
	// do. Empty means whichever has the name, and there must be one.
	UID string `json:"uid,omitempty"`
}

// TrafficOutput tells whether there was an object; only an input with a UID comes
// to one that is gone.
type TrafficOutput struct {
	Gone bool `json:"gone,omitempty"`
}

// The rollout strategies of a deployment, as stages write them (reference:
// clouddriver section 9).
const (
	StrategyRedBlack   = "redblack"
	StrategyBlueGreen  = "bluegreen"
	StrategyHighlander = "highlander"
)

// FindReplacedInput names what a deployment has made. The server groups that it
// replaces are the other ReplicaSets of the same clusters, by their annotations
// (reference: clouddriver section 9).
type FindReplacedInput struct {
	Scope       Scope  `json:"scope"`
	Account     string `json:"account"`
	Application string `json:"application"`
	// Operation is the key of the deployment. A ReplicaSet that it made replaces
	// older ones only, so that of two deployments at once the later one stays.
	Operation string `json:"operation"`
	// Made are the ReplicaSets.
	Made []ServerGroup `json:"made"`
}

// ServerGroup names a ReplicaSet: Name is the object's own, without the kind.
type ServerGroup struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// FindReplacedOutput lists the replaced ReplicaSets, oldest first. Errors:
// not_found when what was made is gone, since then nothing may be taken away.
type FindReplacedOutput struct {
	Replaced []ReplacedServerGroup `json:"replaced"`
}

// ReplacedServerGroup is one of them.
type ReplacedServerGroup struct {
	Namespace string `json:"namespace"`
	// ManifestName is "replicaSet name".
	ManifestName string `json:"manifestName"`
	UID          string `json:"uid"`
	// Unstable: it is neither stable nor failed, and no pod of it is ready and
	// available.
	Unstable bool `json:"unstable,omitempty"`
}

// ResolveTargetInput finds one of the objects of a kind whose annotations name
// the application and the cluster (reference: clouddriver section 4). Criteria is
// oldest, newest, second_newest, largest or smallest. Errors: invalid for
// another; not_found when there is none for two seconds.
type ResolveTargetInput struct {
	Scope       Scope  `json:"scope"`
	Account     string `json:"account"`
	Location    string `json:"location"`
	Kind        string `json:"kind"`
	Application string `json:"application"`
	Cluster     string `json:"cluster"`
	Criteria    string `json:"criteria"`
}

// ResolveTargetOutput is the object as "kind name".
type ResolveTargetOutput struct {
	ManifestName string `json:"manifestName"`
}

// ReadManifestOutput is a live object, without the values of Secrets, and what it
// refers to as artifacts.
type ReadManifestOutput struct {
	Manifest  pipeline.Map        `json:"manifest"`
	Artifacts []pipeline.Artifact `json:"artifacts"`
}
