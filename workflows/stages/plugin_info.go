package stages

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// UpsertPluginInfo stores what is known of a plugin, and adds releases to it.
//
//	{"type": "upsertPluginInfo", "pluginInfo": {"id": "acme.hello", "description": "Says hello",
//	 "releases": [{"version": "1.0.0", "requires": "deck>=0.0.0", "url": "https://plugins.example.com/hello-1.0.0.zip"}]}}
type UpsertPluginInfo struct{}

var (
	_ workflows.StageType  = UpsertPluginInfo{}
	_ workflows.Caller     = UpsertPluginInfo{}
	_ workflows.Documented = UpsertPluginInfo{}
)

// Type implements workflows.StageType.
func (UpsertPluginInfo) Type() string { return "upsertPluginInfo" }

// Tasks implements workflows.StageType.
func (u UpsertPluginInfo) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "upsertPluginInfo", Timeout: configurationTimeout, Run: u.upsert}}
}

func (UpsertPluginInfo) upsert(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	info := t.Stage.Context.Map("pluginInfo")
	if info == nil {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "Key 'pluginInfo' must be provided: the stage '%s' holds none.", t.Stage.Name)
	}
	out, err := workflows.Call(ctx, t, activities.UpsertPluginInfo, activities.UpsertPluginInfoInput{Scope: t.Scope(), PluginInfo: info})
	if err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: pipeline.Map{"pluginInfo": map[string]any(out.PluginInfo)}}, nil
}

// Calls implements workflows.Caller.
func (UpsertPluginInfo) Calls(s *pipeline.Stage) []string {
	return []string{"save the information on the plugin " + s.Context.Map("pluginInfo").String("id")}
}

// Describe implements workflows.Documented.
func (UpsertPluginInfo) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Stores what is known of a plugin, and adds releases to it. Gennaker runs no plugins of Spinnaker: the information is kept for the Spinnaker that shares the bucket.",
		Inputs: []workflows.Field{
			{Name: "pluginInfo", Type: "object", Text: "`id` of the form namespace.name, `description`, `provider`, `releases` with versions that are not stored yet."},
		},
		Notes: []string{"The context tells the information as stored, under `pluginInfo`."},
	}
}

// DeletePluginInfo deletes what is known of a plugin; a missing one is a success.
//
//	{"type": "deletePluginInfo", "pluginInfoId": "acme.hello"}
type DeletePluginInfo struct{}

var (
	_ workflows.StageType  = DeletePluginInfo{}
	_ workflows.Caller     = DeletePluginInfo{}
	_ workflows.Documented = DeletePluginInfo{}
)

// Type implements workflows.StageType.
func (DeletePluginInfo) Type() string { return "deletePluginInfo" }

// Tasks implements workflows.StageType.
func (d DeletePluginInfo) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "deletePluginInfo", Timeout: configurationTimeout, Run: d.delete}}
}

func (DeletePluginInfo) delete(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	id := t.Stage.Context.String("pluginInfoId")
	if id == "" {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "Key 'pluginInfoId' must be provided: the stage '%s' holds none.", t.Stage.Name)
	}
	if _, err := workflows.Call(ctx, t, activities.DeletePluginInfo, activities.DeletePluginInfoInput{Scope: t.Scope(), ID: id}); err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: pipeline.Map{"pluginInfoId": id, "front50ResponseStatus": int64(204)}}, nil
}

// Calls implements workflows.Caller.
func (DeletePluginInfo) Calls(s *pipeline.Stage) []string {
	return []string{"delete the information on the plugin " + s.Context.String("pluginInfoId")}
}

// Describe implements workflows.Documented.
func (DeletePluginInfo) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Deletes what is known of a plugin; a missing one is a success.",
		Inputs:  []workflows.Field{{Name: "pluginInfoId", Type: "text", Text: "The plugin."}},
	}
}
