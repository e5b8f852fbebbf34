package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Event is one message of an event stream.
type Event struct {
	// ID is the sequence number.
	ID        int64
	Kind      string
	Execution pipeline.Execution
	// At is when it arrived.
	At time.Time
}

// Follower follows an event stream as a browser does: when the connection ends
// it connects again and says what it has seen.
type Follower struct {
	cancel context.CancelFunc
	done   chan struct{}
	// ordered says that all events are of one execution, whose sequence grows.
	ordered bool

	mu       sync.Mutex
	events   []Event
	connects int
	err      error
}

// Follow begins to follow the events of an execution.
func (g *Gate) Follow(ctx context.Context, id string) *Follower {
	return follow(ctx, g.Base+"/executions/"+url.PathEscape(id)+"/events", true)
}

// FollowApplication begins to follow the events of an application.
func (g *Gate) FollowApplication(ctx context.Context, application string) *Follower {
	return follow(ctx, g.Base+"/applications/"+url.PathEscape(application)+"/events", false)
}

func follow(ctx context.Context, address string, ordered bool) *Follower {
	ctx, cancel := context.WithCancel(ctx)
	f := &Follower{cancel: cancel, done: make(chan struct{}), ordered: ordered}
	go func() {
		defer close(f.done)
		for ctx.Err() == nil {
			f.connect(ctx, address)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond): // a browser waits too, for longer
			}
		}
	}()
	return f
}

// Close ends the following.
func (f *Follower) Close() {
	f.cancel()
	<-f.done
}

// Events returns what came so far, and a fault of the stream itself: an event
// that is no JSON, or one that is older than the one before.
func (f *Follower) Events() ([]Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events), f.err
}

// Open returns when the stream is open.
func (f *Follower) Open(ctx context.Context) error {
	return Until(ctx, "an open event stream", func(context.Context) (bool, error) { return f.Connects() > 0, nil })
}

// When returns the moment at which the first event arrived that shows an
// execution for which the condition holds.
func (f *Follower) When(ctx context.Context, id string, condition func(*pipeline.Execution) bool) (time.Time, error) {
	var at time.Time
	err := Until(ctx, "an event of execution "+id, func(context.Context) (bool, error) {
		events, err := f.Events()
		for i := range events {
			if e := &events[i].Execution; e.ID == id && condition(e) {
				at = events[i].At
				return true, nil
			}
		}
		return false, err
	})
	return at, err
}

// Connects returns how often the stream was opened.
func (f *Follower) Connects() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connects
}

func (f *Follower) connect(ctx context.Context, address string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return
	}
	req.Header.Set("Accept", "text/event-stream")
	if last := f.last(); f.ordered && last >= 0 {
		req.Header.Set("Last-Event-ID", strconv.FormatInt(last, 10))
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return
	}
	f.mu.Lock()
	f.connects++
	f.mu.Unlock()
	f.read(bufio.NewReader(resp.Body))
}

func (f *Follower) last() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		return -1
	}
	return f.events[len(f.events)-1].ID
}

func (f *Follower) read(body *bufio.Reader) {
	var event Event
	var data string
	for {
		line, err := body.ReadString('\n')
		if err != nil {
			return
		}
		field, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ": ")
		switch field {
		case "id":
			event.ID, _ = strconv.ParseInt(value, 10, 64)
		case "event":
			event.Kind = value
		case "data":
			data = value
		case "":
			if value == "" && event.Kind == "execution" {
				f.take(event, data)
			}
			if value == "" {
				event, data = Event{}, ""
			}
		}
	}
}

func (f *Follower) take(event Event, data string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	event.At = time.Now()
	if err := json.Unmarshal([]byte(data), &event.Execution); err != nil {
		f.err = fmt.Errorf("event %d is no execution: %w", event.ID, err)
		return
	}
	if n := len(f.events); f.ordered && n > 0 && event.ID <= f.events[n-1].ID {
		f.err = fmt.Errorf("event %d came after event %d", event.ID, f.events[n-1].ID)
	}
	f.events = append(f.events, event)
}
