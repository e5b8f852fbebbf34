package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Configuration reads and writes what Front50 stores, for the stages that work
// on applications and pipelines. Errors are those of front50.Store.
type Configuration interface {
	ReadPipeline(context.Context, ReadPipelineInput) (ReadPipelineOutput, error)
	FindPipeline(context.Context, FindPipelineInput) (FindPipelineOutput, error)
	UpsertApplication(context.Context, UpsertApplicationInput) (UpsertApplicationOutput, error)
	DeleteApplication(context.Context, DeleteApplicationInput) (DeleteApplicationOutput, error)
	SavePipeline(context.Context, SavePipelineInput) (SavePipelineOutput, error)
	DeletePipeline(context.Context, DeletePipelineInput) (Done, error)
	ReorderPipelines(context.Context, ReorderPipelinesInput) (Done, error)
	Templates
	Documents
}

// The calls. All are short and idempotent, so they run as local activities.
var (
	// ReadPipeline loads a configuration, made from its template if it has one.
	ReadPipeline = Call[ReadPipelineInput, ReadPipelineOutput]{Name: "front50.readPipeline", Local: true, Timeout: 30 * time.Second}
	// FindPipeline loads a configuration by its name.
	FindPipeline = Call[FindPipelineInput, FindPipelineOutput]{Name: "front50.findPipeline", Local: true, Timeout: 30 * time.Second}
	// UpsertApplication creates an application or merges into it.
	UpsertApplication = Call[UpsertApplicationInput, UpsertApplicationOutput]{Name: "front50.upsertApplication", Local: true, Timeout: 30 * time.Second}
	// DeleteApplication deletes an application with its pipelines; a missing one is a success.
	DeleteApplication = Call[DeleteApplicationInput, DeleteApplicationOutput]{Name: "front50.deleteApplication", Local: true, Timeout: 60 * time.Second}
	// SavePipeline creates or replaces a configuration.
	SavePipeline = Call[SavePipelineInput, SavePipelineOutput]{Name: "front50.savePipeline", Local: true, Timeout: 30 * time.Second}
	// DeletePipeline deletes a configuration; a missing one is a success.
	DeletePipeline = Call[DeletePipelineInput, Done]{Name: "front50.deletePipeline", Local: true, Timeout: 30 * time.Second}
	// ReorderPipelines sets the places of an application's configurations.
	ReorderPipelines = Call[ReorderPipelinesInput, Done]{Name: "front50.reorderPipelines", Local: true, Timeout: 60 * time.Second}
)

// RegisterConfiguration registers impl under the names of the calls.
func RegisterConfiguration(r Registry, impl Configuration) {
	register(r, ReadPipeline, impl.ReadPipeline)
	register(r, FindPipeline, impl.FindPipeline)
	register(r, UpsertApplication, impl.UpsertApplication)
	register(r, DeleteApplication, impl.DeleteApplication)
	register(r, SavePipeline, impl.SavePipeline)
	register(r, DeletePipeline, impl.DeletePipeline)
	register(r, ReorderPipelines, impl.ReorderPipelines)
	registerTemplates(r, impl)
	registerDocuments(r, impl)
}

// ReadPipelineInput names a configuration by ID.
type ReadPipelineInput struct {
	Scope Scope  `json:"scope"`
	ID    string `json:"id"`
	// AsStored leaves a template's place open, for those who edit the
	// configuration rather than start it.
	AsStored bool `json:"asStored,omitempty"`
	// Parameters are what a reference to a template may ask of the trigger.
	Parameters pipeline.Map `json:"parameters,omitempty"`
}

// ReadPipelineOutput is the document.
type ReadPipelineOutput struct {
	Pipeline pipeline.Pipeline `json:"pipeline"`
}

// FindPipelineInput names a configuration; the application's name compares
// without regard to case.
type FindPipelineInput struct {
	Scope       Scope  `json:"scope"`
	Application string `json:"application"`
	Name        string `json:"name"`
}

// FindPipelineOutput is the stored document.
type FindPipelineOutput struct {
	Pipeline pipeline.Pipeline `json:"pipeline"`
}

// UpsertApplicationInput holds the attributes to set.
type UpsertApplicationInput struct {
	Scope       Scope                `json:"scope"`
	Application pipeline.Application `json:"application"`
}

// UpsertApplicationOutput holds the document before (nil when new) and after.
type UpsertApplicationOutput struct {
	Previous pipeline.Application `json:"previous,omitempty"`
	Current  pipeline.Application `json:"current"`
}

// DeleteApplicationInput names an application.
type DeleteApplicationInput struct {
	Scope Scope  `json:"scope"`
	Name  string `json:"name"`
}

// DeleteApplicationOutput holds what was deleted, nil when there was none.
type DeleteApplicationOutput struct {
	Previous pipeline.Application `json:"previous,omitempty"`
}

// SavePipelineInput holds the document to store.
type SavePipelineInput struct {
	Scope      Scope             `json:"scope"`
	Pipeline   pipeline.Pipeline `json:"pipeline"`
	StaleCheck bool              `json:"staleCheck,omitempty"`
}

// SavePipelineOutput is the document as stored.
type SavePipelineOutput struct {
	Pipeline pipeline.Pipeline `json:"pipeline"`
}

// DeletePipelineInput names a configuration.
type DeletePipelineInput struct {
	Scope Scope  `json:"scope"`
	ID    string `json:"id"`
}

// ReorderPipelinesInput holds places by the ID of a configuration.
type ReorderPipelinesInput struct {
	Scope        Scope          `json:"scope"`
	Application  string         `json:"application"`
	IDsToIndices map[string]int `json:"idsToIndices"`
	// Strategies is set when they are deployment strategies.
	Strategies bool `json:"strategies,omitempty"`
}
