package configuration_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/configuration"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/pipeline"
)

var scope = activities.Scope{Application: "shop", Execution: "01J", Stage: "s", Task: "savePipeline", User: "ann"}

func TestSavePipelineTwiceIsOnce(t *testing.T) {
	t.Parallel()
	store := memstore.New(nil)
	c := configuration.New(store)
	in := activities.SavePipelineInput{Scope: scope, Pipeline: pipeline.Pipeline{
		"name": "Deploy", "application": "shop",
		"triggers": []any{map[string]any{"type": "cron", "id": "copied"}, map[string]any{"type": "cron"}},
	}}
	first, err := c.SavePipeline(t.Context(), in)
	require.NoError(t, err)
	again, err := c.SavePipeline(t.Context(), in)
	require.NoError(t, err, "a repeated call finds its own pipeline, not a taken name")
	require.Equal(t, first.Pipeline.ID(), again.Pipeline.ID())
	require.Equal(t, first.Pipeline["triggers"], again.Pipeline["triggers"])
	require.NotContains(t, in.Pipeline, "id", "the input is changed")
	ids := map[string]bool{}
	for _, e := range first.Pipeline["triggers"].([]any) {
		ids[pipeline.AsMap(e).String("id")] = true
	}
	require.Len(t, ids, 2)
	require.NotContains(t, ids, "copied")
	require.Equal(t, "ann", first.Pipeline["lastModifiedBy"])

	// Another pipeline of the same task is another one; another stage's is a
	// taken name.
	other := in
	other.Pipeline = pipeline.Pipeline{"name": "Other", "application": "shop"}
	second, err := c.SavePipeline(t.Context(), other)
	require.NoError(t, err)
	require.NotEqual(t, first.Pipeline.ID(), second.Pipeline.ID())
	in.Scope.Stage = "another"
	_, err = c.SavePipeline(t.Context(), in)
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))

	// A stale-checked update whose answer was lost passes the second time.
	update := activities.SavePipelineInput{Scope: scope, Pipeline: again.Pipeline.Clone(), StaleCheck: true}
	update.Pipeline["description"] = "new"
	for range 2 {
		_, err = c.SavePipeline(t.Context(), update)
		require.NoError(t, err)
	}
	stale := activities.SavePipelineInput{Scope: scope, Pipeline: again.Pipeline, StaleCheck: true}
	_, err = c.SavePipeline(t.Context(), stale)
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))

	read, err := c.ReadPipeline(t.Context(), activities.ReadPipelineInput{Scope: scope, ID: again.Pipeline.ID()})
	require.NoError(t, err)
	require.Equal(t, "new", read.Pipeline["description"])
}

func TestDeletionsOfWhatIsMissingSucceed(t *testing.T) {
	t.Parallel()
	c := configuration.New(memstore.New(nil))
	created, err := c.UpsertApplication(t.Context(), activities.UpsertApplicationInput{Scope: scope, Application: pipeline.Application{"name": "shop", "email": "a@b.c"}})
	require.NoError(t, err)
	require.Nil(t, created.Previous)
	saved, err := c.SavePipeline(t.Context(), activities.SavePipelineInput{Scope: scope, Pipeline: pipeline.Pipeline{"name": "Deploy", "application": "shop"}})
	require.NoError(t, err)
	for range 2 {
		_, err = c.DeletePipeline(t.Context(), activities.DeletePipelineInput{Scope: scope, ID: saved.Pipeline.ID()})
		require.NoError(t, err)
	}
	_, err = c.ReadPipeline(t.Context(), activities.ReadPipelineInput{Scope: scope, ID: saved.Pipeline.ID()})
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
	deleted, err := c.DeleteApplication(t.Context(), activities.DeleteApplicationInput{Scope: scope, Name: "Shop"})
	require.NoError(t, err)
	require.Equal(t, created.Current, deleted.Previous)
	deleted, err = c.DeleteApplication(t.Context(), activities.DeleteApplicationInput{Scope: scope, Name: "Shop"})
	require.NoError(t, err)
	require.Nil(t, deleted.Previous)
}

