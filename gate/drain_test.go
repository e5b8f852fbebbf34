package gate_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// slowGet holds a question for an execution until it is let go.
type slowGet struct {
	gate.Executions
	entered, letGo chan struct{}
}

func (s slowGet) Get(ctx context.Context, id string) (executions.Record, error) {
	if id == "slow" {
		close(s.entered)
		select {
		case <-s.letGo:
		case <-ctx.Done():
		}
	}
	return s.Executions.Get(ctx, id)
}

// TestDrain: a server that is told to stop says so first, works on, ends streams
// with a word on when to come back, and finishes what is under way.
func TestDrain(t *testing.T) {
	t.Parallel()
	slow := slowGet{entered: make(chan struct{}), letGo: make(chan struct{})}
	w := newWorld(t, func(d *gate.Dependencies, c *gate.Config) {
		c.DrainTime = 2 * time.Second
		slow.Executions = d.Executions
		d.Executions = slow
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := "http://" + l.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.server.Serve(ctx, l, w.server.Handler()) }()
	get := func(path string) (int, string) {
		r, err := http.Get(address + path)
		require.NoError(t, err)
		defer func() { _ = r.Body.Close() }()
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		return r.StatusCode, string(body)
	}
	status, _ := get("/health")
	require.Equal(t, http.StatusOK, status)
	stream, err := http.Get(address + "/applications/shop/events")
	require.NoError(t, err)
	t.Cleanup(func() { _ = stream.Body.Close() })
	w.execution(&pipeline.Execution{ID: "quick", Application: "shop", Status: pipeline.Running})

	stop()
	require.Eventually(t, func() bool { status, _ = get("/health"); return status == http.StatusServiceUnavailable }, time.Minute, time.Millisecond)
	_, body := get("/health")
	require.Contains(t, body, `"status":"OUT_OF_SERVICE"`)
	status, _ = get("/pipelines/quick")
	require.Equal(t, http.StatusOK, status, "all else works")
	answered := make(chan int, 1)
	go func() {
		r, err := http.Get(address + "/pipelines/slow/evaluateExpression?expression=x")
		if err != nil {
			answered <- 0
			return
		}
		_ = r.Body.Close()
		answered <- r.StatusCode
	}()
	<-slow.entered

	var last string
	lines := bufio.NewScanner(stream.Body)
	for lines.Scan() {
		if line := lines.Text(); line != "" {
			last = line
		}
	}
	require.True(t, strings.HasPrefix(last, "retry: "), "the stream ends with a word on when to come back, not with %q", last)
	_, err = net.Dial("tcp", l.Addr().String())
	require.Error(t, err, "nothing new is taken once streams end")
	select {
	case err := <-ended:
		require.FailNow(t, "the server ended before its last request", "%v", err)
	default:
	}
	close(slow.letGo)
	require.Equal(t, http.StatusNotFound, <-answered, "a request under way finishes")
	require.NoError(t, <-ended)
}

// TestRequestsThatTakeTooLongAreCut: a server does not wait for ever.
func TestRequestsThatTakeTooLongAreCut(t *testing.T) {
	t.Parallel()
	slow := slowGet{entered: make(chan struct{}), letGo: make(chan struct{})}
	w := newWorld(t, func(d *gate.Dependencies, c *gate.Config) {
		c.ShutdownTimeout = 50 * time.Millisecond
		slow.Executions = d.Executions
		d.Executions = slow
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.server.Serve(ctx, l, w.server.Handler()) }()
	cut := make(chan error, 1)
	go func() {
		r, err := http.Get("http://" + l.Addr().String() + "/pipelines/slow/evaluateExpression?expression=x")
		if err == nil {
			_ = r.Body.Close()
		}
		cut <- err
	}()
	<-slow.entered
	stop()
	require.NoError(t, <-ended)
	require.Error(t, <-cut)
}
