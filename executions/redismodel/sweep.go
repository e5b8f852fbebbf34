package redismodel

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// sweepAlways sweeps until ctx ends; of the processes on one Redis, one at a
// time.
func (m *Model) sweepAlways(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := m.breaker.do(ctx, func(ctx context.Context) error {
			return m.client.SetArgs(ctx, prefix+"sweep", "1", redis.SetArgs{Mode: "NX", TTL: sweepEvery / 2}).Err()
		})
		if err == nil {
			err = m.Sweep(ctx)
		}
		if err != nil && !errors.Is(err, redis.Nil) && ctx.Err() == nil {
			m.logger.WarnContext(ctx, "old executions could not be let go from Redis", "error", err)
		}
	}
}

// Sweep lets go everything that is over its age or number, also of pipelines
// that run no more; those that run are trimmed as they end.
func (m *Model) Sweep(ctx context.Context) error {
	var groups []string
	err := m.breaker.do(ctx, func(ctx context.Context) (err error) {
		groups, err = m.client.SMembers(ctx, prefix+"groups").Result()
		return err
	})
	if err != nil {
		return err
	}
	for _, group := range groups {
		for gone := 1; gone > 0; {
			err := m.breaker.do(ctx, func(ctx context.Context) (err error) {
				gone, err = trimScript.Run(ctx, m.client, nil, prefix, group, m.cap, keepAlways, m.oldest()).Int()
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
