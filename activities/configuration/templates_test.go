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

func webTemplate(waitTime string) pipeline.Map {
	return pipeline.Map{
		"id": "web", "schema": "v2", "metadata": map[string]any{"name": "Web", "description": "d", "scopes": []any{"global"}},
		"variables": []any{map[string]any{"name": "waitTime", "type": "int"}},
		"pipeline":  map[string]any{"stages": []any{map[string]any{"refId": "1", "type": "wait", "waitTime": waitTime}}},
	}
}

func TestSaveTemplateTwiceIsOnce(t *testing.T) {
	t.Parallel()
	c := configuration.New(memstore.New(nil))
	in := activities.SaveTemplateInput{Scope: scope, Template: webTemplate("1"), Tag: "stable", Create: true}
	for range 2 {
		out, err := c.SaveTemplate(t.Context(), in)
		require.NoError(t, err, "a repeated call finds its own template")
		require.Equal(t, "web:stable", out.Version)
	}
	in.Template = webTemplate("2")
	_, err := c.SaveTemplate(t.Context(), in)
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	require.ErrorContains(t, err, "already exists")
	in.Create = false
	_, err = c.SaveTemplate(t.Context(), in)
	require.NoError(t, err)
	for range 2 {
		_, err = c.DeleteTemplate(t.Context(), activities.DeleteTemplateInput{Scope: scope, ID: "web", Tag: "stable"})
		require.NoError(t, err)
	}
	_, err = c.DeleteTemplate(t.Context(), activities.DeleteTemplateInput{Scope: scope, ID: "web", Tag: "stable", Digest: "1"})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	in.Template = pipeline.Map{"id": "web"}
	_, err = c.SaveTemplate(t.Context(), in)
	require.ErrorContains(t, err, "Missing required fields")
}

// What a stage starts has no template; what it edits has.
func TestReadPipelineResolvesTheTemplate(t *testing.T) {
	t.Parallel()
	store := memstore.New(nil)
	c := configuration.New(store)
	_, err := c.SaveTemplate(t.Context(), activities.SaveTemplateInput{Scope: scope, Template: webTemplate("${ templateVariables.waitTime }")})
	require.NoError(t, err)
	p := pipeline.Pipeline{
		"id": "p", "name": "P", "application": "shop", "type": "templatedPipeline", "schema": "v2",
		"template":  map[string]any{"reference": "spinnaker://${ trigger.parameters.which }"},
		"variables": map[string]any{"waitTime": int64(7)},
	}
	_, err = store.SavePipeline(t.Context(), p, front50.SaveOptions{})
	require.NoError(t, err)
	read, err := c.ReadPipeline(t.Context(), activities.ReadPipelineInput{Scope: scope, ID: "p", Parameters: pipeline.Map{"which": "web"}})
	require.NoError(t, err)
	require.Len(t, read.Pipeline["stages"], 1)
	require.Equal(t, map[string]any{"waitTime": int64(7)}, read.Pipeline["templateVariables"])
	require.NotContains(t, read.Pipeline, "template")

	stored, err := c.ReadPipeline(t.Context(), activities.ReadPipelineInput{Scope: scope, ID: "p", AsStored: true})
	require.NoError(t, err)
	require.Equal(t, p["template"], stored.Pipeline["template"])

	_, err = c.ReadPipeline(t.Context(), activities.ReadPipelineInput{Scope: scope, ID: "p", Parameters: pipeline.Map{"which": "nope"}})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	require.ErrorContains(t, err, "Pipeline template not found (id: nope)")
	told := activities.FromTemporal(activities.ToTemporal(err))
	require.NotEmpty(t, pipeline.DetailsOf(told), "the faults reach the stage")
}
