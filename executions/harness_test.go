package executions_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/executions/memarchive"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	patience = 15 * time.Second
	glance   = 10 * time.Millisecond
)

// workflows plays the owner: what Temporal would answer.
type workflows struct {
	mu     sync.Mutex
	all    map[string]executions.Record
	down   bool
	mutes  map[string]bool
	loads  map[string]int
	closed map[string]pipeline.Millis
	// lists counts lists of what runs, which wait for until.
	lists int
	until <-chan struct{}
}

func (w *workflows) set(r executions.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all[r.Execution.ID] = r
}

// close ends a workflow at the state it has.
func (w *workflows) close(id string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.all[id]
	w.closed[id] = pipeline.ToMillis(at)
	r.Closed = true
	w.all[id] = r
}

func (w *workflows) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, id)
}

func (w *workflows) setDown(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// mute lets a workflow run and not answer.
func (w *workflows) mute(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mutes[id] = true
}

func (w *workflows) asked(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loads[id]
}

func (w *workflows) Load(_ context.Context, id string) (executions.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loads[id]++
	if w.down || w.mutes[id] {
		return executions.Record{}, pipeline.Errorf(pipeline.CodeUnavailable, "Temporal does not answer.")
	}
	r, ok := w.all[id]
	if !ok {
		return executions.Record{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no workflow %s.", id)
	}
	return r, nil
}

// slow makes lists of what runs wait until the channel is closed.
func (w *workflows) slow(until <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = until
}

// listed tells how often what runs was listed.
func (w *workflows) listed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lists
}

func (w *workflows) Running(ctx context.Context, application string) ([]string, error) {
	w.mu.Lock()
	w.lists++
	until := w.until
	w.mu.Unlock()
	if until != nil {
		select {
		case <-until:
		case <-ctx.Done():
			return nil, pipeline.Wrap(pipeline.CodeUnavailable, ctx.Err(), "Temporal does not answer.")
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "Temporal does not answer.")
	}
	var out []string
	for id, r := range w.all {
		if !r.Closed && (application == "" || strings.EqualFold(application, r.Execution.Application)) {
			out = append(out, id)
		}
	}
	return out, nil
}

func (w *workflows) Interrupted(_ context.Context, application string) ([]executions.Interruption, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []executions.Interruption
	for id, r := range w.all {
		if r.Closed && !r.Execution.Status.Complete() && strings.EqualFold(application, r.Execution.Application) {
			out = append(out, executions.Interruption{ID: id, At: w.closed[id]})
		}
	}
	return out, nil
}

// store is an archive that counts lists and can be away.
type store struct {
	executions.Archive
	lists atomic.Int64
	down  atomic.Bool
}

func (s *store) err() error {
	if s.down.Load() {
		return pipeline.Errorf(pipeline.CodeUnavailable, "The archive does not answer.")
	}
	return nil
}

func (s *store) Save(ctx context.Context, r executions.Record) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Archive.Save(ctx, r)
}

func (s *store) Load(ctx context.Context, id string) (executions.Record, error) {
	if err := s.err(); err != nil {
		return executions.Record{}, err
	}
	return s.Archive.Load(ctx, id)
}

func (s *store) Document(ctx context.Context, id string) (executions.Document, error) {
	if err := s.err(); err != nil {
		return executions.Document{}, err
	}
	return s.Archive.Document(ctx, id)
}

func (s *store) List(ctx context.Context, q executions.Query) ([]executions.Record, error) {
	s.lists.Add(1)
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.Archive.List(ctx, q)
}

func (s *store) Delete(ctx context.Context, id string) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Archive.Delete(ctx, id)
}

// world is a service with its three owners and a clock.
type world struct {
	*executions.Service
	t         *testing.T
	model     *redismodel.Model
	archive   *store
	workflows *workflows
	offset    atomic.Int64
}

func newWorld(t *testing.T, c redismodel.Config) *world {
	t.Helper()
	if c.Address == "" {
		c.Address = redismodel.EmbeddedAddress
	}
	if c.Timeout == 0 {
		c.Timeout = patience
	}
	model, err := redismodel.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, model.Close()) })
	w := &world{
		t: t, model: model,
		archive:   &store{Archive: memarchive.New()},
		workflows: &workflows{all: map[string]executions.Record{}, loads: map[string]int{}, mutes: map[string]bool{}, closed: map[string]pipeline.Millis{}},
	}
	w.Service = executions.NewService(w.model, w.archive, w.workflows, slog.New(slog.DiscardHandler), w.now)
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) }

func (w *world) pass(d time.Duration) { w.offset.Add(int64(d)) }

func (w *world) execution(config string, status pipeline.Status) *pipeline.Execution {
	return executionstest.Execution("app", config, status, pipeline.ToMillis(w.now()))
}

func (w *world) record(e *pipeline.Execution, sequence int64) executions.Record {
	return executions.Record{Execution: e, Sequence: sequence, PublishedAt: pipeline.ToMillis(w.now())}
}

// run starts an execution whose model may or may not hear of it.
func (w *world) run(config string, told bool) *pipeline.Execution {
	w.t.Helper()
	e := w.execution(config, pipeline.Running)
	w.workflows.set(w.record(e, 3))
	if told {
		w.put(w.record(e, 3))
	}
	return e
}

// finish ends an execution as its workflow does.
func (w *world) finish(e *pipeline.Execution, status pipeline.Status, sequence int64, told bool) *pipeline.Execution {
	w.t.Helper()
	e = executionstest.With(e, status)
	r := w.record(e, sequence)
	require.NoError(w.t, w.archive.Save(w.t.Context(), r))
	if told {
		r.Final = true
		w.put(r)
	}
	r.Final, r.Closed = false, true
	w.workflows.set(r)
	return e
}

func (w *world) put(r executions.Record) {
	w.t.Helper()
	stored, err := w.model.Put(w.t.Context(), r)
	require.NoError(w.t, err)
	require.True(w.t, stored)
}

// get returns a record that must be there.
func (w *world) get(id string) executions.Record {
	w.t.Helper()
	r, err := w.Get(w.t.Context(), id)
	require.NoError(w.t, err)
	return r
}

func (w *world) list(q executions.Query) []string {
	w.t.Helper()
	found, err := w.List(w.t.Context(), q)
	require.NoError(w.t, err)
	ids := make([]string, len(found))
	for i, e := range found {
		ids[i] = e.ID
	}
	return ids
}

func requireCode(t *testing.T, code pipeline.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, pipeline.CodeOf(err), "%v", err)
}
