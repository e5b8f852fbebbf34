package gate_test

import (
	"bufio"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// sse is one message of a stream.
type sse struct {
	id, event string
	data      pipeline.Map
}

// client reads a stream over a real connection.
type client struct {
	t        *testing.T
	response *http.Response
	messages chan sse
	stop     context.CancelFunc
}

func (w *world) stream(url string, headers ...string) *client {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	w.t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	require.NoError(w.t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = response.Body.Close() })
	c := &client{t: w.t, response: response, messages: make(chan sse, 100), stop: stop}
	if response.StatusCode == http.StatusOK {
		require.Equal(w.t, "text/event-stream", response.Header.Get("Content-Type"))
		go c.read()
	}
	return c
}

func (c *client) read() {
	defer close(c.messages)
	var m sse
	lines := bufio.NewScanner(c.response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			_ = m.data.UnmarshalJSON([]byte(value)) // the reader of m sees what is missing
		case "":
			if m.event != "" {
				c.messages <- m
			}
			m = sse{}
		}
	}
}

// next returns the next message, pings aside.
func (c *client) next() sse {
	c.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case m, open := <-c.messages:
			require.True(c.t, open, "the stream ended")
			if m.event != "ping" {
				return m
			}
		case <-deadline:
			require.FailNow(c.t, "no message came")
		}
	}
}

func (c *client) ended() bool {
	deadline := time.After(10 * time.Second)
	for {
		select {
		case _, open := <-c.messages:
			if !open {
				return true
			}
		case <-deadline:
			return false
		}
	}
}

// put publishes a state of an execution.
func (w *world) put(id, application string, status pipeline.Status, sequence int64) {
	w.memory.Put(w.t.Context(), executions.Record{Sequence: sequence, Execution: &pipeline.Execution{
		ID: id, Type: pipeline.TypePipeline, Application: application, Status: status,
		Stages: []*pipeline.Stage{{ID: "s", Context: pipeline.Map{"big": "x"}, Tasks: []*pipeline.Task{}}},
	}})
}

func TestExecutionStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	w.put("x", "shop", pipeline.Running, 3)
	c := w.stream(server.URL + "/executions/x/events")

	m := c.next()
	require.Equal(t, "3", m.id)
	require.Equal(t, "execution", m.event)
	require.Equal(t, w.get("/pipelines/x"), map[string]any(m.data), "the data is what GET answers")
	w.put("x", "shop", pipeline.Running, 4)
	w.put("y", "shop", pipeline.Running, 9)
	w.put("x", "shop", pipeline.Succeeded, 5)
	require.Equal(t, "4", c.next().id)
	m = c.next()
	require.Equal(t, "5", m.id)
	require.Equal(t, "SUCCEEDED", m.data.String("status"))

	require.NoError(t, w.memory.Delete(t.Context(), "x"))
	require.Equal(t, sse{event: "deleted", data: pipeline.Map{"id": "x"}}, c.next())

	c.stop()
	require.Eventually(t, func() bool { return w.memory.watching() == 0 }, 10*time.Second, time.Millisecond, "a client that leaves ends its watch")
}

func TestStreamGoesOnWhereTheClientWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	w.put("x", "shop", pipeline.Running, 7)
	c := w.stream(server.URL+"/executions/x/events", "Last-Event-ID", "7")
	w.put("x", "shop", pipeline.Running, 8)
	require.Equal(t, "8", c.next().id, "state 7 is known")
	require.Equal(t, "8", w.stream(server.URL+"/executions/x/events", "Last-Event-ID", "6").next().id)
	w.put("z", "shop", pipeline.Running, 0)
	require.Equal(t, "0", w.stream(server.URL+"/executions/z/events").next().id, "Gate's own first record counts")
}

func TestApplicationStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	w.put("running", "shop", pipeline.Running, 2)
	w.put("ended", "shop", pipeline.Succeeded, 2)
	w.put("foreign", "other", pipeline.Running, 2)
	c := w.stream(server.URL + "/applications/SHOP/events")

	m := c.next()
	require.Equal(t, "running", m.data.String("id"))
	require.Equal(t, map[string]any{}, pipeline.AsMap(m.data.List("stages")[0])["context"], "the short form")
	w.put("foreign", "other", pipeline.Running, 3)
	w.put("new", "shop", pipeline.NotStarted, 0)
	w.put("running", "shop", pipeline.Canceled, 3)
	require.Equal(t, "new", c.next().data.String("id"))
	require.Equal(t, "CANCELED", c.next().data.String("status"))
	require.NoError(t, w.memory.Delete(t.Context(), "ended"))
	require.Equal(t, "ended", c.next().data.String("id"))
}

func TestStreamPings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) { c.PingInterval = 5 * time.Millisecond })
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	c := w.stream(server.URL + "/applications/shop/events")
	for range 3 {
		select {
		case m := <-c.messages:
			require.Equal(t, "ping", m.event)
		case <-time.After(10 * time.Second):
			require.FailNow(t, "no ping came")
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) { c.MaxStreams = 1 })
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	first := w.stream(server.URL + "/applications/shop/events")
	require.Equal(t, http.StatusOK, first.response.StatusCode)
	second := w.stream(server.URL + "/applications/shop/events")
	require.Equal(t, http.StatusTooManyRequests, second.response.StatusCode)
	first.stop()
	require.Eventually(t, func() bool {
		return w.stream(server.URL+"/applications/shop/events").response.StatusCode == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond, "a slot comes free again")
}

