package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	// pollEvery is the time between two looks at an execution of a Gate that has no
	// event streams.
	pollEvery = 2 * time.Second
	// silence is how long a stream may say nothing, not even that it lives.
	silence = 90 * time.Second
	// patience is how long Gate may be away before a watch ends.
	patience = 5 * time.Minute
	// firstAgain and lastAgain are the waits before a connection is made again.
	firstAgain = 250 * time.Millisecond
	lastAgain  = 5 * time.Second
)

// errNoStreams says that Gate has no event streams.
var errNoStreams = errors.New("gate has no event streams")

// errEnough ends a watch whose reader has seen enough.
var errEnough = errors.New("the reader has seen enough")

// Watch calls see with the state of an execution and with each later one, until
// see returns false, which is no error. It follows the event stream and connects
// again where it was; a Gate without streams, as Spinnaker's, is asked again and
// again.
//
// Errors: see's own do not exist; a [Refusal]; Gate away for five minutes; the
// context's.
func (c *Client) Watch(ctx context.Context, id string, see func(*pipeline.Execution) bool) error {
	w := &watch{client: c, id: id, see: see, answered: time.Now()}
	for wait := firstAgain; ; {
		before := w.answered
		err := w.follow(ctx)
		var refusal *Refusal
		switch {
		case errors.Is(err, errEnough):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errNoStreams):
			w.poll = true
			continue
		case errors.As(err, &refusal) && refusal.Status < http.StatusInternalServerError && refusal.Status != http.StatusTooManyRequests:
			return err
		case err != nil && time.Since(w.answered) > patience:
			return err
		}
		if w.answered.After(before) {
			wait = firstAgain
		}
		if w.poll && err == nil {
			wait = pollEvery
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
		wait = min(2*wait, lastAgain)
	}
}

// watch is one watch.
type watch struct {
	client *Client
	id     string
	see    func(*pipeline.Execution) bool
	// last is the ID of the last event, poll is set for a Gate without streams.
	last     string
	poll     bool
	answered time.Time
}

// follow looks at the execution once, or follows one stream to its end.
func (w *watch) follow(ctx context.Context) error {
	if w.poll {
		e, _, err := w.client.Execution(ctx, w.id)
		if err != nil {
			return err
		}
		return w.show(e)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A connection that is gone without a word would be waited on for ever.
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	header := http.Header{"Accept": {"text/event-stream, application/json"}}
	if w.last != "" {
		header.Set("Last-Event-ID", w.last)
	}
	path := Path("executions", w.id) + "/events"
	response, err := w.client.send(ctx, http.MethodGet, path, nil, nil, header)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	switch {
	case response.StatusCode == http.StatusNotFound, response.StatusCode == http.StatusMethodNotAllowed, response.StatusCode == http.StatusNotAcceptable:
		return errNoStreams // or no such execution, which the next look tells
	case response.StatusCode != http.StatusOK:
		_, err := answerOf(response, http.MethodGet, path)
		return err
	case !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream"):
		return errNoStreams
	}
	w.answered = time.Now()
	for event, err := range sse.Read(response.Body, &sse.ReadConfig{MaxEventSize: MaxAnswer}) {
		if err != nil {
			return fmt.Errorf("the event stream of execution %s broke off: %w", w.id, err)
		}
		quiet.Reset(silence)
		w.answered = time.Now()
		if err := w.take(event); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) take(event sse.Event) error {
	switch event.Type {
	case "execution":
		var e pipeline.Execution
		if err := json.Unmarshal([]byte(event.Data), &e); err != nil {
			return fmt.Errorf("gate sent an event that is no execution: %w", err)
		}
		w.last = event.LastEventID
		return w.show(&e)
	case "deleted":
		return &Refusal{Status: http.StatusNotFound, Message: fmt.Sprintf("The execution %s was deleted.", w.id)}
	}
	return nil
}

func (w *watch) show(e *pipeline.Execution) error {
	w.answered = time.Now()
	if !w.see(e) {
		return errEnough
	}
	return nil
}
