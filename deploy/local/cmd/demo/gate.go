package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// gate speaks to Gate as any of Spinnaker's clients does. It waits out a Gate
// that is away; every call of the demo may be sent twice.
type gate struct {
	base string
	http *http.Client
	// patience is how long Gate may be away.
	patience time.Duration
	// waits is told once per outage that it is being waited for.
	waits func(err error)
}

func newGate(base string, waits func(error)) *gate {
	return &gate{
		base: strings.TrimRight(base, "/"), http: &http.Client{Timeout: 90 * time.Second},
		patience: time.Minute, waits: waits,
	}
}

// awayError says that Gate could not be asked, or could not answer, for now.
type awayError struct{ error }

func (e awayError) Unwrap() error { return e.error }

func away(err error) bool {
	var e awayError
	return errors.As(err, &e)
}

// conflictError is Gate's answer 409: what is asked for does not fit what is.
type conflictError struct{ error }

func (e conflictError) Unwrap() error { return e.error }

func conflict(err error) bool {
	var e conflictError
	return errors.As(err, &e)
}

// call is [gate.send], repeated while Gate is away and patience lasts.
func (g *gate) call(ctx context.Context, method, path string, body, out any) error {
	return g.persist(ctx, func() error { return g.send(ctx, method, path, body, out) })
}

// persist repeats what may be done twice while Gate is away and patience lasts.
func (g *gate) persist(ctx context.Context, do func() error) error {
	since := time.Now()
	told := false
	for {
		err := do()
		if !away(err) || ctx.Err() != nil || time.Since(since) > g.patience {
			return err
		}
		if !told {
			g.waits(err)
			told = true
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// send sends body as JSON and decodes the answer into out. An answer of 400 and
// above is an error with Gate's own message.
func (g *gate) send(ctx context.Context, method, path string, body, out any) error {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, g.base+path, reader)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := g.http.Do(req)
	if err != nil {
		return awayError{fmt.Errorf("gate does not answer at %s (is `make up` running?): %w", g.base, err)}
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return awayError{fmt.Errorf("the answer of %s %s broke off: %w", method, path, err)}
	}
	if resp.StatusCode >= http.StatusBadRequest {
		var fault struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(raw, &fault) // an answer that is not JSON has no message
		err := fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, fault.Message)
		if resp.StatusCode >= http.StatusInternalServerError {
			return awayError{err}
		}
		if resp.StatusCode == http.StatusConflict {
			return conflictError{err}
		}
		return err
	}
	if out == nil || len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// ref is the answer to a start.
type ref struct {
	Ref string `json:"ref"`
}

func (r ref) id() string { return r.Ref[strings.LastIndexByte(r.Ref, '/')+1:] }

// runTask starts an ad-hoc task and waits until it has succeeded. A start whose
// answer was lost is repeated with the same correlation ID, so that there is one
// task.
func (g *gate) runTask(ctx context.Context, task pipeline.TaskRequest) error {
	task.Trigger = &pipeline.Trigger{CorrelationID: correlation()}
	var started ref
	if err := g.call(ctx, http.MethodPost, "/tasks", task, &started); err != nil {
		return err
	}
	for {
		var view struct {
			Status pipeline.Status `json:"status"`
		}
		if err := g.call(ctx, http.MethodGet, "/tasks/"+started.id(), nil, &view); err != nil {
			return err
		}
		if view.Status.Complete() {
			if view.Status != pipeline.Succeeded {
				return fmt.Errorf("the task %q ended %s: see %s/tasks/%s", task.Description, view.Status, g.base, started.id())
			}
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// correlation makes the ID by which Gate knows that a start is repeated.
func correlation() string { return "demo-" + rand.Text() }

// savePipeline stores the configuration under its name: an existing one of the
// same name is replaced, as spin does it. A save whose answer was lost may have
// happened, so a repetition looks again first.
func (g *gate) savePipeline(ctx context.Context, p pipeline.Pipeline) error {
	return g.persist(ctx, func() error {
		var stored pipeline.Pipeline
		err := g.send(ctx, http.MethodGet, "/applications/"+url.PathEscape(p.Application())+"/pipelineConfigs/"+url.PathEscape(p.Name()), nil, &stored)
		if away(err) {
			return err
		}
		if err == nil && stored.ID() != "" {
			p["id"] = stored.ID()
		}
		return g.send(ctx, http.MethodPost, "/pipelines", p, nil)
	})
}

// start starts the pipeline once, however often it has to ask: Gate answers a
// correlation ID that it knows with the execution of that ID.
func (g *gate) start(ctx context.Context, application, name string) (string, error) {
	var started ref
	trigger := map[string]any{"type": "manual", "correlationId": correlation()}
	err := g.call(ctx, http.MethodPost, "/pipelines/"+url.PathEscape(application)+"/"+url.PathEscape(name), trigger, &started)
	return started.id(), err
}

func (g *gate) execution(ctx context.Context, id string) (*pipeline.Execution, error) {
	var e pipeline.Execution
	err := g.call(ctx, http.MethodGet, "/pipelines/"+id, nil, &e)
	return &e, err
}

// approve decides a judgment. It asks once: whether a lost answer was a yes is
// seen on the stage.
func (g *gate) approve(ctx context.Context, execution, stage string) error {
	return g.send(ctx, http.MethodPatch, "/pipelines/"+execution+"/stages/"+stage, map[string]any{"judgmentStatus": "continue"}, nil)
}

// pause waits a moment between two looks at Gate.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("the demo did not end in time: %w", ctx.Err())
	case <-time.After(200 * time.Millisecond):
		return nil
	}
}
