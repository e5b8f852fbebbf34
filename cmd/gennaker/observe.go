package main

import (
	"context"
	"log/slog"

	"github.com/minio/minio-go/v7"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/telemetry"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// observed is what counts and traces a process's work.
type observed struct {
	metrics *telemetry.Metrics
	traces  *telemetry.Traces
}

// observe prepares both. Nothing is called.
func observe(ctx context.Context, log *slog.Logger) (observed, error) {
	metrics, err := telemetry.NewMetrics(versionText(), log)
	if err != nil {
		return observed{}, err
	}
	traces, err := telemetry.NewTraces(ctx, versionText(), log)
	return observed{metrics, traces}, err
}

// temporal makes a client of Temporal count and trace.
func (o observed) temporal(options *client.Options) error {
	options.MetricsHandler = o.metrics.Temporal()
	return o.traces.Temporal(options)
}

// tracer is Gate's; nil while nothing is traced, which costs nothing.
func (o observed) tracer() trace.Tracer {
	if !o.traces.On() {
		return nil
	}
	return o.traces.Tracer("gate")
}

// counted makes the clients of stores count.
func (o observed) counted(s stores) stores {
	s.ObjectStore.Around = o.metrics.ObjectStore
	return s
}

// serveMetrics offers the metrics on a listener of their own, if it is configured.
func (o observed) serveMetrics(ctx context.Context, g *errgroup.Group, c telemetry.Config, log *slog.Logger) error {
	if c.Address == "" {
		return nil
	}
	l, err := listen(ctx, "The metrics", c.Address)
	if err != nil {
		return err
	}
	g.Go(func() error { return serve(ctx, l, o.metrics.Handler()) })
	log.Info("metrics are offered", "address", l.Addr())
	return nil
}

// archiveHealth reports whether finished executions can be read and written.
func (o *opened) archiveHealth(bucket *minio.Client, name string) func(context.Context) error {
	writable := objectstore.NewProbe(bucket, name)
	return func(ctx context.Context) error {
		if err := writable.Check(ctx); err != nil {
			return pipeline.Wrap(pipeline.CodeUnavailable, err, "The bucket %s cannot be written: configuration cannot be saved, and executions that end wait.", name)
		}
		return nil
	}
}

// workersHealth reports whether anybody takes the executions that are started.
func (o *opened) workersHealth(ctx context.Context) error {
	served, err := o.engine.Served(ctx, workflows.OrcaQueue)
	switch {
	case err != nil:
		return err
	case !served:
		return pipeline.Errorf(pipeline.CodeUnavailable, "No worker polls the task queue %s: executions that are started wait until one does.", workflows.OrcaQueue)
	}
	return nil
}
