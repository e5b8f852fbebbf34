package stages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestUpsertApplicationExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "application.go", "UpsertApplication").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, map[string]any{"name": "shop", "email": "shop@example.com"}, stage(e).Context["newState"])
	require.NotContains(t, stage(e).Context, "previousState")
}

func TestApplicationStages(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[
		{"type":"createApplication","application":{"name":"shop","email":"a@b.c","ratio":1.0}},
		{"type":"updateApplication","application":{"name":"shop","email":"x@y.z"}},
		{"type":"upsertApplication","application":{"name":"shop","email":"u@v.w"}},
		{"type":"deleteApplication","application":{"name":" shop "}},
		{"type":"deleteApplication","application":{"name":"shop"}}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"createApplication"}, taskNames(e.Stages[0]))
	require.Equal(t, 1.0, e.Stages[0].Context.Map("newState")["ratio"])
	require.Equal(t, "a@b.c", e.Stages[1].Context.Map("previousState")["email"])
	require.Equal(t, "x@y.z", e.Stages[1].Context.Map("newState")["email"])
	require.Equal(t, "u@v.w", e.Stages[3].Context.Map("previousState")["email"])
	require.NotContains(t, e.Stages[4].Context, "previousState", "a missing application is a success")
	require.Equal(t, "ines", w.Asked(activities.DeleteApplication.Name)[0].(activities.DeleteApplicationInput).Scope.User)
}

func TestDeleteApplicationExample(t *testing.T) {
	t.Parallel()
	e := runExample(t, workflowstest.NewWorld(), "application.go", "DeleteApplication").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
}

func TestApplicationStagesRefuse(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"createApplication"}]}`).Done()
	require.Contains(t, workflowstest.Errors(e, "0")[0], "holds no application")
	e = newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"deleteApplication","application":{}}]}`).Done()
	require.Contains(t, workflowstest.Errors(e, "0")[0], "names no application")
}
