package gate

import (
	"errors"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// errDisabled refuses a request that itself says that its pipeline is disabled
// (reference: orca section 3.9).
func errDisabled() error {
	return pipeline.Errorf(pipeline.CodeInvalid, "Pipeline is disabled and cannot be started.")
}

// errTemplate refuses a configuration that came with the faults that were found
// when its template was resolved (reference: orca section 1).
func errTemplate(faults any) error {
	out := &pipeline.Error{Code: pipeline.CodeInvalid, Message: "Pipeline template is invalid"}
	list, isList := faults.([]any)
	if !isList {
		list = []any{faults}
	}
	for _, f := range list[:min(len(list), maxTemplateFaults)] {
		message := pipeline.AsMap(f).String("message")
		if message == "" {
			text, _ := pipeline.EncodeValue(f) // it came as JSON
			message = string(text)
		}
		out.Details = append(out.Details, message)
	}
	return out
}

// maxTemplateFaults is how many faults of a template are told.
const maxTemplateFaults = 50

// recordFailure records a start that cannot be done as an execution that failed,
// so that people who did not send the request learn of it (reference: orca
// section 3.8), and returns the error of the start. Built is the execution as
// far as it could be made, or nil.
//
// A request that lacks a parameter, and a world that does not answer, leave
// nothing behind: the sender is told and sends it again.
func (r *request) recordFailure(s starting, id string, built *pipeline.Execution, err error) error {
	if s.config == nil || !refused(err) || errors.Is(err, pipeline.ErrParameters) {
		return err
	}
	if built == nil {
		built = r.readable(s, id)
	}
	if built == nil {
		return err
	}
	failure := workflows.StartFailure{Message: pipeline.MessageOf(err)}
	var p *pipeline.Error
	if errors.As(err, &p) {
		failure.Details = p.Details
	}
	if failErr := r.server.engine.Fail(r.ctx(), built, failure); failErr != nil {
		r.server.log.WarnContext(r.ctx(), "a start that failed could not be recorded",
			"application", built.Application, "pipeline", built.Name, "execution", built.ID, "error", failErr, "request", r.id)
		return err
	}
	r.show(built)
	return err
}

// refused reports whether an error is the request's own fault.
func refused(err error) bool {
	switch pipeline.CodeOf(err) {
	case pipeline.CodeInvalid, pipeline.CodeUnprocessable, pipeline.CodeNotFound, pipeline.CodeConflict, pipeline.CodeTooLarge:
		return true
	}
	return false
}

// readable builds the execution of what can be read of a configuration that
// cannot run: with its stages if they make a graph, and without artifacts.
func (r *request) readable(s starting, id string) *pipeline.Execution {
	if s.config.Name() == "" || s.config.Application() == "" {
		return nil
	}
	config := s.config.Clone()
	for _, key := range []string{"disabled", "expectedArtifacts", "receivedArtifacts", "parameterConfig"} {
		delete(config, key)
	}
	e, err := pipeline.NewExecution(config, r.launch(s, id))
	if err != nil {
		config["stages"] = []any{}
		s.trigger.Artifacts = nil
		if e, err = pipeline.NewExecution(config, r.launch(s, id)); err != nil {
			return nil
		}
	}
	return e
}
