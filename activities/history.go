package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// History reads executions, running and ended, for stages.
type History interface {
	// LatestExecutions returns the executions of a pipeline configuration that
	// started last, with their artifacts. Errors: invalid, too_large for answers
	// beyond [MaxHistory], unavailable.
	LatestExecutions(context.Context, LatestExecutionsInput) (LatestExecutionsOutput, error)
	// LoadExecution returns one execution. Errors: not_found, too_large for one
	// beyond [MaxHistory], unavailable.
	LoadExecution(context.Context, LoadExecutionInput) (LoadExecutionOutput, error)
}

// The calls. Both only read, so they run as local activities.
var (
	// LatestExecutions finds the latest executions of a pipeline.
	LatestExecutions = Call[LatestExecutionsInput, LatestExecutionsOutput]{Name: "executions.latest", Local: true, Timeout: 30 * time.Second}
	// LoadExecution reads an execution.
	LoadExecution = Call[LoadExecutionInput, LoadExecutionOutput]{Name: "executions.load", Local: true, Timeout: 30 * time.Second}
)

// RegisterHistory registers impl under the names of the calls.
func RegisterHistory(r Registry, impl History) {
	register(r, LatestExecutions, impl.LatestExecutions)
	register(r, LoadExecution, impl.LoadExecution)
}

// Bounds of the answers.
const (
	// MaxHistory is how large an answer may be, in bytes of JSON. Temporal
	// refuses results beyond 2 MiB.
	MaxHistory = 1 << 20
	// MaxLatest is how many executions one call of LatestExecutions returns.
	MaxLatest = 20
)

// LatestExecutionsInput selects executions of one configuration.
type LatestExecutionsInput struct {
	Scope    Scope  `json:"scope"`
	ConfigID string `json:"configId"`
	// Statuses restricts to these; none are all.
	Statuses []pipeline.Status `json:"statuses,omitempty"`
	// Limit is how many are wanted, at most [MaxLatest]; 0 is one.
	Limit int `json:"limit,omitempty"`
	// Matching, when set, leaves only the artifacts that one of these matches.
	Matching []pipeline.ExpectedArtifact `json:"matching,omitempty"`
	// ButNotStage is the refId of a stage whose artifacts are left out.
	ButNotStage string `json:"butNotStage,omitempty"`
}

// LatestExecutionsOutput lists executions, the one that started last first.
type LatestExecutionsOutput struct {
	Executions []PriorExecution `json:"executions"`
}

// PriorExecution is what is told of one execution.
type PriorExecution struct {
	ID          string          `json:"id"`
	Application string          `json:"application"`
	Name        string          `json:"name,omitempty"`
	Status      pipeline.Status `json:"status"`
	BuildTime   pipeline.Millis `json:"buildTime,omitempty"`
	StartTime   pipeline.Millis `json:"startTime,omitempty"`
	EndTime     pipeline.Millis `json:"endTime,omitempty"`
	// Artifacts are those of its stages, later stages first, and then those of
	// its trigger ([pipeline.Execution.Artifacts]).
	Artifacts []pipeline.Artifact `json:"artifacts"`
}

// LoadExecutionInput names an execution.
type LoadExecutionInput struct {
	Scope Scope  `json:"scope"`
	ID    string `json:"id"`
	// Summary asks for the short form ([pipeline.Execution.Summary]).
	Summary bool `json:"summary,omitempty"`
}

// LoadExecutionOutput is the execution as of now.
type LoadExecutionOutput struct {
	Execution *pipeline.Execution `json:"execution"`
}
