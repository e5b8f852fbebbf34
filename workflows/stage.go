package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// StageType is how stages of one type run: named tasks, one after another. A
// StageType holds no state of its own; everything it knows of a run is in the
// stage's context and outputs.
type StageType interface {
	// Type is the stage type as pipelines write it, for example "wait".
	Type() string
	// Tasks lists what a stage of this type does, in order. It reads the stage's
	// context and changes nothing.
	Tasks(stage *pipeline.Stage) []Task
}

// Aliased is implemented by stage types that answer to further names.
type Aliased interface {
	Aliases() []string
}

// Patcher is implemented by stage types that take edits while they run. An
// edit that ValidatePatch refuses leaves the stage untouched.
type Patcher interface {
	ValidatePatch(stage *pipeline.Stage, patch pipeline.Map) error
}

// Canceller is implemented by stage types that must clean up when a running
// stage is cancelled or fails: a Job to delete, a child pipeline to cancel. Its
// context is not cancelled. The outcome's context and outputs are merged into
// the stage's; its status is passed over.
type Canceller interface {
	Cancel(ctx workflow.Context, t *TaskRun) (Outcome, error)
}

// Synthetic describes a stage that a stage type adds around its own tasks. It
// gets its refId, its ID and its place in the execution from the engine
// (reference: orca section 2.2).
type Synthetic struct {
	// Type and Name are the new stage's; an empty Name is the Type.
	Type, Name string
	// Context is the new stage's own; the engine does not copy the parent's.
	Context pipeline.Map
	// After holds the places, from 0, of those stages of the same list that must
	// be done first; a stage without any starts at once.
	After []int
}

// Preparer is implemented by stage types that complete a stage's context from
// how the program is configured, before its tasks are listed. The stage's
// expressions have been evaluated; those that Prepare adds are evaluated before
// the first task. What it takes from configuration it must record with
// workflow.SideEffect, since the next worker may be configured otherwise. An
// error fails the stage before any task. Dry runs prepare nothing.
type Preparer interface {
	Prepare(ctx workflow.Context, stage *pipeline.Stage) error
}

// BeforePlanner is implemented by stage types that run stages before their
// tasks. It is asked when the stage starts, its expressions evaluated; an error
// fails the stage before any task.
type BeforePlanner interface {
	Before(execution *pipeline.Execution, stage *pipeline.Stage) ([]Synthetic, error)
}

// AfterPlanner is implemented by stage types that run stages after their tasks.
// It is asked once the tasks have ended without halting the stage; an error
// fails the stage.
type AfterPlanner interface {
	After(execution *pipeline.Execution, stage *pipeline.Stage) ([]Synthetic, error)
}

// FailurePlanner is implemented by stage types that run stages, one after
// another, when the stage has failed (TERMINAL or STOPPED, not CANCELED). The
// stage keeps its failure; an error is shown on it.
type FailurePlanner interface {
	OnFailure(execution *pipeline.Execution, stage *pipeline.Stage) ([]Synthetic, error)
}

// Restarter is implemented by stage types that have more to forget on a restart
// than the engine itself resets (reference: orca section 3.11).
// PrepareRestart edits the stage's context and outputs; details is what the
// context's restartDetails will hold.
type Restarter interface {
	PrepareRestart(stage *pipeline.Stage, details pipeline.Map)
}

// Skippable is implemented by stage types that a person may skip while they run
// (reference: orca section 3.10).
type Skippable interface {
	CanSkip(stage *pipeline.Stage) bool
}

// Caller is implemented by stage types that call the outside world. Calls says
// in words, one line each, what a stage with this context would call, without
// calling it: "deploy Deployment web to account prod". It reads the context and
// changes nothing.
type Caller interface {
	Calls(stage *pipeline.Stage) []string
}

// Checker is implemented by stage types that cannot do all that a context may
// ask of them. Check says what keeps a stage with this context from running, as
// its tasks would, so that a plan tells it beforehand. It reads the context and
// changes nothing.
//
// Errors: invalid.
type Checker interface {
	Check(stage *pipeline.Stage) error
}

// Offered is implemented by stage types that are there only to say that they
// cannot run; they are not named among those that can.
type Offered interface {
	Offered() bool
}

// Documented is implemented by stage types that have a page in
// docs/reference/stages.
type Documented interface {
	Describe() Description
}

// Description is the page of a stage type.
type Description struct {
	// Summary is what the stage does, in one or two sentences.
	Summary string
	// Inputs are the keys of the context that the stage reads, Outputs what it
	// leaves for stages downstream.
	Inputs, Outputs []Field
	// Notes are further paragraphs: limits, differences to Spinnaker.
	Notes []string
}

// Field is one key of a stage's context or outputs.
type Field struct {
	Name string
	// Type is in words: "text", "whole seconds", "list of artifacts".
	Type string
	// Default is what an absent key means; empty for a required one or none.
	Default string
	// Text says what the key does.
	Text string
}

// Task is one step of a stage. Names are Orca's, which Deck's users know.
type Task struct {
	// LoopStart marks the task that a REDIRECT goes back to, LoopEnd the one that
	// answers with it.
	LoopStart, LoopEnd bool
	// Name is shown to people, for example "waitForManifestToStabilize".
	Name string
	// Timeout bounds the task; 0 is no bound. A stage's stageTimeoutMs replaces
	// it.
	Timeout time.Duration
	// OnFailureOf names a task before this one. This one then runs when that has
	// failed, as the last of the stage, and is SKIPPED otherwise. Its own timeout
	// bounds it, not the stage's, whose time may be up; the stage keeps its failure.
	OnFailureOf string
	// Run does the work. A returned error ends the task TERMINAL, by the stage's
	// failure options; it should be a *pipeline.Error.
	Run func(ctx workflow.Context, t *TaskRun) (Outcome, error)
}

// Outcome is what a task leaves behind.
type Outcome struct {
	// Status is SUCCEEDED when empty. SKIPPED goes on; TERMINAL, CANCELED and
	// STOPPED end the stage; REDIRECT goes back to the nearest task before with
	// LoopStart, resetting the tasks between.
	Status pipeline.Status
	// Context and Outputs are merged into the stage's, key by key.
	Context pipeline.Map
	Outputs pipeline.Map
}

// Publisher takes the state of executions as they change, to be copied to
// where people read it. Publish must not block and must not fail the caller;
// the snapshot belongs to it. Nothing depends on its success: readers repair a
// missing copy from the workflow itself.
type Publisher interface {
	Publish(Snapshot)
}
