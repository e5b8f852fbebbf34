package gate

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// streams counts the open event streams and ends them all when the server
// stops.
type streams struct {
	limit  int
	done   chan struct{}
	finish func()

	mu sync.Mutex
	// open counts them by the key of their user.
	open map[string]int
	all  int
}

// userShare is which part of all streams one user who is known may have open, so that
// one forgotten script does not take everybody's.
const userShare = 4

func newStreams(limit int) *streams {
	done := make(chan struct{})
	return &streams{limit: limit, done: done, finish: sync.OnceFunc(func() { close(done) }), open: map[string]int{}}
}

func (s *streams) close() { s.finish() }

// take takes the place of one stream. Errors: throttled.
func (s *streams) take(user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := fiat.UserKey(user)
	switch share := max(s.limit/userShare, 1); {
	case s.all >= s.limit:
		return pipeline.Errorf(pipeline.CodeThrottled, "There are %d event streams open already: close some, or raise the gate's max-streams.", s.limit)
	case key != anonymous && s.open[key] >= share:
		return pipeline.Errorf(pipeline.CodeThrottled, "The user '%s' has %d event streams open already: close some, or raise the gate's max-streams, of which a user may have a quarter.", user, share)
	}
	s.open[key]++
	s.all++
	return nil
}

func (s *streams) leave(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := fiat.UserKey(user)
	s.all--
	if s.open[key]--; s.open[key] == 0 {
		delete(s.open, key)
	}
}

// writeTimeout is how long a client may take to accept one event.
const writeTimeout = 30 * time.Second

// eventRoutes are the streams of executions.
func eventRoutes() []route {
	return []route{
		{Method: "GET", Path: "/executions/{id}/events", Summary: "Changes of one execution as server-sent events", Auth: authRead, Stream: true, Events: "Events: execution (data is an execution, id its sequence), deleted (data holds the id), ping. With the header Last-Event-ID a state that the client has is not sent again.", handle: streamExecution},
		{Method: "GET", Path: "/applications/{application}/events", Summary: "Changes of an application's executions as server-sent events: first those that have not ended, then each change, in short form", Auth: authRead, Stream: true, Events: listEvents, handle: streamApplication},
		{Method: "GET", Path: "/events", Summary: "Changes of the executions of all applications as server-sent events: first those that have not ended, then each change, in short form", Auth: authRead, Stream: true, Events: listEvents, handle: streamAll},
	}
}

const listEvents = "Events: execution (data is an execution without contexts), deleted (data holds the id), reset, ping. An id is where the client stands: with it as the header Last-Event-ID the stream goes on with everything that was missed; where that cannot be told, it says reset, for the client to read its list again, and begins anew."

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
	s := &eventStream{request: r, single: true, last: last, has: map[string]int64{}}
	s.judge = func() (func(string) bool, error) { return nil, r.mayExecution(record.Execution) }
	return s.run(executions.Topic{Execution: id}, func() bool {
		return s.event(executions.Event{Record: record, ID: id})
	})
}

// streamApplication sends the unfinished executions of an application, short
// form, pipelines and tasks alike, then each change of any execution.
func streamApplication(r *request) error {
	application := r.param("application")
	return streamList(r, executions.Topic{Application: application, Summary: true, Positions: true},
		func() (func(string) bool, error) { return nil, r.mayUse(application, r.route.Auth.needs) })
}

// streamAll is streamApplication for all applications that the caller may read.
func streamAll(r *request) error {
	return streamList(r, executions.Topic{All: true, Summary: true, Positions: true}, r.applicationsToRead)
}

func streamList(r *request, topic executions.Topic, judge func() (func(string) bool, error)) error {
	s := &eventStream{request: r, has: map[string]int64{}, judge: judge}
	last := r.GetHeader("Last-Event-ID")
	if last == "" {
		return s.run(topic, s.begin)
	}
	return s.run(topic, func() bool { return s.resume(topic, last) })
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

	// judge asks what the caller may see now; mine is its answer, nil for all of the
	// topic, and judged when it was asked.
	judge  func() (mine func(application string) bool, err error)
	mine   func(application string) bool
	judged time.Time
	// known is when it was last found out that the caller is who he was.
	known time.Time

	topic *topic
	// read is the number of the last message of the topic that was looked at. has
	// holds the sequences that the client got otherwise, until the messages numbered
	// up to barrier are passed, which may be older.
	read, barrier uint64
	has           map[string]int64
}

// take takes the place of one of the streams, for release to give back.
func (s *eventStream) take() (release func(), err error) {
	user := s.caller.User
	if err := s.server.streams.take(user); err != nil {
		return nil, err
	}
	s.server.metrics.streams.Inc()
	return func() { s.server.metrics.streams.Dec(); s.server.streams.leave(user) }, nil
}

