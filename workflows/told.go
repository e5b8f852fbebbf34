package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// The server does not close a workflow for which a signal or a cancellation came
// in meanwhile: it hands its last task out again. By then the end has been
// published and archived, and the news belongs to the task that computes the end
// again, before it. So who would cancel that way asks the archive first. What has
// ended stays as it ended. An update that comes so late is refused by the server.

// cancelUntold cancels the execution unless it has ended, also in a lost
// computation of the present task. An archive that does not answer keeps nobody
// from cancelling.
func (r *run) cancelUntold(ctx workflow.Context, in CancelInput) {
	if r.ended {
		return
	}
	if workflow.GetVersion(ctx, endAskedChange, workflow.DefaultVersion, 1) != workflow.DefaultVersion {
		switch status, err := r.toldEnd(ctx); {
		case err != nil:
			r.log.Warn("it is not known whether the execution has ended before, and taken that it has not", "error", err)
		case status != "":
			r.log.Info("a cancel came too late", "user", in.User, "status", status)
			return
		}
	}
	r.cancel(in)
}

// toldEnd returns the status that this run has archived, "" when it has not.
func (r *run) toldEnd(ctx workflow.Context) (pipeline.Status, error) {
	r.busy++
	r.asking++
	defer func() { r.busy--; r.asking-- }()
	found, err := activities.FindEnd.Do(ctx, activities.FindEndInput{
		Execution: r.exec.ID, After: r.base, Since: pipeline.ToMillis(workflow.GetInfo(ctx).WorkflowStartTime),
	}, activities.Options{Summary: "find end"})
	return found.Status, err
}
