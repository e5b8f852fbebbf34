package executions

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// watchPoll is how often a watch looks whether the model is there, and asks the
// owners while it is not.
const watchPoll = 2 * time.Second

// Watch streams the states of one execution, or of the executions of one
// application, beginning with the present ones (of an application: the
// unfinished). It goes on while the model is away, slower. A slow reader loses
// older states, never the latest. The channel closes when ctx ends.
//
// Errors: invalid, for a topic that names nothing.
func (s *Service) Watch(ctx context.Context, t Topic) (<-chan Event, error) {
	if t.Execution == "" && t.Application == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Name an execution or an application to watch.")
	}
	w := &watch{service: s, topic: t, out: make(chan Event), sent: map[string]Record{}}
	go w.run(ctx)
	return w.out, nil
}

type watch struct {
	service *Service
	topic   Topic
	out     chan Event
	// sent holds the last state sent of each execution, finished ones apart
	// from the one that is the topic.
	sent map[string]Record
}

func (w *watch) run(ctx context.Context) {
	defer close(w.out)
	events := w.subscribe(ctx)
	w.poll(ctx)
	polled := w.service.now()
	tick := time.NewTicker(watchPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, open := <-events:
			if !open {
				events = nil
				continue
			}
			w.send(ctx, e)
		case <-tick.C:
			if events == nil {
				events = w.subscribe(ctx)
			}
			// A record may have been lost on its way to the model: the owners
			// are asked from time to time even while all is well.
			_, err := w.service.model.Coverage(ctx, w.topic.Application)
			if err != nil || events == nil || w.service.now().Sub(polled) >= StaleAfter {
				w.poll(ctx)
				polled = w.service.now()
			}
		}
	}
}

// subscribe returns the model's events, or nil while it is away.
func (w *watch) subscribe(ctx context.Context) <-chan Event {
	events, err := w.service.model.Watch(ctx, w.topic)
	if err != nil {
		return nil
	}
	return events
}

// send passes an event on, unless a later state was sent already.
func (w *watch) send(ctx context.Context, e Event) {
	if !e.Deleted {
		e.ID = e.Record.Execution.ID
		last, seen := w.sent[e.ID]
		if seen && (last.Sequence > e.Record.Sequence || last.Sequence == e.Record.Sequence && last.Final && !e.Record.Final) {
			return
		}
	}
	select {
	case <-ctx.Done():
		return
	case w.out <- e:
	}
	if e.Deleted || e.Record.Final && w.topic.Execution == "" {
		delete(w.sent, e.ID)
	} else {
		w.sent[e.ID] = e.Record
	}
}

// poll sends what differs from what was sent last.
func (w *watch) poll(ctx context.Context) {
	if w.topic.Execution != "" {
		w.pollOne(ctx, w.topic.Execution)
		return
	}
	records, err := w.service.list(ctx, Query{Application: w.topic.Application, Statuses: Unfinished(), Summary: w.topic.Summary})
	if err != nil {
		w.service.logger.DebugContext(ctx, "a watched application cannot be read", "application", w.topic.Application, "error", err)
		return
	}
	listed := map[string]bool{}
	for _, r := range records {
		listed[r.Execution.ID] = true
		w.sendNew(ctx, r)
	}
	var ended []string
	for id := range w.sent {
		if !listed[id] {
			ended = append(ended, id)
		}
	}
	for _, id := range ended {
		w.pollOne(ctx, id)
	}
}

func (w *watch) pollOne(ctx context.Context, id string) {
	r, err := w.service.Get(ctx, id)
	if err == nil {
		if w.topic.Summary {
			r.Execution = r.Execution.Summary()
		}
		w.sendNew(ctx, r)
		return
	}
	if _, seen := w.sent[id]; seen && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		w.send(ctx, Event{Deleted: true, ID: id})
	}
}

func (w *watch) sendNew(ctx context.Context, r Record) {
	last, seen := w.sent[r.Execution.ID]
	if !seen || r.Sequence > last.Sequence || r.Final && !last.Final {
		w.send(ctx, Event{Record: r, ID: r.Execution.ID})
	}
}
