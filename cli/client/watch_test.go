package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/pipeline"
)

// watched watches an execution of a server to its end and returns the statuses
// that were seen.
func watched(t *testing.T, address string) ([]pipeline.Status, error) {
	t.Helper()
	c, err := client.Open(t.Context(), client.Options{Endpoint: address, ConfigFile: configFile(t, "", "{}")})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var seen []pipeline.Status
	err = c.Watch(ctx, "E1", func(e *pipeline.Execution) bool {
		seen = append(seen, e.Status)
		return !e.Status.Complete()
	})
	return seen, err
}

func event(w io.Writer, id int, status pipeline.Status) {
	_, _ = fmt.Fprintf(w, "id: %d\nevent: execution\ndata: {\"id\":\"E1\",\"status\":\"%s\",\"stages\":[]}\n\n", id, status)
}

// A stream that breaks off is taken up where it was.
func TestWatchGoesOnAfterABreak(t *testing.T) {
	t.Parallel()
	var connects atomic.Int32
	s := gate(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/executions/E1/events" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		n := connects.Add(1)
		if n == 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		if n == 1 {
			_, _ = io.WriteString(w, ": open\n\nevent: ping\ndata: {}\n\n")
			event(w, 4, pipeline.NotStarted)
			event(w, 7, pipeline.Running)
			return
		}
		if r.Header.Get("Last-Event-ID") == "7" {
			event(w, 9, pipeline.Succeeded)
		}
	})
	seen, err := watched(t, s.URL)
	require.NoError(t, err)
	require.Equal(t, []pipeline.Status{pipeline.NotStarted, pipeline.Running, pipeline.Succeeded}, seen)
	require.Equal(t, int32(3), connects.Load())
}

// A Gate without streams is asked again and again.
func TestWatchAsksAGateWithoutStreams(t *testing.T) {
	t.Parallel()
	states := []pipeline.Status{pipeline.Running, pipeline.Terminal}
	s := gate(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/pipelines/E1" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = fmt.Fprintf(w, `{"id":"E1","status":"%s","stages":[]}`, states[0])
		states = states[1:]
	})
	seen, err := watched(t, s.URL)
	require.NoError(t, err)
	require.Equal(t, []pipeline.Status{pipeline.Running, pipeline.Terminal}, seen)
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	none := gate(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"message":"Execution not found (id: E1)"}`)
	})
	_, err := watched(t, none.URL)
	require.EqualError(t, err, "Execution not found (id: E1)")

	forbidden := gate(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message":"Access is denied"}`)
	})
	_, err = watched(t, forbidden.URL)
	require.EqualError(t, err, "Access is denied")

	deleted := gate(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		event(w, 1, pipeline.Running)
		_, _ = io.WriteString(w, "event: deleted\ndata: {\"id\":\"E1\"}\n\n")
	})
	_, err = watched(t, deleted.URL)
	require.ErrorContains(t, err, "was deleted")

	// A person ends it.
	silent := gate(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		event(w, 1, pipeline.Running)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	c, err := client.Open(t.Context(), client.Options{Endpoint: silent.URL, ConfigFile: configFile(t, "", "{}")})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	err = c.Watch(ctx, "E1", func(*pipeline.Execution) bool {
		cancel()
		return true
	})
	require.ErrorIs(t, err, context.Canceled)
}
