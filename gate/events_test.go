package gate_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
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
