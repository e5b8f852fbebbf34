package gate

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// health is the answer of /health in Spring's form.
type health struct {
	// Status is UP, DOWN, or OUT_OF_SERVICE while Gate drains before it stops.
	Status     string               `json:"status"`
	Components map[string]component `json:"components"`
}

type component struct {
	Status string `json:"status"`
	// Details say why a component is down and whether Gate works without it.
	Details *componentDetails `json:"details,omitempty"`
}

type componentDetails struct {
	Error    string `json:"error"`
	Optional bool   `json:"optional"`
}

// checkTimeout is how long a dependency may take to prove that it works.
const checkTimeout = 2 * time.Second

func getHealth(r *request) error {
	r.Header("Cache-Control", "no-store")
	if r.server.draining.Load() {
		return r.answer(http.StatusServiceUnavailable, health{Status: "OUT_OF_SERVICE", Components: map[string]component{}})
	}
	ctx, cancel := context.WithTimeout(r.ctx(), checkTimeout)
	defer cancel()
	out := health{Status: "UP", Components: make(map[string]component, len(r.server.checks))}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, check := range r.server.checks {
		wg.Go(func() {
			err := check.Probe(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				out.Components[check.Name] = component{Status: "UP"}
				return
			}
			out.Components[check.Name] = component{Status: "DOWN", Details: &componentDetails{Error: reason(err), Optional: check.Optional}}
			if !check.Optional {
				out.Status = "DOWN"
			}
		})
	}
	wg.Wait()
	if out.Status != "UP" {
		return r.answer(http.StatusServiceUnavailable, out)
	}
	return r.answer(http.StatusOK, out)
}

// reason returns what may be told of a failed check to anybody who asks.
func reason(err error) string {
	var own *pipeline.Error
	switch {
	case errors.As(err, &own) && own.Code != pipeline.CodeInternal:
		return own.Message
	case errors.Is(err, context.DeadlineExceeded):
		return "It does not answer within " + checkTimeout.String() + "."
	}
	return "It does not answer."
}

type version struct {
	Version string `json:"version"`
}

func getVersion(r *request) error {
	return r.answer(http.StatusOK, version{Version: r.server.version})
}

// emptyList answers a question about things of which there are none, which anybody
// may know.
func emptyList(r *request) error {
	r.checked = true
	return r.answer(http.StatusOK, []any{})
}

// emptyObject is emptyList for answers that are keyed.
func emptyObject(r *request) error {
	r.checked = true
	return r.answer(http.StatusOK, map[string]any{})
}
