// Package telemetry counts and traces what a process does: metrics for
// Prometheus and traces for OpenTelemetry.
//
// No label names an application, a pipeline, an execution or a person: the number
// of series is bounded by the program, not by its users.
package telemetry

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	temporalotel "go.temporal.io/sdk/contrib/opentelemetry"
)

// Config says where metrics are offered. The tags make it a group of command line
// flags and environment variables.
type Config struct {
	// Address is where /metrics is served, on a listener of its own; empty offers
	// none.
	Address string `help:"Address on which /metrics is offered to Prometheus; empty offers none. Nobody is asked who he is there." placeholder:"HOST:PORT"`
}

// LatencyBuckets are the bounds, in seconds, of histograms of calls.
var LatencyBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// workBuckets are those of what takes from milliseconds to days.
var workBuckets = []float64{.01, .1, .5, 1, 5, 15, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600}

// Metrics are those of one process.
type Metrics struct {
	registry *prometheus.Registry
	temporal client.MetricsHandler
	redis    redisMetrics
	stores   storeMetrics
}

// NewMetrics returns the metrics of a process of a version. It fails when metrics
// contradict each other, which is a fault of the program.
func NewMetrics(version string, log *slog.Logger) (*Metrics, error) {
	m := &Metrics{registry: prometheus.NewRegistry()}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "gennaker_build_info", Help: "Always 1; the label says which version runs."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.redis, m.stores = newRedisMetrics(), newStoreMetrics()
	for _, c := range append([]prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build,
	}, append(m.redis.all(), m.stores.all()...)...) {
		if err := m.registry.Register(c); err != nil {
			return nil, err
		}
	}
	// Temporal's library tells OpenTelemetry what it counts.
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(m.registry), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, err
	}
	provider := metric.NewMeterProvider(metric.WithReader(exporter), metric.WithView(view))
	m.temporal = temporalotel.NewMetricsHandler(temporalotel.MetricsHandlerOptions{
		Meter: provider.Meter("temporal-sdk-go"), UseMonotonicCounters: true,
		OnError: func(err error) { log.Warn("a metric of Temporal's library is not counted", "error", err) },
	})
	return m, nil
}

// view gives what Temporal's library counts its words and its bounds: it names
// neither.
func view(i metric.Instrument) (metric.Stream, bool) {
	s := metric.Stream{Name: i.Name, Description: i.Description, Unit: i.Unit}
	if own, ok := workHelp[i.Name]; ok {
		s.Description = own
	}
	if s.Description == "" {
		s.Description = "As Temporal's SDK metrics reference describes it."
	}
	if i.Kind == metric.InstrumentKindHistogram {
		bounds := LatencyBuckets
		if _, ok := workHelp[i.Name]; ok {
			bounds = workBuckets
		}
		s.Aggregation = metric.AggregationExplicitBucketHistogram{Boundaries: bounds}
	}
	return s, true
}

// workHelp are the words of what workflows count, through Temporal's library,
// which does not count again what it replays; see workflows/metrics.go.
var workHelp = map[string]string{
	"gennaker_executions_started": "Executions that began to run; a restart counts again.",
	"gennaker_executions_ended":   "Executions that ended, by status.",
	"gennaker_execution_duration": "Time from an execution's start to its end, by status.",
	"gennaker_stage_duration":     "Time from a stage's start to its end, by type and status.",
}

// Registry takes further metrics of the process.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Temporal is what a Temporal client counts with.
func (m *Metrics) Temporal() client.MetricsHandler { return m.temporal }

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Registry: m.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second, EnableOpenMetrics: true,
	}))
	return mux
}
