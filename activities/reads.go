package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// ReadsQueue returns the task queue that answers questions about one account's
// cluster. It is another than the account's own, so that a hundred deployments
// under way hold up no screen, and none of its workers is versioned: a question
// belongs to no execution.
func ReadsQueue(account string) string { return "clouddriver-reads." + account }

// Reads answers questions about a Kubernetes cluster: Gate starts each as an
// activity of its own, without a workflow. All of them only read.
//
// Errors are *pipeline.Error: invalid, forbidden, not_found, unavailable.
type Reads interface {
	ReadClusters(context.Context, ReadClustersInput) (ReadClustersOutput, error)
	ShowManifest(context.Context, ShowManifestInput) (ShowManifestOutput, error)
	ListManifests(context.Context, ListManifestsInput) (ListManifestsOutput, error)
	ReadConsole(context.Context, ReadConsoleInput) (ReadConsoleOutput, error)
	FollowLogs(context.Context, FollowLogsInput) (FollowLogsOutput, error)
}

// The calls. QueueTimeout is how soon a caller learns that no worker serves the
// account.
var (
	// ReadClusters answers from the records of a watched account, which it begins
	// to watch if need be.
	ReadClusters = Call[ReadClustersInput, ReadClustersOutput]{
		Name: "reads.clusters", Timeout: 30 * time.Second, QueueTimeout: 5 * time.Second,
		Queue: func(in ReadClustersInput) string { return ReadsQueue(in.Account) },
	}
	// ShowManifest reads one object, as people see it.
	ShowManifest = Call[ShowManifestInput, ShowManifestOutput]{
		Name: "reads.manifest", Timeout: 30 * time.Second, QueueTimeout: 5 * time.Second,
		Queue: func(in ShowManifestInput) string { return ReadsQueue(in.Account) },
	}
	// ListManifests lists the objects of a cluster, as its moniker names it.
	ListManifests = Call[ListManifestsInput, ListManifestsOutput]{
		Name: "reads.listManifests", Timeout: 30 * time.Second, QueueTimeout: 5 * time.Second,
		Queue: func(in ListManifestsInput) string { return ReadsQueue(in.Account) },
	}
	// ReadConsole reads the logs of a pod.
	ReadConsole = Call[ReadConsoleInput, ReadConsoleOutput]{
		Name: "reads.console", Timeout: 30 * time.Second, QueueTimeout: 5 * time.Second,
		Queue: func(in ReadConsoleInput) string { return ReadsQueue(in.Account) },
	}
	// FollowLogs waits for new lines of a pod's logs.
	FollowLogs = Call[FollowLogsInput, FollowLogsOutput]{
		Name: "reads.followLogs", Timeout: 45 * time.Second, QueueTimeout: 5 * time.Second, GivesBack: true,
		Queue: func(in FollowLogsInput) string { return ReadsQueue(in.Account) },
	}
)

// RegisterReads registers impl under the names of the calls.
func RegisterReads(r Registry, impl Reads) {
	register(r, ReadClusters, impl.ReadClusters)
	register(r, ShowManifest, impl.ShowManifest)
	register(r, ListManifests, impl.ListManifests)
	register(r, ReadConsole, impl.ReadConsole)
	register(r, FollowLogs, impl.FollowLogs)
}

// What [ReadClusters] can be asked for.
const (
	AskSlice  = "slice"  // Application
	AskIndex  = "index"  // nothing else
	AskObject = "object" // Namespace and Name
	AskSearch = "search" // Query and Limit
)

// ReadClustersInput is one question.
type ReadClustersInput struct {
	Account string `json:"account"`
	// Ask says which of the fields below count.
	Ask         string `json:"ask"`
	Application string `json:"application,omitempty"`
	Namespace   string `json:"namespace,omitempty"`
	// Name is "kind name".
	Name  string `json:"name,omitempty"`
	Query string `json:"query,omitempty"`
	Limit int    `json:"limit,omitempty"`
}

// ReadClustersOutput holds the answer, a clusters.Answer as a packed document.
type ReadClustersOutput struct {
	Packed []byte `json:"packed"`
}

// ShowManifestInput names an object.
type ShowManifestInput struct {
	Account string `json:"account"`
	// Location is a namespace, empty for what has none.
	Location string `json:"location,omitempty"`
	// Name is "kind name".
	Name          string `json:"name"`
	IncludeEvents bool   `json:"includeEvents"`
}

// ShowManifestOutput is the object as clients see it: account, name, location,
// moniker, manifest, status, artifacts, events, warnings, metrics (reference:
// clouddriver section 12).
type ShowManifestOutput struct {
	Manifest pipeline.Map `json:"manifest"`
}

// ListManifestsInput names a cluster of an application by the annotations of its
// objects, which are compared as they are.
type ListManifestsInput struct {
	Account     string `json:"account"`
	Location    string `json:"location"`
	Kind        string `json:"kind"`
	Application string `json:"application"`
	Cluster     string `json:"cluster"`
	// Criteria picks one: oldest, newest, second_newest, largest or smallest;
	// empty lists all.
	Criteria string `json:"criteria,omitempty"`
}

// ListManifestsOutput names the objects; with criteria the one.
type ListManifestsOutput struct {
	Manifests []ManifestCoordinates `json:"manifests"`
}

// ManifestCoordinates says where an object is.
type ManifestCoordinates struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// ReadConsoleInput names a pod.
type ReadConsoleInput struct {
	Account   string `json:"account"`
	Namespace string `json:"namespace"`
	// Name is "pod name", or the name alone.
	Name string `json:"name"`
}

// ReadConsoleOutput holds the end of each container's log, init containers
// first.
type ReadConsoleOutput struct {
	Output []ContainerLog `json:"output"`
}

// ContainerLog is the log of one container, or why it cannot be read.
type ContainerLog struct {
	Name   string `json:"name"`
	Output string `json:"output"`
}

// FollowLogsInput says where to go on in a container's log.
type FollowLogsInput struct {
	ReadConsoleInput
	// Container is the one to follow; empty is the pod's first.
	Container string `json:"container,omitempty"`
	// After is the time of the last line that the caller has, Seen how many lines
	// of that very time; empty begins Tail lines before the end.
	After string `json:"after,omitempty"`
	Seen  int    `json:"seen,omitempty"`
	Tail  int    `json:"tail,omitempty"`
}

// FollowLogsOutput holds new lines; none when there were none for a while.
type FollowLogsOutput struct {
	Container string    `json:"container"`
	Lines     []LogLine `json:"lines,omitempty"`
	// After and Seen are for the next call.
	After string `json:"after,omitempty"`
	Seen  int    `json:"seen,omitempty"`
	// Ended is set when there will be no more lines.
	Ended bool `json:"ended,omitempty"`
}

// LogLine is one line; Time is when the container wrote it, RFC 3339 with
// nanoseconds.
type LogLine struct {
	Time string `json:"time"`
	Text string `json:"text"`
}
