package gate

import (
	"net/http"
	"strings"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// savePipeline creates or replaces a configuration. Success has no body.
func savePipeline(r *request) error {
	_, err := r.save("")
	if err != nil {
		return err
	}
	return r.done()
}

// updatePipeline replaces the configuration of the path and answers with it.
func updatePipeline(r *request) error {
	saved, err := r.save(r.param("id"))
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, saved)
}

// save stores the body. With an id the configuration must exist and the body's
// own ID must be absent or the same.
func (r *request) save(id string) (pipeline.Pipeline, error) {
	body, stale, err := r.bodyToSave(id, "The pipeline id %v in the body is not the id %s in the path: make them equal.")
	if err != nil {
		return nil, err
	}
	p := pipeline.Pipeline(body)
	if err := p.Validate(); err != nil {
		return nil, refusedSave(err)
	}
	managed, err := r.maySave(p)
	if err != nil {
		return nil, err
	}
	saved, err := front50.SaveManaged(r.ctx(), r.server.front50, managed.Account, managed.Roles, managed.Pipeline, front50.SaveOptions{
		By: front50.Author(r.caller.User), StaleCheck: stale, MustExist: id != "",
	})
	if err != nil {
		return nil, refusedSave(err)
	}
	return saved, nil
}

// bodyToSave reads a configuration to save, and whether one that somebody else has
// changed meanwhile stays. With an id it gets that one; a body with another is refused
// with the words of other, which take both.
func (r *request) bodyToSave(id, other string) (body pipeline.Map, stale bool, err error) {
	if stale, err = boolean(r.query, "staleCheck", false); err != nil {
		return nil, false, err
	}
	if body, err = r.object(false); err != nil || id == "" {
		return body, stale, err
	}
	if own := body["id"]; own != nil && own != "" && own != id {
		return nil, false, pipeline.Errorf(pipeline.CodeInvalid, other, own, id)
	}
	body["id"] = id
	return body, stale, nil
}

// deletePipeline deletes by name, compared trimmed and whatever the case. No
// such pipeline is a success.
func deletePipeline(r *request) error {
	configs, err := r.server.configs(r.ctx(), r.param("application"))
	if err != nil {
		return err
	}
	name := strings.TrimSpace(r.param("name"))
	for _, p := range configs {
		if !strings.EqualFold(p.Name(), name) {
			continue
		}
		err := r.server.front50.DeletePipeline(r.ctx(), p.ID(), front50.Author(r.caller.User))
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
			return err
		}
	}
	return r.done()
}
