package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// An update is written to history together with what its workflow task does, and
// until then it is only in the memory of the Temporal server. When that dies
// first the update never was, and nothing computes its effects again. A state
// that was published by then, or an end that was archived, would stand for good:
// people would see an execution as ended that goes on waiting for them. So an
// update is written first, and done in the next task, which Temporal repeats
// until it is whole.

// oneTask is the shortest wait that ends a workflow's task.
const oneTask = time.Nanosecond

// written returns when the update that is being handled is in history. Other
// things may have happened by then, so the update is checked once more; the
// error is what its caller is told.
func (r *run) written(ctx workflow.Context, check func() error) error {
	if !r.writesFirst {
		r.updates++
		version := workflow.GetVersion(ctx, fmt.Sprint(updateWrittenChange, r.updates), workflow.DefaultVersion, 1)
		if r.writesFirst = version == 1; !r.writesFirst {
			return nil
		}
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	_ = workflow.NewTimerWithOptions(ctx, oneTask, workflow.TimerOptions{Summary: "update is written"}).Get(ctx, nil) // never cancelled
	return refusal(check())
}
