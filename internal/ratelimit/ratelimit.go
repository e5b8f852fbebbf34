// Package ratelimit keeps token buckets in Redis, one for each key, which all
// processes on that Redis share. What is there may be lost at any moment: a
// bucket that is lost is full.
package ratelimit

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const prefix = "gennaker:rate:"

// Redis runs one exchange with a Redis; redismodel.Model is one.
type Redis interface {
	Do(ctx context.Context, fn func(context.Context, redis.UniversalClient) error) error
}

// Limiter takes tokens.
type Limiter struct {
	redis Redis
	// timeout is how long Redis may take.
	timeout time.Duration
}

// New returns a limiter that waits so long for Redis and no longer.
func New(r Redis, timeout time.Duration) *Limiter { return &Limiter{r, timeout} }

// takeScript refills a bucket by the time that passed and takes a token, if there
// is one. The clock is Redis's own, so that processes with other clocks agree. It
// returns whether the token was there, how many whole tokens are left, and in how
// many milliseconds the bucket is full, and has its next token.
var takeScript = redis.NewScript(`
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(bucket[1]) or burst, tonumber(bucket[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate / 1000)
local taken = 0
if tokens >= 1 then
  tokens = tokens - 1
  taken = 1
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%d', now))
local full = math.ceil((burst - tokens) * 1000 / rate)
redis.call('PEXPIRE', KEYS[1], full + 1000)
local next = 0
if tokens < 1 then next = math.ceil((1 - tokens) * 1000 / rate) end
return {taken, math.floor(tokens), full, next}
`)

// Taken is the outcome for one request.
type Taken struct {
	// OK is set when there was a token.
	OK bool
	// Remaining are the whole tokens left.
	Remaining int
	// Full is the time until the bucket is full again, Next that until it has a
	// token; 0 when it has one.
	Full, Next time.Duration
}

// Take takes a token from the bucket of a key, which gains rate tokens a second
// and holds burst of them. It fails when Redis does not answer in time.
func (l *Limiter) Take(ctx context.Context, key string, rate float64, burst int) (Taken, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	var answer []int64
	err := l.redis.Do(ctx, func(ctx context.Context, client redis.UniversalClient) (err error) {
		answer, err = takeScript.Run(ctx, client, []string{prefix + key}, strconv.FormatFloat(rate, 'f', -1, 64), burst).Int64Slice()
		return err
	})
	if err != nil {
		return Taken{}, err
	}
	const fields = 4
	if len(answer) != fields {
		return Taken{}, fmt.Errorf("the rate limit script answered %d values", len(answer))
	}
	return Taken{
		OK: answer[0] == 1, Remaining: int(answer[1]),
		Full: time.Duration(answer[2]) * time.Millisecond, Next: time.Duration(answer[3]) * time.Millisecond,
	}, nil
}
