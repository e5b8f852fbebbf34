package activities

import (
	"context"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// ClouddriverQueue returns the task queue that serves one account. A worker
// placed inside a private cluster serves that account's queue alone.
func ClouddriverQueue(account string) string { return clouddriverPrefix + account }

const clouddriverPrefix = "clouddriver."

// AccountOfQueue is the inverse of [ClouddriverQueue]; false for other queues.
func AccountOfQueue(queue string) (string, bool) { return strings.CutPrefix(queue, clouddriverPrefix) }

// Clouddriver changes and watches a Kubernetes cluster. Every method is
// idempotent under its scope's key: repeated after a crash it finds what it did
// and goes on. Errors are *pipeline.Error: invalid, forbidden, not_found,
// conflict and unprocessable are the request's own fault and carry the API
// server's words; unavailable, throttled and timeout are the world's.
type Clouddriver interface {
	DeployManifest(context.Context, DeployManifestInput) (DeployManifestOutput, error)
	AwaitStable(context.Context, AwaitStableInput) (AwaitStableOutput, error)
	DeleteManifest(context.Context, DeleteManifestInput) (DeleteManifestOutput, error)
	CleanupArtifacts(context.Context, CleanupArtifactsInput) (Done, error)
	RunJob(context.Context, RunJobInput) (RunJobOutput, error)
	AwaitJob(context.Context, AwaitJobInput) (AwaitJobOutput, error)
	ClusterSize(context.Context, ClusterSizeInput) (ClusterSizeOutput, error)
	ApplicationResources(context.Context, ApplicationResourcesInput) (ApplicationResourcesOutput, error)
	ClouddriverOperations
}

// The calls.
var (
	// DeployManifest applies manifests in Spinnaker's order.
	DeployManifest = Call[DeployManifestInput, DeployManifestOutput]{
		Name: "clouddriver.deployManifest", Timeout: 30 * time.Minute, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in DeployManifestInput) string { return ClouddriverQueue(in.Account) },
	}
	// AwaitStable watches objects until they are stable, failed, or have news.
	AwaitStable = Call[AwaitStableInput, AwaitStableOutput]{
		Name: "clouddriver.awaitStable", Timeout: 24 * time.Hour, Heartbeat: 20 * time.Second, GivesBack: true, QueueTimeout: 5 * time.Minute,
		Queue: func(in AwaitStableInput) string { return ClouddriverQueue(in.Account) },
	}
	// DeleteManifest deletes objects by name or label.
	DeleteManifest = Call[DeleteManifestInput, DeleteManifestOutput]{
		Name: "clouddriver.deleteManifest", Timeout: 30 * time.Minute, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in DeleteManifestInput) string { return ClouddriverQueue(in.Account) },
	}
	// CleanupArtifacts deletes versions beyond max-version-history.
	CleanupArtifacts = Call[CleanupArtifactsInput, Done]{
		Name: "clouddriver.cleanupArtifacts", Timeout: 10 * time.Minute, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in CleanupArtifactsInput) string { return ClouddriverQueue(in.Account) },
	}
	// RunJob creates a Job, exactly once.
	RunJob = Call[RunJobInput, RunJobOutput]{
		Name: "clouddriver.runJob", Timeout: 10 * time.Minute, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in RunJobInput) string { return ClouddriverQueue(in.Account) },
	}
	// AwaitJob watches a Job until it ends.
	AwaitJob = Call[AwaitJobInput, AwaitJobOutput]{
		Name: "clouddriver.awaitJob", Timeout: 7 * 24 * time.Hour, Heartbeat: 20 * time.Second, GivesBack: true, QueueTimeout: 5 * time.Minute,
		Queue: func(in AwaitJobInput) string { return ClouddriverQueue(in.Account) },
	}
	// ClusterSize lists the server groups of a cluster.
	ClusterSize = Call[ClusterSizeInput, ClusterSizeOutput]{
		Name: "clouddriver.clusterSize", Timeout: 2 * time.Minute, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in ClusterSizeInput) string { return ClouddriverQueue(in.Account) },
	}
	// ApplicationResources lists what an application has in an account.
	ApplicationResources = Call[ApplicationResourcesInput, ApplicationResourcesOutput]{
		Name: "clouddriver.applicationResources", Timeout: 2 * time.Minute, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(in ApplicationResourcesInput) string { return ClouddriverQueue(in.Account) },
	}
)

// RegisterClouddriver registers impl under the names of the calls.
func RegisterClouddriver(r Registry, impl Clouddriver) {
	register(r, DeployManifest, impl.DeployManifest)
	register(r, AwaitStable, impl.AwaitStable)
	register(r, DeleteManifest, impl.DeleteManifest)
	register(r, CleanupArtifacts, impl.CleanupArtifacts)
	register(r, RunJob, impl.RunJob)
	register(r, AwaitJob, impl.AwaitJob)
	register(r, ClusterSize, impl.ClusterSize)
	register(r, ApplicationResources, impl.ApplicationResources)
	registerClouddriverOperations(r, impl)
}

