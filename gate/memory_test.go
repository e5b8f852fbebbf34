package gate_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// memory is an execution service in memory, by the rules of gate.Executions.
type memory struct {
	mu       sync.Mutex
	records  map[string]executions.Record
	deleted  map[string]bool
	watchers map[chan executions.Event]executions.Topic
	fail     error
	// changes is every change so far; a position is the number of those before it.
	changes []executions.Change
	// oldest is the first position that is still known.
	oldest int
}

func newMemory() *memory {
	return &memory{records: map[string]executions.Record{}, deleted: map[string]bool{}, watchers: map[chan executions.Event]executions.Topic{}}
}

func (m *memory) Get(_ context.Context, id string) (executions.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return executions.Record{}, m.fail
	}
	if m.deleted[id] {
		return executions.Record{}, pipeline.Wrap(pipeline.CodeNotFound, executions.ErrDeleted, "The execution %s was deleted.", id)
	}
	r, ok := m.records[id]
	if !ok {
		return r, pipeline.Errorf(pipeline.CodeNotFound, "no execution %s", id)
	}
	return r, nil
}

func (m *memory) List(_ context.Context, q executions.Query) ([]*pipeline.Execution, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	var all []executions.Record
	for _, r := range m.records {
		all = append(all, r)
	}
	out := []*pipeline.Execution{}
	for _, r := range q.Apply(all) {
		out = append(out, r.Execution)
	}
	return out, nil
}

func (m *memory) Put(_ context.Context, r executions.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	whole(r.Execution)
	if old, ok := m.records[r.Execution.ID]; m.fail != nil || ok && old.Sequence > r.Sequence {
		return
	}
	m.records[r.Execution.ID] = r
	m.tell(r.Execution.Application, executions.Event{Record: r, ID: r.Execution.ID})
}

func (m *memory) Delete(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.records[id]; ok {
		delete(m.records, id)
		m.deleted[id] = true
		m.tell(r.Execution.Application, executions.Event{Deleted: true, ID: id})
	}
	return nil
}

func (m *memory) tell(application string, e executions.Event) {
	m.changes = append(m.changes, executions.Change{ID: e.ID, Application: application, Deleted: e.Deleted})
	e.Application, e.Position = application, m.position()
	for ch, t := range m.watchers {
		if concerns(t, e.ID, application) {
			if t.Summary && e.Record.Execution != nil {
				e.Record.Execution = e.Record.Execution.Summary()
			}
			ch <- e
		}
	}
}

// position is the present one. The lock is held.
func (m *memory) position() string { return "1-" + strconv.Itoa(len(m.changes)) }

func concerns(t executions.Topic, id, application string) bool {
	return t.All || t.Execution == id || strings.EqualFold(t.Application, application)
}

func (m *memory) Since(_ context.Context, t executions.Topic, after string) ([]executions.Event, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, false, m.fail
	}
	number, found := strings.CutPrefix(after, "1-")
	from, err := strconv.Atoi(number)
	if !found || err != nil || from < m.oldest || from > len(m.changes) {
		return nil, false, nil
	}
	var out []executions.Event
	for i, c := range m.changes[from:] {
		again := slices.ContainsFunc(m.changes[from+i+1:], func(o executions.Change) bool { return o.ID == c.ID })
		if again || !concerns(t, c.ID, c.Application) {
			continue
		}
		e := executions.Event{ID: c.ID, Application: c.Application, Deleted: c.Deleted}
		if r, ok := m.records[c.ID]; ok && !c.Deleted {
			e.Record = r
			if t.Summary {
				e.Record.Execution = r.Execution.Summary()
			}
		} else {
			e.Deleted = true
		}
		out = append(out, e)
	}
	return append(out, executions.Event{Synced: true, Position: m.position()}), true, nil
}

func (m *memory) Watch(ctx context.Context, t executions.Topic) (<-chan executions.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	ch := make(chan executions.Event, 100)
	m.watchers[ch] = t
	for id, r := range m.records {
		if id == t.Execution || t.Execution == "" && concerns(t, id, r.Execution.Application) && !r.Execution.Status.Complete() {
			if t.Summary {
				r.Execution = r.Execution.Summary()
			}
			ch <- executions.Event{Record: r, ID: id, Application: r.Execution.Application}
		}
	}
	if t.Positions {
		ch <- executions.Event{Synced: true, Position: m.position()}
	}
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, ch)
		close(ch)
	})
	return ch, nil
}

func (m *memory) watching() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.watchers)
}

// whole gives an execution the lists and words that every real one has.
func whole(x *pipeline.Execution) {
	if x.Stages == nil {
		x.Stages = []*pipeline.Stage{}
	}
	if x.Notifications == nil {
		x.Notifications = []pipeline.Map{}
	}
	if x.SystemNotifications == nil {
		x.SystemNotifications = []pipeline.Map{}
	}
	if x.Authentication.AllowedAccounts == nil {
		x.Authentication.AllowedAccounts = []string{}
	}
	for _, s := range x.Stages {
		if s.Status == "" {
			s.Status = pipeline.NotStarted
		}
		if s.RequisiteStageRefIDs == nil {
			s.RequisiteStageRefIDs = []string{}
		}
		if s.Tasks == nil {
			s.Tasks = []*pipeline.Task{}
		}
		for _, t := range s.Tasks {
			if t.Status == "" {
				t.Status = pipeline.NotStarted
			}
		}
	}
}
