package signin

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/gate"
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
	turns  map[string]*turn
}

type failures struct {
	n             int
	last, blocked time.Time
}

func newGuard(shared fiat.Failures, now func() time.Time, log *slog.Logger) *guard {
	return &guard{shared: shared, now: now, log: log, counts: map[string]failures{}, turns: map[string]*turn{}}
}

// check checks a password, unless there were too many failures.
func (s *SignIn) check(r *http.Request, username, password string) (p fiat.Principal, err error) {
	defer func() {
		if err != nil {
			gate.Tried(r.Context(), username, s.config.Mode, false)
		}
	}()
	if len(username) > maxName {
		return fiat.Principal{}, errWrong() // nobody has such a name, and all that is counted is kept
	}
	user, address := "user:"+fiat.UserKey(username), "address:"+s.address(r)
	ctx := r.Context()
	if wait := s.guard.blocked(ctx, user, address); wait > 0 {
		return fiat.Principal{}, errTooMany(wait)
	}
	release, err := s.guard.enter(ctx, user)
	if err != nil {
		return fiat.Principal{}, err
	}
	defer release()
	if wait := s.guard.blockedHere(user, address); wait > 0 { // those before it were wrong
		return fiat.Principal{}, errTooMany(wait)
	}
	p, err = s.passwords.Check(ctx, username, password)
	switch {
	case err == nil:
		s.guard.forget(ctx, user)
	case pipeline.CodeOf(err) == pipeline.CodeUnauthenticated:
		s.guard.failed(ctx, user, address)
		s.log.WarnContext(ctx, "a sign-in failed", "user", username, "address", s.address(r), "mode", s.config.Mode)
	}
	return p, err
}

func errTooMany(wait time.Duration) error {
	seconds := int(wait.Seconds()) + 1
	return &pipeline.Error{
		Code: pipeline.CodeThrottled, RetryAfter: wait,
		Message: "There were too many wrong passwords: wait " + (time.Duration(seconds) * time.Second).String() + " and try again.",
	}
}

// turn is that of the attempts of one user that are under way.
type turn struct {
	slots chan struct{}
	users int
}

// enter waits until few attempts of a user are under way: else as many as are sent
// at once would be free before the first of them is counted.
func (g *guard) enter(ctx context.Context, user string) (release func(), err error) {
	g.mu.Lock()
	t := g.turns[user]
	if t == nil {
		t = &turn{slots: make(chan struct{}, freeByUser)}
		g.turns[user] = t
	}
	t.users++
	g.mu.Unlock()
	leave := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(g.turns, user)
		}
	}
	select {
	case t.slots <- struct{}{}:
		return func() { <-t.slots; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, ctx.Err(), "Too many sign-ins are being checked: try again.")
	}
}

// blockedHere is blocked by what this process counted.
func (g *guard) blockedHere(keys ...string) time.Duration {
	var wait time.Duration
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range keys {
		wait = max(wait, g.counts[k].blocked.Sub(g.now()))
	}
	return wait
}

// blocked returns for how long the keys have to wait yet.
func (g *guard) blocked(ctx context.Context, keys ...string) time.Duration {
	wait := g.blockedHere(keys...)
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
