package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.temporal.io/sdk/client"
	temporalotel "go.temporal.io/sdk/contrib/opentelemetry"
)

// Propagator is how callers and Temporal's headers name a trace: as the W3C says.
func Propagator() propagation.TextMapPropagator { return propagation.TraceContext{} }

// Traces are those of one process. The zero value traces nothing.
type Traces struct {
	provider *sdktrace.TracerProvider // nil traces nothing
}

// NewTraces returns the traces that OpenTelemetry's environment variables ask
// for, or none: OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)
// turns them on, OTEL_EXPORTER_OTLP_PROTOCOL (grpc, which is the default, or
// http/protobuf), OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER and the others are
// heeded; OTEL_SDK_DISABLED and OTEL_TRACES_EXPORTER=none turn them off. It calls
// nobody: a collector that is away costs spans, and nothing else.
func NewTraces(ctx context.Context, version string, log *slog.Logger) (*Traces, error) {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" ||
		first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return &Traces{}, nil
	}
	exporter, err := newExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("gennaker"), semconv.ServiceVersion(version)),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: what OTEL_RESOURCE_ATTRIBUTES says cannot be used: %w", err)
	}
	otel.SetErrorHandler(complaints(log))
	return &Traces{provider: sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))}, nil
}

// complainEvery is how often a collector that is away is told of.
const complainEvery = time.Minute

// complaints logs what the library has to complain of, not with every batch.
func complaints(log *slog.Logger) otel.ErrorHandlerFunc {
	var last atomic.Int64
	return func(err error) {
		now := time.Now().UnixNano()
		if before := last.Load(); now-before >= int64(complainEvery) && last.CompareAndSwap(before, now) {
			log.Warn("traces are not delivered", "error", err)
		}
	}
}

func newExporter(ctx context.Context) (*otlptrace.Exporter, error) {
	switch protocol := first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); protocol {
	case "", "grpc":
		return otlptracegrpc.New(ctx)
	case "http/protobuf":
		return otlptracehttp.New(ctx)
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: use grpc or http/protobuf", protocol)
	}
}

// first returns the first variable that is set.
func first(names ...string) string {
	for _, name := range names {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// On reports whether anything is traced.
func (t *Traces) On() bool { return t.provider != nil }

// Tracer returns the tracer of a part of the program.
func (t *Traces) Tracer(name string) trace.Tracer {
	if t.provider == nil {
		return noop.NewTracerProvider().Tracer(name)
	}
	return t.provider.Tracer(name)
}

// Temporal makes a client of Temporal, and the workers on it, carry traces from
// who starts a workflow through it to its activities. They travel in headers
// alone: what a workflow commands, and with it every history, stays what it is.
func (t *Traces) Temporal(o *client.Options) error {
	if t.provider == nil {
		return nil
	}
	i, err := temporalotel.NewTracingInterceptor(temporalotel.TracerOptions{
		Tracer: t.Tracer("temporal"), TextMapPropagator: Propagator(),
		DisableQueryTracing: true, // readers ask all day
		DisableBaggage:      true,
		// A header that another program wrote must not keep a workflow from running.
		AllowInvalidParentSpans: true,
	})
	if err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	o.Interceptors = append(o.Interceptors, i)
	return nil
}

// flushTimeout is how long the last spans may take to reach the collector.
const flushTimeout = 2 * time.Second

// Close delivers what waits.
func (t *Traces) Close(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // a collector that is away is no failure of ours
	return nil
}
