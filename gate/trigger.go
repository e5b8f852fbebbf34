package gate

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/pipeline"
)

// ref points at what a request started: /pipelines/ID or /tasks/ID.
type ref struct {
	Ref string `json:"ref"`
}

// eventRef is ref with the ID of the event that caused the start.
type eventRef struct {
	EventID string `json:"eventId"`
	Ref     string `json:"ref"`
}

func triggerPipeline(r *request) error {
	id, err := r.trigger()
	if err != nil {
		return err
	}
	return r.answer(http.StatusAccepted, ref{Ref: "/pipelines/" + id})
}

func triggerPipelineV2(r *request) error {
	id, err := r.trigger()
	if err != nil {
		return err
	}
	return r.answer(http.StatusAccepted, eventRef{EventID: uuid.NewString(), Ref: "/pipelines/" + id})
}

// trigger starts the stored configuration of the path with the body as its
// trigger, and returns the execution's ID.
func (r *request) trigger() (string, error) {
	body, err := r.object(true)
	if err != nil {
		return "", err
	}
	trigger, err := parseTrigger(unwrapTrigger(body))
	if err != nil {
		return "", err
	}
	config, err := r.server.findConfig(r.ctx(), r.param("application"), r.param("name"))
	if err != nil {
		return "", err
	}
	return r.start(func(l pipeline.Launch) (*pipeline.Execution, error) {
		l.Trigger = trigger
		resolved, err := r.resolve(config, trigger)
		if err != nil {
			return nil, err
		}
		return pipeline.NewExecution(resolved, l)
	})
}

// startPipeline runs the configuration in the body, stored or not. With plan
// it only says what that would do.
func startPipeline(r *request) error {
	config, err := r.object(false)
	if err != nil {
		return err
	}
	trigger, err := parseTrigger(config.Map("trigger"))
	if err != nil {
		return err
	}
	plan := config.Bool("plan")
	delete(config, "trigger")
	delete(config, "plan")
	if plan {
		return r.plan(pipeline.Pipeline(config), trigger)
	}
	p, err := r.resolve(pipeline.Pipeline(config), trigger)
	if err != nil {
		return err
	}
	if err := p.Validate(); err != nil {
		return refusedSave(err)
	}
	id, err := r.start(func(l pipeline.Launch) (*pipeline.Execution, error) {
		l.Trigger = trigger
		return pipeline.NewExecution(p, l)
	})
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, ref{Ref: "/pipelines/" + id})
}

// unwrapTrigger returns what the only key "trigger" holds: newer clients wrap
// the trigger, and their parameters would get lost.
func unwrapTrigger(body pipeline.Map) pipeline.Map {
	if inner := body.Map("trigger"); inner != nil && len(body) == 1 {
		return inner
	}
	return body
}

// parseTrigger reads a trigger that a client sent. The caller and the parent
// execution are not the client's to name.
func parseTrigger(m pipeline.Map) (pipeline.Trigger, error) {
	var t pipeline.Trigger
	if m == nil {
		return t, nil
	}
	m = m.Clone()
	delete(m, "parent")
	delete(m, "user")
	for key, want := range triggerKinds {
		v, present := m[key]
		switch {
		case !present:
		case v == nil:
			delete(m, key)
		case kind(v) != want:
			return t, pipeline.Errorf(pipeline.CodeInvalid, "The trigger's %s is %s: send %s.", key, kind(v), want)
		}
	}
	if err := pipeline.Bind(map[string]any(m), &t); err != nil {
		return t, pipeline.Errorf(pipeline.CodeInvalid, "The trigger cannot be read: %s.", err)
	}
	return t, nil
}

// triggerKinds holds the kind of each key of a trigger that Gennaker reads.
var triggerKinds = map[string]string{
	"type": "a string", "correlationId": "a string", "parameters": "an object",
	"artifacts": "a list", "notifications": "a list", "resolvedExpectedArtifacts": "a list",
	"rebake": "a boolean", "dryRun": "a boolean", "strategy": "a boolean",
}

// launch describes the start that this request asks for.
func (r *request) launch() pipeline.Launch {
	now := r.server.now()
	id := ids.NewExecutionID(now)
	return pipeline.Launch{
		ID: id, User: r.caller.User, Origin: r.caller.Origin, Now: now,
		StageID: func(refID string) string { return ids.StageID(id, refID) },
	}
}

// start builds an execution, starts it and returns its ID.
func (r *request) start(build func(pipeline.Launch) (*pipeline.Execution, error)) (string, error) {
	e, err := build(r.launch())
	if err != nil {
		return "", err
	}
	if e.Authentication.AllowedAccounts, err = r.server.accountNames(r.ctx()); err != nil {
		return "", err
	}
	if err := r.server.engine.Start(r.ctx(), e); err != nil {
		return "", err
	}
	// Publishing comes after the start, so that a start that failed leaves
	// nothing behind. What the worker has published by now is newer and stays.
	r.server.executions.Put(r.ctx(), executions.Record{Execution: e, PublishedAt: pipeline.ToMillis(r.server.now())})
	return e.ID, nil
}
