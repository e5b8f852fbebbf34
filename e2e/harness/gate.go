package harness

import (
	"bytes"
	"context"
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

// Gate speaks to Gate over HTTP as any of Spinnaker's clients does.
type Gate struct {
	// Base is Gate's address without a slash at its end.
	Base string
	http *http.Client
}

func newGate(base string) *Gate {
	return &Gate{Base: base, http: &http.Client{Timeout: 70 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// Answer is what Gate answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Message returns the message of an error's body.
func (a Answer) Message() string {
	var body struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(a.Body, &body) // what is no JSON has no message
	return body.Message
}

// Refusal is an answer of 400 and above.
type Refusal struct {
	Request string
	Answer  Answer
}

// Error implements error.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %d: %s", r.Request, r.Answer.Status, r.Answer.Message())
}

// Do sends a body as it is.
func (g *Gate) Do(ctx context.Context, method, path string, body []byte, header ...string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, g.Base+path, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: raw}, err
}

// Call sends in as JSON and decodes the answer into out. An answer of 400 and
// above is a [Refusal].
func (g *Gate) Call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	answer, err := g.Do(ctx, method, path, body)
	if err != nil {
		return err
	}
	if answer.Status >= http.StatusBadRequest {
		return &Refusal{Request: method + " " + path, Answer: answer}
	}
	if out == nil || len(answer.Body) == 0 {
		return nil
	}
	return json.Unmarshal(answer.Body, out)
}

// ref is the answer to a start.
type ref struct {
	Ref string `json:"ref"`
}

func (r ref) id() string { return r.Ref[strings.LastIndexByte(r.Ref, '/')+1:] }

// Task runs an ad-hoc task to its end and returns its view.
func (g *Gate) Task(ctx context.Context, application string, jobs ...pipeline.Map) (pipeline.Map, error) {
	var started ref
	in := map[string]any{"application": application, "description": "e2e", "job": jobs}
	if err := g.Call(ctx, http.MethodPost, "/tasks", in, &started); err != nil {
		return nil, err
	}
	var view pipeline.Map
	err := Until(ctx, "the end of task "+started.id(), func(ctx context.Context) (bool, error) {
		view = nil
		if err := g.Call(ctx, http.MethodGet, "/tasks/"+started.id(), nil, &view); err != nil {
			return false, err
		}
		return pipeline.Status(view.String("status")).Complete(), nil
	})
	return view, err
}

// CreateApplication creates an application by the task that clients use.
func (g *Gate) CreateApplication(ctx context.Context, name string) error {
	view, err := g.Task(ctx, name, pipeline.Map{
		"type":        "createApplication",
		"application": map[string]any{"name": name, "email": "e2e@example.com", "cloudProviders": "kubernetes"},
	})
	if err == nil && view.String("status") != string(pipeline.Succeeded) {
		err = fmt.Errorf("creating application %s ended %v", name, view)
	}
	return err
}

// Save stores a pipeline configuration and returns its ID.
func (g *Gate) Save(ctx context.Context, config pipeline.Map) (string, error) {
	if err := g.Call(ctx, http.MethodPost, "/pipelines", config, nil); err != nil {
		return "", err
	}
	var stored pipeline.Map
	path := "/applications/" + url.PathEscape(config.String("application")) + "/pipelineConfigs/" + url.PathEscape(config.String("name"))
	err := g.Call(ctx, http.MethodGet, path, nil, &stored)
	return stored.String("id"), err
}

// Start runs a stored pipeline and returns the execution's ID.
func (g *Gate) Start(ctx context.Context, application, name string, trigger pipeline.Map) (string, error) {
	if trigger == nil {
		trigger = pipeline.Map{"type": "manual"}
	}
	var started ref
	err := g.Call(ctx, http.MethodPost, "/pipelines/"+url.PathEscape(application)+"/"+url.PathEscape(name), trigger, &started)
	return started.id(), err
}

// Execution reads one execution.
func (g *Gate) Execution(ctx context.Context, id string) (*pipeline.Execution, error) {
	var e pipeline.Execution
	if err := g.Call(ctx, http.MethodGet, "/pipelines/"+url.PathEscape(id), nil, &e); err != nil {
		return nil, err
	}
	return &e, nil
}

// Executions lists the executions of an application's pipelines.
func (g *Gate) Executions(ctx context.Context, application string) ([]*pipeline.Execution, error) {
	var out []*pipeline.Execution
	err := g.Call(ctx, http.MethodGet, "/applications/"+url.PathEscape(application)+"/pipelines?limit=100", nil, &out)
	return out, err
}

// Await returns the execution as soon as the condition holds for it. While Gate
// or what it needs is away it asks again; only a refusal by 4xx is an error, and
// the end of ctx, whose error tells the execution's last state.
func (g *Gate) Await(ctx context.Context, id, what string, condition func(*pipeline.Execution) bool) (*pipeline.Execution, error) {
	var last *pipeline.Execution
	var away error
	err := Until(ctx, what+" of execution "+id, func(ctx context.Context) (bool, error) {
		var e *pipeline.Execution
		e, away = g.Execution(ctx, id)
		if away == nil {
			last = e
			return condition(e), nil
		}
		var refusal *Refusal
		if errors.As(away, &refusal) && refusal.Answer.Status < http.StatusInternalServerError {
			return false, away
		}
		return false, nil
	})
	if err != nil {
		return last, fmt.Errorf("%w; it was: %s", errors.Join(err, away), Describe(last))
	}
	return last, nil
}

// AwaitEnd returns the execution when it has ended.
func (g *Gate) AwaitEnd(ctx context.Context, id string) (*pipeline.Execution, error) {
	return g.Await(ctx, id, "the end", func(e *pipeline.Execution) bool { return e.Status.Complete() })
}

// AwaitStage returns the execution when the named stage has the status.
func (g *Gate) AwaitStage(ctx context.Context, id, name string, status pipeline.Status) (*pipeline.Execution, error) {
	return g.Await(ctx, id, "stage '"+name+"' being "+string(status), func(e *pipeline.Execution) bool {
		s := StageNamed(e, name)
		return s != nil && s.Status == status
	})
}

// AwaitTask returns the execution when the named stage runs the named task.
func (g *Gate) AwaitTask(ctx context.Context, id, stage, task string) (*pipeline.Execution, error) {
	return g.Await(ctx, id, "task "+task+" of stage '"+stage+"'", func(e *pipeline.Execution) bool {
		s := StageNamed(e, stage)
		if s == nil {
			return false
		}
		for _, t := range s.Tasks {
			if t.Name == task && t.Status == pipeline.Running {
				return true
			}
		}
		return false
	})
}

// Patch merges a map into the context of the named stage.
func (g *Gate) Patch(ctx context.Context, id, stage string, patch pipeline.Map) error {
	e, err := g.Execution(ctx, id)
	if err != nil {
		return err
	}
	s := StageNamed(e, stage)
	if s == nil {
		return fmt.Errorf("execution %s has no stage '%s'", id, stage)
	}
	return g.Call(ctx, http.MethodPatch, "/pipelines/"+id+"/stages/"+s.ID, patch, nil)
}

// Cancel cancels an execution.
func (g *Gate) Cancel(ctx context.Context, id, reason string) error {
	return g.Call(ctx, http.MethodPut, "/pipelines/"+id+"/cancel?reason="+url.QueryEscape(reason), nil, nil)
}

// StageNamed returns the stage of the name, or nil.
func StageNamed(e *pipeline.Execution, name string) *pipeline.Stage {
	for _, s := range e.Stages {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Describe shows an execution in a few lines, for the messages of failed tests.
func Describe(e *pipeline.Execution) string {
	if e == nil {
		return "never seen"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Name, e.Status)
	for _, s := range e.Stages {
		fmt.Fprintf(&b, "\n  %s (%s) %s", s.Name, s.Type, s.Status)
		for _, t := range s.Tasks {
			fmt.Fprintf(&b, " %s=%s", t.Name, t.Status)
		}
		for _, key := range []string{"exception", "attempts", "messages"} {
			if v := s.Context[key]; v != nil {
				text, _ := json.Marshal(v)
				fmt.Fprintf(&b, "\n    %s: %s", key, text)
			}
		}
	}
	return b.String()
}

// Errors returns every error that a stage shows, joined by line ends.
func Errors(s *pipeline.Stage) string {
	return strings.Join(s.Context.Map("exception").Map("details").Strings("errors"), "\n")
}
