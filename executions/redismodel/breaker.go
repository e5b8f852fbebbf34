package redismodel

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gennaker/gennaker/pipeline"
)

// Pauses between looks at a Redis that is away.
const (
	minProbePause = 50 * time.Millisecond
	maxProbePause = time.Second
)

// breaker keeps callers from waiting for a Redis that is known to be away: the
// first failure opens it, and it closes when a ping in the background succeeds.
type breaker struct {
	client  redis.UniversalClient
	timeout time.Duration
	logger  *slog.Logger
	stop    chan struct{}
	probes  sync.WaitGroup

	mu     sync.Mutex
	away   error
	closed bool
}

// do runs one exchange with Redis. Its error is redis.Nil or unavailable.
func (b *breaker) do(ctx context.Context, fn func(context.Context) error) error {
	if away := b.isAway(); away != nil {
		return pipeline.Wrap(pipeline.CodeUnavailable, away, "Redis is away.")
	}
	bounded, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	err := fn(bounded)
	if err == nil || errors.Is(err, redis.Nil) {
		return err
	}
	var reply redis.Error
	switch {
	case ctx.Err() != nil: // the caller gave up
	case errors.As(err, &reply): // Redis is there and refuses
	default:
		b.open(err)
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "Redis does not answer.")
}

func (b *breaker) isAway() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.away
}

func (b *breaker) open(cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away != nil || b.closed {
		return
	}
	b.away = cause
	b.logger.Warn("Redis is away: reads go to the owners of executions, slower", "error", cause)
	b.probes.Go(b.probe)
}

// probe pings until Redis answers.
func (b *breaker) probe() {
	since := time.Now()
	for pause := minProbePause; ; pause = min(2*pause, maxProbePause) {
		select {
		case <-b.stop:
			return
		case <-time.After(pause):
		}
		ctx, cancel := context.WithTimeout(context.Background(), b.timeout) //nolint:forbidigo // the probe belongs to no call
		err := b.client.Ping(ctx).Err()
		cancel()
		var reply redis.Error
		if err == nil || errors.As(err, &reply) && !redis.IsLoadingError(err) {
			break
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = nil
	b.logger.Info("Redis is back", "away", time.Since(since).Round(time.Millisecond))
}

// close ends the probe.
func (b *breaker) close() {
	b.mu.Lock()
	b.closed = true
	close(b.stop)
	b.mu.Unlock()
	b.probes.Wait()
}
