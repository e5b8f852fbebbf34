package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// gate speaks to Gate as any of Spinnaker's clients does.
type gate struct {
	base string
	http *http.Client
}

func newGate(base string) *gate {
	return &gate{base: strings.TrimRight(base, "/"), http: &http.Client{Timeout: 90 * time.Second}}
}

// call sends body as JSON and decodes the answer into out. An answer of 400 and
// above is an error with Gate's own message.
func (g *gate) call(ctx context.Context, method, path string, body, out any) error {
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
		return fmt.Errorf("gate does not answer at %s (is `make up` running?): %w", g.base, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		var fault struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(raw, &fault) // an answer that is not JSON has no message
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, fault.Message)
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

// runTask starts an ad-hoc task and waits until it has succeeded.
func (g *gate) runTask(ctx context.Context, task pipeline.TaskRequest) error {
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

// savePipeline stores the configuration under its name: an existing one of the
// same name is replaced, as spin does it.
func (g *gate) savePipeline(ctx context.Context, p pipeline.Pipeline) error {
	var stored pipeline.Pipeline
	err := g.call(ctx, http.MethodGet, "/applications/"+url.PathEscape(p.Application())+"/pipelineConfigs/"+url.PathEscape(p.Name()), nil, &stored)
	if err == nil && stored.ID() != "" {
		p["id"] = stored.ID()
	}
	return g.call(ctx, http.MethodPost, "/pipelines", p, nil)
}

func (g *gate) start(ctx context.Context, application, name string) (string, error) {
	var started ref
	err := g.call(ctx, http.MethodPost, "/pipelines/"+url.PathEscape(application)+"/"+url.PathEscape(name), map[string]any{"type": "manual"}, &started)
	return started.id(), err
}

func (g *gate) execution(ctx context.Context, id string) (*pipeline.Execution, error) {
	var e pipeline.Execution
	err := g.call(ctx, http.MethodGet, "/pipelines/"+id, nil, &e)
	return &e, err
}

func (g *gate) approve(ctx context.Context, execution, stage string) error {
	return g.call(ctx, http.MethodPatch, "/pipelines/"+execution+"/stages/"+stage, map[string]any{"judgmentStatus": "continue"}, nil)
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