// One user does not take everybody's streams.
func TestStreamsOfOneUserAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) { c.MaxStreams, c.TrustUserHeader = 8, true })
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	open := func(user string) *client {
		return w.stream(server.URL+"/applications/shop/events", "X-SPINNAKER-USER", user)
	}
	first := open("eve")
	require.Equal(t, http.StatusOK, first.response.StatusCode)
	require.Equal(t, http.StatusOK, open("EVE").response.StatusCode)
	require.Equal(t, http.StatusTooManyRequests, open("eve").response.StatusCode)
	require.Equal(t, http.StatusOK, open("ann").response.StatusCode)
	for range 5 {
		require.Equal(t, http.StatusOK, open("anonymous").response.StatusCode)
	}
	require.Equal(t, http.StatusTooManyRequests, open("ann").response.StatusCode, "all are taken")
	first.stop()
	require.Eventually(t, func() bool { return open("ann").response.StatusCode == http.StatusOK }, 10*time.Second, 10*time.Millisecond)
}

func TestStreamEndsWithItsWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) { d.Executions = shortWatch{d.Executions} })
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	require.True(t, w.stream(server.URL+"/applications/shop/events").ended())

	w.memory.fail = pipeline.Errorf(pipeline.CodeUnavailable, "away")
	require.Equal(t, http.StatusServiceUnavailable, w.stream(server.URL+"/executions/x/events").response.StatusCode)
}

// shortWatch closes every watch at once.
type shortWatch struct{ gate.Executions }

func (shortWatch) Watch(context.Context, executions.Topic) (<-chan executions.Event, error) {
	ch := make(chan executions.Event)
	close(ch)
	return ch, nil
}

// TestAllApplications: one stream for everything, in short form.
func TestAllApplications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	w.put("a", "shop", pipeline.Running, 2)
	c := w.stream(server.URL + "/events")
	m := c.next()
	require.Equal(t, "a", m.data.String("id"))
	require.Equal(t, map[string]any{}, pipeline.AsMap(m.data.List("stages")[0])["context"], "the short form")
	w.put("b", "other", pipeline.Running, 1)
	require.Equal(t, "b", c.next().data.String("id"))
	require.NoError(t, w.memory.Delete(t.Context(), "a"))
	require.Equal(t, "deleted", c.next().event)
}

// TestStreamsGoOnWithWhatWasMissed: a client that comes back, to whichever Gate,
// gets every execution that changed while it was away.
func TestStreamsGoOnWithWhatWasMissed(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/events", "/applications/shop/events"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			server := httptest.NewServer(w.server.Handler())
			t.Cleanup(server.Close)
			c := w.stream(server.URL + path)
			w.put("a", "shop", pipeline.Running, 1)
			m := c.next()
			require.Equal(t, "a", m.data.String("id"))
			require.NotEmpty(t, m.id)
			c.stop()

			// Nobody watches, and things end.
			w.put("a", "shop", pipeline.Succeeded, 2)
			w.put("b", "shop", pipeline.Running, 1)
			w.put("b", "shop", pipeline.Succeeded, 2)
			w.put("gone", "shop", pipeline.Succeeded, 1)
			require.NoError(t, w.memory.Delete(t.Context(), "gone"))
			seen := map[string]string{}
			c = w.stream(server.URL+path, "Last-Event-ID", m.id)
			for len(seen) < 3 {
				m = c.next()
				require.NotEqual(t, "reset", m.event)
				seen[m.data.String("id")] = m.event + m.data.String("status")
			}
			require.Equal(t, map[string]string{"a": "executionSUCCEEDED", "b": "executionSUCCEEDED", "gone": "deleted"}, seen)
			w.put("c", "shop", pipeline.Running, 1)
			require.Equal(t, "c", c.next().data.String("id"), "and then what happens")
		})
	}
}

// TestStreamsTellThatTheyCannotGoOn: what cannot be told is told.
func TestStreamsTellThatTheyCannotGoOn(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]string{"long ago": "1-0", "of another store": "1-99", "of no store": "x", "an older program's": "7"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			server := httptest.NewServer(w.server.Handler())
			t.Cleanup(server.Close)
			w.put("a", "shop", pipeline.Running, 1)
			w.memory.oldest = 1
			c := w.stream(server.URL+"/events", "Last-Event-ID", last)
			require.Equal(t, "reset", c.next().event)
			require.Equal(t, "a", c.next().data.String("id"), "the present state follows")
		})
	}
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) { d.Executions = lostSince{d.Executions} })
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	require.Equal(t, "reset", w.stream(server.URL+"/events", "Last-Event-ID", "1-0").next().event, "a store that is away")
}

