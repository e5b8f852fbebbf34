package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Executions answers stages that look at other executions.
type Executions interface {
	// AwaitExecutions watches executions until all have ended, one has failed
	// while FailFast is set, or one has a status that the caller does not know
	// and that lasted [NewsAfter]. It returns not_found for an execution that
	// does not exist, invalid or too_large for a list that is none, unavailable.
	AwaitExecutions(context.Context, AwaitExecutionsInput) (AwaitExecutionsOutput, error)
}

// AwaitExecutions watches executions to their end.
var AwaitExecutions = Call[AwaitExecutionsInput, AwaitExecutionsOutput]{
	Name: "executions.await", Timeout: 24 * time.Hour, Heartbeat: 20 * time.Second, GivesBack: true,
}

// RegisterExecutions registers impl under the names of the calls.
func RegisterExecutions(r Registry, impl Executions) {
	register(r, AwaitExecutions, impl.AwaitExecutions)
}

// MaxAwaited is how many executions one call can watch.
const MaxAwaited = 200

// AwaitExecutionsInput names executions.
type AwaitExecutionsInput struct {
	Scope Scope `json:"scope"`
	// IDs are at most [MaxAwaited], at least one.
	IDs []string `json:"ids"`
	// Type, when set, is what each must be; another counts as not found.
	Type     pipeline.ExecutionType `json:"type,omitempty"`
	FailFast bool                   `json:"failFast,omitempty"`
	// Outputs asks for the merged outputs of executions that have ended, as far
	// as they stay below MaxOutputs bytes of JSON together.
	Outputs    bool `json:"outputs,omitempty"`
	MaxOutputs int  `json:"maxOutputs,omitempty"`
	// Seen holds the statuses that an earlier answer told, by ID.
	Seen map[string]pipeline.Status `json:"seen,omitempty"`
}

// AwaitExecutionsOutput is the state of every execution of the input, in its
// order, each once.
type AwaitExecutionsOutput struct {
	// Done is set when there is nothing more to wait for.
	Done       bool             `json:"done"`
	Executions []ExecutionState `json:"executions"`
}

// ExecutionState is what is told of one execution.
type ExecutionState struct {
	ID          string          `json:"id"`
	Application string          `json:"application"`
	Name        string          `json:"name,omitempty"`
	Status      pipeline.Status `json:"status"`
	StartTime   pipeline.Millis `json:"startTime,omitempty"`
	EndTime     pipeline.Millis `json:"endTime,omitempty"`
	// Failures are the errors of its TERMINAL stages.
	Failures []StageFailure `json:"failures,omitempty"`
	// FailedStage is the first TERMINAL stage, or nil.
	FailedStage *StageRef `json:"failedStage,omitempty"`
	// Outputs are the merged outputs; OutputsSize is set, in bytes of JSON, in
	// place of outputs that are too large.
	Outputs     pipeline.Map `json:"outputs,omitempty"`
	OutputsSize int          `json:"outputsSize,omitempty"`
	// Workload is the workload that it deployed last, or nil.
	Workload *Workload `json:"workload,omitempty"`
}

// StageFailure is one error of a stage.
type StageFailure struct {
	Stage   string `json:"stage"`
	Message string `json:"message"`
}

// StageRef names a stage of another execution; Index is its place, from 0.
type StageRef struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Index int    `json:"index"`
}

// Workload is what a manifest stage whose name begins with "Deploy" left last: a
// Deployment, StatefulSet or DaemonSet whose name contains the execution's
// parameter app (reference: orca section 6.2, runMultiplePipelines).
type Workload struct {
	Account string `json:"account,omitempty"`
	// ManifestName is "Kind name".
	ManifestName string `json:"manifestName"`
	Location     string `json:"location,omitempty"`
}
