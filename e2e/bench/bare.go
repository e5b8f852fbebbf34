package main

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"
)

const (
	bareQueue = "bench"
	// steps is the length of the sequences that are compared.
	steps = 10
	// crowd is how many clients are busy at once in the crowded rows.
	crowd = 20
)

// atOnce is a workflow that does nothing: its time is one round trip of start,
// first workflow task and end.
func atOnce(workflow.Context) error { return nil }

// sequence runs activities that do nothing one after another.
func sequence(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	for range steps {
		if err := workflow.ExecuteActivity(ctx, nothing).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// once runs one activity.
func once(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	return workflow.ExecuteActivity(ctx, nothing).Get(ctx, nil)
}

func nothing(context.Context) error { return nil }

// reference are the medians of bare Temporal, which other rows compare with; in
// milliseconds.
type reference struct{ roundTrip, one, tenByOne, tenByCrowd float64 }

// bareWorker starts a worker with the product's own settings.
func (b *bench) bareWorker() (worker.Worker, error) {
	w := worker.New(b.Temporal, bareQueue, worker.Options{
		MaxConcurrentActivityTaskPollers: 8, MaxConcurrentWorkflowTaskPollers: 8,
	})
	w.RegisterWorkflow(atOnce)
	w.RegisterWorkflow(once)
	w.RegisterWorkflow(sequence)
	w.RegisterActivity(nothing)
	return w, w.Start()
}

// bare measures Temporal itself.
func (b *bench) bare(ctx context.Context) error {
	w, err := b.bareWorker()
	if err != nil {
		return err
	}
	defer w.Stop()
	for _, r := range []struct {
		name string
		flow any
		into *float64
	}{
		{"bare Temporal: a workflow that ends at once", atOnce, &b.reference.roundTrip},
		{"bare Temporal: 1 activity, 1 client", once, &b.reference.one},
		{"bare Temporal: 10 activities in a row, 1 client", sequence, &b.reference.tenByOne},
	} {
		values, err := repeat(b.runs, func() (float64, error) { return b.runBare(ctx, r.flow) })
		if err != nil {
			return err
		}
		row := series(r.name, "ms", values)
		*r.into = row.Value
		b.rows = append(b.rows, row)
	}
	began := time.Now()
	values, err := together(func() (float64, error) { return b.runBare(ctx, sequence) })
	if err != nil {
		return err
	}
	speed := float64(len(values)*steps) / time.Since(began).Seconds()
	crowded := series("bare Temporal: 10 activities in a row, 20 clients", "ms", values)
	b.reference.tenByCrowd = crowded.Value
	b.rows = append(b.rows, crowded, series("bare Temporal: activities per second, 20 clients", "1/s", []float64{speed}))
	return nil
}

func (b *bench) runBare(ctx context.Context, flow any) (float64, error) {
	began := time.Now()
	started, err := b.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: bareQueue}, flow)
	if err != nil {
		return 0, err
	}
	if err := started.Get(ctx, nil); err != nil {
		return 0, err
	}
	return millis(time.Since(began)), nil
}

// together lets a crowd measure at the same time, five times each.
func together(measure func() (float64, error)) ([]float64, error) {
	const rounds = 5
	values := make([]float64, crowd*rounds)
	var next atomic.Int64
	var group errgroup.Group
	for range crowd {
		group.Go(func() error {
			for range rounds {
				v, err := measure()
				if err != nil {
					return err
				}
				values[next.Add(1)-1] = v
			}
			return nil
		})
	}
	return values, group.Wait()
}
