package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// PlansQueue returns the task queue on which one account's plans are made. It is
// another than the account's own: a hundred deployments under way hold up no
// plan, and its workers are not versioned, since a plan belongs to no execution.
// Every worker that serves the account serves it, also one that reaches nothing
// but Temporal and the cluster.
func PlansQueue(account string) string { return "clouddriver-plans." + account }

// Plans tells what an operation would change in a cluster. Nothing is changed:
// every write is sent as the API server's dry run.
type Plans interface {
	// PlanManifests tries one operation. What is wrong with one object stands at
	// that object. Errors are about the whole operation: invalid, forbidden and
	// not_found are its own fault; unavailable, throttled and timeout the world's.
	PlanManifests(context.Context, PlanManifestsInput) (PlanManifestsOutput, error)
}

// planTimeout bounds the work on one plan.
const planTimeout = 20 * time.Second

// PlanManifests plans one operation. QueueTimeout is how soon a caller learns
// that no worker serves the account.
var PlanManifests = Call[PlanManifestsInput, PlanManifestsOutput]{
	Name: "plans.manifests", Timeout: planTimeout, QueueTimeout: 5 * time.Second,
	Queue: func(in PlanManifestsInput) string { return PlansQueue(in.Account) },
}

// RegisterPlans registers impl under the name of the call.
func RegisterPlans(r Registry, impl Plans) {
	register(r, PlanManifests, impl.PlanManifests)
}

// PlanManifestsInput holds the input of the operation as its stage would send it.
// Exactly one of Deploy, Patch, Scale and Delete is set.
type PlanManifestsInput struct {
	Scope   Scope                `json:"scope"`
	Account string               `json:"account"`
	Deploy  *DeployManifestInput `json:"deploy,omitempty"`
	Patch   *PatchManifestInput  `json:"patch,omitempty"`
	Scale   *ScaleManifestInput  `json:"scale,omitempty"`
	Delete  *DeleteManifestInput `json:"delete,omitempty"`
	// Target finds the object that Patch, Scale or Delete names, when a criterion
	// does.
	Target *ResolveTargetInput `json:"target,omitempty"`
	// Deployed is what the stage deployed before: "kind name" under each namespace,
	// "_" for cluster scope. Of these, what is still there and not deployed any more
	// is orphaned.
	Deployed map[string][]string `json:"deployed,omitempty"`
	// Earlier are objects that stages before this one would create.
	Earlier []PlannedRef `json:"earlier,omitempty"`
}

// PlannedRef names an object that a plan would create.
type PlannedRef struct {
	// Kind is Spinnaker's word for the kind.
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// PlanManifestsOutput holds a [ManifestPlan] as a packed document.
type PlanManifestsOutput struct {
	Packed []byte `json:"packed"`
}

// MaxPlan bounds a packed plan, in bytes. In base64 and with its envelope it stays
// below what a message of Temporal holds without an object store, which a worker
// inside a private cluster has none of.
const MaxPlan = 20 << 10

// ManifestPlan is what an operation would change.
type ManifestPlan struct {
	// Objects are those of the operation in its order, then those that it would
	// take away, then those that it leaves orphaned.
	Objects []PlannedObject `json:"objects"`
	// Counts says how many objects there are for each action, those in Cut included.
	Counts map[PlanAction]int `json:"counts"`
	// Cut is how many objects are not listed, since the plan would be too large.
	Cut int `json:"cut,omitempty"`
	// Problems are about the operation as a whole.
	Problems []PlanProblem `json:"problems,omitempty"`
	// CreatedArtifacts are those that stages behind could bind.
	CreatedArtifacts []pipeline.Artifact `json:"createdArtifacts,omitempty"`
}

// PlanProblem is something wrong with an operation. Passing problems are the
// world's and may be over when the pipeline runs.
type PlanProblem struct {
	Message string   `json:"message"`
	Details []string `json:"details,omitempty"`
	Passing bool     `json:"passing,omitempty"`
}

// PlanAction is what would happen to an object.
type PlanAction string

// The actions.
const (
	// PlanCreated: there is none of the name yet.
	PlanCreated PlanAction = "created"
	// PlanChanged: fields would change.
	PlanChanged PlanAction = "changed"
	// PlanRecreated: it would be deleted and created anew.
	PlanRecreated PlanAction = "recreated"
	// PlanLeft: it would stay as it is.
	PlanLeft PlanAction = "left"
	// PlanDisabled: it would get no more traffic.
	PlanDisabled PlanAction = "disabled"
	// PlanDeleted: it would be deleted.
	PlanDeleted PlanAction = "deleted"
	// PlanOrphaned: the stage deployed it once and does not any more. It stays.
	PlanOrphaned PlanAction = "orphaned"
	// PlanUntried: what would happen cannot be told yet.
	PlanUntried PlanAction = "untried"
	// PlanRefused: the operation would fail because of it.
	PlanRefused PlanAction = "refused"
)

// PlannedObject is one object of a plan.
type PlannedObject struct {
	// Kind is Spinnaker's word for the kind.
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion,omitempty"`
	// Namespace is empty for objects without one.
	Namespace string     `json:"namespace,omitempty"`
	Name      string     `json:"name"`
	Action    PlanAction `json:"action"`
	// Message and Details say why, where the action does not tell by itself.
	Message string   `json:"message,omitempty"`
	Details []string `json:"details,omitempty"`
	// ComparedWith is the name of the earlier version that Changes of a new version
	// are against.
	ComparedWith string        `json:"comparedWith,omitempty"`
	Changes      []FieldChange `json:"changes,omitempty"`
	// MoreChanges is how many changed fields are not listed.
	MoreChanges int `json:"moreChanges,omitempty"`
}

// Ref names the object.
func (o PlannedObject) Ref() PlannedRef {
	return PlannedRef{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// FieldChange is one changed field.
type FieldChange struct {
	// Path is like `spec.template.spec.containers[name=web].image`.
	Path string `json:"path"`
	// Before and After are text as it is, anything else as JSON; absent where the
	// field is. Long values are cut, and of texts of many lines only those around
	// the difference are shown.
	Before *string `json:"before,omitempty"`
	After  *string `json:"after,omitempty"`
	// Hidden: the values are secret, and neither is here.
	Hidden bool `json:"hidden,omitempty"`
}
