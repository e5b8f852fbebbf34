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
}

// ArchiveExecution is the last call of every workflow. It is local, so that
// the execution does not travel through history.
var ArchiveExecution = Call[ArchiveExecutionInput, Done]{
	Name: "executions.archive", Local: true, Timeout: 60 * time.Second,
}

// RegisterArchive registers impl under the names of the calls.
func RegisterArchive(r Registry, impl Archive) {
	register(r, ArchiveExecution, impl.ArchiveExecution)
}

// ArchiveExecutionInput is a finished execution and its read model sequence.
type ArchiveExecutionInput struct {
	Execution *pipeline.Execution `json:"execution"`
	Sequence  int64               `json:"sequence"`
}