// TestRegistered calls an activity by its name, as a worker does, and reads the
// error's code on the other side.
func TestRegistered(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	activities.RegisterConfiguration(env, configuration.New(memstore.New(nil)))
	value, err := env.ExecuteActivity(activities.UpsertApplication.Name, activities.UpsertApplicationInput{Scope: scope, Application: pipeline.Application{"name": "shop", "email": "a@b.c", "ratio": 1.0}})
	require.NoError(t, err)
	var out activities.UpsertApplicationOutput
	require.NoError(t, value.Get(&out))
	require.IsType(t, float64(0), out.Current["ratio"], "1.0 stays a decimal")
	_, err = env.ExecuteActivity(activities.ReadPipeline.Name, activities.ReadPipelineInput{Scope: scope, ID: "none"})
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(activities.FromTemporal(err)))
}

func TestFindPipeline(t *testing.T) {
	t.Parallel()
	c := configuration.New(memstore.New(nil))
	_, err := c.SavePipeline(t.Context(), activities.SavePipelineInput{Scope: scope, Pipeline: pipeline.Pipeline{"name": "Deploy", "application": "shop"}})
	require.NoError(t, err)
	for _, tt := range []struct {
		application, name string
		code              pipeline.Code
	}{
		{"shop", "Deploy", ""},
		{"SHOP", "Deploy", ""},
		{"shop", "deploy", pipeline.CodeNotFound},
		{"other", "Deploy", pipeline.CodeNotFound},
		{"", "Deploy", pipeline.CodeInvalid},
		{"shop", "", pipeline.CodeInvalid},
	} {
		out, err := c.FindPipeline(t.Context(), activities.FindPipelineInput{Scope: scope, Application: tt.application, Name: tt.name})
		if tt.code != "" {
			require.Equal(t, tt.code, pipeline.CodeOf(err), tt)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, "Deploy", out.Pipeline.Name())
		require.NotEmpty(t, out.Pipeline.ID())
	}
}

func TestReorderPipelines(t *testing.T) {
	t.Parallel()
	c := configuration.New(memstore.New(nil))
	ids := map[string]string{}
	for _, p := range []pipeline.Pipeline{{"name": "A", "application": "shop"}, {"name": "B", "application": "shop"}, {"name": "X", "application": "other"}} {
		saved, err := c.SavePipeline(t.Context(), activities.SavePipelineInput{Scope: scope, Pipeline: p})
		require.NoError(t, err)
		ids[p.Name()] = saved.Pipeline.ID()
	}
	index := func(name string) any {
		read, err := c.ReadPipeline(t.Context(), activities.ReadPipelineInput{Scope: scope, ID: ids[name]})
		require.NoError(t, err)
		return read.Pipeline["index"]
	}
	for _, tt := range []struct {
		application string
		indices     map[string]int
		code        pipeline.Code
	}{
		{"shop", map[string]int{ids["A"]: 1, ids["B"]: 0}, ""},
		{"shop", map[string]int{ids["A"]: 1, ids["B"]: 0}, ""}, // the same call again
		{"shop", map[string]int{ids["A"]: 7, ids["X"]: 0}, pipeline.CodeInvalid},
		{"shop", map[string]int{ids["A"]: 7, "zzz": 0}, pipeline.CodeNotFound},
		{"", map[string]int{ids["A"]: 7}, pipeline.CodeUnprocessable},
		{"shop", nil, pipeline.CodeUnprocessable},
	} {
		_, err := c.ReorderPipelines(t.Context(), activities.ReorderPipelinesInput{Scope: scope, Application: tt.application, IDsToIndices: tt.indices})
		if tt.code == "" {
			require.NoError(t, err)
		} else {
			require.Equal(t, tt.code, pipeline.CodeOf(err), tt)
		}
		require.Equal(t, []any{int64(1), int64(0)}, []any{index("A"), index("B")}, tt)
	}
	// A saved configuration without an index keeps its place.
	saved, err := c.SavePipeline(t.Context(), activities.SavePipelineInput{Scope: scope, Pipeline: pipeline.Pipeline{"id": ids["A"], "name": "A", "application": "shop"}})
	require.NoError(t, err)
	require.Equal(t, int64(1), saved.Pipeline["index"])
}
