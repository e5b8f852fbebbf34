// Package memarchive keeps finished executions in memory, for tests and for
// trying Gennaker out without an object store.
package memarchive

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

var _ executions.Archive = (*Archive)(nil)

// Archive is an archive in memory. It is safe for concurrent use.
type Archive struct {
	mu      sync.Mutex
	records map[string]executions.Record
	deleted map[string]bool
}

// New returns an empty archive.
func New() *Archive {
	return &Archive{records: map[string]executions.Record{}, deleted: map[string]bool{}}
}

// Save implements [executions.Archive].
func (a *Archive) Save(_ context.Context, r executions.Record) error {
	// What comes back must be what JSON keeps, as in the other rooms.
	b, err := json.Marshal(r.Execution)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "The execution %s cannot be written as JSON.", r.Execution.ID)
	}
	var e pipeline.Execution
	if err := json.Unmarshal(b, &e); err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "The execution %s cannot be read back from JSON.", r.Execution.ID)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.deleted[e.ID] || a.records[e.ID].Sequence > r.Sequence {
		return nil
	}
	a.records[e.ID] = executions.Record{Execution: &e, Sequence: r.Sequence, PublishedAt: r.PublishedAt, Final: true}
	return nil
}

// Load implements [executions.Archive].
func (a *Archive) Load(_ context.Context, id string) (executions.Record, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.deleted[id] {
		return executions.Record{}, pipeline.Wrap(pipeline.CodeNotFound, executions.ErrDeleted, "The execution %s was deleted.", id)
	}
	r, ok := a.records[id]
	if !ok {
		return executions.Record{}, pipeline.Errorf(pipeline.CodeNotFound, "The archive has no execution %s.", id)
	}
	return r, nil
}

// Document implements [executions.Archive].
func (a *Archive) Document(ctx context.Context, id string) (executions.Document, error) {
	r, err := a.Load(ctx, id)
	if err != nil {
		return executions.Document{}, err
	}
	e := r.Execution
	p, err := packed.Pack(e)
	if err != nil {
		return executions.Document{}, pipeline.Wrap(pipeline.CodeInternal, err, "The execution %s cannot be written as JSON.", id)
	}
	r.Execution = nil
	return executions.Document{Record: r, ID: id, Type: e.Type, Application: e.Application, Status: e.Status, Packed: string(p)}, nil
}

// List implements [executions.Archive].
func (a *Archive) List(_ context.Context, q executions.Query) ([]executions.Record, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	records := make([]executions.Record, 0, len(a.records))
	for _, r := range a.records {
		records = append(records, r)
	}
	return q.Apply(records), nil
}

// Delete implements [executions.Archive].
func (a *Archive) Delete(_ context.Context, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.records[id]; ok {
		delete(a.records, id)
		a.deleted[id] = true
	}
	return nil
}
