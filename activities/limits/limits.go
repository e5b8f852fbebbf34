// Package limits is the room that carries messages between executions and the
// limits of their pipeline configurations, which are workflows themselves.
package limits

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// atOnce is how many executions one call reaches at the same time.
const atOnce = 8

// Temporal is the part of Temporal's client that is needed here.
type Temporal interface {
	SignalWithStartWorkflow(ctx context.Context, workflowID, signalName string, signalArg any,
		options client.StartWorkflowOptions, workflow any, workflowArgs ...any) (client.WorkflowRun, error)
	SignalWorkflow(ctx context.Context, workflowID, runID, signalName string, arg any) error
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
}

var (
	_ activities.Limits = (*Limits)(nil)
	_ Temporal          = (client.Client)(nil)
)

// Limits implements [activities.Limits].
type Limits struct {
	client Temporal
}

// New returns the room on a client, which the caller closes.
func New(c Temporal) *Limits { return &Limits{client: c} }

// TellLimit implements [activities.Limits].
func (l *Limits) TellLimit(ctx context.Context, in activities.TellLimitInput) (activities.Done, error) {
	if in.Limit.ConfigID == "" || in.Message.Permit.ExecutionID == "" {
		return activities.Done{}, pipeline.Errorf(pipeline.CodeInvalid, "A message to a limit names no pipeline configuration or no execution.")
	}
	attributes := make([]temporal.SearchAttributeUpdate, 0, len(in.Attributes))
	for name, value := range in.Attributes {
		attributes = append(attributes, temporal.NewSearchAttributeKeyKeyword(name).ValueSet(value))
	}
	id := activities.LimitID(in.Limit.ConfigID)
	_, err := l.client.SignalWithStartWorkflow(ctx, id, activities.LimitSignal, in.Message, client.StartWorkflowOptions{
		TaskQueue:             in.Queue,
		TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
		StaticSummary:         in.Summary,
	}, activities.LimitWorkflow, in.Limit)
	return activities.Done{}, failed(err, "reach "+id)
}

// AnswerPermits implements [activities.Limits].
func (l *Limits) AnswerPermits(ctx context.Context, in activities.AnswerPermitsInput) (activities.AnswerPermitsOutput, error) {
	ended, err := each(ctx, in.Answers, func(ctx context.Context, a activities.PermitAnswer) (string, bool, error) {
		err := l.client.SignalWorkflow(ctx, a.ExecutionID, "", activities.PermitSignal, activities.PermitAnswer{Refused: a.Refused})
		// One that takes no more signals must not hold up the others.
		if gone(err) || refused(err) != nil {
			return a.ExecutionID, true, nil //nolint:nilerr // that it takes no more is the answer
		}
		return a.ExecutionID, false, failed(err, "tell the execution "+a.ExecutionID)
	})
	return activities.AnswerPermitsOutput{Ended: ended}, err
}

// FindEnded implements [activities.Limits].
func (l *Limits) FindEnded(ctx context.Context, in activities.FindEndedInput) (activities.FindEndedOutput, error) {
	ended, err := each(ctx, in.ExecutionIDs, func(ctx context.Context, id string) (string, bool, error) {
		described, err := l.client.DescribeWorkflowExecution(ctx, id, "")
		if gone(err) {
			return id, true, nil
		}
		return id, described.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING, failed(err, "describe the execution "+id)
	})
	return activities.FindEndedOutput{Ended: ended}, err
}

// each asks about every item, several at once, and returns the sorted IDs of
// those that have ended, or the first error.
func each[T any](ctx context.Context, items []T, ask func(context.Context, T) (id string, ended bool, err error)) ([]string, error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	var mu sync.Mutex
	var out []string
	for _, item := range items {
		g.Go(func() error {
			id, ended, err := ask(ctx, item)
			if err == nil && ended {
				mu.Lock()
				defer mu.Unlock()
				out = append(out, id)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.Sort(out)
	return out, nil
}

// gone reports whether there is no such workflow, or it has closed.
func gone(err error) bool {
	var e *serviceerror.NotFound
	return errors.As(err, &e)
}

// refused returns Temporal's refusal of a request as it was written, or nil.
func refused(err error) *serviceerror.InvalidArgument {
	var e *serviceerror.InvalidArgument
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// failed turns what Temporal's client returned into an error with a code.
func failed(err error, doing string) error {
	if err == nil {
		return nil
	}
	if e := refused(err); e != nil {
		return pipeline.Wrap(pipeline.CodeInvalid, err, "Temporal refused to %s: %s.", doing, e.Message)
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "Temporal did not answer in time to %s.", doing)
}
