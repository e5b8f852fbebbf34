package redismodel

import "context"

// Ping reports whether Redis answers; unavailable when it does not.
func (m *Model) Ping(ctx context.Context) error {
	return m.breaker.do(ctx, func(ctx context.Context) error { return m.client.Ping(ctx).Err() })
}
