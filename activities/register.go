package activities

import (
	"context"
	"errors"
	"runtime/debug"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/gennaker/gennaker/pipeline"
)

// Registry is the part of a Temporal worker that takes activities.
type Registry interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// register adds fn under the call's name and turns its errors into Temporal's
// in the one place where that happens.
func register[In, Out any](r Registry, c Call[In, Out], fn func(context.Context, In) (Out, error)) {
	run := fn
	if c.GivesBack {
		run = givingBack(fn)
	}
	r.RegisterActivityWithOptions(func(ctx context.Context, in In) (out Out, err error) {
		defer func() {
			if v := recover(); v != nil {
				activity.GetLogger(ctx).Error("an activity panicked", "activity", c.Name, "panic", v, "stack", string(debug.Stack()))
				err = ToTemporal(pipeline.Errorf(pipeline.CodeInternal, "A fault in Gennaker ended the call %s: its worker's log tells more.", c.Name))
			}
		}()
		out, err = run(ctx, in)
		if err != nil && cutOff(ctx) {
			return out, givenBack()
		}
		return out, ToTemporal(err)
	}, activity.RegisterOptions{Name: c.Name})
}

// givingBack cancels fn when its worker is told to stop. The error is then
// Temporal's to retry: without it the server would learn of the loss only when
// the heartbeats stay away.
func givingBack[In, Out any](fn func(context.Context, In) (Out, error)) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		stopping := activity.GetWorkerStopChannel(ctx)
		within, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-stopping:
				cancel()
			case <-within.Done():
			}
		}()
		out, err := fn(within, in)
		if err != nil && ctx.Err() == nil && within.Err() != nil {
			return out, givenBack()
		}
		return out, err
	}
}

// cutOff reports whether a call was ended by what happened to its worker, and not
// on somebody's request: the worker stops and has waited long enough for it, or
// Temporal was away when the call had to tell that it lives, upon which its client
// cancels the call.
func cutOff(ctx context.Context) bool {
	cause := context.Cause(ctx)
	return errors.Is(ctx.Err(), context.Canceled) && !temporal.IsCanceledError(cause) && !errors.Is(cause, context.Canceled)
}

// givenBack lets Temporal hand the call to another worker, or to this one again,
// with what its last heartbeat told.
func givenBack() error {
	return temporal.NewApplicationError("The worker stops, or has lost Temporal for a while, and gives the call back.", "given_back")
}

// Done is the output of activities that have nothing to say.
type Done struct{}
