package fiat

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Union returns the roles of all sources. A source that cannot tell makes the
// answer unavailable: fewer roles than somebody has could deny what is allowed,
// and be believed for long.
func Union(sources ...Roles) Roles { return union(sources) }

type union []Roles

// Roles implements [Roles].
func (u union) Roles(ctx context.Context, user string) ([]string, error) {
	var out []string
	for _, source := range u {
		roles, err := source.Roles(ctx, user)
		if err != nil {
			return nil, err
		}
		out = append(out, roles...)
	}
	return RolesOf(out...), nil
}

// maxCached bounds the users whose roles a [Cache] knows.
const maxCached = 10_000

// Cache keeps what a source of roles told for a while. It is safe for concurrent
// use.
type Cache struct {
	source Roles
	ttl    time.Duration
	now    func() time.Time

	mu     sync.Mutex
	age    int // counts the times that all was forgotten
	byUser map[string]cachedRoles
	asking map[string]*asking
}

type cachedRoles struct {
	until time.Time
	roles []string
}

// asking is a question that is under way, for all who have it.
type asking struct {
	done  chan struct{}
	roles []string
	err   error
}

// NewCache returns a cache of a source; what it tells is at most ttl old. Failures
// are not kept. A nil clock is time.Now.
func NewCache(source Roles, ttl time.Duration, now func() time.Time) *Cache {
	if now == nil {
		now = time.Now
	}
	return &Cache{source: source, ttl: ttl, now: now, byUser: map[string]cachedRoles{}, asking: map[string]*asking{}}
}

// Roles implements [Roles]. Those who ask about one user at once wait for one
// answer.
func (c *Cache) Roles(ctx context.Context, user string) ([]string, error) {
	key := UserKey(user)
	c.mu.Lock()
	if known, ok := c.byUser[key]; ok && c.now().Before(known.until) {
		c.mu.Unlock()
		return slices.Clone(known.roles), nil
	}
	q, under := c.asking[key]
	if !under {
		q = &asking{done: make(chan struct{})}
		c.asking[key] = q
		// Whoever asked first may go away; the others still want to know.
		go c.ask(context.WithoutCancel(ctx), key, user, c.age, q)
	}
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-q.done:
		return slices.Clone(q.roles), q.err
	}
}

// ask asks the source.
func (c *Cache) ask(ctx context.Context, key, user string, age int, q *asking) {
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	at := c.now()
	q.roles, q.err = c.source.Roles(ctx, user)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asking[key] == q {
		delete(c.asking, key)
	}
	close(q.done)
	if q.err != nil || age != c.age {
		return
	}
	if len(c.byUser) >= maxCached {
		clear(c.byUser)
	}
	c.byUser[key] = cachedRoles{until: at.Add(c.ttl), roles: q.roles}
}

// Forget makes the source be asked anew.
func (c *Cache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age++
	clear(c.byUser)
	clear(c.asking) // who asks from now on is told nothing of before
}

// SignedInRoles tells the roles that people signed in with last.
func SignedInRoles(users Users) Roles { return signedInRoles{users} }

type signedInRoles struct{ users Users }

// Roles implements [Roles].
func (s signedInRoles) Roles(ctx context.Context, user string) ([]string, error) {
	u, err := s.users.User(ctx, user)
	if pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return nil, nil
	}
	return u.Roles, err
}
