package gate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

func TestOpenAPIIsChecked(t *testing.T) {
	t.Parallel()
	doc, err := gate.OpenAPI()
	require.NoError(t, err)
	file, err := os.ReadFile("openapi.json")
	require.NoError(t, err)
	require.Equal(t, string(file), string(doc), "openapi.json is stale: run go generate ./gate")

	parsed, err := openapi3.NewLoader().LoadFromData(doc)
	require.NoError(t, err)
	require.NoError(t, parsed.Validate(t.Context()))
	require.Equal(t, "3.1.0", parsed.OpenAPI)

	served := newWorld(t).do("GET", "/openapi.json", "")
	require.Equal(t, 200, served.Code)
	require.Equal(t, string(doc), served.Body.String())
}

func TestReferencePageIsCurrent(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(filepath.Join("..", "docs", "reference", "api.md"))
	require.NoError(t, err)
	require.Equal(t, string(file), gate.Reference(), "docs/reference/api.md is stale: run go generate ./gate")
}

// TestOpenAPITellsTheTruth: what the document says exists is served.
func TestOpenAPITellsTheTruth(t *testing.T) {
	t.Parallel()
	doc, err := gate.OpenAPI()
	require.NoError(t, err)
	parsed, err := openapi3.NewLoader().LoadFromData(doc)
	require.NoError(t, err)
	w := newTemplateWorld(t) // whose tasks end, as requests that wait for them expect
	ids := map[string]bool{}
	for path, item := range parsed.Paths.Map() {
		for method, operation := range item.Operations() {
			require.NotEmpty(t, operation.Summary)
			require.Contains(t, operation.Description, "Permission: ")
			require.False(t, ids[operation.OperationID], operation.OperationID)
			ids[operation.OperationID] = true
			if operation.Responses.Status(200) != nil && operation.Responses.Status(200).Value.Content.Get("text/event-stream") != nil {
				continue // streams do not end; their own tests read them
			}
			out := w.do(method, path, "")
			require.NotEqual(t, 405, out.Code, "%s %s", method, path)
			if out.Code == 404 {
				require.NotContains(t, out.Body.String(), "There is nothing at", "%s %s", method, path)
			}
		}
	}
	require.Greater(t, len(ids), 40)
}

func TestConfigTagsSayWhatDefaultConfigDoes(t *testing.T) {
	t.Parallel()
	var c gate.Config
	parser, err := kong.New(&c)
	require.NoError(t, err)
	_, err = parser.Parse(nil)
	require.NoError(t, err)
	require.Equal(t, gate.DefaultConfig(), c)
}

// Every call that Orca serves and Spinnaker's Gate forwards is there, under
// Gate's path (reference: orca section 7). POST /fail is Echo's alone; a start
// that cannot be resolved is recorded by Gate itself.
func TestOrcasSurfaceIsServed(t *testing.T) {
	t.Parallel()
	paths := pipeline.AsMap(newWorld(t).get("/openapi.json")).Map("paths")
	for _, call := range []struct{ orca, method, path string }{
		{"POST /orchestrate", "post", "/pipelines/start"},
		{"POST /orchestrate/{pipelineConfigId}", "post", "/pipelines/{application}/{name}"},
		{"POST /plan", "post", "/pipelines/start"},
		{"POST /ops", "post", "/tasks"},
		{"GET /pipelines", "get", "/executions"},
		{"GET /pipelines/{id}", "get", "/pipelines/{id}"},
		{"DELETE /pipelines/{id}", "delete", "/pipelines/{id}"},
		{"PUT /pipelines/{id}/cancel", "put", "/pipelines/{id}/cancel"},
		{"PUT /pipelines/{id}/pause", "put", "/pipelines/{id}/pause"},
		{"PUT /pipelines/{id}/resume", "put", "/pipelines/{id}/resume"},
		{"PATCH /pipelines/{id}/stages/{stageId}", "patch", "/pipelines/{id}/stages/{stageId}"},
		{"PUT /pipelines/{id}/stages/{stageId}/restart", "put", "/pipelines/{id}/stages/{stageId}/restart"},
		{"GET /pipelines/{id}/evaluateExpression", "get", "/pipelines/{id}/evaluateExpression"},
		{"GET /pipelines/{id}/{stageId}/evaluateExpression", "get", "/pipelines/{id}/{stageId}/evaluateExpression"},
		{"POST /pipelines/{id}/evaluateVariables", "post", "/pipelines/{id}/evaluateVariables"},
		{"GET /pipelines/failedStages", "get", "/executions/failedStages"},
		{"GET /applications/{app}/pipelines", "get", "/applications/{application}/pipelines"},
		{"GET /applications/{app}/pipelines/search", "get", "/applications/{application}/executions/search"},
		{"GET /tasks/{id}", "get", "/tasks/{id}"},
		{"GET /applications/{app}/tasks", "get", "/applications/{application}/tasks"},
		{"DELETE /tasks/{id}", "delete", "/tasks/{id}"},
		{"PUT /tasks/{id}/cancel", "put", "/tasks/{id}/cancel"},
		{"PUT /tasks/cancel", "put", "/tasks/cancel"},
		{"GET /webhooks/preconfigured", "get", "/webhooks/preconfigured"},
		{"GET /jobs/preconfigured", "get", "/jobs/preconfigured"},
	} {
		require.Contains(t, paths.Map(call.path), call.method, call.orca)
	}
}
