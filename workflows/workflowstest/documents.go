package workflowstest

import (
	"context"

	"github.com/gennaker/gennaker/activities"
)

// SaveProject implements activities.Documents.
func (w *World) SaveProject(ctx context.Context, in activities.SaveProjectInput) (activities.SaveProjectOutput, error) {
	return ask(ctx, w, activities.SaveProject, in, func() (activities.SaveProjectOutput, error) {
		id := in.Project.String("id")
		if id == "" {
			id = "saved-" + in.Project.String("name")
		}
		return activities.SaveProjectOutput{ID: id}, nil
	})
}

// DeleteProject implements activities.Documents.
func (w *World) DeleteProject(ctx context.Context, in activities.DeleteProjectInput) (activities.Done, error) {
	return ask(ctx, w, activities.DeleteProject, in, func() (activities.Done, error) { return activities.Done{}, nil })
}

// UpsertEntityTags implements activities.Documents.
func (w *World) UpsertEntityTags(ctx context.Context, in activities.UpsertEntityTagsInput) (activities.UpsertEntityTagsOutput, error) {
	return ask(ctx, w, activities.UpsertEntityTags, in, func() (activities.UpsertEntityTagsOutput, error) {
		id := in.ID
		if id == "" {
			id = "tags-of-" + in.EntityRef.String("entityId")
		}
		return activities.UpsertEntityTagsOutput{ID: id}, nil
	})
}

// DeleteEntityTags implements activities.Documents.
func (w *World) DeleteEntityTags(ctx context.Context, in activities.DeleteEntityTagsInput) (activities.Done, error) {
	return ask(ctx, w, activities.DeleteEntityTags, in, func() (activities.Done, error) { return activities.Done{}, nil })
}

// UpsertPluginInfo implements activities.Documents.
func (w *World) UpsertPluginInfo(ctx context.Context, in activities.UpsertPluginInfoInput) (activities.UpsertPluginInfoOutput, error) {
	return ask(ctx, w, activities.UpsertPluginInfo, in, func() (activities.UpsertPluginInfoOutput, error) {
		return activities.UpsertPluginInfoOutput{PluginInfo: in.PluginInfo}, nil
	})
}

// DeletePluginInfo implements activities.Documents.
func (w *World) DeletePluginInfo(ctx context.Context, in activities.DeletePluginInfoInput) (activities.Done, error) {
	return ask(ctx, w, activities.DeletePluginInfo, in, func() (activities.Done, error) { return activities.Done{}, nil })
}
