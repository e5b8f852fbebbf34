package redismodel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// The log is a Redis stream that names each change of any execution; its own IDs
// are the positions that readers go on from. One reader of it serves all watches
// of a process, so that a thousand of them cost one connection.
const (
	logKey = prefix + "log"
	// logLength is how many changes the log holds, about; who was away for more
	// reads everything again.
	logLength = "20000"
	// feedBlock is how long Redis may hold a read of the log while nothing changes.
	feedBlock = 5 * time.Second
	// feedBatch is how many changes are read at once.
	feedBatch = 1000
)

// feed passes the log's entries to watches.
type feed struct {
	model *Model

	mu      sync.Mutex
	running bool
	last    string // the position of the last entry passed on
	// The watches by what they watch; the key of the last kind is "".
	byExecution, byApplication, all map[string]map[*watch]struct{}
}

func newFeed(m *Model) *feed {
	return &feed{
		model: m, byExecution: map[string]map[*watch]struct{}{},
		byApplication: map[string]map[*watch]struct{}{}, all: map[string]map[*watch]struct{}{},
	}
}

// place returns where watches of a topic stand.
func (f *feed) place(t executions.Topic) (map[string]map[*watch]struct{}, string) {
	switch {
	case t.Execution != "":
		return f.byExecution, t.Execution
	case t.Application != "":
		return f.byApplication, strings.ToLower(t.Application)
	}
	return f.all, ""
}

// add makes a watch see every change from now on. It fails while Redis is away.
func (f *feed) add(ctx context.Context, w *watch) error {
	head, err := f.model.head(ctx)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.running {
		f.running, f.last = true, head
		f.model.done.Go(func() { f.run(f.model.life) })
	}
	watches, key := f.place(w.topic)
	if watches[key] == nil {
		watches[key] = map[*watch]struct{}{}
	}
	watches[key][w] = struct{}{}
	return nil
}

func (f *feed) remove(w *watch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	watches, key := f.place(w.topic)
	delete(watches[key], w)
	if len(watches[key]) == 0 {
		delete(watches, key)
	}
}

// run reads the log until ctx ends. After a Redis that was away, and after so many
// changes at once that some may have been dropped before they were read, it looks
// whether the log goes on where it was; else all that is watched may have changed.
func (f *feed) run(ctx context.Context) {
	doubt := false
	for ctx.Err() == nil {
		entries, err := f.read(ctx)
		if err != nil {
			doubt = true
			pause(ctx)
			continue
		}
		if doubt = doubt || len(entries) == feedBatch; doubt {
			if entries, err = f.settle(ctx, entries); err != nil {
				pause(ctx)
				continue
			}
			doubt = false
		}
		f.pass(entries)
	}
}

// read waits for entries after the last one; none when nothing changes.
func (f *feed) read(ctx context.Context) ([]redis.XMessage, error) {
	if away := f.model.breaker.isAway(); away != nil {
		return nil, away
	}
	bounded, cancel := context.WithTimeout(ctx, feedBlock+f.model.breaker.timeout)
	defer cancel()
	streams, err := f.model.client.XRead(bounded, &redis.XReadArgs{Streams: []string{logKey, f.last}, Count: feedBatch, Block: feedBlock}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		// An empty answer may also mean that the log was lost.
		known, err := f.model.knows(ctx, f.last)
		if err != nil || known {
			return nil, err
		}
		return f.settle(ctx, nil)
	case err != nil:
		return nil, err
	case len(streams) == 0:
		return nil, nil
	}
	return streams[0].Messages, nil
}

