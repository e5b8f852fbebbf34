// Package front50 is the door to what people configure: applications,
// pipelines, the templates that pipelines are made from, and the documents of every [Kind]. It declares the [Store] that every room (object store, memory,
// HTTP client) implements, and the write rules that hold for all of them
// ([Rules]).
package front50

import (
	"context"

	"github.com/gennaker/gennaker/pipeline"
)

// Limits on answers.
const (
	// DefaultHistory is how many versions a history holds when the caller names
	// no limit (reference: front50 section 3).
	DefaultHistory = 20
	// MaxHistory is the most versions that a history holds.
	MaxHistory = 1000
)

// Reader reads configuration. Documents returned belong to the caller. Names
// of applications compare without regard to case and are answered in upper
// case, as Front50 does; Gate shows them in lower case.
//
// Errors: not_found, unavailable.
type Reader interface {
	// Applications lists every application, sorted by name.
	Applications(ctx context.Context) ([]pipeline.Application, error)
	// Application returns one application; not_found "Application not found".
	Application(ctx context.Context, name string) (pipeline.Application, error)
	// ApplicationHistory returns versions of an application, newest first, at
	// most limit (0 is [DefaultHistory]); not_found when there never was one.
	ApplicationHistory(ctx context.Context, name string, limit int) ([]pipeline.Application, error)
	// Pipelines lists the configurations of an application, sorted by index
	// (none last), then by name without regard to case, with index rewritten to
	// 0, 1, …. For "" it lists all, with index as stored.
	Pipelines(ctx context.Context, application string) ([]pipeline.Pipeline, error)
	// FindPipeline returns the configuration of an application that has exactly
	// this name, else this ID; not_found when there is none. Its index is as stored.
	FindPipeline(ctx context.Context, application, nameOrID string) (pipeline.Pipeline, error)
	// Pipeline returns one configuration by ID.
	Pipeline(ctx context.Context, id string) (pipeline.Pipeline, error)
	// PipelineHistory returns versions of a configuration, newest first, at most
	// limit (0 is [DefaultHistory]). Versions outlive deletion where the store
	// keeps them; not_found when there are none.
	PipelineHistory(ctx context.Context, id string, limit int) ([]pipeline.Pipeline, error)
}

// Author says who writes; it becomes lastModifiedBy. Empty is "anonymous".
type Author string

// Writer writes configuration. A write is whole or absent. Each returns the
// document as stored.
//
// Errors: invalid (400), unprocessable (422), not_found, conflict, unavailable.
type Writer interface {
	// SaveApplication creates the application or merges the given attributes
	// into the stored ones. Previous is nil when it was created.
	SaveApplication(ctx context.Context, app pipeline.Application, by Author) (previous, current pipeline.Application, err error)
	// WriteApplication is SaveApplication with the choices of options.
	WriteApplication(ctx context.Context, app pipeline.Application, options ApplicationOptions) (previous, current pipeline.Application, err error)
	// DeleteApplication deletes the application with its permissions and what
	// belongs to it: pipelines with the service accounts made for them, strategies,
	// notifications, and its place in projects, of which one that is left without
	// applications goes too. A missing application is a success and returns nil.
	DeleteApplication(ctx context.Context, name string, by Author) (previous pipeline.Application, err error)
	// SavePipeline creates or replaces a configuration by the rules of the
	// reference (front50 section 4): unique name in its application, ID given
	// when missing, index kept, its template stored.
	SavePipeline(ctx context.Context, p pipeline.Pipeline, options SaveOptions) (pipeline.Pipeline, error)
	// DeletePipeline deletes a configuration by ID, and the service account that was
	// made for it; not_found when there is none.
	DeletePipeline(ctx context.Context, id string, by Author) error
}

// ApplicationOptions qualifies WriteApplication. The zero value creates or
// merges.
type ApplicationOptions struct {
	By Author
	// Replace drops stored attributes that are not given, instead of keeping
	// them. Permissions, which are an object of their own, are kept.
	Replace bool
	// MustExist refuses with not_found when the application is unknown.
	MustExist bool
	// MustNotExist refuses with invalid (400) when there is one of that name.
	MustNotExist bool
}

// SaveOptions qualifies SavePipeline.
type SaveOptions struct {
	By Author
	// StaleCheck refuses with invalid (400) when updateTs of the document is
	// set and differs from the stored one.
	StaleCheck bool
	// MustExist refuses with not_found when the ID is unknown.
	MustExist bool
}

// Store is the whole of Front50 that other roles use.
type Store interface {
	Reader
	Writer
	Templates
	Documents
}
