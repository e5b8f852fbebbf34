package stages_test

import (
	"context"
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
	require.Equal(t, map[string]any{}, stage(e).Context["previousState"], "there was none")
	require.Equal(t, "upsertapplication", stage(e).Context["notification.type"])
	require.Equal(t, "shop", stage(e).Context["application.name"])
	require.Empty(t, stage(e).Outputs)
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
	require.Equal(t, []string{"verifyNoDependencies", "deleteApplication"}, taskNames(e.Stages[3]))
	require.Equal(t, "deleteapplication", e.Stages[3].Context["notification.type"])
	require.NotContains(t, e.Stages[4].Context, "previousState", "a missing application is a success")
	require.Equal(t, "ines", w.Asked(activities.DeleteApplication.Name)[0].(activities.DeleteApplicationInput).Scope.User)
}

func TestDeleteApplicationExample(t *testing.T) {
	t.Parallel()
	e := runExample(t, workflowstest.NewWorld(), "application.go", "DeleteApplication").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
}

// An application that has something in a cluster is not deleted.
func TestDeleteApplicationVerifiesThatThereAreNoDependencies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		found  activities.ApplicationResourcesOutput
		err    error
		errors []string
	}{
		"nothing": {activities.ApplicationResourcesOutput{}, nil, nil},
		"clusters": {activities.ApplicationResourcesOutput{Clusters: []string{"deployment web", "job test"}}, nil, []string{
			"Application has outstanding dependencies",
			"Application is associated with one or more clusters: deployment web in account prod, job test in account prod. Delete them first.",
		}},
		"both": {activities.ApplicationResourcesOutput{Clusters: []string{"deployment web"}, SecurityGroups: []string{"networkPolicy closed"}}, nil, []string{
			"Application has outstanding dependencies",
			"Application is associated with one or more clusters: deployment web in account prod. Delete them first.",
			"Application is associated with one or more security groups: networkPolicy closed in account prod. Delete them first.",
		}},
		"a cluster that refuses": {activities.ApplicationResourcesOutput{}, pipeline.Errorf(pipeline.CodeForbidden, "You may not list."), []string{"You may not list."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			workflowstest.On(w, activities.ApplicationResources, func(_ context.Context, in activities.ApplicationResourcesInput) (activities.ApplicationResourcesOutput, error) {
				if in.Account != "prod" || in.Application != "shop" {
					return activities.ApplicationResourcesOutput{}, pipeline.Errorf(pipeline.CodeInternal, "asked for %s in %s", in.Application, in.Account)
				}
				return tt.found, tt.err
			})
			e := newRun(t, w, `{"stages":[{"type":"deleteApplication","application":{"name":"shop"}}]}`).Done()
			require.Equal(t, tt.errors, workflowstest.Errors(e, "0"))
			if tt.errors != nil {
				require.Equal(t, pipeline.Terminal, e.Status)
				require.Empty(t, w.Asked(activities.DeleteApplication.Name))
				return
			}
			require.Equal(t, pipeline.Succeeded, e.Status)
		})
	}
}

// A cluster that does not answer keeps the application, and is not waited for
// without end.
func TestDeleteApplicationWhileAClusterIsAway(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.ApplicationResources, func(context.Context, activities.ApplicationResourcesInput) (activities.ApplicationResourcesOutput, error) {
		return activities.ApplicationResourcesOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The cluster does not answer.")
	})
	e := newRun(t, w, `{"stages":[{"type":"deleteApplication","application":{"name":"shop"}}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, workflowstest.Errors(e, "0"), "The cluster does not answer.")
	require.LessOrEqual(t, (e.EndTime - e.StartTime), pipeline.Millis(6*60_000))
	require.Empty(t, w.Asked(activities.DeleteApplication.Name))
}

func TestApplicationStagesRefuse(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"createApplication"}]}`).Done()
	require.Contains(t, workflowstest.Errors(e, "0")[0], "holds no application")
	e = newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"deleteApplication","application":{}}]}`).Done()
	require.Contains(t, workflowstest.Errors(e, "0")[0], "names no application")
}
