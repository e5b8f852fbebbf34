// Package engine is Gate's way to the workflows: it starts executions, reaches
// the running ones by updates and asks them for their state.
package engine

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

const (
	// answerTimeout bounds what Temporal or a worker that is there answers, which
	// takes milliseconds.
	answerTimeout = 10 * time.Second
	// lostTaskTimeout bounds what a workflow answers whose last task was lost, with
	// its worker or with Temporal. Temporal gives the task out again after its
	// timeout, which is 10 s.
	lostTaskTimeout = 22 * time.Second
)

// Engine is the Temporal implementation of gate.Engine and executions.Owner.
type Engine struct {
	client    client.Client
	namespace string
}

var _ executions.Owner = (*Engine)(nil)

// New returns an engine on the client of a namespace, which the caller closes.
func New(c client.Client, namespace string) *Engine { return &Engine{client: c, namespace: namespace} }

// Start starts the workflow of x under the execution's own ID. It returns
// conflict when the ID was used before and unavailable when Temporal does not
// answer; then the start may still have happened, and repeating it is safe.
func (e *Engine) Start(ctx context.Context, x *pipeline.Execution) error {
	return e.start(ctx, workflows.Input{Execution: x})
}

// Fail records x as an execution that failed on startup. The errors are those of
// [Engine.Start].
func (e *Engine) Fail(ctx context.Context, x *pipeline.Execution, failure workflows.StartFailure) error {
	return e.start(ctx, workflows.Input{Execution: x, Failure: &failure})
}

func (e *Engine) start(ctx context.Context, in workflows.Input) error {
	x := in.Execution
	options := options(x)
	options.WorkflowIDReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	_, err := e.client.ExecuteWorkflow(ctx, options, workflows.PipelineWorkflow, in)
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		return pipeline.Errorf(pipeline.CodeConflict, "The execution %s exists already.", x.ID)
	}
	if refusal := startRefused(err); refusal != nil {
		return refusal
	}
	return e.failed(err, "start the execution "+x.ID)
}

// startRefused tells what Temporal will not start however often it is asked; nil for
// any other error.
func startRefused(err error) error {
	var invalid *serviceerror.InvalidArgument
	var exhausted *serviceerror.ResourceExhausted
	switch {
	case errors.As(err, &exhausted) && strings.Contains(exhausted.Message, "larger than max"):
		// gRPC's own bound, which tells the size and the bound in bytes.
		return pipeline.Wrap(pipeline.CodeTooLarge, err, "The execution is too large for Temporal: %s.", strings.TrimRight(exhausted.Message, "."))
	case errors.As(err, &invalid) && strings.Contains(invalid.Message, "exceeds limit"):
		return pipeline.Wrap(pipeline.CodeTooLarge, err, "The execution is too large for Temporal: %s.", strings.TrimRight(invalid.Message, "."))
	case errors.As(err, &invalid):
		return pipeline.Wrap(pipeline.CodeInvalid, err, "The execution was refused by Temporal: %s.", strings.TrimRight(invalid.Message, "."))
	}
	return nil
}

// options are those of every run of an execution's workflow.
func options(x *pipeline.Execution) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                                       x.ID,
		TaskQueue:                                workflows.OrcaQueue,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		TypedSearchAttributes:                    workflows.StartAttributes(x),
		StaticSummary:                            workflows.StartSummary(x),
	}
}

// Cancel asks the execution to end. It returns not_found for an unknown ID and
// conflict for an execution that has ended.
func (e *Engine) Cancel(ctx context.Context, id string, in workflows.CancelInput) error {
	return e.update(ctx, id, workflows.CancelUpdate, in, nil)
}

// PatchStage edits a stage and returns the execution after it, or none when the
// edit took and the workflow's state could not be loaded. Refusals of the
// workflow come back with their code.
func (e *Engine) PatchStage(ctx context.Context, id string, in workflows.PatchStageInput) (workflows.Snapshot, error) {
	var out workflows.PatchStageOutput
	if err := e.update(ctx, id, workflows.PatchStageUpdate, in, &out); err != nil {
		return workflows.Snapshot{}, err
	}
	return e.after(ctx, id)
}

func (e *Engine) update(ctx context.Context, id, name string, in, out any) error {
	ctx, cancel := e.patient(ctx)
	defer cancel()
	handle, err := e.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID:   id,
		UpdateName:   name,
		Args:         []any{in},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, out)
	}
	if err == nil {
		return nil
	}
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return e.ended(ctx, id, name)
	}
	if p := refused(err); p != nil {
		return p
	}
	return e.failed(err, name+" the execution "+id)
}

