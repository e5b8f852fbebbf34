package engine

import (
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Pause holds an execution: nothing starts until it is resumed. It returns
// not_found for an unknown ID and conflict unless the execution is RUNNING.
func (e *Engine) Pause(ctx context.Context, id string, in workflows.PauseInput) (workflows.Snapshot, error) {
	return e.control(ctx, id, workflows.PauseUpdate, in)
}

// Resume lets a paused execution go on. It returns not_found for an unknown ID
// and conflict unless the execution is PAUSED.
func (e *Engine) Resume(ctx context.Context, id string, in workflows.PauseInput) (workflows.Snapshot, error) {
	return e.control(ctx, id, workflows.ResumeUpdate, in)
}

func (e *Engine) control(ctx context.Context, id, update string, in workflows.PauseInput) (workflows.Snapshot, error) {
	if err := e.update(ctx, id, update, in, nil); err != nil {
		return workflows.Snapshot{}, err
	}
	return e.after(ctx, id)
}

// after returns the execution after a change that took, or none when the
// workflow's state could not be loaded: what cannot be shown of a change is no
// reason to say that it failed.
func (e *Engine) after(ctx context.Context, id string) (workflows.Snapshot, error) {
	record, err := e.Load(ctx, id)
	if err != nil {
		return workflows.Snapshot{}, nil //nolint:nilerr // told by the missing execution
	}
	return workflows.Snapshot{Execution: record.Execution, Sequence: record.Sequence}, nil
}

// maxCorrelated is how many executions with one correlation ID are looked at.
// One that has not ended is unique, and the newest of the ended ones is enough.
const maxCorrelated = 20

// Correlated lists the IDs of executions with a correlation ID, within
// Temporal's retention, the one that started last first. What happened within
// the last second may be missing.
func (e *Engine) Correlated(ctx context.Context, correlationID string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	// The attribute is cut where the start cuts it.
	attributes := workflows.StartAttributes(&pipeline.Execution{Trigger: pipeline.Trigger{CorrelationID: correlationID}})
	value, set := attributes.GetKeyword(temporal.NewSearchAttributeKeyKeyword(workflows.CorrelationIDAttribute))
	if !set {
		return nil, nil
	}
	found, err := e.list(ctx, "WorkflowType = '"+workflows.PipelineWorkflow+"' AND "+
		workflows.CorrelationIDAttribute+" = '"+quoted(value)+"'", maxCorrelated)
	var odd *serviceerror.InvalidArgument
	if errors.As(err, &odd) {
		return nil, nil // an ID that cannot be searched for
	}
	return found, err
}
