package gate

import (
	"cmp"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/pipeline"
)

// starting is a request to run something.
type starting struct {
	kind    pipeline.ExecutionType
	trigger pipeline.Trigger
	// id is the execution ID that the client asked for, or empty.
	id string
	// origin is what the client says about where the start comes from, or empty.
	origin string
	// config is what is asked to run. A start that fails is recorded with as much
	// of it as can be read (reference: orca section 3.8); nil records nothing.
	config pipeline.Pipeline
	// build makes the execution. With an error it may return the execution all the
	// same, to be recorded.
	build func(pipeline.Launch) (*pipeline.Execution, error)
}

// startTries bounds how often a start finds its ID taken since it chose it.
const startTries = 5

// start starts an execution and returns its ID, or the ID of the one that runs
// for the same correlation ID already.
func (r *request) start(s starting) (string, error) {
	for range startTries {
		id, running, err := r.chooseID(s)
		if err != nil || running {
			return id, err
		}
		e, err := s.build(r.launch(s, id))
		if err != nil {
			return "", r.recordFailure(s, id, e, err)
		}
		if e.Authentication.AllowedAccounts, err = r.accountNames(); err != nil {
			return "", err
		}
		switch err := r.server.engine.Start(r.ctx(), e); {
		case err == nil:
			r.show(e)
			return e.ID, nil
		case pipeline.CodeOf(err) != pipeline.CodeConflict || s.trigger.CorrelationID == "":
			return "", err
		}
		// The same request, at the same moment, was faster.
		if runs, err := r.server.engine.Runs(r.ctx(), id); err != nil || runs {
			return id, err
		}
	}
	return "", pipeline.Errorf(pipeline.CodeConflict,
		"Executions with the correlation ID %q start and end while another one is asked for: try again.", s.trigger.CorrelationID)
}

// show makes an execution visible at once. It comes after the start, so that a
// start that failed leaves nothing behind; what the worker has published by then
// is newer and stays.
func (r *request) show(e *pipeline.Execution) {
	r.server.executions.Put(r.ctx(), executions.Record{Execution: e, PublishedAt: pipeline.ToMillis(r.server.now())})
}

// launch describes the start that this request asks for.
func (r *request) launch(s starting, id string) pipeline.Launch {
	origin := s.origin
	if origin == "" {
		origin = r.caller.Origin
	}
	return pipeline.Launch{
		ID: id, Trigger: s.trigger, User: r.caller.User, Origin: origin, Now: r.server.now(),
		StageID: func(refID string) string { return ids.StageID(id, refID) },
	}
}

// newExecution builds the execution of a configuration without template.
func (r *request) newExecution(config pipeline.Pipeline, l pipeline.Launch) (*pipeline.Execution, error) {
	l, err := r.withArtifacts(config, l)
	if err != nil {
		return nil, err
	}
	return pipeline.NewExecution(config, l)
}

// checkRunnable refuses a configuration whose stored form is disabled. One that
// is not stored may run (reference: orca section 3.9).
func (r *request) checkRunnable(config pipeline.Pipeline) error {
	id := cmp.Or(config.ID(), pipeline.Map(config).String("pipelineConfigId"))
	if id == "" {
		return nil
	}
	stored, err := r.server.front50.Pipeline(r.ctx(), id)
	if err == nil && !sameApplication(stored.Application(), config.Application()) {
		// It would count as a run of that pipeline, and hold up those that wait for it.
		if err := r.mayUse(stored.Application(), fiat.Execute); err != nil {
			return err
		}
	}
	switch {
	case err == nil && pipeline.Map(config).Map("initialConfig").Bool("enabled"):
		return nil
	case err == nil:
		return refuseDisabled(stored)
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return nil
	}
	return err
}

func refuseDisabled(stored pipeline.Pipeline) error {
	if !stored.Disabled() || pipeline.Map(stored).Map("initialConfig").Bool("enabled") {
		return nil
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "The pipeline config %s (%s) belonging to %s is disabled", stored.Name(), stored.ID(), stored.Application())
}

// withNotifications returns a configuration with the notifications that came with
// its trigger beside its own.
func withNotifications(config pipeline.Pipeline, t pipeline.Trigger) pipeline.Pipeline {
	if len(t.Notifications) == 0 {
		return config
	}
	out := config.Clone()
	list := pipeline.Map(out).List("notifications")
	for _, n := range t.Notifications {
		list = append(list, map[string]any(n.Clone()))
	}
	out["notifications"] = list
	return out
}

// givenID reads the execution ID that a client asks for; empty is none.
func givenID(config pipeline.Map) (string, error) {
	const longest = 64
	id, isText := config["executionId"].(string)
	switch {
	case config["executionId"] == nil || isText && id == "":
		return "", nil
	case !isText:
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The executionId is %s: send text, or leave it out.", kind(config["executionId"]))
	case len(id) > longest:
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The executionId is %d bytes long: use at most %d.", len(id), longest)
	}
	for _, c := range []byte(id) {
		if c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return "", pipeline.Errorf(pipeline.CodeInvalid, "The executionId %q may hold letters, digits and hyphens only: use a ULID, or leave it out.", id)
		}
	}
	return id, nil
}
