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

// Task is one step of a stage. Names are Orca's, which Deck's users know.
type Task struct {
	// Name is shown to people, for example "waitForManifestToStabilize".
	Name string
	// Timeout bounds the task; 0 is no bound. A stage's stageTimeoutMs replaces
	// it.
	Timeout time.Duration
	// Run does the work. A returned error ends the task TERMINAL, by the stage's
	// failure options; it should be a *pipeline.Error.
	Run func(ctx workflow.Context, t *TaskRun) (Outcome, error)
}

// Outcome is what a task leaves behind.
type Outcome struct {
	// Status is SUCCEEDED when empty. SKIPPED goes on; TERMINAL, CANCELED and
	// STOPPED end the stage.
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
