package engine

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

const (
	// closeTimeout is how long a workflow whose execution has ended may take to
	// close: it is being archived.
	closeTimeout = 10 * time.Second
	// restartTries bounds how often a restart finds the workflow in another state
	// than a moment before.
	restartTries = 4
)

// Restart runs a stage again: by an update while the workflow is open, by a new
// run of it that carries the execution once it has closed (reference: orca
// section 3.11). Known is the newest known record, which is needed for an
// execution that Temporal has forgotten. It returns the execution after the
// restart, or none when the restart took and the workflow's state is not at
// hand.
//
// Errors: not_found for an unknown stage; conflict for a stage or an execution
// that cannot be restarted now; unavailable.
func (e *Engine) Restart(ctx context.Context, known executions.Record, in workflows.RestartInput) (workflows.Snapshot, error) {
	id := known.Execution.ID
	var err error
	for range restartTries {
		var own executions.Record
		if own, err = e.loadPatiently(ctx, id); err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
			return workflows.Snapshot{}, err
		}
		switch {
		case err == nil && !own.Closed && own.Execution.Status.Complete():
			if err := e.AwaitEnd(ctx, id); err != nil {
				return workflows.Snapshot{}, err
			}
			continue
		case err == nil && !own.Closed:
			if err = e.update(ctx, id, workflows.RestartUpdate, in, nil); err == nil {
				return e.after(ctx, id)
			}
			if pipeline.CodeOf(err) != pipeline.CodeConflict || !e.hasEnded(ctx, id) {
				return workflows.Snapshot{}, err
			}
			continue // it ended in between
		case err != nil:
			own = known
		}
		carried, err := carry(own, known)
		if err != nil {
			return workflows.Snapshot{}, err
		}
		if err := checkRestart(carried.Execution, in.StageID); err != nil {
			return workflows.Snapshot{}, err
		}
		started, err := e.startAgain(ctx, carried, in)
		if err != nil {
			return workflows.Snapshot{}, err
		}
		if started {
			return e.after(ctx, id)
		}
		// Somebody else restarted it a moment ago.
	}
	return workflows.Snapshot{}, pipeline.Wrap(pipeline.CodeConflict, err, "The execution %s starts and ends while it is being restarted: try again.", id)
}

func (e *Engine) loadPatiently(ctx context.Context, id string) (executions.Record, error) {
	ctx, cancel := e.patient(ctx)
	defer cancel()
	return e.load(ctx, id)
}

// carry chooses the state that a new run goes on from: the workflow's own,
// unless it was ended from outside and has been settled since.
func carry(own, known executions.Record) (executions.Record, error) {
	out := own
	if !own.Execution.Status.Complete() {
		out = known
	}
	if !out.Execution.Status.Complete() {
		return out, pipeline.Errorf(pipeline.CodeConflict,
			"The workflow of the execution %s was ended outside Gennaker a moment ago: restart the stage in some seconds.", known.Execution.ID)
	}
	// Every state that readers may have seen must be outnumbered.
	out.Sequence = max(own.Sequence, known.Sequence)
	return out, nil
}

// checkRestart refuses what the new run would refuse: it would end before
// anybody could read its state.
func checkRestart(x *pipeline.Execution, stageID string) error {
	s := x.Stage(stageID)
	for s != nil && s.ParentStageID != "" {
		s = x.Stage(s.ParentStageID)
	}
	if s == nil {
		return pipeline.Errorf(pipeline.CodeNotFound, "The execution %s has no stage with the id '%s'.", x.ID, stageID)
	}
	for _, up := range x.Stages {
		if up.ParentStageID != "" || !up.Status.Halt() {
			continue
		}
		for _, ref := range s.RequisiteStageRefIDs {
			if ref == up.RefID {
				return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' comes after '%s', which ended %s: restart '%s'.", s.Name, up.Name, up.Status, up.Name)
			}
		}
	}
	if !s.Status.Complete() && s.Status != pipeline.NotStarted {
		return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is %s: only a stage that has ended can be restarted.", s.Name, s.Status)
	}
	return nil
}

// startAgain starts a new run of a closed workflow; false when one is open.
func (e *Engine) startAgain(ctx context.Context, carried executions.Record, in workflows.RestartInput) (bool, error) {
	options := options(carried.Execution)
	options.WorkflowIDReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	_, err := e.client.ExecuteWorkflow(ctx, options, workflows.PipelineWorkflow, workflows.Input{
		Execution: carried.Execution, Sequence: carried.Sequence, Restart: &in,
	})
	var open *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &open) {
		return false, nil
	}
	if refusal := startRefused(err); refusal != nil {
		return false, refusal
	}
	return err == nil, e.failed(err, "restart the execution "+carried.Execution.ID)
}

// hasEnded reports whether an execution is known to have its end.
func (e *Engine) hasEnded(ctx context.Context, id string) bool {
	own, err := e.Load(ctx, id)
	return err == nil && (own.Closed || own.Execution.Status.Complete())
}
