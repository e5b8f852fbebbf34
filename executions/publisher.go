package executions

import (
	"container/list"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Bounds of a [Publisher].
const (
	// maxPending is how many executions may wait for the model; beyond it the
	// one that waits longest is given up, and its readers go to its workflow.
	maxPending = 10_000
	// publishWriters is how many records are written at once.
	publishWriters = 4
	// Pauses after the model did not answer.
	minPublishPause = 50 * time.Millisecond
	maxPublishPause = 2 * time.Second
)

// Publisher writes the states of running executions to the read model, off the
// path of the workflows that produce them. Only the latest state of an
// execution waits; while the model is away it waits until it is back. Nothing
// is owed: a record lost with its process is found again at the workflow.
type Publisher struct {
	model  ReadModel
	logger *slog.Logger
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	// order holds *Record, longest waiting first; waiting finds its elements by
	// execution ID. The execution IDs in writing are with a writer now.
	order   *list.List
	waiting map[string]*list.Element
	writing map[string]bool
	closed  bool
	dropped int
	// lost counts all that were given up; observe takes the age of each record as
	// the model took it, nil does not.
	lost    int
	observe func(age time.Duration)
}

// NewPublisher starts a publisher; [Publisher.Close] ends it.
func NewPublisher(model ReadModel, logger *slog.Logger) *Publisher {
	// The publisher outlives every call that hands it a record.
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // it ends with Close
	p := &Publisher{
		model: model, logger: logger, cancel: cancel,
		order: list.New(), waiting: map[string]*list.Element{}, writing: map[string]bool{},
	}
	p.changed = sync.NewCond(&p.mu)
	for range publishWriters {
		p.done.Go(func() { p.write(ctx) })
	}
	return p
}

// Observe calls fn with the age that each record has when the model took it. It
// is called before the first record is published.
func (p *Publisher) Observe(fn func(age time.Duration)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.observe = fn
}

// Waiting returns how many executions wait for the model now, and how many were
// given up since the start.
func (p *Publisher) Waiting() (waiting, lost int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.order.Len() + len(p.writing), p.lost
}

// Publish hands over a state of an execution and returns at once. The record
// must not change any more: a workflow passes a deep copy
// ([pipeline.Execution.Clone]). After Close it does nothing.
func (p *Publisher) Publish(r Record) {
	if r.Execution == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.add(r)
	if p.order.Len() > maxPending {
		p.remove(p.order.Front())
		if p.dropped == 0 {
			p.logger.Warn("the read model has been away for long: the oldest waiting states are given up", "waiting", maxPending)
		}
		p.dropped++
		p.lost++
	}
	p.changed.Broadcast()
}

// Close writes what waits and ends the publisher. When ctx ends first, it gives
// the rest up and returns unavailable.
func (p *Publisher) Close(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.cancel()
		p.changed.Broadcast()
	})
	defer stop()
	p.mu.Lock()
	p.closed = true
	p.changed.Broadcast()
	for ctx.Err() == nil && p.order.Len()+len(p.writing) > 0 {
		p.changed.Wait()
	}
	lost := p.order.Len() + len(p.writing)
	p.mu.Unlock()
	p.cancel()
	p.done.Wait()
	if lost > 0 {
		return pipeline.Wrap(pipeline.CodeUnavailable, ctx.Err(),
			"The states of %d executions did not reach the read model; readers will ask their workflows.", lost)
	}
	return nil
}

// add keeps the later of r and the state that waits. The lock is held.
func (p *Publisher) add(r Record) {
	id := r.Execution.ID
	if e, ok := p.waiting[id]; ok {
		if r.Sequence >= e.Value.(*Record).Sequence {
			e.Value = &r
		}
		return
	}
	p.waiting[id] = p.order.PushBack(&r)
}

func (p *Publisher) remove(e *list.Element) *Record {
	r := p.order.Remove(e).(*Record)
	delete(p.waiting, r.Execution.ID)
	return r
}

// write is one writer.
func (p *Publisher) write(ctx context.Context) {
	pause := minPublishPause
	for {
		r := p.take(ctx)
		if r == nil {
			return
		}
		_, err := p.model.Put(ctx, *r)
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeUnavailable {
			p.logger.ErrorContext(ctx, "a state of an execution cannot be published",
				"application", r.Execution.Application, "execution", r.Execution.ID, "error", err)
			err = nil // no later try can do better
		}
		p.release(r, err)
		if err == nil {
			pause = minPublishPause
			continue
		}
		if pause == minPublishPause {
			p.logger.WarnContext(ctx, "the read model does not take a state of an execution, trying until it does",
				"application", r.Execution.Application, "execution", r.Execution.ID, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPublishPause)
	}
}

// take waits for a record that no other writer has a state of; nil ends the
// writer.
func (p *Publisher) take(ctx context.Context) *Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ctx.Err() == nil {
		for e := p.order.Front(); e != nil; e = e.Next() {
			if r := e.Value.(*Record); !p.writing[r.Execution.ID] {
				p.writing[r.Execution.ID] = true
				return p.remove(e)
			}
		}
		if p.closed && p.order.Len() == 0 {
			return nil
		}
		p.changed.Wait()
	}
	return nil
}

// release ends a write; after a failure the record waits again, unless a later
// one came.
func (p *Publisher) release(r *Record, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.writing, r.Execution.ID)
	if err != nil {
		p.add(*r)
		p.changed.Broadcast()
		return
	}
	if p.dropped > 0 {
		p.logger.Info("the read model is back", "givenUp", p.dropped)
		p.dropped = 0
	}
	if p.observe != nil {
		p.observe(time.Since(r.PublishedAt.Time()))
	}
	p.changed.Broadcast()
}
