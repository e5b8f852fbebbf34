package signin

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// freeByUser and freeByAddress are the failures after which a user, and an
	// address that may be that of many people, has to wait.
	freeByUser, freeByAddress = 5, 30
	// firstWait doubles with each further failure, up to longestWait.
	firstWait, longestWait = time.Second, 5 * time.Minute
	// forgetAfter is the time without a failure after which all is forgotten.
	forgetAfter = 15 * time.Minute
)

// guard makes guessing passwords slow. It counts in this process, and with the
// others as long as they can be reached.
type guard struct {
	shared fiat.Failures // nil counts here alone
	now    func() time.Time
	log    *slog.Logger

	mu     sync.Mutex
	counts map[string]failures
}

type failures struct {
	n             int
	last, blocked time.Time
}

func newGuard(shared fiat.Failures, now func() time.Time, log *slog.Logger) *guard {
	return &guard{shared: shared, now: now, log: log, counts: map[string]failures{}}
}

// check checks a password, unless there were too many failures.
func (s *SignIn) check(r *http.Request, username, password string) (fiat.Principal, error) {
	user, address := "user:"+fiat.UserKey(username), "address:"+s.address(r)
	ctx := r.Context()
	if wait := s.guard.blocked(ctx, user, address); wait > 0 {
		seconds := int(wait.Seconds()) + 1
		return fiat.Principal{}, &pipeline.Error{
			Code: pipeline.CodeThrottled, RetryAfter: wait,
			Message: "There were too many wrong passwords: wait " + (time.Duration(seconds) * time.Second).String() + " and try again.",
		}
	}
	p, err := s.passwords.Check(ctx, username, password)
	switch {
	case err == nil:
		s.guard.forget(ctx, user)
	case pipeline.CodeOf(err) == pipeline.CodeUnauthenticated:
		s.guard.failed(ctx, user, address)
		s.log.WarnContext(ctx, "a sign-in failed", "user", username, "address", s.address(r), "mode", s.config.Mode)
	}
	return p, err
}

// blocked returns for how long the keys have to wait yet.
func (g *guard) blocked(ctx context.Context, keys ...string) time.Duration {
	var wait time.Duration
	g.mu.Lock()
	for _, k := range keys {
		wait = max(wait, g.counts[k].blocked.Sub(g.now()))
	}
	g.mu.Unlock()
	if wait <= 0 && g.shared != nil {
		if shared, err := g.shared.Blocked(ctx, keys...); err == nil {
			wait = shared
		}
	}
	return wait
}

// failed counts a failure of a user from an address.
func (g *guard) failed(ctx context.Context, user, address string) {
	keys := []string{user, address}
	var shared []int
	if g.shared != nil {
		var err error
		if shared, err = g.shared.Failed(ctx, forgetAfter, keys...); err != nil {
			shared = nil // this process counts alone meanwhile
		}
	}
	for i, k := range keys {
		n := g.count(k)
		if shared != nil {
			n = max(n, shared[i])
		}
		free := freeByUser
		if k == address {
			free = freeByAddress
		}
		if n < free {
			continue
		}
		wait := firstWait << min(n-free, 16)
		g.block(ctx, k, min(wait, longestWait))
	}
}

func (g *guard) count(key string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if len(g.counts) >= maxKept {
		for k, f := range g.counts {
			if now.Sub(f.last) >= forgetAfter {
				delete(g.counts, k)
			}
		}
		if len(g.counts) >= maxKept {
			clear(g.counts) // Redis counts on
		}
	}
	f := g.counts[key]
	if now.Sub(f.last) >= forgetAfter {
		f = failures{}
	}
	f.n, f.last = f.n+1, now
	g.counts[key] = f
	return f.n
}

func (g *guard) block(ctx context.Context, key string, d time.Duration) {
	g.mu.Lock()
	f := g.counts[key]
	f.blocked = g.now().Add(d)
	g.counts[key] = f
	g.mu.Unlock()
	if g.shared != nil {
		if err := g.shared.Block(ctx, key, d); err != nil {
			g.log.DebugContext(ctx, "other processes do not learn of wrong passwords", "error", err)
		}
	}
}

// forget drops a user's count after the right password. The address keeps its own:
// else who has one account could try others without end.
func (g *guard) forget(ctx context.Context, user string) {
	g.mu.Lock()
	_, had := g.counts[user]
	delete(g.counts, user)
	g.mu.Unlock()
	if had && g.shared != nil {
		if err := g.shared.Forget(ctx, user); err != nil {
			g.log.DebugContext(ctx, "a count of wrong passwords stays", "error", err)
		}
	}
}
