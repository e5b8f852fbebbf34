package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Archive keeps finished executions beyond Temporal's retention.
type Archive interface {
	// ArchiveExecution stores the execution in the object store and then in the
	// read model as final; when the object store takes its time, readers see the
	// execution's end meanwhile. Repeating it changes nothing.
	ArchiveExecution(context.Context, ArchiveExecutionInput) (Done, error)
	// FindEnd tells whether an execution has been archived by the run that asks;
	// unavailable when the object store does not answer.
	FindEnd(context.Context, FindEndInput) (FindEndOutput, error)
}

// ArchiveExecution is the last call of every workflow. It is local, so that
// the execution does not travel through history.
var ArchiveExecution = Call[ArchiveExecutionInput, Done]{
	Name: "executions.archive", Local: true, Timeout: 60 * time.Second,
}

// FindEnd asks whether a run of a workflow has told its end before. It is short
// and local, since somebody waits for the answer.
var FindEnd = Call[FindEndInput, FindEndOutput]{
	Name: "executions.findEnd", Local: true, Timeout: 2 * time.Second,
}

// RegisterArchive registers impl under the names of the calls.
func RegisterArchive(r Registry, impl Archive) {
	register(r, ArchiveExecution, impl.ArchiveExecution)
	register(r, FindEnd, impl.FindEnd)
}

// ArchiveExecutionInput is a finished execution and its read model sequence.
type ArchiveExecutionInput struct {
	Execution *pipeline.Execution `json:"execution"`
	Sequence  int64               `json:"sequence"`
}

// FindEndInput names a run of an execution's workflow: what it archives has a
// higher sequence than After, the one that it began with, and ended at or after
// Since, its start.
type FindEndInput struct {
	Execution string          `json:"execution"`
	After     int64           `json:"after,omitempty"`
	Since     pipeline.Millis `json:"since"`
}

// FindEndOutput is the status of the archived end, empty when there is none.
type FindEndOutput struct {
	Status pipeline.Status `json:"status,omitempty"`
}

// End returns the status of an archived execution if it is what the input asks
// for, else "".
func (in FindEndInput) End(e *pipeline.Execution, sequence int64) pipeline.Status {
	if e.ID != in.Execution || sequence <= in.After || e.EndTime < in.Since || !e.Status.Complete() {
		return ""
	}
	return e.Status
}
