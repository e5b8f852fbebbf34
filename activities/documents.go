package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Documents writes what Front50 stores beside applications, pipelines and templates.
// Errors are those of front50.Documents.
type Documents interface {
	SaveProject(context.Context, SaveProjectInput) (SaveProjectOutput, error)
	DeleteProject(context.Context, DeleteProjectInput) (Done, error)
	UpsertEntityTags(context.Context, UpsertEntityTagsInput) (UpsertEntityTagsOutput, error)
	DeleteEntityTags(context.Context, DeleteEntityTagsInput) (Done, error)
	UpsertPluginInfo(context.Context, UpsertPluginInfoInput) (UpsertPluginInfoOutput, error)
	DeletePluginInfo(context.Context, DeletePluginInfoInput) (Done, error)
}

// All are short and idempotent, so they run as local activities.
var (
	// SaveProject creates or replaces a project.
	SaveProject = Call[SaveProjectInput, SaveProjectOutput]{Name: "front50.saveProject", Local: true, Timeout: 30 * time.Second}
	// DeleteProject deletes a project; a missing one is a success.
	DeleteProject = Call[DeleteProjectInput, Done]{Name: "front50.deleteProject", Local: true, Timeout: 30 * time.Second}
	// UpsertEntityTags puts tags on an entity.
	UpsertEntityTags = Call[UpsertEntityTagsInput, UpsertEntityTagsOutput]{Name: "front50.upsertEntityTags", Local: true, Timeout: 30 * time.Second}
	// DeleteEntityTags takes tags off an entity; missing ones are a success.
	DeleteEntityTags = Call[DeleteEntityTagsInput, Done]{Name: "front50.deleteEntityTags", Local: true, Timeout: 30 * time.Second}
	// UpsertPluginInfo adds releases to a plugin.
	UpsertPluginInfo = Call[UpsertPluginInfoInput, UpsertPluginInfoOutput]{Name: "front50.upsertPluginInfo", Local: true, Timeout: 30 * time.Second}
	// DeletePluginInfo deletes a plugin's information; a missing one is a success.
	DeletePluginInfo = Call[DeletePluginInfoInput, Done]{Name: "front50.deletePluginInfo", Local: true, Timeout: 30 * time.Second}
)

func registerDocuments(r Registry, impl Documents) {
	register(r, SaveProject, impl.SaveProject)
	register(r, DeleteProject, impl.DeleteProject)
	register(r, UpsertEntityTags, impl.UpsertEntityTags)
	register(r, DeleteEntityTags, impl.DeleteEntityTags)
	register(r, UpsertPluginInfo, impl.UpsertPluginInfo)
	register(r, DeletePluginInfo, impl.DeletePluginInfo)
}

// SaveProjectInput holds the project to store; one without an ID is new.
type SaveProjectInput struct {
	Scope   Scope        `json:"scope"`
	Project pipeline.Map `json:"project"`
}

// SaveProjectOutput names what was stored.
type SaveProjectOutput struct {
	ID string `json:"id"`
}

// DeleteProjectInput names a project by its ID, or else by its name.
type DeleteProjectInput struct {
	Scope Scope  `json:"scope"`
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
}

// UpsertEntityTagsInput names an entity by the ID of its tags or by a reference.
type UpsertEntityTagsInput struct {
	Scope     Scope        `json:"scope"`
	ID        string       `json:"id,omitempty"`
	EntityRef pipeline.Map `json:"entityRef,omitempty"`
	Tags      []any        `json:"tags"`
	// Partial keeps tags of other names.
	Partial bool `json:"partial,omitempty"`
}

// UpsertEntityTagsOutput is the ID of the entity's tags.
type UpsertEntityTagsOutput struct {
	ID string `json:"id"`
}

// DeleteEntityTagsInput names tags of an entity; without names all are meant.
type DeleteEntityTagsInput struct {
	Scope Scope    `json:"scope"`
	ID    string   `json:"id"`
	Tags  []string `json:"tags,omitempty"`
}

// UpsertPluginInfoInput holds a plugin with its new releases.
type UpsertPluginInfoInput struct {
	Scope      Scope        `json:"scope"`
	PluginInfo pipeline.Map `json:"pluginInfo"`
}

// UpsertPluginInfoOutput is the document as stored.
type UpsertPluginInfoOutput struct {
	PluginInfo pipeline.Map `json:"pluginInfo"`
}

// DeletePluginInfoInput names a plugin.
type DeletePluginInfoInput struct {
	Scope Scope  `json:"scope"`
	ID    string `json:"id"`
}