// run opens the stream, begins it and passes on what the topic tells, until the
// client, the topic's watch or the server ends.
func (s *eventStream) run(name executions.Topic, begin func() bool) error {
	if err := s.allowed(); err != nil {
		return err
	}
	if err := s.unchecked(); err != nil {
		return err
	}
	release, err := s.take()
	if err != nil {
		return err
	}
	defer release()
	if s.topic, err = s.server.hub.join(s.ctx(), name); err != nil {
		return err
	}
	defer s.server.hub.leave(s.topic)
	if !s.open() || !begin() {
		return nil
	}
	ping := time.NewTicker(s.server.config.PingInterval)
	defer ping.Stop()
	for {
		wait, alive := s.pass()
		if !alive {
			return nil
		}
		if wait == nil {
			continue
		}
		select {
		case <-s.ctx().Done():
			return nil
		case <-s.server.streams.done:
			s.bye()
			return nil
		case <-ping.C:
			if !s.send("event: ping\ndata: {}\n\n") {
				return nil
			}
		case <-wait:
		}
	}
}

// judgeEvery is how long what a caller may see is taken for granted.
const judgeEvery = time.Second

// allowed reports why the caller may not see the stream, as permissions are now:
// who loses them sees no more.
func (s *eventStream) allowed() (err error) {
	if time.Since(s.judged) < judgeEvery {
		return nil
	}
	if s.known.IsZero() {
		s.known = time.Now()
	}
	if time.Since(s.known) >= s.server.config.PingInterval {
		if err := s.identifyAgain(); err != nil {
			return err
		}
		s.known = time.Now()
	}
	s.resolved = nil
	s.mine, err = s.judge()
	s.judged = time.Now()
	return err
}

// pass sends the next messages of the topic. Without any it returns what to wait
// for.
func (s *eventStream) pass() (wait <-chan struct{}, alive bool) {
	next, wait, lost, closed := s.topic.after(s.read)
	switch {
	case lost:
		return nil, s.reset()
	case len(next) == 0:
		return wait, !closed // a client connects again and finds the present state
	}
	if s.allowed() != nil {
		return nil, false // it connects again and is told why
	}
	for _, m := range next {
		if s.read = m.number; s.wants(m) && !s.write(m.text) {
			return nil, false
		}
	}
	if s.read >= s.barrier {
		s.has = nil
	}
	return nil, s.flush()
}

// wants reports whether a message tells the client something.
func (s *eventStream) wants(m *frame) bool {
	switch {
	case m.execution == "":
		return true
	case s.mine != nil && !s.mine(m.application):
		return false
	case m.deleted:
		return true
	case s.single:
		if m.sequence <= s.last {
			return false
		}
		s.last = m.sequence
		return true
	}
	had, ok := s.has[m.execution]
	return !ok || m.sequence > had
}

// begin sends the present state of the topic.
func (s *eventStream) begin() bool {
	present, number, position := s.topic.snapshot()
	s.read = number
	for _, m := range present {
		if s.wants(m) && !s.write(m.text) {
			return false
		}
	}
	return (position == "" || s.write(idOnly(position))) && s.flush()
}

// reset tells the client to read its list again, and begins anew.
func (s *eventStream) reset() bool {
	s.has, s.barrier = nil, 0
	return s.write("event: reset\ndata: {}\n\n") && s.begin()
}

// resume sends what changed since the client was here. What cannot be told is a
// reset, never silence.
func (s *eventStream) resume(name executions.Topic, last string) bool {
	_, s.read, _ = s.topic.snapshot()
	ctx, cancel := context.WithTimeout(s.ctx(), s.server.config.RequestTimeout)
	defer cancel()
	missed, known, err := s.server.executions.Since(ctx, name, last)
	if err != nil {
		s.server.log.WarnContext(s.ctx(), "a client's place in a stream cannot be found, it begins anew", "error", err, "request", s.id)
	}
	if err != nil || !known {
		return s.reset()
	}
	for _, e := range missed {
		if !s.event(e) {
			return false
		}
	}
	_, s.barrier, _ = s.topic.snapshot()
	return s.flush()
}

// event sends a change that did not come through the topic.
func (s *eventStream) event(e executions.Event) bool {
	m, err := render(e, s.single)
	if err != nil {
		s.server.log.ErrorContext(s.ctx(), "an event could not be encoded", "error", err, "application", e.Application, "execution", e.ID)
		return true
	}
	if !s.wants(m) {
		return true
	}
	if m.execution != "" && !m.deleted {
		s.has[m.execution] = m.sequence
	}
	return s.send(m.text)
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

// Clients of a server that stops come back within these times, not all at once.
const (
	reconnectSoonest = 500 * time.Millisecond
	reconnectLatest  = 3 * time.Second
)

// bye tells the client to connect again soon, which it does to another server or
// to this one's successor.
func (s *eventStream) bye() {
	after := reconnectSoonest + rand.N(reconnectLatest-reconnectSoonest)
	s.send("retry: " + strconv.FormatInt(after.Milliseconds(), 10) + "\n\n")
}

// send writes one message at once and reports whether it went out.
func (s *eventStream) send(text string) bool { return s.write(text) && s.flush() }

// write writes a message.
func (s *eventStream) write(text string) bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // see open
	if _, err := s.Writer.WriteString(text); err != nil {
		return false
	}
	s.server.metrics.events.Inc()
	return true
}

func (s *eventStream) flush() bool { return s.control.Flush() == nil }
