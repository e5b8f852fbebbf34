package workflows

import (
	"maps"
	"slices"

	"go.temporal.io/sdk/workflow"
)

// A history may hold tens of thousands of events and no more. When the server
// says that it has grown long, the run stops at places from which the
// execution's own state is enough to go on, and continues as new: stages that
// were running run their current task again, which finds what it had done.

// watchHistory starts to drain when the server suggests it.
func (r *run) watchHistory(ctx workflow.Context) {
	err := workflow.Await(ctx, func() bool { return r.ended || workflow.GetInfo(ctx).GetContinueAsNewSuggested() })
	if err == nil && !r.ended {
		r.drain()
	}
}

// drain asks every coroutine to stop where it can be taken up again. Calls that
// only watch are ended; others are waited for.
func (r *run) drain() {
	r.draining = true
	for _, n := range slices.Sorted(maps.Keys(r.watching)) {
		r.watching[n]()
	}
	r.moved()
}

// drained reports whether the run can continue as new.
func (r *run) drained(ctx workflow.Context) bool {
	return r.draining && r.busy == 0 && workflow.AllHandlersFinished(ctx)
}

// next is the input of the run that takes this one up.
func (r *run) next() Input {
	return Input{
		Execution: r.exec, Sequence: r.seq, Restart: r.input.Restart,
		Continued: true, Pauses: r.pauses, Halted: slices.Sorted(maps.Keys(r.halted)),
	}
}

// rest waits in a place where the coroutine can be taken up again.
func (r *run) rest(wait func() error) error {
	r.busy--
	defer func() { r.busy++ }()
	return wait()
}

// hold waits while the execution is paused or about to continue as new. It
// returns Temporal's CanceledError when the stage is cancelled.
func (r *run) hold(ctx workflow.Context) error {
	if !r.isPaused() && !r.draining {
		return ctx.Err()
	}
	return r.rest(func() error {
		return workflow.Await(ctx, func() bool { return !r.isPaused() && !r.draining })
	})
}

// whilePaused waits between two tasks while the execution is paused. The run is
// not taken up here: what a task has just done, and what it left to the next,
// would be lost. It returns Temporal's CanceledError when the stage is cancelled.
func (r *run) whilePaused(ctx workflow.Context) error {
	if !r.isPaused() {
		return ctx.Err()
	}
	return workflow.Await(ctx, func() bool { return !r.isPaused() })
}

// watch returns a context for a call that only watches, which draining ends,
// and what to do when the call is over.
func (r *run) watch(ctx workflow.Context, only bool) (workflow.Context, func()) {
	if !only {
		return ctx, func() {}
	}
	watching, cancel := workflow.WithCancel(ctx)
	r.watches++
	n := r.watches
	r.watching[n] = cancel
	return watching, func() {
		delete(r.watching, n)
		cancel()
	}
}
