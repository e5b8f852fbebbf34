// Package heartbeat keeps long activities alive.
package heartbeat

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// every is well within the shortest heartbeat timeout.
const every = 4 * time.Second

// Keep tells Temporal that a call goes on, until the returned function is called
// or ctx ends. Outside an activity it does nothing.
func Keep(ctx context.Context) (stop func()) {
	if !activity.IsActivity(ctx) {
		return func() {}
	}
	ctx, stop = context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return stop
}
