package gate

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meters are what Gate counts. Routes are those of the table, so that the number
// of series does not grow with what people ask for.
type meters struct {
	requests       *prometheus.CounterVec
	duration       *prometheus.HistogramVec
	streams        prometheus.Gauge
	events         prometheus.Counter
	limitDecisions *prometheus.CounterVec
	limitFailures  prometheus.Counter
}

// requestBuckets are the bounds, in seconds, of the time that requests take.
var requestBuckets = []float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

func newMeters(registry prometheus.Registerer) (meters, error) {
	m := meters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gennaker_http_requests_total", Help: "Requests that Gate answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gennaker_http_request_duration_seconds", Help: "Time to Gate's whole answer, by route and method; event streams are left out.", Buckets: requestBuckets,
		}, []string{"route", "method"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "gennaker_http_streams", Help: "Event streams that are open."}),
		events:  prometheus.NewCounter(prometheus.CounterOpts{Name: "gennaker_http_stream_events_total", Help: "Events sent to all clients of event streams."}),
		limitDecisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gennaker_rate_limit_decisions_total", Help: "Requests measured against a rate limit: allowed, refused, or would_refuse while limits are being learnt.",
		}, []string{"decision"}),
		limitFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gennaker_rate_limit_failures_total", Help: "Requests that passed unmeasured because Redis did not answer in time.",
		}),
	}
	if registry == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.streams, m.events, m.limitDecisions, m.limitFailures} {
		if err := registry.Register(c); err != nil {
			return m, err
		}
	}
	return m, nil
}

// count counts one answer.
func (m meters) count(rt *route, method string, status int, started time.Time) {
	name, method := rt.label(), knownMethod(method)
	m.requests.WithLabelValues(name, method, strconv.Itoa(status)).Inc()
	if !rt.Stream {
		m.duration.WithLabelValues(name, method).Observe(time.Since(started).Seconds())
	}
}

// label names a route in metrics and traces.
func (rt *route) label() string {
	if rt.Method == "" {
		return "none" // what no route serves
	}
	return rt.Path
}

// knownMethod keeps what clients invent out of labels.
func knownMethod(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return method
	}
	return "other"
}
