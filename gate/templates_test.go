package gate_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// worker is an engine whose tasks on what Front50 holds end before anybody looks.
type worker struct {
	*engine
	store front50.Store
}

func (w *worker) Start(ctx context.Context, x *pipeline.Execution) error {
	if err := w.engine.Start(ctx, x); err != nil || x.Type != pipeline.TypeOrchestration {
		return err
	}
	x = x.Clone()
	job := x.Stages[0].Context
	x.Status, x.EndTime = pipeline.Succeeded, x.BuildTime+1
	if err := w.work(ctx, x.Stages[0].Type, job); err != nil {
		x.Status = pipeline.Terminal
		job["exception"] = map[string]any{"details": map[string]any{"errors": []any{pipeline.MessageOf(err)}}}
	}
	w.memory.Put(ctx, executions.Record{Execution: x, Sequence: 5})
	return nil
}

func (w *worker) work(ctx context.Context, kind string, job pipeline.Map) error {
	if kind == "reorderPipelines" {
		return w.reorder(ctx, job)
	}
	if kind == "deleteV2PipelineTemplate" {
		version, err := front50.TemplateVersion(job.String("pipelineTemplateId"), job.String("tag"), job.String("digest"))
		if err != nil {
			return err
		}
		return w.store.DeleteTemplate(ctx, version, "")
	}
	raw, err := base64.StdEncoding.DecodeString(job.String("pipelineTemplate"))
	if err != nil {
		return err
	}
	var t templates.Template
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	_, err = w.store.SaveTemplate(ctx, t, front50.TemplateOptions{Tag: job.String("tag"), MustNotExist: kind == "createV2PipelineTemplate"})
	return err
}

func newTemplateWorld(t *testing.T) *world {
	t.Helper()
	var w *worker
	out := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) {
		w = &worker{engine: d.Engine.(*engine), store: d.Front50}
		d.Engine = w
	})
	return out
}

const (
	webTemplate = `{"id":"web","schema":"v2","metadata":{"name":"Web","description":"d","owner":"a@b.c","scopes":["shop"]},
		"variables":[{"name":"waitTime","type":"int","defaultValue":42}],
		"pipeline":{"spelEvaluator":"v3","triggers":[{"type":"cron"}],"stages":[{"refId":"1","type":"wait","name":"Wait","waitTime":"${ templateVariables.waitTime }"}]}}`
	webPipeline = `{"id":"p-1","name":"Deploy","application":"shop","type":"templatedPipeline","schema":"v2",
		"template":{"artifactAccount":"front50ArtifactCredentials","reference":"spinnaker://web:stable","type":"front50/pipelineTemplate"},
		"variables":{"waitTime":7},"exclude":[],"stages":[]}`
)

