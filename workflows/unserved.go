package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// unservedChange guards what executions do when no worker takes a call: those
// that began before go on to call until their deadline.
const unservedChange = "unserved-queue"

// errUnserved is the cause of an error that ends a call because nobody serves
// its task queue.
var errUnserved = errors.New("no worker polls the task queue")

// notTaken says why no worker took a call in the time allowed. Where workers
// poll the queue they are busy, and the call is worth repeating; where none does
// the error is final and names the command that would help.
func (t *TaskRun) notTaken(ctx workflow.Context, queue string, waited time.Duration) error {
	busy := pipeline.Errorf(pipeline.CodeUnavailable, "No worker took the call from task queue %s within %s.", queue, waited)
	if workflow.GetVersion(ctx, unservedChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return busy
	}
	found, err := activities.FindWorkers.Do(ctx, activities.FindWorkersInput{Queue: queue}, activities.Options{Summary: t.Summary()})
	switch {
	case Canceled(err):
		return err
	case err != nil:
		return busy
	case len(found.Workers) > 0:
		busy.Message = fmt.Sprintf("No worker took the call from task queue %s within %s: the %d that poll it are busy.", queue, waited, len(found.Workers))
		return busy
	}
	e := pipeline.Wrap(pipeline.CodeUnavailable, errUnserved, "No worker serves task queue %s: none took the call within %s. Start one: gennaker worker --roles %s.", queue, waited, queue)
	if account, ok := activities.AccountOfQueue(queue); ok {
		e.Message = fmt.Sprintf("No worker serves the account '%s': none took the call from task queue %s within %s. Start one where its cluster can be reached: gennaker worker --roles clouddriver --accounts %s.",
			account, queue, waited, account)
	}
	if found.LastWorker != "" {
		e.Details = []string{fmt.Sprintf("It was last served by %s, at %s.", found.LastWorker, found.LastSeen.Time().UTC().Format(time.RFC3339))}
	}
	return e
}
