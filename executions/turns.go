package executions

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// turns lets work that many callers ask for happen once at a time, and not
// again for a while.
type turns struct {
	now    func() time.Time
	flight singleflight.Group

	mu   sync.Mutex
	last map[string]time.Time
}

// maxTurns bounds the memory of what was done when.
const maxTurns = 20_000

func newTurns(now func() time.Time) *turns {
	return &turns{now: now, last: map[string]time.Time{}}
}

// take runs fn unless it ended less than every ago, and returns when it has
// ended or after wait; then it goes on by itself for at most limit.
func (t *turns) take(ctx context.Context, key string, every, wait, limit time.Duration, fn func(context.Context)) {
	if t.recent(key, every) {
		return
	}
	ended := t.flight.DoChan(key, func() (any, error) {
		// Others wait for the same work, so it does not end with this caller.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		defer t.end(key)
		fn(ctx)
		return nil, nil
	})
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// recent reports whether the work of key ended less than d ago.
func (t *turns) recent(key string, d time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, done := t.last[key]
	return done && t.now().Sub(last) < d
}

// end records that the work of key ended now.
func (t *turns) end(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.last) >= maxTurns {
		clear(t.last)
	}
	t.last[key] = t.now()
}
