package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// The last task of a workflow may be computed again: the server does not close a
// workflow for which news came in meanwhile, and a worker may be lost. By then
// the end has been published and archived, and the news belongs to the task that
// computes the end again, before it. So whoever would change the end asks the
// archive first. What has ended stays as it ended.

// refuseTold returns conflict when the execution has ended, also in a lost
// computation of the present task. An archive that does not answer keeps nobody
// from cancelling.
func (r *run) refuseTold(ctx workflow.Context, verb string) error {
	if workflow.GetVersion(ctx, endAskedChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return r.refuseEnded(verb)
	}
	r.busy++
	r.asking++
	in := activities.FindEndInput{Execution: r.exec.ID, After: r.base, Since: pipeline.ToMillis(workflow.GetInfo(ctx).WorkflowStartTime)}
	found, err := activities.FindEnd.Do(ctx, in, activities.Options{Summary: "find end"})
	r.busy--
	r.asking--
	if err != nil {
		r.log.Warn("it is not known whether the execution has ended before, and taken that it has not", "error", err)
	}
	if found.Status != "" {
		return hasEnded(r.exec.ID, found.Status, verb)
	}
	return r.refuseEnded(verb)
}

// cancelUntold cancels the execution unless it has ended.
func (r *run) cancelUntold(ctx workflow.Context, in CancelInput) error {
	if r.canceling = true; r.ended {
		return r.refuseEnded("cancelled")
	}
	if err := r.refuseTold(ctx, "cancelled"); err != nil {
		return err
	}
	r.cancel(in)
	return nil
}

// refuseCancel refuses what comes too late to cancel.
func (r *run) refuseCancel() error {
	if r.canceling && !r.ended {
		return pipeline.Errorf(pipeline.CodeConflict, "The execution %s is being cancelled and cannot be cancelled again.", r.exec.ID)
	}
	return r.refuseEnded("cancelled")
}
