package clouddriver

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
)

// heartbeatEvery keeps a waiting activity alive well within its heartbeat
// timeout of 20 s. The answer to a heartbeat is also how an activity learns that
// it was cancelled, so this is how late a cancellation can reach it.
const heartbeatEvery = 2 * time.Second

// quietFor is how long a quiet heart does not beat, well within the heartbeat
// timeout; a cancellation may be this late too.
const quietFor = 5 * time.Second

// heart beats while an activity works. Outside of an activity it does nothing.
type heart struct {
	ctx  context.Context
	stop chan struct{}
	done chan struct{}

	mu      sync.Mutex
	details any
}

// startHeart beats every few seconds until rest is called, and at once when
// there are details: the first beat reaches the server before startHeart
// returns, later ones may be held back for a while, so what must not be lost
// goes into the first.
func startHeart(ctx context.Context, details any) *heart {
	h := newHeart(ctx, 0, details)
	if details != nil {
		h.beat()
	}
	return h
}

// startQuietHeart leaves the first beat to [heart.progress], unless that takes so
// long that the activity would count as lost.
func startQuietHeart(ctx context.Context) *heart { return newHeart(ctx, quietFor, nil) }

func newHeart(ctx context.Context, quiet time.Duration, details any) *heart {
	h := &heart{ctx: ctx, stop: make(chan struct{}), done: make(chan struct{}), details: details}
	if !activity.IsActivity(ctx) {
		close(h.done)
		return h
	}
	go func() {
		defer close(h.done)
		select {
		case <-h.stop:
			return
		case <-ctx.Done():
			return
		case <-time.After(quiet):
		}
		ticker := time.NewTicker(heartbeatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-h.stop:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
				h.beat()
			}
		}
	}()
	return h
}

// progress replaces the details and beats. A later attempt finds them with
// [resumed].
func (h *heart) progress(details any) {
	h.mu.Lock()
	h.details = details
	h.mu.Unlock()
	h.beat()
}

func (h *heart) beat() {
	if !activity.IsActivity(h.ctx) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	activity.RecordHeartbeat(h.ctx, h.details)
}

// rest stops the beating; it is called once.
func (h *heart) rest() {
	close(h.stop)
	<-h.done
}

// resumed reads the details that an earlier attempt left, and reports whether
// there were any.
func resumed(ctx context.Context, into any) bool {
	return activity.IsActivity(ctx) && activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, into) == nil
}
