package telemetry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// redisMetrics are those of calls of Redis.
type redisMetrics struct {
	duration *prometheus.HistogramVec
	failures *prometheus.CounterVec
}

func newRedisMetrics() redisMetrics {
	return redisMetrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gennaker_redis_command_duration_seconds", Help: "Time that Redis took to answer, by command; several in one exchange are one pipeline.", Buckets: LatencyBuckets,
		}, []string{"command"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gennaker_redis_failures_total", Help: "Commands that Redis refused or did not answer.",
		}, []string{"command"}),
	}
}

func (m redisMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.duration, m.failures}
}

// Redis is a hook that counts the calls of a client of Redis.
func (m *Metrics) Redis() redis.Hook { return m.redis }

// DialHook implements redis.Hook.
func (m redisMetrics) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return next(ctx, network, address)
	}
}

// ProcessHook implements redis.Hook.
func (m redisMetrics) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmd)
		m.observe(cmd.Name(), began, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (m redisMetrics) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmds)
		m.observe("pipeline", began, err)
		return err
	}
}

// observe counts one call. A script that Redis does not hold yet is sent whole
// next, which is no failure.
func (m redisMetrics) observe(command string, began time.Time, err error) {
	m.duration.WithLabelValues(command).Observe(time.Since(began).Seconds())
	if err != nil && !errors.Is(err, redis.Nil) && !errors.Is(err, context.Canceled) && !redis.HasErrorPrefix(err, "NOSCRIPT") {
		m.failures.WithLabelValues(command).Inc()
	}
}

// storeMetrics are those of calls of the object store.
type storeMetrics struct {
	duration *prometheus.HistogramVec
	requests *prometheus.CounterVec
}

func newStoreMetrics() storeMetrics {
	return storeMetrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gennaker_object_store_request_duration_seconds", Help: "Time to the head of the object store's answer, by method.", Buckets: LatencyBuckets,
		}, []string{"method"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gennaker_object_store_requests_total", Help: "Requests to the object store, by method and status; the status of a request without an answer is error.",
		}, []string{"method", "status"}),
	}
}

func (m storeMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.duration, m.requests}
}

// ObjectStore counts what goes through a transport to the object store.
func (m *Metrics) ObjectStore(next http.RoundTripper) http.RoundTripper {
	return counted{m.stores, next}
}

type counted struct {
	metrics storeMetrics
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c counted) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	answer, err := c.next.RoundTrip(r)
	c.metrics.duration.WithLabelValues(r.Method).Observe(time.Since(began).Seconds())
	status := "error"
	if err == nil {
		status = strconv.Itoa(answer.StatusCode)
	}
	c.metrics.requests.WithLabelValues(r.Method, status).Inc()
	return answer, err
}