func TestTemplatesAreCreatedReadAndDeleted(t *testing.T) {
	t.Parallel()
	w := newTemplateWorld(t)
	require.Equal(t, []any{}, w.get("/v2/pipelineTemplates?scopes="))
	require.Equal(t, map[string]any{}, w.get("/v2/pipelineTemplates/versions"))
	require.Equal(t, http.StatusNotFound, w.do("GET", "/v2/pipelineTemplates/web?tag=stable", "").Code)

	created := w.do("POST", "/v2/pipelineTemplates/create?tag=stable", webTemplate)
	require.Equal(t, http.StatusOK, created.Code, created.Body.String())
	task := w.object(created)
	require.Equal(t, "SUCCEEDED", task["status"])
	require.Equal(t, "Create pipeline template 'Web'", task["name"])
	require.Equal(t, "shop", task["application"])

	again := w.do("POST", "/v2/pipelineTemplates/create?tag=stable", webTemplate)
	require.Equal(t, http.StatusBadRequest, again.Code)
	require.Contains(t, w.object(again)["message"], "A pipeline template with the id web:stable already exists")

	got := pipeline.AsMap(w.get("/v2/pipelineTemplates/web?tag=stable"))
	require.Equal(t, "web", got["id"])
	require.NotContains(t, got, "tag")
	digest, err := front50.TemplateDigest(templates.Template(got))
	require.NoError(t, err)
	require.NotContains(t, w.get("/v2/pipelineTemplates/web?digest="+digest), "digest")
	require.Equal(t, http.StatusBadRequest, w.do("GET", "/v2/pipelineTemplates/web?tag=stable&digest="+digest, "").Code)
	require.Equal(t, []string{"latest", "stable", "latest"}, names(t, w.get("/v2/pipelineTemplates?scopes=shop"), "tag"))
	versions := pipeline.AsMap(w.get("/v2/pipelineTemplates/versions"))
	require.Equal(t, []string{"", "", digest}, names(t, versions["web"], "digest"))

	updated := w.do("POST", "/v2/pipelineTemplates/update/web?tag=stable&skipPlanDependents=true", `{"metadata":{"name":"Web 2","description":"d","scopes":["a","b"]},"pipeline":{"stages":[]}}`)
	require.Equal(t, http.StatusOK, updated.Code, updated.Body.String())
	require.Equal(t, "spinnaker", w.object(updated)["application"], "several scopes are no application")
	require.Equal(t, "v2", pipeline.AsMap(w.get("/v2/pipelineTemplates/web?tag=stable"))["schema"])

	w.pipeline(webPipeline)
	require.Equal(t, []any{map[string]any{"application": "shop", "pipelineConfigId": "p-1", "pipelineName": "Deploy"}}, w.get("/v2/pipelineTemplates/web/dependents"))
	require.Equal(t, []any{}, w.get("/v2/pipelineTemplates/we/dependents"))
	refused := w.do("DELETE", "/v2/pipelineTemplates/web?tag=stable", "")
	require.Equal(t, http.StatusBadRequest, refused.Code)
	require.Equal(t, "The following pipeline configs depend on this template: p-1", w.object(refused)["message"])
	require.NoError(t, w.store.DeletePipeline(t.Context(), "p-1", ""))
	deleted := w.do("DELETE", "/v2/pipelineTemplates/web?tag=stable&application=shop", "")
	require.Equal(t, http.StatusAccepted, deleted.Code, "spin takes nothing else")
	require.Equal(t, "SUCCEEDED", w.object(deleted)["status"])
	require.Equal(t, http.StatusNotFound, w.do("GET", "/v2/pipelineTemplates/web?tag=stable", "").Code)
}

func TestTemplatesAreRefused(t *testing.T) {
	t.Parallel()
	w := newTemplateWorld(t)
	for _, c := range []struct{ method, target, body, message string }{
		{"POST", "/v2/pipelineTemplates/create", `{"schema":"v2"}`, "requires an id"},
		{"POST", "/v2/pipelineTemplates/create", `{"id":"web","schema":"1"}`, "Invalid schema version: 1"},
		{"POST", "/v2/pipelineTemplates/create", `{"id":"web"}`, "Missing required fields: metadata.name,metadata.description,metadata.scopes"},
		{"POST", "/v2/pipelineTemplates/create?tag=mine", webTemplate, "The provided tag mine is not supported"},
		{"POST", "/v2/pipelineTemplates/update/other", webTemplate, "make them equal"},
		{"DELETE", "/v2/pipelineTemplates/web?tag=a&digest=b", "", "simultaneously"},
		{"POST", "/v2/pipelineTemplates/plan", `[]`, "send a JSON object"},
	} {
		out := w.do(c.method, c.target, c.body)
		require.Equal(t, http.StatusBadRequest, out.Code, c.target)
		require.Contains(t, w.object(out)["message"], c.message)
	}
	require.Empty(t, w.engine.started, "nothing was started")
}

func TestPlanOfATemplatedPipeline(t *testing.T) {
	t.Parallel()
	w := newTemplateWorld(t)
	require.Equal(t, http.StatusOK, w.do("POST", "/v2/pipelineTemplates/create?tag=stable", webTemplate).Code)
	out := w.do("POST", "/v2/pipelineTemplates/plan", webPipeline)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	plan := w.object(out)
	require.Equal(t, map[string]any{"waitTime": int64(7)}, plan["templateVariables"])
	require.Equal(t, int64(7), pipeline.AsMap(plan.List("stages")[0])["waitTime"])
	require.Equal(t, true, pipeline.AsMap(plan.List("triggers")[0])["inherited"])

	bad := w.do("POST", "/v2/pipelineTemplates/plan", `{"type":"templatedPipeline","schema":"v2","application":"shop","template":{"reference":"spinnaker://web:stable"},"variables":{"waitTime":"soon"}}`)
	require.Equal(t, http.StatusBadRequest, bad.Code)
	told := w.object(bad)
	require.Contains(t, told["message"], "Pipeline template is invalid")
	first := pipeline.AsMap(told.List("errors")[0])
	require.Equal(t, "FATAL", first["severity"])
	require.Equal(t, "configuration:variables", first["location"])
	require.Contains(t, first["cause"], "waitTime (expected type 'int' found type 'string')")
}

