package engine

import (
	"context"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/workflows"
)

var _ executions.Interrupter = (*Engine)(nil)

// Interrupted lists the IDs of executions whose workflows were ended from
// outside, within Temporal's retention, newest first, at most
// [executions.MaxResults]. One that was restarted since may be among them.
func (e *Engine) Interrupted(ctx context.Context, application string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return e.list(ctx, "WorkflowType = '"+workflows.PipelineWorkflow+"' AND "+
		"ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed', 'Canceled') AND "+
		workflows.ApplicationAttribute+" = '"+quoted(application)+"'")
}
