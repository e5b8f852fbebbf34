package stages

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// UpsertEntityTags puts tags on something that runs, for people to read.
//
//	{"type": "upsertEntityTags", "isPartial": true, "tags": [{"name": "owner", "value": "shop"}],
//	 "entityRef": {"entityType": "serverGroup", "entityId": "web-v001", "cloudProvider": "kubernetes", "account": "prod", "region": "default"}}
type UpsertEntityTags struct{}

var (
	_ workflows.StageType  = UpsertEntityTags{}
	_ workflows.Caller     = UpsertEntityTags{}
	_ workflows.Documented = UpsertEntityTags{}
)

// Type implements workflows.StageType.
func (UpsertEntityTags) Type() string { return "upsertEntityTags" }

// Tasks implements workflows.StageType.
func (u UpsertEntityTags) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		{Name: "upsertEntityTags", Timeout: configurationTimeout, Run: u.upsert},
		instant("monitorUpsert"),
	}
}

func (UpsertEntityTags) upsert(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c := t.Stage.Context
	tags := c.List("tags")
	if len(tags) == 0 {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds no tags: set tags to a list of objects with name and value.", t.Stage.Name)
	}
	partial := true
	if _, has := c["isPartial"]; has {
		partial = c.Bool("isPartial")
	}
	out, err := workflows.Call(ctx, t, activities.UpsertEntityTags, activities.UpsertEntityTagsInput{
		Scope: t.Scope(), ID: c.String("id"), EntityRef: c.Map("entityRef"), Tags: tags, Partial: partial,
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: pipeline.Map{"notification.type": "upsertentitytags", "entityTags.id": out.ID}}, nil
}

// Calls implements workflows.Caller.
func (UpsertEntityTags) Calls(s *pipeline.Stage) []string {
	return []string{"put tags on " + taggedEntity(s)}
}

func taggedEntity(s *pipeline.Stage) string {
	if id := s.Context.String("id"); id != "" {
		return id
	}
	ref := s.Context.Map("entityRef")
	return ref.String("entityType") + " " + ref.String("entityId")
}

// Describe implements workflows.Documented.
func (UpsertEntityTags) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Puts tags on something that runs, for people to read.",
		Inputs: []workflows.Field{
			{Name: "entityRef", Type: "object", Text: "What is tagged: `cloudProvider`, `entityType` and `entityId`; `account` and `region`, which are any when absent."},
			{Name: "id", Type: "text", Default: "made of entityRef", Text: "The tags to change, by their ID."},
			{Name: "tags", Type: "list of {name, value, namespace, category}", Text: "The tags; one of a name replaces the one that is there."},
			{Name: "isPartial", Type: "boolean", Default: "true", Text: "Whether tags of other names stay."},
		},
		Notes: []string{"The context tells the ID of the entity's tags under `entityTags.id`."},
	}
}

// DeleteEntityTags takes tags off something that runs; missing ones are a success.
//
//	{"type": "deleteEntityTags", "id": "kubernetes:servergroup:web-v001:prod:default", "tags": ["owner"]}
type DeleteEntityTags struct{}

var (
	_ workflows.StageType  = DeleteEntityTags{}
	_ workflows.Caller     = DeleteEntityTags{}
	_ workflows.Documented = DeleteEntityTags{}
)

// Type implements workflows.StageType.
func (DeleteEntityTags) Type() string { return "deleteEntityTags" }

// Tasks implements workflows.StageType.
func (d DeleteEntityTags) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		{Name: "deleteEntityTags", Timeout: configurationTimeout, Run: d.delete},
		instant("monitorDelete"),
	}
}

func (DeleteEntityTags) delete(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c := t.Stage.Context
	id, names := c.String("id"), c.Strings("tags")
	switch {
	case id == "":
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no entity: set id to that of its tags.", t.Stage.Name)
	case c.Bool("deleteAll"):
		names = nil
	case len(names) == 0:
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no tags to delete: set tags to a list of names, or deleteAll to true.", t.Stage.Name)
	}
	if _, err := workflows.Call(ctx, t, activities.DeleteEntityTags, activities.DeleteEntityTagsInput{Scope: t.Scope(), ID: id, Tags: names}); err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: pipeline.Map{"notification.type": "deleteentitytags"}}, nil
}

// Calls implements workflows.Caller.
func (DeleteEntityTags) Calls(s *pipeline.Stage) []string {
	return []string{"take tags off " + taggedEntity(s)}
}

// Describe implements workflows.Documented.
func (DeleteEntityTags) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Takes tags off something that runs; missing ones are a success.",
		Inputs: []workflows.Field{
			{Name: "id", Type: "text", Text: "The ID of the entity's tags."},
			{Name: "tags", Type: "list of names", Text: "Which."},
			{Name: "deleteAll", Type: "boolean", Default: "false", Text: "All, whatever `tags` says."},
		},
	}
}
