package configuration_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/configuration"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/pipeline"
)

// Every call is made twice, as after a lost answer, and does nothing twice.
func TestDocumentsTwiceIsOnce(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), memstore.New(nil)
	c := configuration.New(store)
	var id string
	for range 2 {
		out, err := c.SaveProject(ctx, activities.SaveProjectInput{Scope: scope, Project: pipeline.Map{"name": "Shop"}})
		require.NoError(t, err, "a repeated call finds its own project, not a taken name")
		require.True(t, id == "" || id == out.ID)
		id = out.ID
	}
	other := scope
	other.Stage = "another"
	_, err := c.SaveProject(ctx, activities.SaveProjectInput{Scope: other, Project: pipeline.Map{"name": "Shop"}})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), "%v", err)
	project, err := store.Document(ctx, front50.KindProject, id)
	require.NoError(t, err)
	require.Equal(t, "ann", project["lastModifiedBy"])
	for range 2 {
		_, err := c.DeleteProject(ctx, activities.DeleteProjectInput{Scope: scope, Name: "sHOP"})
		require.NoError(t, err)
		_, err = c.DeleteProject(ctx, activities.DeleteProjectInput{Scope: scope, ID: id})
		require.NoError(t, err)
	}
	_, err = store.Document(ctx, front50.KindProject, id)
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))

	for range 2 {
		out, err := c.UpsertEntityTags(ctx, activities.UpsertEntityTagsInput{
			Scope: scope, Partial: true, Tags: []any{map[string]any{"name": "owner", "value": "x"}},
			EntityRef: pipeline.Map{"cloudProvider": "kubernetes", "entityType": "serverGroup", "entityId": "web-v001", "account": "prod", "region": "default"},
		})
		require.NoError(t, err)
		require.Equal(t, "kubernetes:servergroup:web-v001:prod:default", out.ID)
		tags, err := store.Document(ctx, front50.KindEntityTags, out.ID)
		require.NoError(t, err)
		require.Len(t, tags.List("tags"), 1)
	}
	for range 2 {
		_, err := c.DeleteEntityTags(ctx, activities.DeleteEntityTagsInput{Scope: scope, ID: "kubernetes:servergroup:web-v001:prod:default", Tags: []string{"owner"}})
		require.NoError(t, err)
	}
	for range 2 {
		out, err := c.UpsertPluginInfo(ctx, activities.UpsertPluginInfoInput{Scope: scope, PluginInfo: pipeline.Map{
			"id": "acme.hello", "releases": []any{map[string]any{"version": "1.0.0"}},
		}})
		require.NoError(t, err)
		require.Len(t, out.PluginInfo.List("releases"), 1)
	}
	for range 2 {
		_, err := c.DeletePluginInfo(ctx, activities.DeletePluginInfoInput{Scope: scope, ID: "acme.hello"})
		require.NoError(t, err)
	}
}

func TestReorderStrategies(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), memstore.New(nil)
	saved, err := store.SaveDocument(ctx, front50.KindStrategy, pipeline.Map{"name": "S", "application": "shop"}, front50.DocumentOptions{})
	require.NoError(t, err)
	_, err = configuration.New(store).ReorderPipelines(ctx, activities.ReorderPipelinesInput{
		Scope: scope, Application: "shop", IDsToIndices: map[string]int{saved.String("id"): 7}, Strategies: true,
	})
	require.NoError(t, err)
	read, err := store.Document(ctx, front50.KindStrategy, saved.String("id"))
	require.NoError(t, err)
	require.Equal(t, int64(7), read["index"])
}
