package configuration

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// SaveProject implements activities.Documents. A new project's ID follows from who
// calls and its name, so that a repeated call finds what its forerunner saved.
func (c *Configuration) SaveProject(ctx context.Context, in activities.SaveProjectInput) (activities.SaveProjectOutput, error) {
	given := 0
	key := in.Scope.Key() + "\x00project\x00" + in.Project.String("name")
	project := front50.KindProject.IdentifiedDocument(in.Project, func() string {
		given++
		return uuid.NewSHA1(newPipelines, []byte(key+"\x00"+strconv.Itoa(given))).String()
	})
	saved, err := c.store.SaveDocument(ctx, front50.KindProject, project, front50.DocumentOptions{By: author(in.Scope)})
	return activities.SaveProjectOutput{ID: saved.String("id")}, err
}

// DeleteProject implements activities.Documents.
func (c *Configuration) DeleteProject(ctx context.Context, in activities.DeleteProjectInput) (activities.Done, error) {
	id := in.ID
	if id == "" {
		found, err := front50.FindProject(ctx, c.store, in.Name)
		if err != nil {
			return activities.Done{}, unlessMissing(err)
		}
		id = found.String("id")
	}
	return activities.Done{}, unlessMissing(c.store.DeleteDocument(ctx, front50.KindProject, id, author(in.Scope)))
}

// UpsertEntityTags implements activities.Documents.
func (c *Configuration) UpsertEntityTags(ctx context.Context, in activities.UpsertEntityTagsInput) (activities.UpsertEntityTagsOutput, error) {
	given := pipeline.Map{"id": in.ID, "tags": in.Tags}
	if in.EntityRef != nil {
		given["entityRef"] = map[string]any(in.EntityRef)
	}
	saved, err := front50.UpsertEntityTags(ctx, c.store, given, in.Partial, author(in.Scope))
	return activities.UpsertEntityTagsOutput{ID: saved.String("id")}, err
}

// DeleteEntityTags implements activities.Documents.
func (c *Configuration) DeleteEntityTags(ctx context.Context, in activities.DeleteEntityTagsInput) (activities.Done, error) {
	return activities.Done{}, front50.RemoveEntityTags(ctx, c.store, in.ID, in.Tags, author(in.Scope))
}

// UpsertPluginInfo implements activities.Documents.
func (c *Configuration) UpsertPluginInfo(ctx context.Context, in activities.UpsertPluginInfoInput) (activities.UpsertPluginInfoOutput, error) {
	saved, err := front50.UpsertPlugin(ctx, c.store, in.PluginInfo, author(in.Scope))
	return activities.UpsertPluginInfoOutput{PluginInfo: saved}, err
}

// DeletePluginInfo implements activities.Documents.
func (c *Configuration) DeletePluginInfo(ctx context.Context, in activities.DeletePluginInfoInput) (activities.Done, error) {
	return activities.Done{}, unlessMissing(c.store.DeleteDocument(ctx, front50.KindPluginInfo, in.ID, author(in.Scope)))
}

// unlessMissing takes what is gone already for a success.
func unlessMissing(err error) error {
	if pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return nil
	}
	return err
}

var _ activities.Documents = (*Configuration)(nil)