// settle returns the entries if the log still holds the one before them. Otherwise
// it goes on from the log's end and makes every watch look at all again.
func (f *feed) settle(ctx context.Context, entries []redis.XMessage) ([]redis.XMessage, error) {
	known, err := f.model.knows(ctx, f.last)
	if err != nil || known {
		return entries, err
	}
	head, err := f.model.head(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = head
	for _, watches := range []map[string]map[*watch]struct{}{f.byExecution, f.byApplication, f.all} {
		for _, set := range watches {
			for w := range set {
				w.noteAll()
			}
		}
	}
	return nil, nil
}

// pass notes entries with the watches that they concern.
func (f *feed) pass(entries []redis.XMessage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range entries {
		f.last = e.ID
		c, ok := changeOf(e)
		if !ok {
			continue
		}
		noted := change{Change: c, position: e.ID}
		for w := range f.byExecution[c.ID] {
			w.note(noted)
		}
		for w := range f.byApplication[c.Application] {
			w.note(noted)
		}
		for w := range f.all[""] {
			w.note(noted)
		}
	}
}

// changeOf reads an entry; false for one that only marks a position.
func changeOf(e redis.XMessage) (executions.Change, bool) {
	id, _ := e.Values["x"].(string)
	application, _ := e.Values["a"].(string)
	return executions.Change{ID: id, Application: application, Deleted: e.Values["d"] == "1"}, id != ""
}

// head returns the log's present position, and begins a log where there is none.
func (m *Model) head(ctx context.Context) (position string, err error) {
	err = m.breaker.do(ctx, func(ctx context.Context) (err error) {
		position, err = headScript.Run(ctx, m.client, nil, prefix).Text()
		return err
	})
	return position, err
}

// knows reports whether the log holds a position.
func (m *Model) knows(ctx context.Context, position string) (known bool, err error) {
	err = m.breaker.do(ctx, func(ctx context.Context) error {
		found, err := m.client.XRangeN(ctx, logKey, position, position, 1).Result()
		known = len(found) == 1
		return err
	})
	return known, err
}

// isPosition reports whether a text has the form of a position. Redis would take
// other forms for ranges.
func isPosition(text string) bool {
	const longest = 41
	at, number, found := strings.Cut(text, "-")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return found && len(text) <= longest && digits(at) && digits(number)
}

// Changes implements [executions.ReadModel].
func (m *Model) Changes(ctx context.Context, t executions.Topic, after string) (executions.Changes, error) {
	head, err := m.head(ctx)
	if err != nil || after == "" {
		return executions.Changes{Position: head, Known: err == nil}, err
	}
	if !isPosition(after) {
		return executions.Changes{Position: head}, nil
	}
	c := executions.Changes{Position: after, Known: true}
	last := map[string]executions.Change{}
	var order []string
	for from := after; ; {
		var entries []redis.XMessage
		err := m.breaker.do(ctx, func(ctx context.Context) (err error) {
			entries, err = m.client.XRangeN(ctx, logKey, from, "+", feedBatch).Result()
			return err
		})
		if err != nil {
			return executions.Changes{}, err
		}
		// The entry itself comes first; without it nobody knows what came after.
		if len(entries) == 0 || entries[0].ID != from {
			return executions.Changes{Position: head}, nil
		}
		for _, e := range entries[1:] {
			c.Position = e.ID
			if found, ok := changeOf(e); ok && concerns(t, found) {
				last[found.ID] = found
				order = append(order, found.ID)
			}
		}
		if len(entries) < feedBatch {
			break
		}
		from = entries[len(entries)-1].ID
	}
	for i := len(order) - 1; i >= 0; i-- { // the last change of each counts
		if found, ok := last[order[i]]; ok {
			c.List = append(c.List, found)
			delete(last, order[i])
		}
	}
	slices.Reverse(c.List)
	return c, nil
}

// concerns reports whether a change belongs to a topic.
func concerns(t executions.Topic, c executions.Change) bool {
	switch {
	case t.Execution != "":
		return t.Execution == c.ID
	case t.Application != "":
		return executions.SameApplication(t.Application, c.Application)
	}
	return t.All
}

// unnamed refuses a topic that names nothing.
func unnamed() error {
	return pipeline.Errorf(pipeline.CodeInvalid, "Name an execution or an application to watch.")
}
