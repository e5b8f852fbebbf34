package gate

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sort"
	"strconv"
	"sync"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/internal/httpjson"
)

// hub makes all clients of one topic share one watch, and one copy of every event
// in the form in which it is sent: what a further client costs is its connection.
type hub struct {
	executions Executions
	log        *slog.Logger

	mu     sync.Mutex
	topics map[executions.Topic]*topic
}

func newHub(e Executions, log *slog.Logger) *hub {
	return &hub{executions: e, log: log, topics: map[executions.Topic]*topic{}}
}

// Bounds of what a topic keeps for clients that read slowly. The present state of
// what has not ended is kept whatever it takes.
const (
	// keptStates and keptBytes bound states that a later one of the same execution
	// has replaced: slow readers skip those that go.
	keptStates = 128
	keptBytes  = 256 << 10
	// keptEnds bounds executions that ended or were deleted: a reader that is behind
	// when one goes is told to read everything again.
	keptEnds = 1000
)

// frame is one event as it is sent.
type frame struct {
	number uint64
	text   string // the whole message of the stream
	// execution and application are empty where the message is about a position.
	execution, application string
	sequence               int64
	deleted                bool
	// ended is set once the execution has no further states to wait for, replaced
	// when a later message of the same execution is there.
	ended, replaced, dropped bool
}

// topic is what clients of one topic share.
type topic struct {
	name    executions.Topic
	clients int // guarded by the hub
	stop    context.CancelFunc

	mu sync.Mutex
	// messages are in the order of their numbers; latest holds the last of each
	// execution.
	messages []*frame
	latest   map[string]*frame
	// replaced and ends are those of their kind, in order; size is that of the texts
	// of replaced.
	replaced, ends []*frame
	size           int
	number         uint64
	// lost is the number of the last dropped message that nothing replaced.
	lost uint64
	// position is where a client stands that has every message; "" while that is not
	// known.
	position string
	synced   bool
	closed   bool
	changed  chan struct{} // closed with the next message
}

// join returns the topic with one more client. The watch of a topic begins with
// its first client and ends with its last.
func (h *hub) join(ctx context.Context, name executions.Topic) (*topic, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[name]
	if t == nil {
		// The watch outlives the client that was first.
		within, stop := context.WithCancel(context.WithoutCancel(ctx))
		events, err := h.executions.Watch(within, name)
		if err != nil {
			stop()
			return nil, err
		}
		t = &topic{name: name, stop: stop, latest: map[string]*frame{}, changed: make(chan struct{})}
		h.topics[name] = t
		go h.follow(within, t, events)
	}
	t.clients++
	return t, nil
}

func (h *hub) leave(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.clients--; t.clients == 0 {
		h.forget(t)
	}
}

// forget ends a topic. The lock is held.
func (h *hub) forget(t *topic) {
	if h.topics[t.name] == t {
		delete(h.topics, t.name)
	}
	t.stop()
}

// follow takes the topic's events until its watch ends.
func (h *hub) follow(ctx context.Context, t *topic, events <-chan executions.Event) {
	for e := range events {
		m, err := t.render(e)
		if err != nil {
			h.log.ErrorContext(ctx, "an event could not be encoded", "error", err, "application", e.Application, "execution", e.ID)
			continue
		}
		t.add(m, e)
	}
	h.mu.Lock()
	h.forget(t)
	h.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	close(t.changed)
}

// render writes an event as clients get it.
func (t *topic) render(e executions.Event) (*frame, error) {
	return render(e, t.name.Execution != "")
}

// render writes an event of a topic. The id of a message is where its reader
// stands: of one execution its sequence, else a position.
func render(e executions.Event, single bool) (*frame, error) {
	m := &frame{execution: e.ID, application: e.Application, deleted: e.Deleted}
	id := e.Position
	var out bytes.Buffer
	switch {
	case e.Synced:
		m.execution, m.application = "", ""
		m.text = idOnly(e.Position)
		return m, nil
	case e.Deleted:
		m.ended = true
		data, err := httpjson.Encode(map[string]any{"id": e.ID})
		if err != nil {
			return nil, err
		}
		if single {
			id = ""
		}
		writeMessage(&out, id, "deleted", data)
	default:
		m.sequence, m.ended = e.Record.Sequence, e.Record.Execution.Status.Complete()
		m.application = e.Record.Execution.Application
		data, err := httpjson.Encode(e.Record.Execution)
		if err != nil {
			return nil, err
		}
		if single {
			id = strconv.FormatInt(e.Record.Sequence, 10)
		}
		writeMessage(&out, id, "execution", data)
	}
	m.text = out.String()
	return m, nil
}

func writeMessage(out *bytes.Buffer, id, event string, data []byte) {
	out.Grow(len(id) + len(event) + len(data) + 32)
	if id != "" {
		out.WriteString("id: " + id + "\n")
	}
	out.WriteString("event: " + event + "\ndata: ")
	out.Write(data)
	out.WriteString("\n\n")
}

// idOnly tells a client where it stands, and nothing else.
func idOnly(position string) string { return "id: " + position + "\n\n" }

// add keeps a message and wakes the clients.
func (t *topic) add(m *frame, e executions.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.number++
	m.number = t.number
	t.synced = t.synced || e.Synced
	if e.Position != "" && t.synced {
		t.position = e.Position
	}
	if m.execution != "" {
		if before := t.latest[m.execution]; before != nil {
			before.replaced = true
			t.replaced = append(t.replaced, before)
			t.size += len(before.text)
		}
		t.latest[m.execution] = m
		if m.ended && t.name.Execution == "" {
			t.ends = append(t.ends, m)
		}
	} else { // a position is told at once or not at all
		m.replaced = true
		t.replaced = append(t.replaced, m)
		t.size += len(m.text)
	}
	t.messages = append(t.messages, m)
	t.trim()
	close(t.changed)
	t.changed = make(chan struct{})
}

// trim drops what is kept beyond the bounds. The lock is held.
func (t *topic) trim() {
	dropped := 0
	for len(t.replaced) > keptStates || t.size > keptBytes {
		m := t.replaced[0]
		t.replaced = t.replaced[1:]
		t.size -= len(m.text)
		m.dropped = true
		dropped++
	}
	for len(t.ends) > keptEnds {
		m := t.ends[0]
		t.ends = t.ends[1:]
		if t.latest[m.execution] != m {
			continue // it goes on, or is among the replaced
		}
		delete(t.latest, m.execution)
		m.dropped = true
		t.lost = m.number
		dropped++
	}
	if dropped > 0 {
		t.messages = slices.DeleteFunc(t.messages, func(m *frame) bool { return m.dropped })
	}
}

// snapshot returns the present state of what has not ended (of a topic of one
// execution: its state), and the number and the position of who has it.
func (t *topic) snapshot() (present []*frame, number uint64, position string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.messages {
		if m.execution != "" && !m.replaced && (!m.ended || t.name.Execution != "") {
			present = append(present, m)
		}
	}
	return present, t.number, t.position
}

// atOnce is how many messages a client takes at once.
const atOnce = 64

// after returns messages with a higher number, which wait tells to wait for when
// there are none. lost is set when some were dropped that nothing replaced, closed
// when there will be no more.
func (t *topic) after(number uint64) (next []*frame, wait <-chan struct{}, lost, closed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := sort.Search(len(t.messages), func(i int) bool { return t.messages[i].number > number })
	to := min(from+atOnce, len(t.messages))
	return slices.Clone(t.messages[from:to]), t.changed, number < t.lost, t.closed
}
