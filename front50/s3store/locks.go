package s3store

import (
	"context"
	"slices"
	"sync"
)

// locks is a mutex for each key. The zero value is ready.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	token chan struct{} // holds one element while the lock is free
	users int           // holders and waiters; the lock is dropped at 0
}

// acquire locks the keys, in their order, and returns the function that unlocks
// them. The error is the context's.
func (l *locks) acquire(ctx context.Context, keys ...string) (release func(), err error) {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	keys = slices.Compact(keys)
	for i, key := range keys {
		k := l.enter(key)
		select {
		case <-k.token:
		case <-ctx.Done():
			l.leave(key)
			l.free(keys[:i])
			return nil, ctx.Err()
		}
	}
	return func() { l.free(keys) }, nil
}

func (l *locks) enter(key string) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	k := l.held[key]
	if k == nil {
		k = &lock{token: make(chan struct{}, 1)}
		k.token <- struct{}{}
		l.held[key] = k
	}
	k.users++
	return k
}

func (l *locks) leave(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.held[key]
	if k.users--; k.users == 0 {
		delete(l.held, key)
	}
}

func (l *locks) free(keys []string) {
	for _, key := range keys {
		l.mu.Lock()
		k := l.held[key]
		l.mu.Unlock()
		k.token <- struct{}{}
		l.leave(key)
	}
}
