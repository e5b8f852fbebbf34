package workflows

import (
	"errors"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// StartSummary is the one line that names an execution in the Temporal UI.
func StartSummary(e *pipeline.Execution) string {
	name := e.Name
	if e.Type == pipeline.TypeOrchestration {
		name = e.Description
	}
	return shorten(e.Application+" / "+name, 200)
}

// maxKeyword is the length to which attributes are cut: SQL stores take 255
// characters, the mark of the cut included.
const maxKeyword = 250

// StartAttributes are the search attributes that an execution starts with. One
// whose pipeline limits concurrency may have to wait first.
func StartAttributes(e *pipeline.Execution) temporal.SearchAttributes {
	key := temporal.NewSearchAttributeKeyKeyword
	status := pipeline.Running
	if limitOf(e) > 0 {
		status = pipeline.NotStarted
	}
	updates := []temporal.SearchAttributeUpdate{
		key(ApplicationAttribute).ValueSet(shorten(e.Application, maxKeyword)),
		key(ExecutionStatusAttribute).ValueSet(string(status)),
		key(TriggerTypeAttribute).ValueSet(shorten(e.Trigger.Type, maxKeyword)),
	}
	if e.Name != "" {
		updates = append(updates, key(PipelineNameAttribute).ValueSet(shorten(e.Name, maxKeyword)))
	}
	if e.PipelineConfigID != "" {
		updates = append(updates, key(PipelineConfigIDAttribute).ValueSet(shorten(e.PipelineConfigID, maxKeyword)))
	}
	if e.Trigger.CorrelationID != "" {
		updates = append(updates, key(CorrelationIDAttribute).ValueSet(shorten(e.Trigger.CorrelationID, maxKeyword)))
	}
	return temporal.NewSearchAttributes(updates...)
}

// Child is a pipeline started by a pipeline stage.
type Child struct {
	future workflow.ChildWorkflowFuture
}

// StartChild starts an execution as a child workflow and waits until Temporal
// has it. The child is on its own from then on: it outlives this workflow, and
// cancelling ctx does not cancel it (see [CancelChild]). With a failure the child
// only records that it could not start.
func StartChild(ctx workflow.Context, e *pipeline.Execution, failure *StartFailure) (Child, error) {
	in := Input{Execution: e, Failure: failure}
	detached, _ := workflow.NewDisconnectedContext(ctx)
	detached = workflow.WithChildOptions(detached, workflow.ChildWorkflowOptions{
		WorkflowID:            e.ID,
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		TypedSearchAttributes: StartAttributes(e),
		StaticSummary:         StartSummary(e),
	})
	if err := refuseLarge(PipelineWorkflow, false, in); err != nil {
		return Child{}, err
	}
	child := Child{workflow.ExecuteChildWorkflow(detached, PipelineWorkflow, in)}
	if err := child.future.GetChildWorkflowExecution().Get(detached, nil); err != nil {
		return child, pipeline.Wrap(pipeline.CodeInternal, err, "The pipeline '%s' could not be started: %s", e.Name, err)
	}
	return child, nil
}

// Known reports whether this run of the workflow started the child, and can wait
// for it.
func (c Child) Known() bool { return c.future != nil }

// Ended reports whether the child has ended.
func (c Child) Ended() bool { return c.future.IsReady() }

// Result returns how an ended child ended. A child that was terminated in
// Temporal counts as TERMINAL.
func (c Child) Result(ctx workflow.Context) Result {
	detached, _ := workflow.NewDisconnectedContext(ctx)
	var res Result
	err := c.future.Get(detached, &res)
	if err == nil {
		return res
	}
	var canceled *temporal.CanceledError
	if errors.As(err, &canceled) {
		if canceled.Details(&res) != nil {
			res = Result{}
		}
		res.Status = pipeline.Canceled
		return res
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) && app.Type() == string(pipeline.Terminal) && app.Details(&res) == nil {
		return res
	}
	return Result{Status: pipeline.Terminal, Failures: []string{"the child pipeline's workflow ended without a result: " + err.Error()}}
}

// CancelChild asks a running child to cancel. A child that has ended already is
// a success.
func CancelChild(ctx workflow.Context, executionID string, in CancelInput) error {
	err := workflow.SignalExternalWorkflow(ctx, executionID, "", CancelSignal, in).Get(ctx, nil)
	var unknown *temporal.UnknownExternalWorkflowExecutionError
	if errors.As(err, &unknown) {
		return nil
	}
	return err
}
