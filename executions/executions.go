// Package executions is the door to executions as people read them. Three
// owners stand behind it: the workflow while an execution runs, the [Archive]
// (object store) once it has ended, and the [ReadModel] (Redis), a copy that
// may be lost at any moment and only makes reading fast. [Service] composes
// them for readers, [Publisher] feeds the model from workers.
package executions

import (
	"context"
	"errors"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Record is an execution as of one moment.
type Record struct {
	Execution *pipeline.Execution `json:"execution"`
	// Sequence orders the states of one execution; a record never replaces one
	// with a higher sequence. Gate writes 0 at the start; a workflow's grow with
	// the length of its history, with gaps, and a restart goes on above the last.
	Sequence int64 `json:"sequence"`
	// PublishedAt is when the record was written by its owner.
	PublishedAt pipeline.Millis `json:"publishedAt"`
	// Final is set on the archived state.
	Final bool `json:"final,omitempty"`
	// Closed is set by an [Owner] when the workflow runs no more, however it
	// ended. Closed with an unfinished execution is a workflow that was ended
	// from outside; [Service] then settles the execution.
	Closed bool `json:"closed,omitempty"`
	// unasked is set on an archived state whose workflow did not answer: the
	// execution may have been restarted since.
	unasked bool
	// forms are what stores keep of the execution, see [Record.Pack].
	forms *forms
}

// Document is a record whose execution is as its store keeps it, for readers
// that only pass it on: a large one reaches them without being decoded.
type Document struct {
	// Record's Execution is nil where Packed holds it.
	Record
	ID          string
	Type        pipeline.ExecutionType
	Application string
	Status      pipeline.Status
	// Packed is the execution in JSON with sorted keys, compressed with gzip;
	// empty where Execution is set, because the owner that gave it had it so.
	Packed string
}

// documentOf returns the document of a decoded record.
func documentOf(r Record) Document {
	e := r.Execution
	return Document{Record: r, ID: e.ID, Type: e.Type, Application: e.Application, Status: e.Status}
}

// Query selects executions. Zero values select all.
type Query struct {
	// Application compares without regard to case.
	Application string
	Type        pipeline.ExecutionType
	// PipelineConfigIDs restricts to runs of these configurations.
	PipelineConfigIDs []string
	// Statuses restricts to these.
	Statuses []pipeline.Status
	// From and To bound the build time, both included; 0 is no bound.
	From, To pipeline.Millis
	// Limit bounds the whole answer, LimitPerConfig the executions of each
	// pipeline configuration; 0 is no bound below [MaxResults]. Executions
	// without a configuration count as one configuration for each application
	// and type.
	Limit          int
	LimitPerConfig int
	// Summary asks for the short form ([pipeline.Execution.Summary]).
	Summary bool
}

// MaxResults bounds every list.
const MaxResults = 3500

// ReadModel is the fast copy. Every error but not_found is unavailable, and
// readers then go to the owners. Its calls return within about half a second
// when the store behind it does not answer.
type ReadModel interface {
	// Put stores r unless a record with a higher sequence is there, tells
	// watchers, and reports whether it was stored. A record of equal sequence
	// replaces the stored one, since a workflow task that was lost with its
	// worker is computed again; only a final one stays.
	Put(ctx context.Context, r Record) (bool, error)
	// Get returns one record; not_found.
	Get(ctx context.Context, id string) (Record, error)
	// Document returns the same record, packed; not_found.
	Document(ctx context.Context, id string) (Document, error)
	// List returns matching records in the order of [Compare].
	List(ctx context.Context, q Query) ([]Record, error)
	// Delete forgets an execution and refuses later records of it; a missing
	// one is a success.
	Delete(ctx context.Context, id string) error
	// Changes tells what changed of a topic after a position, which an [Event] or
	// an earlier answer gave; after "" it tells the present position alone. A
	// position that the store does not know, because it was lost or lies too far
	// back, is answered with Known unset.
	Changes(ctx context.Context, t Topic, after string) (Changes, error)
	// Watch streams records as they are stored, until ctx ends; the channel is
	// then closed. It starts with the present state of what is watched (of an
	// application: its unfinished executions), and starts again with it when
	// the store was away. A slow reader loses older states of an execution,
	// never the latest one.
	Watch(ctx context.Context, t Topic) (<-chan Event, error)
	// Coverage tells how much of an application the model is known to hold. It
	// is zero after the store was lost.
	Coverage(ctx context.Context, application string) (Coverage, error)
	// Cover records that the model was filled from the owners. Moments of
	// LetGo never move back.
	Cover(ctx context.Context, application string, c Coverage) error
}

// Coverage tells how much of an application a [ReadModel] holds.
type Coverage struct {
	// Complete is set when the model was filled from the owners: it then holds
	// every unfinished execution and, of each group, every finished one that
	// was built after the group's moment in LetGo.
	Complete bool
	// LetGo holds, by [GroupOf], the build time of the newest finished
	// execution that the model does not hold, because the archive does.
	// The moment under [EveryGroup] holds for all groups.
	LetGo map[string]pipeline.Millis
}

// EveryGroup is the key of [Coverage.LetGo] for all groups.
const EveryGroup = ""

// Topic selects what to watch: one execution, the executions of one application,
// or all.
type Topic struct {
	Execution   string
	Application string
	All         bool
	// Summary asks for the short form in events.
	Summary bool
	// Positions asks for an event that says when the present state is told, see
	// [Event.Synced].
	Positions bool
}

// names reports whether the topic names anything.
func (t Topic) names() bool { return t.Execution != "" || t.Application != "" || t.All }

// Event is one change.
type Event struct {
	Record Record
	// Deleted is set when the execution was deleted; only its ID, and its
	// application where it was known, are then given.
	Deleted     bool
	ID          string
	Application string
	// Position, unless it is empty, is where a reader of the topic's events stands
	// who has this one and those before it: [Service.Since] tells it what came
	// after.
	Position string
	// Synced is set on an event that tells nothing but the position: all that was
	// there when the watch began has been told.
	Synced bool
}

// Change names an execution that changed.
type Change struct {
	ID, Application string
	Deleted         bool
}

// Changes are what a model says of a position.
type Changes struct {
	// Known is set when the model can tell what came after the position.
	Known bool
	// List holds each execution once, in the order of their last changes.
	List []Change
	// Position is the present one.
	Position string
}

// Archive keeps finished executions for good. Save is whole or absent and
// repeatable; it never replaces a record of a higher sequence, and does nothing
// for an execution that was deleted. Records that come back are final and are
// shared: nobody may change them.
//
// Errors: not_found (with [ErrDeleted] in its chain when the execution was
// there once), unavailable.
type Archive interface {
	Save(ctx context.Context, r Record) error
	Load(ctx context.Context, id string) (Record, error)
	// Document returns the same record, packed where it is kept so.
	Document(ctx context.Context, id string) (Document, error)
	// List returns matching executions in the order of [Compare].
	List(ctx context.Context, q Query) ([]Record, error)
	// Delete removes an execution for good; a missing one is a success.
	Delete(ctx context.Context, id string) error
}

// ErrDeleted is in the chain of an archive's not_found for an execution that a
// person deleted, so that nobody brings it back from elsewhere.
var ErrDeleted = errors.New("the execution was deleted")

// Owner asks the workflows themselves.
type Owner interface {
	// Load returns the state of an execution from its workflow, running or
	// closed within Temporal's retention, and sets Closed; not_found,
	// unavailable.
	Load(ctx context.Context, id string) (Record, error)
	// Running lists the IDs of executions whose workflows are open, of one
	// application or, with "", of all.
	Running(ctx context.Context, application string) ([]string, error)
}

// Interrupter is an [Owner] that can also name the executions whose workflows
// ended without ending them, so that they are settled after the model was lost
// even if nobody asks for them.
type Interrupter interface {
	// Interrupted lists the executions of one application whose workflows were
	// terminated, timed out or failed, within Temporal's retention.
	Interrupted(ctx context.Context, application string) ([]Interruption, error)
}

// Interruption is the end of a workflow other than by its own return.
type Interruption struct {
	ID string
	// At is when the workflow was closed.
	At pipeline.Millis
}

// StaleAfter is the age at which a record of an unfinished execution is checked
// with its owner when somebody reads it.
const StaleAfter = 10 * time.Second
