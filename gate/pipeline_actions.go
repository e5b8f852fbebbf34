package gate

import (
	"net/http"

	"github.com/goccy/go-yaml"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// maxBulk bounds the pipelines that one request saves.
const maxBulk = 5000

// pipelineActionRoutes is what is done to pipelines beside saving and running one.
func pipelineActionRoutes() []route {
	return []route{
		{Method: "POST", Path: "/pipelines/bulksave", Summary: "Create or replace many pipelines; tells of each that cannot be saved why", Auth: authWrite, Query: []parameter{staleParam, {"application", "string", "bulk_save_placeholder_app", "Accepted and without effect."}}, Request: []pipeline.Map{}, Response: front50.BatchResult{}, handle: bulkSavePipelines},
		{Method: "POST", Path: "/pipelines/move", Summary: "Rename a pipeline", Auth: authWrite, Request: moveCommand{}, handle: movePipeline},
		{Method: "GET", Path: "/pipelineConfigs/{id}/convertToTemplate", Summary: "A template of schema v2, in YAML, that makes the pipeline", Auth: authRead, Response: pipeline.Map{}, handle: convertToTemplate},
		{Method: "POST", Path: "/applications/{application}/pipelineConfigs/{nameOrId}", Summary: "Run a pipeline, by name or ID: an old path of it", Auth: authExecute, Query: []parameter{{"user", "string", nil, "Accepted and without effect: who calls is who starts it."}}, Request: pipeline.Trigger{}, Response: ref{}, Status: http.StatusAccepted, handle: triggerPipeline},
	}
}

// bulkSavePipelines saves what can be saved of a list.
func bulkSavePipelines(r *request) error {
	stale, err := boolean(r.query, "staleCheck", false)
	if err != nil {
		return err
	}
	docs, err := r.objectsOf("pipelines", maxBulk)
	if err != nil {
		return err
	}
	r.checked = len(docs) == 0
	byID := map[string]fiat.Managed{}
	for i, doc := range docs {
		managed, err := r.maySave(pipeline.Pipeline(doc))
		if err != nil {
			return err
		}
		docs[i] = pipeline.Map(managed.Pipeline)
		if _, twice := byID[managed.Pipeline.ID()]; !twice { // a second one is refused
			byID[managed.Pipeline.ID()] = managed
		}
	}
	result, err := front50.SavePipelines(r.ctx(), docs, func(p pipeline.Pipeline) error {
		managed := byID[p.ID()]
		if p.ID() == "" {
			managed = fiat.Managed{} // it names no roles
		}
		_, err := front50.SaveManaged(r.ctx(), r.server.front50, managed.Account, managed.Roles, p, front50.SaveOptions{By: r.by(), StaleCheck: stale})
		return err
	})
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, result)
}

func movePipeline(r *request) error {
	m, err := r.moveCommand()
	if err != nil {
		return err
	}
	if err := r.mayUse(m.Application, fiat.Write); err != nil {
		return err
	}
	p, err := r.server.front50.FindPipeline(r.ctx(), m.Application, m.From)
	if err != nil {
		return err
	}
	p["name"] = m.To
	if _, err := r.server.front50.SavePipeline(r.ctx(), p, front50.SaveOptions{By: r.by(), StaleCheck: true, MustExist: true}); err != nil {
		return refusedSave(err)
	}
	return r.done()
}

// ownKeys are the keys of a pipeline that say which one it is and not what it does.
var ownKeys = []string{"id", "name", "application", "index", "createTs", "updateTs", "lastModifiedBy", "schema", "type", "template", "variables"}

// convertToTemplate answers a template that makes the pipeline. Clients open it as a
// page, so it is YAML for people whatever they accept.
func convertToTemplate(r *request) error {
	p, err := r.server.front50.Pipeline(r.ctx(), r.param("id"))
	if err != nil {
		return err
	}
	if err := r.mayUse(p.Application(), fiat.Read); err != nil {
		return err
	}
	if front50.TemplateOf(p) != "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "The pipeline '%s' is made from the template %s: take that.", p.Name(), front50.TemplateOf(p))
	}
	does := map[string]any{}
	for key, v := range p {
		does[key] = v
	}
	for _, key := range ownKeys {
		delete(does, key)
	}
	body, err := httpjson.Encode(map[string]any{
		"schema": templates.Schema, "id": "generatedTemplate", "protect": false, "variables": []any{}, "pipeline": does,
		"metadata": map[string]any{"name": p.Name(), "description": "Made from the pipeline " + p.ID() + " of " + p.Application(), "owner": r.caller.User, "scopes": []any{p.Application()}},
	})
	if err == nil {
		body, err = yaml.JSONToYAML(body)
	}
	if err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "the template cannot be encoded")
	}
	r.write(http.StatusOK, "application/x-yaml", body)
	return nil
}
