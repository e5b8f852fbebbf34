package redismodel

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Do runs one exchange with the model's Redis for another room that keeps copies
// there under keys of its own. It returns redis.Nil, or unavailable when Redis
// is away, which is known without waiting.
func (m *Model) Do(ctx context.Context, fn func(context.Context, redis.UniversalClient) error) error {
	return m.breaker.do(ctx, func(ctx context.Context) error { return fn(ctx, m.client) })
}
