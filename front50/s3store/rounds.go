package s3store

import (
	"context"
	"sync"
)

// rounds lets callers that come at the same time share one run of a function: each
// gets the outcome of a run that began after its call, so that what happened before
// the call is in it. One run is under way at a time. The zero value is ready.
type rounds struct {
	// running is held while the function runs.
	running sync.Mutex

	mu sync.Mutex
	// next is the run that has not begun yet, nil when nobody waits for one.
	next *round
}

type round struct {
	done chan struct{}
	err  error
}

// run returns when f has run, here or for another caller, in a run that began after
// the call. F gets a context of its own, since it runs for everybody: a caller that
// goes away leaves the run to the others.
func (r *rounds) run(ctx context.Context, f func(context.Context) error) error {
	r.mu.Lock()
	n := r.next
	if n == nil {
		n = &round{done: make(chan struct{})}
		r.next = n
		go r.lead(context.WithoutCancel(ctx), n, f)
	}
	r.mu.Unlock()
	select {
	case <-n.done:
		return n.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *rounds) lead(ctx context.Context, n *round, f func(context.Context) error) {
	r.running.Lock()
	defer r.running.Unlock()
	r.mu.Lock()
	r.next = nil // who comes from now on may have come too late for this one
	r.mu.Unlock()
	n.err = f(ctx)
	close(n.done)
}
