package gate

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// taskWait is how long a request waits for the task that does its work
// (reference: gate section 2).
const taskWait = 32 * time.Second

// noApplication is the application of a task that belongs to none.
const noApplication = "spinnaker"

// dependent is a pipeline that is made from a template.
type dependent struct {
	Application      string `json:"application"`
	PipelineConfigID string `json:"pipelineConfigId"`
	PipelineName     string `json:"pipelineName"`
}

// resolve returns the configuration that runs: without a template.
func (r *request) resolve(p pipeline.Pipeline, t pipeline.Trigger) (pipeline.Pipeline, error) {
	resolved, err := templates.Resolve(p, r.templateOptions(t))
	return resolved.Pipeline, err
}

func (r *request) templateOptions(t pipeline.Trigger) templates.Options {
	if t.User == "" {
		t.User = r.caller.User
	}
	return templates.Options{Load: front50.TemplateLoader(r.ctx(), r.server.front50), Trigger: t, Now: r.server.now()}
}

func listTemplates(r *request) error {
	all, err := r.server.front50.Templates(r.ctx(), list(r.query, "scopes"))
	if err != nil {
		return err
	}
	out := make([]any, len(all))
	for i, t := range all {
		out[i] = map[string]any(t)
	}
	return r.answer(http.StatusOK, out)
}

func listTemplateVersions(r *request) error {
	all, err := r.server.front50.Templates(r.ctx(), list(r.query, "scopes"))
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, front50.TemplateVersions(all))
}

// templateVersion returns the version that path and query name.
func (r *request) templateVersion() (string, error) {
	return front50.TemplateVersion(r.param("id"), r.text("tag"), r.text("digest"))
}

func getTemplate(r *request) error {
	version, err := r.templateVersion()
	if err != nil {
		return err
	}
	t, err := r.server.front50.Template(r.ctx(), version)
	if err != nil {
		return err
	}
	delete(t, "tag")
	delete(t, "digest")
	return r.answer(http.StatusOK, t)
}

func listTemplateDependents(r *request) error {
	all, err := r.server.front50.Pipelines(r.ctx(), "")
	if err != nil {
		return err
	}
	may, err := r.applicationsToRead()
	if err != nil {
		return err
	}
	out := []dependent{}
	for _, p := range front50.TemplateDependents(all, r.param("id")) {
		if !may(p.Application()) {
			continue
		}
		out = append(out, dependent{Application: p.Application(), PipelineConfigID: p.ID(), PipelineName: p.Name()})
	}
	return r.answer(http.StatusOK, out)
}

// planTemplate answers the pipeline that a templated one stands for, or what is
// wrong with it.
func planTemplate(r *request) error {
	body, err := r.object(false)
	if err != nil {
		return err
	}
	trigger, err := parseTrigger(body.Map("trigger"))
	if err != nil {
		return err
	}
	planned, err := templates.Plan(pipeline.Pipeline(body), r.templateOptions(trigger))
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, planned.Pipeline)
}

func createTemplate(r *request) error {
	t, o, err := r.template()
	if err != nil {
		return err
	}
	o.MustNotExist = true
	version, err := front50.SavedVersion(t, o)
	if err != nil {
		return refusedSave(err)
	}
	// The task takes a template with the same content for its own earlier attempt;
	// a person is told that it is there.
	switch _, err := r.server.front50.Template(r.ctx(), version); {
	case err == nil:
		return front50.TemplateExists(version)
	case pipeline.CodeOf(err) != pipeline.CodeNotFound:
		return err
	}
	return r.saveTemplate(t, "Create", pipeline.Map{"type": "createV2PipelineTemplate"})
}

func updateTemplate(r *request) error {
	t, o, err := r.template()
	if err != nil {
		return err
	}
	id := r.param("id")
	if t.ID() == "" {
		t["id"] = id
	}
	if front50.TemplateKey(t.ID()) != front50.TemplateKey(id) {
		return pipeline.Errorf(pipeline.CodeInvalid, "The template id %s in the body is not the id %s in the path: make them equal.", t.ID(), id)
	}
	skip, err := boolean(r.query, "skipPlanDependents", false)
	if err != nil {
		return err
	}
	if _, err := front50.SavedVersion(t, o); err != nil {
		return refusedSave(err)
	}
	return r.saveTemplate(t, "Update", pipeline.Map{"type": "updateV2PipelineTemplate", "id": id, "skipPlanDependents": skip})
}

