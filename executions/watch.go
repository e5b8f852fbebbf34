package executions

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// watchPoll is how often a watch looks whether the model is there, and asks the
// owners while it is not.
const watchPoll = 2 * time.Second

// Watch streams the states of what a topic names, beginning with the present ones
// (of an application, or of all: the unfinished). It goes on while the model is
// away, slower. A slow reader loses older states, never the latest. The channel
// closes when ctx ends.
//
// Errors: invalid, for a topic that names nothing.
func (s *Service) Watch(ctx context.Context, t Topic) (<-chan Event, error) {
	if !t.names() {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Name an execution or an application to watch.")
	}
	w := &watch{service: s, topic: t, out: make(chan Event), sent: map[string]state{}, synced: !t.Positions}
	go w.run(ctx)
	return w.out, nil
}

type watch struct {
	service *Service
	topic   Topic
	out     chan Event
	// sent holds which state was sent last of each execution, finished ones apart
	// from the one that is the topic.
	sent map[string]state
	// synced is set once all that was there at the beginning was told.
	synced bool
}

// state orders the records of one execution.
type state struct {
	sequence int64
	final    bool
}

func stateOf(r Record) state { return state{r.Sequence, r.Final} }

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
			if w.service.modelAway(ctx) || events == nil || !w.synced || w.service.now().Sub(polled) >= StaleAfter {
				w.poll(ctx)
				polled = w.service.now()
			}
		}
	}
}

// modelAway reports whether the model does not answer. Watches share the answer.
func (s *Service) modelAway(ctx context.Context) bool {
	s.away.Lock()
	defer s.away.Unlock()
	if now := time.Now(); now.Sub(s.away.asked) >= watchPoll/2 {
		_, s.away.err = s.model.Coverage(ctx, "")
		s.away.asked = now
	}
	return s.away.err != nil
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
	if !e.Deleted && !e.Synced {
		e.ID, e.Application = e.Record.Execution.ID, e.Record.Execution.Application
		last, seen := w.sent[e.ID]
		if seen && (last.sequence > e.Record.Sequence || last.sequence == e.Record.Sequence && last.final && !e.Record.Final) {
			return
		}
	}
	select {
	case <-ctx.Done():
		return
	case w.out <- e:
	}
	switch {
	case e.Synced:
	case e.Deleted || e.Record.Final && w.topic.Execution == "":
		delete(w.sent, e.ID)
	default:
		w.sent[e.ID] = stateOf(e.Record)
	}
}

// poll sends what differs from what was sent last, and the first time that all of
// it could be read, the position that the reader then has.
func (w *watch) poll(ctx context.Context) {
	position := ""
	if !w.synced {
		if c, err := w.service.model.Changes(ctx, w.topic, ""); err == nil {
			position = c.Position
		}
	}
	if !w.pollAll(ctx) || w.synced || position == "" {
		return
	}
	w.synced = true
	w.send(ctx, Event{Synced: true, Position: position})
}

// pollAll reports whether everything could be read.
func (w *watch) pollAll(ctx context.Context) bool {
	if w.topic.Execution != "" {
		return w.pollOne(ctx, w.topic.Execution)
	}
	records, err := w.service.list(ctx, Query{Application: w.topic.Application, Statuses: Unfinished(), Summary: w.topic.Summary})
	if err != nil {
		w.service.logger.DebugContext(ctx, "a watched application cannot be read", "application", w.topic.Application, "error", err)
		return false
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
	return true
}

func (w *watch) pollOne(ctx context.Context, id string) bool {
	r, err := w.service.Get(ctx, id)
	if err == nil {
		if w.topic.Summary {
			r.Execution = r.Execution.Summary()
		}
		w.sendNew(ctx, r)
		return true
	}
	if pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return false
	}
	if _, seen := w.sent[id]; seen {
		w.send(ctx, Event{Deleted: true, ID: id, Application: w.topic.Application})
	}
	return true
}

func (w *watch) sendNew(ctx context.Context, r Record) {
	last, seen := w.sent[r.Execution.ID]
	if !seen || r.Sequence > last.sequence || r.Final && !last.final {
		w.send(ctx, Event{Record: r, ID: r.Execution.ID})
	}
}

// MaxMissed is how many changed executions [Service.Since] tells; who missed more
// had better read the list again.
const MaxMissed = 200

// Since tells what changed of a topic after a position that an event gave: the
// present states of executions, and those that were deleted, and the position that
// the reader then has. When it cannot tell, because the position is not known or
// more than [MaxMissed] changed, known is false and the reader has to read
// everything again.
//
// Errors: unavailable, when the model is away or a state cannot be read.
func (s *Service) Since(ctx context.Context, t Topic, after string) (events []Event, known bool, err error) {
	c, err := s.model.Changes(ctx, t, after)
	if err != nil || !c.Known || len(c.List) > MaxMissed {
		return nil, false, err
	}
	events = make([]Event, len(c.List)+1)
	events[len(c.List)] = Event{Synced: true, Position: c.Position}
	failures := make(chan error, len(c.List))
	indexes := make([]int, len(c.List))
	for i := range indexes {
		indexes[i] = i
	}
	each(indexes, func(i int) {
		e, err := s.present(ctx, t, c.List[i])
		if err != nil {
			failures <- err
			return
		}
		events[i] = e
	})
	close(failures)
	if err := <-failures; err != nil {
		return nil, false, err
	}
	return events, true, nil
}

// present is the present state of what changed as an event.
func (s *Service) present(ctx context.Context, t Topic, c Change) (Event, error) {
	gone := Event{Deleted: true, ID: c.ID, Application: c.Application}
	if c.Deleted {
		return gone, nil
	}
	r, err := s.Get(ctx, c.ID)
	switch {
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return gone, nil
	case err != nil:
		return Event{}, err
	}
	if t.Summary {
		r.Execution = r.Execution.Summary()
	}
	return Event{Record: r, ID: c.ID, Application: r.Execution.Application}, nil
}