func TestTemplatedPipelinesRun(t *testing.T) {
	t.Parallel()
	w := newTemplateWorld(t)
	require.Equal(t, http.StatusOK, w.do("POST", "/v2/pipelineTemplates/create?tag=stable", webTemplate).Code)
	require.Equal(t, http.StatusOK, w.do("POST", "/pipelines", webPipeline).Code)
	stored := pipeline.AsMap(w.get("/applications/shop/pipelineConfigs/Deploy"))
	require.Equal(t, map[string]any{"artifactAccount": "front50ArtifactCredentials", "reference": "spinnaker://web:stable", "type": "front50/pipelineTemplate"}, stored["template"])
	require.Equal(t, []any{}, stored["stages"], "the template stays where it is")

	for _, start := range []struct {
		target, body string
		status       int
	}{
		{"/pipelines/shop/Deploy", `{"type":"manual"}`, http.StatusAccepted},
		{"/pipelines/v2/shop/Deploy", `{"type":"manual"}`, http.StatusAccepted},
		{"/pipelines/start", webPipeline, http.StatusOK},
	} {
		before := len(w.engine.started)
		out := w.do("POST", start.target, start.body)
		require.Equal(t, start.status, out.Code, out.Body.String())
		require.Len(t, w.engine.started, before+1)
		x := w.engine.started[before]
		require.Equal(t, pipeline.Map{"waitTime": int64(7)}, x.TemplateVariables)
		require.Equal(t, "${ templateVariables.waitTime }", x.Stages[0].Context["waitTime"])
		require.Equal(t, "p-1", x.PipelineConfigID)
	}

	require.Equal(t, http.StatusOK, w.do("POST", "/v2/pipelineTemplates/update/web?tag=stable", `{"metadata":{"name":"Web","description":"d","scopes":["shop"]},"variables":[{"name":"who"}],"pipeline":{"stages":[]}}`).Code)
	before := len(w.engine.started)
	out := w.do("POST", "/pipelines/shop/Deploy", "")
	require.Equal(t, http.StatusBadRequest, out.Code)
	require.Contains(t, pipeline.AsMap(w.object(out).List("errors")[0])["cause"], "Missing variable values for: who")
	require.Len(t, w.engine.started, before)
}

func TestPlanTellsWhatARunWouldDo(t *testing.T) {
	t.Parallel()
	w := newTemplateWorld(t)
	require.Equal(t, http.StatusOK, w.do("POST", "/v2/pipelineTemplates/create?tag=stable", webTemplate).Code)
	body := pipeline.Map{}
	require.NoError(t, body.UnmarshalJSON([]byte(webPipeline)))
	body["plan"] = true
	body["variables"] = map[string]any{"extra": int64(1)}
	body["stages"] = []any{
		map[string]any{"refId": "2", "type": "deployManifest", "name": "Deploy", "account": "nope", "requisiteStageRefIds": []any{"1"}, "comments": "${ outputOfOne } to ${ parameters.to }"},
	}
	raw, err := body.MarshalJSON()
	require.NoError(t, err)
	before := len(w.engine.started)
	out := w.do("POST", "/pipelines/start", string(raw))
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	require.Len(t, w.engine.started, before, "nothing is started")
	answer := w.object(out)
	require.Len(t, answer.List("stages"), 2, "Orca's answer: the pipeline without its template")
	require.Equal(t, map[string]any{"waitTime": int64(42)}, answer["templateVariables"])
	planned := answer.Map("planned")
	require.Equal(t, []string{"1", "2"}, names(t, planned["stages"], "refId"))
	require.Equal(t, int64(42), pipeline.AsMap(planned.List("stages")[0]).Map("context")["waitTime"])
	require.Equal(t, []string{"comments"}, names(t, planned["unknown"], "path"))
	require.Equal(t, []string{"WARN", "FATAL"}, names(t, planned["problems"], "severity"))
	require.Contains(t, names(t, planned["problems"], "message")[0], "extra")
	require.Contains(t, names(t, planned["problems"], "message")[1], "known accounts are kubernetes, prod")
}
