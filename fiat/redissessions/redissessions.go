// Package redissessions keeps sessions, sign-ins on their way and counts of
// failures in Redis. All of it may be lost at any moment.
//
// All keys begin with "gennaker:signin:" and expire.
//
//	session:<hash>   [fiat.Session] as JSON
//	pending:<hash>   [fiat.Pending] as JSON
//	failed:<hash>    a count of failures
//	blocked:<hash>   is there while attempts are refused
//
// A hash is the SHA-256 of a secret ID, or of a user's name or an address.
package redissessions

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	prefix = "gennaker:signin:"
	// pendingFor is how long a person may take to sign in at another server.
	pendingFor = 10 * time.Minute
	// renewAfter is how long a session is used before its end is moved.
	renewAfter = time.Minute
	idBytes    = 32
	// scanCount is how many keys are deleted at once.
	scanCount = 500
)

// Conn is the way to Redis.
type Conn interface {
	// Do runs one exchange; redis.Nil or unavailable.
	Do(ctx context.Context, fn func(context.Context, redis.UniversalClient) error) error
}

// Store is a [fiat.Sessions] and [fiat.Failures]. It is safe for concurrent use.
type Store struct {
	conn           Conn
	idle, absolute time.Duration
	now            func() time.Time
}

var (
	_ fiat.Sessions = (*Store)(nil)
	_ fiat.Failures = (*Store)(nil)
)

// New returns a store over a connection, which the caller closes. A session ends
// when it was not used for idle, and at the latest absolute after the sign-in. A
// nil clock is time.Now.
func New(c Conn, idle, absolute time.Duration, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{conn: c, idle: idle, absolute: absolute, now: now}
}

// Create implements [fiat.Sessions].
func (s *Store) Create(ctx context.Context, session fiat.Session) (string, error) {
	return s.put(ctx, "session:", session, min(s.idle, s.absolute))
}

// Hold implements [fiat.Sessions].
func (s *Store) Hold(ctx context.Context, p fiat.Pending) (string, error) {
	return s.put(ctx, "pending:", p, pendingFor)
}

func (s *Store) put(ctx context.Context, kind string, v any, ttl time.Duration) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	secret := make([]byte, idBytes)
	_, _ = rand.Read(secret) // it never fails
	id := base64.RawURLEncoding.EncodeToString(secret)
	err = s.do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		return c.Set(ctx, key(kind, id), text, ttl).Err()
	})
	return id, err
}

// Session implements [fiat.Sessions].
func (s *Store) Session(ctx context.Context, id string) (fiat.Session, error) {
	var session fiat.Session
	var text string
	var left time.Duration
	name := key("session:", id)
	err := s.do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		p := c.Pipeline()
		value, ttl := p.Get(ctx, name), p.PTTL(ctx, name)
		_, err := p.Exec(ctx)
		text, left = value.Val(), ttl.Val()
		return err
	})
	if err != nil {
		return session, err
	}
	if json.Unmarshal([]byte(text), &session) != nil {
		return session, errOver() // another version wrote it
	}
	rest := session.At.Time().Add(s.absolute).Sub(s.now())
	if rest <= 0 {
		return fiat.Session{}, errors.Join(errOver(), s.Delete(ctx, id))
	}
	if wanted := min(s.idle, rest); wanted-left >= renewAfter || wanted < left {
		// One that was deleted meanwhile stays so: only what is there expires later.
		err = s.do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
			return c.PExpire(ctx, name, wanted).Err()
		})
	}
	return session, err
}

// Delete implements [fiat.Sessions].
func (s *Store) Delete(ctx context.Context, id string) error {
	return s.do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		return c.Del(ctx, key("session:", id)).Err()
	})
}

// DeleteAll implements [fiat.Sessions].
func (s *Store) DeleteAll(ctx context.Context) error {
	var cursor uint64
	for {
		var keys []string
		err := s.do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
			if keys, cursor, err = c.Scan(ctx, cursor, prefix+"session:*", scanCount).Result(); err != nil || len(keys) == 0 {
				return err
			}
			return c.Del(ctx, keys...).Err()
		})
		if err != nil || cursor == 0 {
			return err
		}
	}
}

// Take implements [fiat.Sessions].
func (s *Store) Take(ctx context.Context, id string) (fiat.Pending, error) {
	var p fiat.Pending
	var text string
	err := s.do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
		text, err = c.GetDel(ctx, key("pending:", id)).Result()
		return err
	})
	if err != nil {
		return p, err
	}
	if json.Unmarshal([]byte(text), &p) != nil {
		return fiat.Pending{}, errOver()
	}
	return p, nil
}

// Failed implements [fiat.Failures].
func (s *Store) Failed(ctx context.Context, window time.Duration, keys ...string) ([]int, error) {
	counts := make([]int, len(keys))
	err := s.do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		p := c.TxPipeline()
		all := make([]*redis.IntCmd, len(keys))
		for i, k := range keys {
			all[i] = p.Incr(ctx, key("failed:", k))
			p.PExpire(ctx, key("failed:", k), window)
		}
		_, err := p.Exec(ctx)
		for i, n := range all {
			counts[i] = int(n.Val())
		}
		return err
	})
	return counts, err
}

// Block implements [fiat.Failures].
func (s *Store) Block(ctx context.Context, name string, d time.Duration) error {
	return s.do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		return c.Set(ctx, key("blocked:", name), "", d).Err()
	})
}

// Blocked implements [fiat.Failures].
func (s *Store) Blocked(ctx context.Context, keys ...string) (longest time.Duration, err error) {
	err = s.do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		p := c.Pipeline()
		all := make([]*redis.DurationCmd, len(keys))
		for i, k := range keys {
			all[i] = p.PTTL(ctx, key("blocked:", k))
		}
		_, err := p.Exec(ctx)
		for _, left := range all {
			longest = max(longest, left.Val()) // negative when there is none
		}
		return err
	})
	return longest, err
}

// Forget implements [fiat.Failures].
func (s *Store) Forget(ctx context.Context, keys ...string) error {
	return s.do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		names := make([]string, len(keys))
		for i, k := range keys {
			names[i] = key("failed:", k)
		}
		return c.Del(ctx, names...).Err()
	})
}

// do runs an exchange. Its errors are not_found and unavailable.
func (s *Store) do(ctx context.Context, fn func(context.Context, redis.UniversalClient) error) error {
	err := s.conn.Do(ctx, fn)
	switch {
	case errors.Is(err, redis.Nil):
		return errOver()
	case err == nil, pipeline.CodeOf(err) == pipeline.CodeUnavailable:
		return err
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "Redis, which keeps the sessions of sign-ins, does not answer: try again.")
}

func errOver() error {
	return pipeline.Errorf(pipeline.CodeNotFound, "There is no such session: it is over, or was never there.")
}

func key(kind, id string) string {
	sum := sha256.Sum256([]byte(id))
	return prefix + kind + hex.EncodeToString(sum[:])
}