// Moniker names what a manifest belongs to.
type Moniker struct {
	App     string `json:"app,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	Stack   string `json:"stack,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

// LabelSelectors is Spinnaker's form of a label selector (reference:
// clouddriver section 3).
type LabelSelectors struct {
	Selectors []LabelSelector `json:"selectors,omitempty"`
}

// LabelSelector is one requirement. Kind is ANY, EQUALS, NOT_EQUALS, CONTAINS,
// NOT_CONTAINS, EXISTS or NOT_EXISTS; EQUALS and NOT_EQUALS use the first value.
type LabelSelector struct {
	Kind   string   `json:"kind"`
	Key    string   `json:"key"`
	Values []string `json:"values,omitempty"`
}

// DeployManifestInput is the deployManifest operation (reference: clouddriver
// sections 4 and 5).
type DeployManifestInput struct {
	Scope   Scope  `json:"scope"`
	Account string `json:"account"`
	// Manifests are Kubernetes objects; Lists are spread, nulls dropped.
	Manifests         []pipeline.Map `json:"manifests"`
	Moniker           Moniker        `json:"moniker"`
	NamespaceOverride string         `json:"namespaceOverride,omitempty"`
	// Versioned overrides the kind's default when set.
	Versioned         *bool               `json:"versioned,omitempty"`
	RequiredArtifacts []pipeline.Artifact `json:"requiredArtifacts,omitempty"`
	OptionalArtifacts []pipeline.Artifact `json:"optionalArtifacts,omitempty"`
	// DisableArtifactBinding is enableArtifactBinding=false.
	DisableArtifactBinding bool     `json:"disableArtifactBinding,omitempty"`
	EnableTraffic          bool     `json:"enableTraffic"`
	Services               []string `json:"services,omitempty"`
	// Strategy is redblack, bluegreen, highlander or empty. Only its rules for the
	// manifests are applied here; see [FindReplaced] for the rest.
	Strategy               string         `json:"strategy,omitempty"`
	LabelSelectors         LabelSelectors `json:"labelSelectors"`
	SkipSpecTemplateLabels bool           `json:"skipSpecTemplateLabels,omitempty"`
	AllowNothingSelected   bool           `json:"allowNothingSelected,omitempty"`
}

// DeployManifestOutput tells what the cluster now holds. Sensitive values of
// Secrets are removed.
type DeployManifestOutput struct {
	Manifests []pipeline.Map `json:"manifests"`
	// ManifestNamesByNamespace lists "kind name" under each namespace, "_" for
	// objects without one.
	ManifestNamesByNamespace map[string][]string `json:"manifestNamesByNamespace"`
	CreatedArtifacts         []pipeline.Artifact `json:"createdArtifacts"`
	BoundArtifacts           []pipeline.Artifact `json:"boundArtifacts"`
}

// AwaitStableInput names the objects to watch.
type AwaitStableInput struct {
	Scope   Scope  `json:"scope"`
	Account string `json:"account"`
	// Manifests is namespace to "kind name" lists, "_" for cluster scope.
	Manifests map[string][]string `json:"manifests"`
	// Seen is what an earlier answer said; the call returns early, not done,
	// once there is something new that lasted [NewsAfter].
	Seen []ManifestStatus `json:"seen,omitempty"`
}

// NewsAfter is how long a change of a waiting message must last before
// AwaitStable reports it, so that a fast rollout is one call.
const NewsAfter = 2 * time.Second

// AwaitStableOutput is the state of every object of the input.
type AwaitStableOutput struct {
	// Done is set when every object is stable or failed.
	Done     bool             `json:"done"`
	Statuses []ManifestStatus `json:"statuses"`
}

// ManifestStatus is one object's state (reference: clouddriver section 10).
type ManifestStatus struct {
	Namespace string `json:"namespace"`
	// Name is "kind name".
	Name   string `json:"name"`
	Stable bool   `json:"stable"`
	Failed bool   `json:"failed"`
	// Message says why the object is not stable or why it failed.
	Message string `json:"message,omitempty"`
	// StableAt is when the object was first seen stable by this call.
	StableAt pipeline.Millis `json:"stableAt,omitempty"`
	// Explanation says more of why the object is not stable, or why it failed. It
	// is set once the object has been unstable for some seconds.
	Explanation *Explanation `json:"explanation,omitempty"`
}

// DeleteManifestInput is the deleteManifest operation (reference: clouddriver
// section 4). Either ManifestName or Kinds with LabelSelectors is set.
type DeleteManifestInput struct {
	Scope        Scope  `json:"scope"`
	Account      string `json:"account"`
	Location     string `json:"location"`
	ManifestName string `json:"manifestName,omitempty"`
	// UID narrows ManifestName to this very object: another one that has its name
	// by now is left alone. Empty means whichever object has the name.
	UID            string         `json:"uid,omitempty"`
	Kinds          []string       `json:"kinds,omitempty"`
	LabelSelectors LabelSelectors `json:"labelSelectors"`
	// Detach takes what is deleted out of its load balancers first.
	Detach bool `json:"detach,omitempty"`
	// Options holds cascading, orphanDependents and gracePeriodSeconds as
	// written: text, boolean or number.
	Options pipeline.Map `json:"options,omitempty"`
}

// DeleteManifestOutput lists what was really deleted, as "kind name" under its
// location; nothing deleted is a success.
type DeleteManifestOutput struct {
	ManifestNamesByNamespace map[string][]string `json:"manifestNamesByNamespace"`
}

// CleanupArtifactsInput holds the manifests that a deploy answered with.
type CleanupArtifactsInput struct {
	Scope     Scope          `json:"scope"`
	Account   string         `json:"account"`
	Manifests []pipeline.Map `json:"manifests"`
}

// RunJobInput is the runJob operation (reference: clouddriver section 4).
type RunJobInput struct {
	Scope             Scope               `json:"scope"`
	Account           string              `json:"account"`
	Application       string              `json:"application"`
	Manifest          pipeline.Map        `json:"manifest"`
	Namespace         string              `json:"namespace,omitempty"`
	RequiredArtifacts []pipeline.Artifact `json:"requiredArtifacts,omitempty"`
	OptionalArtifacts []pipeline.Artifact `json:"optionalArtifacts,omitempty"`
}

// RunJobOutput is a deploy's output with the Job's own name.
type RunJobOutput struct {
	DeployManifestOutput
	// Namespace and Name locate the Job, UID tells it from others that have the
	// name before or after it.
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
}

// AwaitJobInput names a Job.
type AwaitJobInput struct {
	Scope     Scope  `json:"scope"`
	Account   string `json:"account"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// UID is the Job's own: another Job of the name is not waited for. Empty means
	// whichever Job has the name.
	UID string `json:"uid,omitempty"`
	// PropertyFile is the container whose log holds properties; empty means none.
	PropertyFile string `json:"propertyFile,omitempty"`
	// Explain asks for an answer while the Job still runs, whenever what troubles
	// its pods has changed; Seen is the last such answer's explanation.
	Explain bool         `json:"explain,omitempty"`
	Seen    *Explanation `json:"seen,omitempty"`
}

// AwaitJobOutput is the end of a Job (reference: clouddriver section 11).
type AwaitJobOutput struct {
	// Running: the Job has not ended, and Explanation is all that there is to
	// tell. The caller asks again.
	Running   bool `json:"running,omitempty"`
	Succeeded bool `json:"succeeded"`
	// Explanation tells what troubles the Job's pods, or why it failed.
	Explanation *Explanation `json:"explanation,omitempty"`
	// Reason, Message and FailureDetails explain a failure.
	Reason         string `json:"reason,omitempty"`
	Message        string `json:"message,omitempty"`
	FailureDetails string `json:"failureDetails,omitempty"`
	// Status is the job as Spinnaker shows it: name, account, location,
	// createdTime, completedTime, jobState, completionDetails, pods.
	Status pipeline.Map `json:"status"`
	// Properties are those of the container's log. PropertiesFault says why there
	// are none.
	Properties      pipeline.Map `json:"properties,omitempty"`
	PropertiesFault string       `json:"propertiesFault,omitempty"`
}

// ClusterSizeInput names a cluster of an application, as its moniker does, and
// the namespaces to look in.
type ClusterSizeInput struct {
	Scope   Scope  `json:"scope"`
	Account string `json:"account"`
	// Application is compared where an object tells its own; empty fits all.
	Application string   `json:"application,omitempty"`
	Cluster     string   `json:"cluster"`
	Namespaces  []string `json:"namespaces"`
	// EnabledOnly leaves out server groups that load balancers are configured
	// for and none sends traffic to.
	EnabledOnly bool `json:"enabledOnly,omitempty"`
}

// ClusterSizeOutput lists the cluster's server groups as "kind name" under each
// namespace of the input, sorted. Server groups are ReplicaSets, StatefulSets,
// DaemonSets, Jobs, CronJobs, and what an account's custom resources declare as
// such.
type ClusterSizeOutput struct {
	ServerGroups map[string][]string `json:"serverGroups"`
}

// ApplicationResourcesInput names an application of an account.
type ApplicationResourcesInput struct {
	Scope       Scope  `json:"scope"`
	Account     string `json:"account"`
	Application string `json:"application"`
}

// ApplicationResourcesOutput lists the application's clusters by their names and
// its security groups as "kind name", each sorted and at most
// [MaxApplicationResources].
type ApplicationResourcesOutput struct {
	Clusters       []string `json:"clusters"`
	SecurityGroups []string `json:"securityGroups"`
}

// MaxApplicationResources bounds each list of what an application has.
const MaxApplicationResources = 100
