package gate

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

// streams counts the open event streams and ends them all when the server
// stops.
type streams struct {
	slots  chan struct{}
	done   chan struct{}
	finish func()
}

func newStreams(limit int) streams {
	done := make(chan struct{})
	return streams{slots: make(chan struct{}, limit), done: done, finish: sync.OnceFunc(func() { close(done) })}
}

func (s streams) close() { s.finish() }

// writeTimeout is how long a client may take to accept one event.
const writeTimeout = 30 * time.Second

// streamExecution sends the state of one execution, unless the client has it
// already, then each change.
func streamExecution(r *request) error {
	last, err := lastEventID(r.GetHeader("Last-Event-ID"))
	if err != nil {
		return err
	}
	id := r.param("id")
	record, err := r.server.executions.Get(r.ctx(), id)
	if err != nil {
		if pipeline.CodeOf(err) == pipeline.CodeNotFound {
			return pipeline.Errorf(pipeline.CodeNotFound, "Execution not found (id: %s)", id)
		}
		return err
	}
	if err := r.mayExecution(record.Execution); err != nil {
		return err
	}
	s := &eventStream{request: r, single: true, last: last}
	return s.run(executions.Topic{Execution: id}, executions.Event{Record: record, ID: id})
}

// streamApplication sends the unfinished executions of an application, short
// form, pipelines and tasks alike, then each change of any execution.
func streamApplication(r *request) error {
	s := &eventStream{request: r}
	return s.run(executions.Topic{Application: r.param("application"), Summary: true})
}

// lastEventID reads the sequence that a client says it has; -1 is none.
func lastEventID(header string) (int64, error) {
	if header == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(header, 10, 64)
	if err != nil || n < 0 {
		return 0, pipeline.Errorf(pipeline.CodeInvalid, "The header Last-Event-ID is %q: send the id of an event, a whole number.", header)
	}
	return n, nil
}

// eventStream is one server-sent event stream.
type eventStream struct {
	*request
	control *http.ResponseController
	// single is set for a stream of one execution; last is then the sequence
	// that the client has.
	single bool
	last   int64
}

// run answers with the first events, then with those of the topic, until the
// client, the watch or the server ends.
func (s *eventStream) run(topic executions.Topic, first ...executions.Event) error {
	if err := s.unchecked(); err != nil {
		return err
	}
	slots := s.server.streams.slots
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	default:
		return pipeline.Errorf(pipeline.CodeThrottled, "There are %d event streams open already: close some, or raise the gate's max-streams.", cap(slots))
	}
	ctx, cancel := context.WithCancel(s.ctx())
	defer cancel()
	events, err := s.server.executions.Watch(ctx, topic)
	if err != nil {
		return err
	}
	alive := s.open()
	for _, e := range first {
		alive = alive && s.event(e)
	}
	ping := time.NewTicker(s.server.config.PingInterval)
	defer ping.Stop()
	for alive {
		select {
		case <-ctx.Done():
			return nil
		case <-s.server.streams.done:
			return nil
		case <-ping.C:
			alive = s.send("event: ping\ndata: {}\n\n")
		case e, open := <-events:
			alive = open && s.event(e) // a client connects again and finds the present state
		}
	}
	return nil
}

// open sends the headers. The server's limits on reading and writing are for
// answers that end.
func (s *eventStream) open() bool {
	h := s.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy that collects the answer would hold every event back
	s.control = http.NewResponseController(s.Writer)
	_ = s.control.SetReadDeadline(time.Time{}) // a writer without deadlines has none to lift
	s.Writer.WriteHeader(http.StatusOK)
	return s.send(": open\n\n")
}

// event sends one change and reports whether the client is still there. A state
// that the client has is passed over.
func (s *eventStream) event(e executions.Event) bool {
	if e.Deleted {
		return s.deleted(e.ID)
	}
	x, sequence := e.Record.Execution, e.Record.Sequence
	if s.single {
		if sequence <= s.last {
			return true
		}
		s.last = sequence
	}
	data, err := httpjson.Encode(x)
	if err != nil {
		s.server.log.ErrorContext(s.ctx(), "an event could not be encoded", "error", err, "application", x.Application, "execution", x.ID)
		return true
	}
	return s.send("id: " + strconv.FormatInt(sequence, 10) + "\nevent: execution\ndata: " + string(data) + "\n\n")
}

func (s *eventStream) deleted(id string) bool {
	data, err := httpjson.Encode(map[string]any{"id": id})
	return err == nil && s.send("event: deleted\ndata: "+string(data)+"\n\n")
}

// send writes one message and reports whether it went out.
func (s *eventStream) send(message string) bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // see open
	if _, err := s.Writer.WriteString(message); err != nil {
		return false
	}
	return s.control.Flush() == nil
}
