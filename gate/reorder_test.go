package gate_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func (w *worker) reorder(ctx context.Context, job pipeline.Map) error {
	var in front50.Reorder
	var strategy bool
	for key, into := range map[string]any{"application": &in.Application, "idsToIndices": &in.IDsToIndices, "isStrategy": &strategy} {
		raw, err := base64.StdEncoding.DecodeString(job.String(key))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return err
		}
	}
	if strategy {
		return front50.ReorderStrategies(ctx, w.store, in.Application, in.IDsToIndices, "")
	}
	return front50.ReorderPipelines(ctx, w.store, in.Application, in.IDsToIndices, "")
}

func TestReorderPipelines(t *testing.T) {
	t.Parallel()
	w := newTemplateWorld(t)
	w.pipeline(`{"application":"shop","name":"one","id":"c1"}`)
	w.pipeline(`{"application":"shop","name":"two","id":"c2"}`)
	out := w.do("POST", "/actions/pipelines/reorder", `{"application":"shop","idsToIndices":{"c1":1,"c2":0}}`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	task := w.object(out)
	require.Equal(t, "SUCCEEDED", task["status"])
	require.Equal(t, "Reorder pipelines", task["name"])
	require.Equal(t, []string{"two", "one"}, names(t, w.get("/applications/shop/pipelineConfigs"), "name"))

	for body, want := range map[string]string{
		`{"application":"shop"}`:                              "`idsToIndices` is required field on request body",
		`{"idsToIndices":{"c1":0}}`:                           "`application` is required field on request body",
		`{"application":5,"idsToIndices":{"c1":0}}`:           "The application is a number",
		`{"application":"shop","idsToIndices":{"unknown":0}}`: "Pipeline not found (id: unknown)",
	} {
		out := w.do("POST", "/actions/pipelines/reorder", body)
		require.Equal(t, http.StatusBadRequest, out.Code, body)
		require.Contains(t, w.object(out)["message"], want)
	}
}
