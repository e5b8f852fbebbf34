package engine

import (
	"context"
	"errors"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Delete removes what Temporal keeps of an execution that has ended, all runs of
// its workflow. It waits for one that is being archived; Temporal itself does the
// work within about a minute. An execution that Temporal does not know is a
// success.
//
// Errors: conflict while the execution runs; unavailable.
func (e *Engine) Delete(ctx context.Context, id string) error {
	open, err := e.Runs(ctx, id)
	if err != nil {
		return err
	}
	if open {
		own, err := e.Load(ctx, id)
		if err != nil {
			return err
		}
		if status := own.Execution.Status; !status.Complete() {
			return pipeline.Errorf(pipeline.CodeConflict, "The execution %s is %s and cannot be deleted: cancel it first.", id, status)
		}
		if err := e.AwaitEnd(ctx, id); err != nil {
			return err
		}
	}
	return e.forget(ctx, id)
}

// Runs reports whether the workflow of an execution is open; false for one that
// Temporal does not know. It needs no worker.
func (e *Engine) Runs(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	described, err := e.client.DescribeWorkflowExecution(ctx, id, "")
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return false, nil
	}
	info := described.GetWorkflowExecutionInfo()
	return isOpen(info), e.failed(err, "look for the execution "+id)
}

// AwaitEnd waits until the workflow of an execution has closed, however it does.
// It returns unavailable when that takes more than ten seconds.
func (e *Engine) AwaitEnd(ctx context.Context, id string) error {
	waiting, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	err := e.client.GetWorkflow(waiting, id, "").Get(waiting, nil)
	var lost *serviceerror.Unavailable
	switch {
	case waiting.Err() != nil:
		return pipeline.Wrap(pipeline.CodeUnavailable, err,
			"The execution %s has not ended yet, it may still be cleaning up or being archived: see that workers and the object store answer, then try again.", id)
	case errors.As(err, &lost):
		return e.failed(err, "wait for the end of the execution "+id)
	}
	return nil // an execution that failed ends its workflow with an error
}

// forget deletes the closed runs of a workflow: the latest, and the earlier ones
// as Temporal's lists know them, which are a moment late.
func (e *Engine) forget(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	runs := map[string]bool{"": true} // the latest
	query := "WorkflowType = '" + workflows.PipelineWorkflow + "' AND WorkflowId = '" + quoted(id) + "'"
	err := e.each(ctx, query, func(x *workflow.WorkflowExecutionInfo) bool {
		runs[x.GetExecution().GetRunId()] = true
		return len(runs) < pageSize
	})
	if err != nil {
		return err
	}
	for run := range runs {
		if err := e.forgetRun(ctx, id, run); err != nil {
			return err
		}
	}
	return nil
}

// forgetRun deletes one run, unless it is open: deleting would terminate it.
func (e *Engine) forgetRun(ctx context.Context, id, run string) error {
	var gone *serviceerror.NotFound
	described, err := e.client.DescribeWorkflowExecution(ctx, id, run)
	if err == nil && !isOpen(described.GetWorkflowExecutionInfo()) {
		_, err = e.client.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: e.namespace, WorkflowExecution: described.GetWorkflowExecutionInfo().GetExecution(),
		})
	}
	if errors.As(err, &gone) {
		return nil
	}
	return e.failed(err, "delete the execution "+id)
}

func isOpen(x *workflow.WorkflowExecutionInfo) bool {
	return x.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
}
