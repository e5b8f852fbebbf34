package redismodel

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// pingAfter is the silence after which the subscription's connection is
	// tested; after twice that it is given up.
	pingAfter = 5 * time.Second
	// watchPause is the pause before another try with a Redis that is away.
	watchPause = 200 * time.Millisecond
)

// watch follows one channel. The receiver notes which executions changed; the
// sender reads their present state when the reader is ready for it. So a slow
// reader skips states but always gets the latest, and the notes are bounded by
// the number of executions.
type watch struct {
	model   *Model
	topic   executions.Topic
	channel string
	out     chan executions.Event

	mu sync.Mutex
	// changed lists executions in the order of their first unseen change;
	// deleted says of each whether it was deleted.
	changed []string
	deleted map[string]bool
	resync  bool
	wake    chan struct{}

	// sent holds what was last sent of each unfinished execution. Only the
	// sender uses it.
	sent map[string]string
}

// Watch implements [executions.ReadModel].
func (m *Model) Watch(ctx context.Context, t executions.Topic) (<-chan executions.Event, error) {
	w := &watch{
		model: m, topic: t, out: make(chan executions.Event),
		deleted: map[string]bool{}, wake: make(chan struct{}, 1), sent: map[string]string{},
	}
	switch {
	case t.Execution != "":
		w.channel = prefix + "on:x:" + t.Execution
	case t.Application != "":
		w.channel = prefix + "on:app:" + strings.ToLower(t.Application)
	default:
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Name an execution or an application to watch.")
	}
	var sub *redis.PubSub
	err := m.breaker.do(ctx, func(bounded context.Context) error {
		sub = m.client.Subscribe(ctx, w.channel)
		_, err := sub.ReceiveTimeout(bounded, m.breaker.timeout)
		return err
	})
	if err != nil {
		if sub != nil {
			_ = sub.Close() // it never worked
		}
		return nil, err
	}
	w.noteAll()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		w.receive(ctx, sub)
	}()
	go w.send(ctx)
	return w.out, nil
}

// receive notes changes until ctx ends. Whenever the subscription was made
// anew, all that is watched may have changed.
func (w *watch) receive(ctx context.Context, sub *redis.PubSub) {
	defer func() { _ = sub.Close() }()
	unblock := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer unblock()
	silent := false
	for ctx.Err() == nil {
		message, err := sub.ReceiveTimeout(ctx, pingAfter)
		var timeout net.Error
		switch {
		case err == nil:
			silent = false
			w.note(message)
		case ctx.Err() != nil:
			return
		case errors.As(err, &timeout) && timeout.Timeout() && !silent:
			silent = sub.Ping(ctx) == nil
		default:
			silent = false
			_ = sub.Close()
			pause(ctx)
			sub = w.model.client.Subscribe(ctx, w.channel)
			unblock()
			unblock = context.AfterFunc(ctx, func() { _ = sub.Close() })
		}
	}
}

func (w *watch) note(message any) {
	switch message := message.(type) {
	case *redis.Subscription:
		w.noteAll()
	case *redis.Message:
		if len(message.Payload) < 2 {
			return
		}
		w.mu.Lock()
		id := message.Payload[1:]
		if _, noted := w.deleted[id]; !noted {
			w.changed = append(w.changed, id)
		}
		w.deleted[id] = message.Payload[0] == '-'
		w.mu.Unlock()
		w.signal()
	}
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

// next waits for work: one execution, or a look at all that is watched.
func (w *watch) next(ctx context.Context) (id string, deleted, resync, ok bool) {
	for {
		w.mu.Lock()
		switch {
		case w.resync:
			w.resync = false
			w.mu.Unlock()
			return "", false, true, true
		case len(w.changed) > 0:
			id = w.changed[0]
			w.changed = w.changed[1:]
			deleted = w.deleted[id]
			delete(w.deleted, id)
			w.mu.Unlock()
			return id, deleted, false, true
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return "", false, false, false
		case <-w.wake:
		}
	}
}

func (w *watch) send(ctx context.Context) {
	defer close(w.out)
	for {
		id, deleted, resync, ok := w.next(ctx)
		var err error
		switch {
		case !ok:
			return
		case resync:
			if err = w.sendAll(ctx); err != nil {
				w.noteAll()
			}
		case deleted:
			delete(w.sent, id)
			w.deliver(ctx, executions.Event{Deleted: true, ID: id})
		default:
			if err = w.sendOne(ctx, id); err != nil {
				w.note(&redis.Message{Payload: "+" + id})
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
		return w.sendOne(ctx, w.topic.Execution)
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
		if err := w.sendOne(ctx, r.Execution.ID); err != nil {
			return err
		}
	}
	for id := range ids {
		if err := w.sendOne(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// sendOne sends the present state of an execution unless it was sent already.
func (w *watch) sendOne(ctx context.Context, id string) error {
	form := "full"
	if w.topic.Summary {
		form = "summary"
	}
	values, err := w.model.fields(ctx, id, recordFields(form))
	if err != nil {
		return err
	}
	r, ok := w.model.record(ctx, id, values)
	if !ok {
		delete(w.sent, id)
		return nil
	}
	state := values[0].(string) + values[2].(string) + values[3].(string)
	if w.sent[id] == state {
		return nil
	}
	w.deliver(ctx, executions.Event{Record: r, ID: id})
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