// template reads the body as a template; one without a schema is of the only
// one there is.
func (r *request) template() (templates.Template, front50.TemplateOptions, error) {
	o := front50.TemplateOptions{Tag: r.text("tag")}
	body, err := r.object(false)
	if err != nil {
		return nil, o, err
	}
	if body["schema"] == nil {
		body["schema"] = templates.Schema
	}
	return templates.Template(body), o, nil
}

// saveTemplate runs the task that saves a template and answers with it.
func (r *request) saveTemplate(t templates.Template, verb string, job pipeline.Map) error {
	document, err := pipeline.EncodeValue(map[string]any(t))
	if err != nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "The template cannot be written as JSON: %s.", err)
	}
	job["pipelineTemplate"] = base64.StdEncoding.EncodeToString(document)
	application := noApplication
	if scopes := t.Scopes(); len(scopes) == 1 {
		application = scopes[0]
	}
	name := t.Name()
	if name == "" {
		name = t.ID()
	}
	return r.runTemplateTask(http.StatusOK, application, verb+" pipeline template '"+name+"'", job)
}

// deleteTemplate answers 202: no released spin takes anything else (reference:
// gate section 3).
func deleteTemplate(r *request) error {
	if _, err := r.templateVersion(); err != nil {
		return err
	}
	application := r.text("application")
	if application == "" {
		application = noApplication
	}
	id := r.param("id")
	job := pipeline.Map{"type": "deleteV2PipelineTemplate", "pipelineTemplateId": id}
	if digest := r.text("digest"); digest != "" {
		job["digest"] = digest
	}
	return r.runTemplateTask(http.StatusAccepted, application, "Delete pipeline template '"+id+"'", job)
}

func (r *request) runTemplateTask(status int, application, description string, job pipeline.Map) error {
	if tag := r.text("tag"); tag != "" {
		job["tag"] = tag
	}
	job["user"] = r.caller.User
	application, err := r.labelled(application)
	if err != nil {
		return err
	}
	done, err := r.runTask(pipeline.TaskRequest{Application: application, Description: description, Job: []pipeline.Map{job}})
	if err != nil {
		return err
	}
	return r.answer(status, view(done))
}

// runTask starts a task and waits for its end. A task that does not succeed is
// refused with the words of its stage.
func (r *request) runTask(t pipeline.TaskRequest) (*pipeline.Execution, error) {
	id, err := r.start(starting{kind: pipeline.TypeOrchestration, build: func(l pipeline.Launch) (*pipeline.Execution, error) {
		return pipeline.NewOrchestration(t, l)
	}})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.ctx(), taskWait)
	defer cancel()
	events, err := r.server.executions.Watch(ctx, executions.Topic{Execution: id})
	if err != nil {
		return nil, err
	}
	for e := range events {
		x := e.Record.Execution
		if x == nil || !x.Status.Complete() {
			continue
		}
		if x.Status == pipeline.Succeeded {
			return x, nil
		}
		return nil, failedTask(x)
	}
	if r.ctx().Err() != nil {
		return nil, r.ctx().Err()
	}
	return nil, pipeline.Errorf(pipeline.CodeInvalid, "The task %s has not ended within %s: it goes on, look at /tasks/%s.", id, taskWait, id)
}

// failedTask is the error for a task that ended without success.
func failedTask(x *pipeline.Execution) error {
	for _, s := range x.Stages {
		if errs := s.Errors(); len(errs) > 0 {
			return &pipeline.Error{Code: pipeline.CodeInvalid, Message: errs[0], Details: errs}
		}
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "The operation did not succeed: %s (status: %s)", x.ID, x.Status)
}

// templateFaults is the body of an error that tells what is wrong with a
// templated pipeline, nil for any other error.
func templateFaults(err error, body httpjson.Error) any {
	var faults *templates.Error
	if !errors.As(err, &faults) {
		return nil
	}
	return templateErrorBody{
		Timestamp: body.Timestamp, Status: body.Status, Error: body.Error, Exception: body.Exception, Message: body.Message, Errors: faults.Faults,
	}
}

// templateErrorBody is [httpjson.Error] whose errors are Orca's: objects with
// severity and location.
type templateErrorBody struct {
	Timestamp int64             `json:"timestamp"`
	Status    int               `json:"status"`
	Error     string            `json:"error"`
	Exception string            `json:"exception"`
	Message   string            `json:"message"`
	Errors    []templates.Fault `json:"errors"`
}
