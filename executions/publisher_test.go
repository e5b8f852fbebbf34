package executions_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// gate is a read model whose puts wait until it is opened, and that counts.
type gate struct {
	executions.ReadModel
	open chan struct{}
	mu   sync.Mutex
	last map[string]int64
	puts int
}

func newGate() *gate { return &gate{open: make(chan struct{}), last: map[string]int64{}} }

func (g *gate) Put(ctx context.Context, r executions.Record) (bool, error) {
	select {
	case <-g.open:
	case <-ctx.Done():
		return false, pipeline.Wrap(pipeline.CodeUnavailable, ctx.Err(), "Too late.")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.puts++
	g.last[r.Execution.ID] = max(g.last[r.Execution.ID], r.Sequence)
	return true, nil
}

func TestPublisherKeepsOnlyTheLatest(t *testing.T) {
	t.Parallel()
	model := newGate()
	p := executions.NewPublisher(model, slog.New(slog.DiscardHandler))
	const many, states = 100, 50
	begin := time.Now()
	for s := range states {
		for i := range many {
			p.Publish(executions.Record{Execution: &pipeline.Execution{ID: fmt.Sprint(i)}, Sequence: int64(s)})
		}
	}
	p.Publish(executions.Record{Execution: &pipeline.Execution{ID: "0"}, Sequence: 2}) // late
	p.Publish(executions.Record{})                                                     // nothing
	require.Less(t, time.Since(begin), patience, "publishing does not wait for the model")
	close(model.open)
	require.NoError(t, p.Close(t.Context()))
	require.Len(t, model.last, many)
	for id, sequence := range model.last {
		require.Equal(t, int64(states-1), sequence, id)
	}
	require.LessOrEqual(t, model.puts, 2*many, "older states are skipped")
	p.Publish(executions.Record{Execution: &pipeline.Execution{ID: "late"}})
	require.NotContains(t, model.last, "late")
	require.NoError(t, p.Close(t.Context()), "closing again")
}

func TestPublisherGivesUpTheOldest(t *testing.T) {
	t.Parallel()
	model := newGate()
	p := executions.NewPublisher(model, slog.New(slog.DiscardHandler))
	const more, most = 12_000, 10_000 + 4 // and those with a writer
	for i := range more {
		p.Publish(executions.Record{Execution: &pipeline.Execution{ID: fmt.Sprint(i)}})
	}
	close(model.open)
	require.NoError(t, p.Close(t.Context()))
	require.LessOrEqual(t, len(model.last), most)
	require.GreaterOrEqual(t, len(model.last), 10_000)
	for i := more - 10_000; i < more; i++ {
		_, kept := model.last[fmt.Sprint(i)]
		require.True(t, kept, "the newest stay: %d", i)
	}
}

func TestPublisherClosesInTime(t *testing.T) {
	t.Parallel()
	p := executions.NewPublisher(newGate(), slog.New(slog.DiscardHandler)) // never opens
	for i := range 10 {
		p.Publish(executions.Record{Execution: &pipeline.Execution{ID: fmt.Sprint(i)}})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := p.Close(ctx)
	requireCode(t, pipeline.CodeUnavailable, err)
	require.ErrorContains(t, err, "10 executions")
}

func TestPublisherWaitsForRedis(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	w := newWorld(t, redismodel.Config{Address: server.Address, Timeout: time.Second})
	p := executions.NewPublisher(w.model, slog.New(slog.DiscardHandler))
	server.Kill()
	all := make([]*pipeline.Execution, 30)
	for i := range all {
		all[i] = w.execution("a", pipeline.Running)
		for s := range 10 {
			p.Publish(executionstest.Record(all[i], int64(s)))
		}
	}
	server.Restart(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, p.Close(ctx))
	for _, e := range all {
		r, err := w.model.Get(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, int64(9), r.Sequence)
	}
}

func TestPublisherPassesOverWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	p := executions.NewPublisher(w.model, slog.New(slog.DiscardHandler))
	broken, whole := w.execution("a", pipeline.Running), w.execution("a", pipeline.Running)
	broken.Stages[0].Outputs["ratio"] = math.NaN()
	p.Publish(w.record(broken, 1))
	p.Publish(w.record(whole, 1))
	require.NoError(t, p.Close(t.Context()))
	_, err := w.model.Get(t.Context(), whole.ID)
	require.NoError(t, err)
	_, err = w.model.Get(t.Context(), broken.ID)
	requireCode(t, pipeline.CodeNotFound, err)
}
