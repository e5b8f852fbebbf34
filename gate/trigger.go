package gate

import (
	"cmp"
	"net/http"

	"github.com/google/uuid"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
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
	config, err := r.server.front50.FindPipeline(r.ctx(), r.param("application"), cmp.Or(r.param("name"), r.param("nameOrId")))
	if err != nil {
		return "", err
	}
	if err := refuseDisabled(config); err != nil {
		return "", err
	}
	config = withNotifications(config, trigger)
	return r.start(starting{
		kind: pipeline.TypePipeline, trigger: trigger, config: config,
		build: func(l pipeline.Launch) (*pipeline.Execution, error) {
			resolved, err := r.resolve(config, trigger)
			if err != nil {
				return nil, err
			}
			return r.newExecution(resolved, l)
		},
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
	plan, manifests := config.Bool("plan"), config.Bool("planManifests")
	delete(config, "trigger")
	delete(config, "plan")
	delete(config, "planManifests")
	if err := r.mayUse(pipeline.Pipeline(config).Application(), fiat.Execute); err != nil {
		return err
	}
	if plan {
		return r.plan(pipeline.Pipeline(config), trigger, manifests)
	}
	s := starting{kind: pipeline.TypePipeline, trigger: trigger, origin: config.String("origin"), config: pipeline.Pipeline(config)}
	if s.id, err = givenID(config); err != nil {
		return err
	}
	s.build = func(l pipeline.Launch) (*pipeline.Execution, error) {
		if config.Bool("disabled") {
			return nil, errDisabled()
		}
		if faults := config["errors"]; faults != nil {
			return nil, errTemplate(faults)
		}
		p, err := r.resolve(s.config, trigger)
		if err != nil {
			return nil, err
		}
		if err := p.Validate(); err != nil {
			return nil, refusedSave(err)
		}
		return r.newExecution(p, l)
	}
	if err := r.checkRunnable(s.config); err != nil {
		return err
	}
	id, err := r.start(s)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, ref{Ref: "/pipelines/" + id})
}

// startAnswer is what startPipeline answers: with plan the pipeline without its
// template and the plan, else what was started.
type startAnswer struct {
	Ref     string          `json:"ref,omitempty"`
	Planned *workflows.Plan `json:"planned,omitempty"`
	Other   pipeline.Map    `json:"-"`
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
