package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// objects returns a list of documents that is never null.
func objects(docs []pipeline.Map) []any {
	out := make([]any, len(docs))
	for i, d := range docs {
		out[i] = map[string]any(d)
	}
	return out
}

// by is the author of what the caller writes.
func (r *request) by() front50.Author { return front50.Author(r.caller.User) }

// historyOf answers versions of a document, newest first, each of which the caller
// may see; limit 0 answers none.
func (r *request) historyOf(k *front50.Kind, id string, may func(pipeline.Map) error) error {
	limit, err := integer(r.query, "limit", front50.DefaultHistory)
	if err != nil {
		return err
	}
	versions, err := r.server.front50.DocumentHistory(r.ctx(), k, id, min(max(limit, 1), front50.MaxHistory))
	if err != nil {
		return err
	}
	for _, v := range versions {
		if err := may(v); err != nil {
			return err
		}
	}
	if limit == 0 {
		return emptyList(r)
	}
	return r.answer(http.StatusOK, objects(versions))
}

// startTask starts a task of one job and answers with its reference, without
// waiting for it.
func (r *request) startTask(status int, application, description string, job pipeline.Map) error {
	job["user"] = r.caller.User
	task := pipeline.TaskRequest{Application: application, Description: description, Job: []pipeline.Map{job}}
	id, err := r.start(starting{kind: pipeline.TypeOrchestration, build: func(l pipeline.Launch) (*pipeline.Execution, error) {
		return pipeline.NewOrchestration(task, l)
	}})
	if err != nil {
		return err
	}
	return r.answer(status, ref{Ref: "/tasks/" + id})
}

// objectsOf reads the body as a list of objects.
func (r *request) objectsOf(noun string, limit int) ([]pipeline.Map, error) {
	data, err := r.body()
	if err != nil {
		return nil, err
	}
	if err := checkContentType(r.Request.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	v, err := pipeline.DecodeValue(data)
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request body is not JSON: %s.", explain(data, err))
	}
	list, isList := v.([]any)
	switch {
	case !isList:
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request body is %s: send a list of %s.", kind(v), noun)
	case len(list) > limit:
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The list has %d %s: send at most %d at once.", len(list), noun, limit)
	}
	out := make([]pipeline.Map, len(list))
	for i, e := range list {
		if out[i] = pipeline.AsMap(e); out[i] == nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "Element %d of the list of %s is %s: send an object.", i+1, noun, kind(e))
		}
	}
	return out, nil
}
