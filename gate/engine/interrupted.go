package engine

import (
	"context"

	"go.temporal.io/api/workflow/v1"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

var _ executions.Interrupter = (*Engine)(nil)

// Interrupted lists the executions whose workflows did not end by succeeding,
// within Temporal's retention, newest first, at most [executions.MaxResults].
// One that was restarted since may be among them.
func (e *Engine) Interrupted(ctx context.Context, application string) ([]executions.Interruption, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var out []executions.Interruption
	err := e.each(ctx, "WorkflowType = '"+workflows.PipelineWorkflow+"' AND "+
		"ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed', 'Canceled') AND "+
		workflows.ApplicationAttribute+" = '"+quoted(application)+"'",
		func(x *workflow.WorkflowExecutionInfo) bool {
			out = append(out, executions.Interruption{ID: x.GetExecution().GetWorkflowId(), At: pipeline.ToMillis(x.GetCloseTime().AsTime())})
			return len(out) < executions.MaxResults
		})
	return out, err
}
