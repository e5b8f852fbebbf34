// Package monitor is the room behind activities.Executions: it watches other
// executions for stages that wait for them.
package monitor

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// heartbeatEvery keeps a watching call alive well within its heartbeat timeout.
const heartbeatEvery = 5 * time.Second

// Reader is what the room needs of executions.Service.
type Reader interface {
	// Get returns the state of an execution; not_found, unavailable.
	Get(ctx context.Context, id string) (executions.Record, error)
	// Watch streams the states of a topic until ctx ends.
	Watch(ctx context.Context, t executions.Topic) (<-chan executions.Event, error)
}

// Monitor implements activities.Executions.
type Monitor struct {
	reader Reader
}

var _ activities.Executions = (*Monitor)(nil)

// New returns the room over a reader.
func New(reader Reader) *Monitor { return &Monitor{reader: reader} }

// AwaitExecutions implements activities.Executions.
func (m *Monitor) AwaitExecutions(ctx context.Context, in activities.AwaitExecutionsInput) (activities.AwaitExecutionsOutput, error) {
	ids := distinct(in.IDs)
	switch {
	case len(ids) == 0:
		return activities.AwaitExecutionsOutput{}, pipeline.Errorf(pipeline.CodeInvalid, "There are no executions to watch: name at least one.")
	case len(ids) > activities.MaxAwaited:
		return activities.AwaitExecutionsOutput{}, pipeline.Errorf(pipeline.CodeTooLarge, "There are %d executions to watch: name at most %d.", len(ids), activities.MaxAwaited)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	beat(ctx)
	w := &wait{in: in, ids: ids, known: map[string]*pipeline.Execution{}, reports: make(chan executions.Event)}
	for _, id := range ids {
		r, err := m.reader.Get(ctx, id)
		if err == nil && in.Type != "" && r.Execution.Type != in.Type || pipeline.CodeOf(err) == pipeline.CodeNotFound && err != nil {
			return activities.AwaitExecutionsOutput{}, missing(id)
		}
		if err != nil {
			return activities.AwaitExecutionsOutput{}, err
		}
		w.known[id] = r.Execution
	}
	if w.done() {
		return w.answer(true), nil
	}
	for _, id := range ids {
		if !w.known[id].Status.Complete() {
			if err := m.follow(ctx, id, w.reports); err != nil {
				return activities.AwaitExecutionsOutput{}, err
			}
		}
	}
	return w.run(ctx)
}

func missing(id string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "There is no execution with the id '%s'.", id)
}

// follow passes on what happens to an execution until it has ended.
func (m *Monitor) follow(ctx context.Context, id string, reports chan<- executions.Event) error {
	events, err := m.reader.Watch(ctx, executions.Topic{Execution: id})
	if err != nil {
		return err
	}
	go func() {
		for e := range events {
			select {
			case reports <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return nil
}

// wait is one run of AwaitExecutions.
type wait struct {
	in      activities.AwaitExecutionsInput
	ids     []string
	known   map[string]*pipeline.Execution
	reports chan executions.Event
}

// run collects states until there is nothing more to wait for, or news lasted.
func (w *wait) run(ctx context.Context) (activities.AwaitExecutionsOutput, error) {
	var lasted <-chan time.Time
	for {
		if w.done() {
			return w.answer(true), nil
		}
		switch {
		case !w.news():
			lasted = nil
		case lasted == nil:
			lasted = time.After(activities.NewsAfter)
		}
		select {
		case <-ctx.Done():
			return activities.AwaitExecutionsOutput{}, context.Cause(ctx)
		case <-lasted:
			return w.answer(false), nil
		case e := <-w.reports:
			if e.Deleted {
				return activities.AwaitExecutionsOutput{}, missing(e.ID)
			}
			w.known[e.Record.Execution.ID] = e.Record.Execution
		}
	}
}

// done reports whether the wait is over.
func (w *wait) done() bool {
	all := true
	for _, id := range w.ids {
		status := w.known[id].Status
		all = all && status.Complete()
		if w.in.FailFast && status.Halt() && status != pipeline.Canceled {
			return true
		}
	}
	return all
}

// news reports whether a status is not what the caller knows.
func (w *wait) news() bool {
	for _, id := range w.ids {
		if w.known[id].Status != w.in.Seen[id] {
			return true
		}
	}
	return false
}

func (w *wait) answer(done bool) activities.AwaitExecutionsOutput {
	out := activities.AwaitExecutionsOutput{Done: done}
	b := &budget{failures: maxFailures, outputs: w.in.MaxOutputs}
	for _, id := range w.ids {
		out.Executions = append(out.Executions, b.state(w.known[id], w.in.Outputs))
	}
	return out
}

// beat tells Temporal that the call lives, until ctx ends.
func beat(ctx context.Context) {
	if !activity.IsActivity(ctx) {
		return
	}
	go func() {
		ticker := time.NewTicker(heartbeatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
}

func distinct(ids []string) []string {
	var out []string
	seen := map[string]bool{"": true}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
