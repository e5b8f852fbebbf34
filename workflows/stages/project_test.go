package stages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Each example runs, in Orca's tasks, as the execution's user.
func TestProjectExamples(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "project.go", "UpsertProject").Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, []string{"upsertProject"}, taskNames(stage(e)))
	require.Equal(t, "saved-Shop", stage(e).Context["project.id"])
	in := w.Asked(activities.SaveProject.Name)[0].(activities.SaveProjectInput)
	require.Equal(t, "shop@example.com", in.Project.String("email"))
	require.Equal(t, "ines", in.Scope.User)

	e = runExample(t, w, "project.go", "DeleteProject").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "deleteproject", stage(e).Context["notification.type"])
	require.Equal(t, "Shop", w.Asked(activities.DeleteProject.Name)[0].(activities.DeleteProjectInput).Name)
}

// A stage that is restarted saves the project that it made.
func TestUpsertProjectOfAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	for stageJSON, want := range map[string]string{
		`"project.id":"old","project":{"name":"p"}`:            "old",
		`"project.id":"old","project":{"name":"p","id":"own"}`: "own",
		`"project":{"name":"p"}`:                               "",
	} {
		w := workflowstest.NewWorld()
		e := newRun(t, w, `{"stages":[{"type":"upsertProject",`+stageJSON+`}]}`).Done()
		require.Equal(t, pipeline.Succeeded, e.Status)
		require.Equal(t, want, w.Asked(activities.SaveProject.Name)[0].(activities.SaveProjectInput).Project.String("id"))
	}
}

func TestEntityTagsExamples(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "entity_tags.go", "UpsertEntityTags").Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, []string{"upsertEntityTags", "monitorUpsert"}, taskNames(stage(e)))
	require.Equal(t, "tags-of-web-v001", stage(e).Context["entityTags.id"])
	in := w.Asked(activities.UpsertEntityTags.Name)[0].(activities.UpsertEntityTagsInput)
	require.True(t, in.Partial)
	require.Len(t, in.Tags, 1)

	e = newRun(t, w, `{"stages":[{"type":"upsertEntityTags","id":"x","isPartial":false,"tags":[{"name":"a"}]}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.False(t, w.Asked(activities.UpsertEntityTags.Name)[1].(activities.UpsertEntityTagsInput).Partial)

	e = runExample(t, w, "entity_tags.go", "DeleteEntityTags").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"deleteEntityTags", "monitorDelete"}, taskNames(stage(e)))
	require.Equal(t, []string{"owner"}, w.Asked(activities.DeleteEntityTags.Name)[0].(activities.DeleteEntityTagsInput).Tags)
	e = newRun(t, w, `{"stages":[{"type":"deleteEntityTags","id":"x","tags":["a"],"deleteAll":true}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Empty(t, w.Asked(activities.DeleteEntityTags.Name)[1].(activities.DeleteEntityTagsInput).Tags)
}

func TestPluginInfoExamples(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "plugin_info.go", "UpsertPluginInfo").Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, "acme.hello", stage(e).Context.Map("pluginInfo").String("id"))
	e = runExample(t, w, "plugin_info.go", "DeletePluginInfo").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "acme.hello", w.Asked(activities.DeletePluginInfo.Name)[0].(activities.DeletePluginInfoInput).ID)
}

func TestDocumentStagesRefuse(t *testing.T) {
	t.Parallel()
	for stageJSON, want := range map[string]string{
		`{"type":"upsertProject"}`:                         "holds no project",
		`{"type":"deleteProject"}`:                         "holds no project",
		`{"type":"deleteProject","project":{}}`:            "names no project to delete",
		`{"type":"upsertEntityTags"}`:                      "holds no tags",
		`{"type":"deleteEntityTags"}`:                      "names no entity",
		`{"type":"deleteEntityTags","id":"x"}`:             "names no tags to delete",
		`{"type":"deleteEntityTags","id":"x","tags":[]}`:   "names no tags to delete",
		`{"type":"upsertPluginInfo"}`:                      "Key 'pluginInfo' must be provided",
		`{"type":"deletePluginInfo","pluginInfoId":null}`:  "Key 'pluginInfoId' must be provided",
		`{"type":"upsertProject","project":["not one"]}`:   "holds no project",
		`{"type":"upsertPluginInfo","pluginInfo":"a.b.c"}`: "Key 'pluginInfo' must be provided",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+stageJSON+`]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status, stageJSON)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
	}
}