// lostSince cannot tell what was missed.
type lostSince struct{ gate.Executions }

func (lostSince) Since(context.Context, executions.Topic, string) ([]executions.Event, bool, error) {
	return nil, false, pipeline.Errorf(pipeline.CodeUnavailable, "away")
}

// TestClientsShareAWatch: many clients of one topic are one watch, and one that
// reads nothing for long gets the latest states and no others.
func TestClientsShareAWatch(t *testing.T) {
	t.Parallel()
	const clients, states, ids = 20, 2000, 5
	w := newWorld(t)
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	w.put("first", "shop", pipeline.Running, 1)
	var all []*client
	for range clients {
		c := w.stream(server.URL + "/applications/shop/events")
		require.Equal(t, "first", c.next().data.String("id"))
		all = append(all, c)
	}
	require.Equal(t, 1, w.memory.watching())
	for i := range states {
		w.put("x"+string(rune('0'+i%ids)), "shop", pipeline.Running, int64(i/ids+1))
	}
	ended := false
	for _, c := range all {
		last := map[string]string{}
		for len(last) < ids || slices.ContainsFunc(slices.Collect(maps.Values(last)), func(s string) bool { return s != "done" }) {
			if len(last) == ids && !ended {
				ended = true
				for i := range ids {
					w.put("x"+string(rune('0'+i)), "shop", pipeline.Succeeded, states)
				}
			}
			m := c.next()
			state := "going"
			if m.data.String("status") == "SUCCEEDED" {
				state = "done"
			}
			last[m.data.String("id")] = state
		}
		c.stop()
	}
	require.Eventually(t, func() bool { return w.memory.watching() == 0 }, 10*time.Second, time.Millisecond)
}

// TestStreamsShowWhatTheCallerMayRead: who may not read an application sees
// nothing of it, and who loses it sees no more.
func TestStreamsShowWhatTheCallerMayRead(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	reader := w.stream(server.URL+"/events", "X-SPINNAKER-USER", "reader")
	stranger := w.stream(server.URL+"/events", "X-SPINNAKER-USER", "stranger")
	require.Equal(t, http.StatusForbidden, w.stream(server.URL+"/applications/"+secretApp+"/events", "X-SPINNAKER-USER", "stranger").response.StatusCode)
	own := w.stream(server.URL+"/applications/"+secretApp+"/events", "X-SPINNAKER-USER", "reader")
	for _, c := range []*client{reader, own} {
		require.Equal(t, secretApp, c.next().data.String("application"))
	}
	w.put("open", "open", pipeline.Running, 1)
	require.Equal(t, "open", stranger.next().data.String("id"), "and nothing before")

	w.application(pipeline.Application{"name": secretApp, "email": "a@example.com", "permissions": map[string]any{"READ": []any{"writer"}}})
	ended := make(chan bool, 1)
	go func() { ended <- own.ended() }()
	sequence := int64(10)
	require.Eventually(t, func() bool {
		sequence++
		w.put(secretRun, secretApp, pipeline.Running, sequence)
		select {
		case over := <-ended:
			return over
		default:
			return false
		}
	}, time.Minute, 50*time.Millisecond, "the stream of an application ends with the permission to read it")
}

// keys is a sign-in by a key that can be taken away.
type keys struct {
	gate.SignIn
	revoked, away atomic.Bool
	asked         atomic.Int64
}

func (k *keys) Identify(http.ResponseWriter, *http.Request) (gate.Identity, error) {
	k.asked.Add(1)
	switch {
	case k.away.Load():
		return gate.Identity{}, pipeline.Errorf(pipeline.CodeUnavailable, "Sessions cannot be read.")
	case k.revoked.Load():
		return gate.Identity{}, pipeline.Errorf(pipeline.CodeUnauthenticated, "The key was taken away.")
	}
	return gate.Identity{Principal: fiat.Principal{Name: "ines", Mode: "token"}}, nil
}

// TestStreamsEndWithTheSignIn: whose token was revoked sees no more, however long the
// stream was open.
func TestStreamsEndWithTheSignIn(t *testing.T) {
	t.Parallel()
	k := &keys{}
	w := newWorld(t, func(d *gate.Dependencies, c *gate.Config) { d.SignIn, c.PingInterval = k, 5*time.Millisecond })
	server := httptest.NewServer(w.server.Handler())
	t.Cleanup(server.Close)
	c := w.stream(server.URL + "/applications/shop/events")
	sequence := int64(0)
	push := func() {
		sequence++
		w.put("x", "shop", pipeline.Running, sequence)
	}
	k.away.Store(true)
	before := k.asked.Load()
	require.Eventually(t, func() bool { push(); return k.asked.Load() > before }, time.Minute, 20*time.Millisecond)
	require.Equal(t, "x", c.next().data.String("id"), "while nobody can tell, the stream goes on")
	k.away.Store(false)
	k.revoked.Store(true)
	require.Eventually(t, func() bool {
		push()
		for {
			select {
			case _, open := <-c.messages:
				if !open {
					return true
				}
			default:
				return false
			}
		}
	}, time.Minute, 20*time.Millisecond)
}