// patient bounds the wait for a workflow that has to do something. Past
// answerTimeout it goes on only while Temporal answers and a worker asks it for
// workflows: people wait for the answer.
func (e *Engine) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, lostTaskTimeout)
	look := time.AfterFunc(answerTimeout, func() {
		asked, done := context.WithTimeout(ctx, time.Second)
		defer done()
		if served, err := e.Served(asked, workflows.OrcaQueue); err != nil || !served {
			cancel()
		}
	})
	return ctx, func() {
		look.Stop()
		cancel()
	}
}

// refused returns the workflow's own refusal, or nil when err is something
// else.
func refused(err error) *pipeline.Error {
	var p *pipeline.Error
	if errors.As(activities.FromTemporal(err), &p) && p.Code != pipeline.CodeInternal && p.Code != pipeline.CodeTimeout {
		return p
	}
	return nil
}

// ended says why a workflow takes no update: it has ended, or never was.
func (e *Engine) ended(ctx context.Context, id, verb string) error {
	record, err := e.Load(ctx, id)
	if err != nil {
		return err
	}
	return pipeline.Errorf(pipeline.CodeConflict, "The execution %s has ended %s: there is nothing left to %s.", id, record.Execution.Status, verb)
}

// Load returns the state of an execution from its workflow, running or ended
// within Temporal's retention. It returns not_found for an unknown ID and
// unavailable when Temporal or its workers do not answer.
func (e *Engine) Load(ctx context.Context, id string) (executions.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return e.load(ctx, id)
}

func (e *Engine) load(ctx context.Context, id string) (executions.Record, error) {
	described, err := e.client.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return executions.Record{}, e.missing(err, id)
	}
	info := described.GetWorkflowExecutionInfo()
	if info.GetType().GetName() != workflows.PipelineWorkflow {
		return executions.Record{}, pipeline.Errorf(pipeline.CodeNotFound, "Pipeline not found (id: %s)", id)
	}
	open := info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	value, err := e.client.QueryWorkflow(ctx, id, "", workflows.ExecutionQuery)
	if err != nil && !open && neverBegan(err) {
		return executions.Record{}, pipeline.Errorf(pipeline.CodeNotFound, "The execution %s ended before it had a state of its own.", id)
	}
	if err != nil {
		return executions.Record{}, e.missing(err, id)
	}
	var s workflows.Snapshot
	if err := decode(value, &s); err != nil {
		return executions.Record{}, err
	}
	return executions.Record{
		Execution:   s.Execution,
		Sequence:    s.Sequence,
		PublishedAt: pipeline.ToMillis(time.Now()),
		Closed:      !open,
	}, nil
}

// neverBegan reports whether a query failed because the workflow ended before it
// took any: it refused its own input.
func neverBegan(err error) bool {
	var failed *serviceerror.QueryFailed
	return errors.As(err, &failed) && strings.HasPrefix(failed.Message, "unknown queryType")
}

// Running lists the IDs of executions whose workflows are open, newest first,
// at most [executions.MaxResults].
func (e *Engine) Running(ctx context.Context, application string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	query := "WorkflowType = '" + workflows.PipelineWorkflow + "' AND ExecutionStatus = 'Running'"
	if application != "" {
		query += " AND " + workflows.ApplicationAttribute + " = '" + quoted(application) + "'"
	}
	return e.list(ctx, query, executions.MaxResults)
}

// Ping reports whether Temporal answers and has the namespace.
func (e *Engine) Ping(ctx context.Context) error {
	_, err := e.client.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: e.namespace})
	var absent *serviceerror.NamespaceNotFound
	if errors.As(err, &absent) {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "Temporal has no namespace %q: create it, or correct temporal-namespace.", e.namespace)
	}
	return e.failed(err, "reach Temporal")
}

// servedWithin is how long ago somebody must have asked a task queue for work to
// count as serving it: a poll lasts a minute.
const servedWithin = 2 * time.Minute

// Served reports whether any worker polls a task queue of workflows. Errors:
// unavailable.
func (e *Engine) Served(ctx context.Context, queue string) (bool, error) {
	answer, err := e.client.DescribeTaskQueue(ctx, queue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return false, e.failed(err, "reach Temporal")
	}
	for _, p := range answer.GetPollers() {
		if time.Since(p.GetLastAccessTime().AsTime()) < servedWithin {
			return true, nil
		}
	}
	return false, nil
}

func decode(v converter.EncodedValue, into any) error {
	if err := v.Get(into); err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "The workflow's answer cannot be read.")
	}
	return nil
}

// missing tells an unknown execution from a Temporal that does not answer.
func (e *Engine) missing(err error, id string) error {
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return pipeline.Errorf(pipeline.CodeNotFound, "Pipeline not found (id: %s)", id)
	}
	return e.failed(err, "read the execution "+id)
}

// failed turns what Temporal's client returned into the world's fault.
func (e *Engine) failed(err error, doing string) error {
	if err == nil {
		return nil
	}
	var p *pipeline.Error
	if errors.As(err, &p) {
		return p
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "Temporal or its workers did not answer in time to %s: check that both run, then try again.", doing)
}
