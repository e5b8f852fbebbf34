package engine

import (
	"context"
	"errors"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/gennaker/gennaker/workflows"
)

// Accept starts the workflow of an event, whose ID is made from the event's: one
// that is delivered twice is kept once. When it returns, the event is in Temporal
// and no process's to lose. Errors: too_large, invalid, unavailable.
func (e *Engine) Accept(ctx context.Context, event workflows.Event) error {
	_, err := e.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       workflows.EventID(event),
		TaskQueue:                                workflows.OrcaQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            event.Type + " / " + event.Source,
	}, workflows.EventWorkflow, event)
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		return nil
	}
	if refusal := startRefused(err); refusal != nil {
		return refusal
	}
	return e.failed(err, "keep the event "+event.ID)
}
