package redismodel

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gennaker/gennaker/executions"
)

// watchPause is the pause before another try with a Redis that is away.
const watchPause = 200 * time.Millisecond

// watch follows one topic. The feed notes which executions changed; the sender
// reads their present state when the reader is ready for it. So a slow reader skips
// states but always gets the latest, and the notes are bounded by the number of
// executions.
type watch struct {
	model *Model
	topic executions.Topic
	out   chan executions.Event

	mu sync.Mutex
	// order lists executions in the order of their first unseen change, noted what
	// is known of each.
	order  []string
	noted  map[string]change
	resync bool
	wake   chan struct{}

	// sent holds what was last sent of each unfinished execution. Only the
	// sender uses it.
	sent map[string]string
}

// change is a change with its position in the log. Of several that were not seen
// yet the position is the first one's: a reader that goes on from there misses
// none of the changes of others that lie between them.
type change struct {
	executions.Change
	position string
}

// Watch implements [executions.ReadModel].
func (m *Model) Watch(ctx context.Context, t executions.Topic) (<-chan executions.Event, error) {
	if t.Execution == "" && t.Application == "" && !t.All {
		return nil, unnamed()
	}
	w := &watch{
		model: m, topic: t, out: make(chan executions.Event),
		noted: map[string]change{}, wake: make(chan struct{}, 1), sent: map[string]string{},
	}
	if err := m.feed.add(ctx, w); err != nil {
		return nil, err
	}
	w.noteAll()
	go func() {
		defer m.feed.remove(w)
		w.send(ctx)
	}()
	return w.out, nil
}

// note notes a change behind those that wait.
func (w *watch) note(c change) {
	w.mu.Lock()
	if before, waiting := w.noted[c.ID]; waiting {
		c.position = before.position
	} else {
		w.order = append(w.order, c.ID)
	}
	w.noted[c.ID] = c
	w.mu.Unlock()
	w.signal()
}

// again puts a change that could not be told before those that wait.
func (w *watch) again(c change) {
	w.mu.Lock()
	if later, waiting := w.noted[c.ID]; waiting {
		later.position = c.position
		c = later
		w.order = slices.DeleteFunc(w.order, func(id string) bool { return id == c.ID })
	}
	w.order = slices.Insert(w.order, 0, c.ID)
	w.noted[c.ID] = c
	w.mu.Unlock()
	w.signal()
}

func (w *watch) noteAll() {
	w.mu.Lock()
	w.resync = true
	w.mu.Unlock()
	w.signal()
}

func (w *watch) signal() {
	select {
	case w.wake <- struct{}{}:
	default: // already awake
	}
}

// next waits for work: one change, or a look at all that is watched.
func (w *watch) next(ctx context.Context) (c change, resync, ok bool) {
	for {
		w.mu.Lock()
		switch {
		case w.resync:
			w.resync = false
			w.mu.Unlock()
			return change{}, true, true
		case len(w.order) > 0:
			c = w.noted[w.order[0]]
			w.order = w.order[1:]
			delete(w.noted, c.ID)
			w.mu.Unlock()
			return c, false, true
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return change{}, false, false
		case <-w.wake:
		}
	}
}

func (w *watch) send(ctx context.Context) {
	defer close(w.out)
	for {
		c, resync, ok := w.next(ctx)
		var err error
		switch {
		case !ok:
			return
		case resync:
			if err = w.sendAll(ctx); err != nil {
				w.noteAll()
			}
		case c.Deleted:
			delete(w.sent, c.ID)
			w.deliver(ctx, executions.Event{Deleted: true, ID: c.ID, Application: c.Application, Position: c.position})
		default:
			if err = w.sendOne(ctx, c.ID, c.position); err != nil {
				w.again(c)
			}
		}
		if err != nil {
			pause(ctx)
		}
	}
}

// sendAll notes everything whose present state the reader should have.
func (w *watch) sendAll(ctx context.Context) error {
	if w.topic.Execution != "" {
		return w.sendOne(ctx, w.topic.Execution, "")
	}
	records, err := w.model.List(ctx, executions.Query{
		Application: w.topic.Application, Statuses: executions.Unfinished(), Summary: true,
	})
	if err != nil {
		return err
	}
	ids := map[string]bool{}
	for id := range w.sent { // they may have ended unseen
		ids[id] = true
	}
	for _, r := range records {
		delete(ids, r.Execution.ID)
		if err := w.sendOne(ctx, r.Execution.ID, ""); err != nil {
			return err
		}
	}
	for id := range ids {
		if err := w.sendOne(ctx, id, ""); err != nil {
			return err
		}
	}
	return nil
}

// sendOne sends the present state of an execution unless it was sent already.
func (w *watch) sendOne(ctx context.Context, id, position string) error {
	form, decode := "full", w.model.decode
	if w.topic.Summary {
		form, decode = "summary", w.model.decodeSummary
	}
	values, err := w.model.fields(ctx, id, recordFields(form))
	if err != nil {
		return err
	}
	r, ok := w.model.record(ctx, id, values, decode)
	if !ok {
		delete(w.sent, id)
		return nil
	}
	state := values[0].(string) + values[2].(string) + values[3].(string)
	if w.sent[id] == state {
		return nil
	}
	w.deliver(ctx, executions.Event{Record: r, ID: id, Application: r.Execution.Application, Position: position})
	if r.Final && w.topic.Execution == "" {
		delete(w.sent, id)
	} else {
		w.sent[id] = state
	}
	return nil
}

func (w *watch) deliver(ctx context.Context, e executions.Event) {
	select {
	case <-ctx.Done():
	case w.out <- e:
	}
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(watchPause):
	}
}
