package workflows

import (
	"github.com/gennaker/gennaker/pipeline"
)

// These names are an interface: they stand in histories, in the Temporal UI
// and in other processes. They never change; new ones are added.
const (
	// OrcaQueue is the task queue of pipeline workflows and of the activities
	// that run beside them.
	OrcaQueue = "orca"
	// PipelineWorkflow is the type of every pipeline and ad-hoc task. The
	// workflow ID is the execution ID.
	PipelineWorkflow = "Pipeline"
	// CancelUpdate asks a running execution to end; [CancelInput].
	CancelUpdate = "cancel"
	// CancelSignal asks the same of a child pipeline, from its parent's
	// workflow, which cannot send updates; [CancelInput].
	CancelSignal = "cancel"
	// PatchStageUpdate merges a map into a stage's context: judgments, skipped
	// waits, edits; [PatchStageInput]. It answers with a [PatchStageOutput].
	PatchStageUpdate = "patchStage"
	// PauseUpdate and ResumeUpdate hold an execution and let it go on;
	// [PauseInput].
	PauseUpdate  = "pause"
	ResumeUpdate = "resume"
	// RestartUpdate runs a stage of a running execution again; [RestartInput]. A
	// finished execution is restarted by a new run with [Input.Restart].
	RestartUpdate = "restartStage"
	// ExecutionQuery answers with a [Snapshot].
	ExecutionQuery = "execution"
)

// Changes of workflow code that decide or do otherwise than what wrote older
// histories, for workflow.GetVersion. They never change; a further change of the
// same code is a further version.
const (
	// endAskedChange: a cancel by signal, or in Temporal, asks first whether the end
	// was told already.
	endAskedChange = "end-asked"
	// updateWrittenChange: an update is written to history before it is done. The
	// number of the update follows, counted until one is: a name that an older worker
	// did not know would, asked while its update is replayed, answer for later
	// updates too.
	updateWrittenChange = "update-written-"
	// dryRunChange: a dry run plays execution windows, and preconditions that are
	// no expressions.
	dryRunChange = "dry-run-plays-windows"
)

// Search attributes of every pipeline workflow, all keywords. (ExecutionStatus is
// a name that Temporal keeps for itself.)
const (
	ApplicationAttribute      = "Application"
	PipelineNameAttribute     = "PipelineName"
	PipelineConfigIDAttribute = "PipelineConfigId"
	ExecutionStatusAttribute  = "PipelineStatus"
	TriggerTypeAttribute      = "TriggerType"
	CorrelationIDAttribute    = "CorrelationId"
)

// SearchAttributes lists the names above, for the set-up of a namespace.
func SearchAttributes() []string {
	return []string{
		ApplicationAttribute, PipelineNameAttribute, PipelineConfigIDAttribute,
		ExecutionStatusAttribute, TriggerTypeAttribute, CorrelationIDAttribute,
	}
}

// Input starts a pipeline workflow.
type Input struct {
	// Execution is complete and NOT_STARTED.
	Execution *pipeline.Execution `json:"execution"`
	// Sequence is the last read model sequence used for this execution; 0 at
	// first.
	Sequence int64 `json:"sequence,omitempty"`
	// Restart is set when this run carries an execution that had ended, to run
	// one of its stages again.
	Restart *RestartInput `json:"restart,omitempty"`
	// Failure is set when the execution could not be built as it was asked for;
	// it is then recorded as failed with this reason (reference: orca section
	// 3.8).
	Failure *StartFailure `json:"failure,omitempty"`
	// Continued is set when this run takes up a running execution from one whose
	// history had grown long; Pauses and Halted are what it had to remember.
	Continued bool     `json:"continued,omitempty"`
	Pauses    []Pause  `json:"pauses,omitempty"`
	Halted    []string `json:"halted,omitempty"`
}

// Pause is one pause of an execution; To is 0 while it lasts.
type Pause struct {
	From pipeline.Millis `json:"from"`
	To   pipeline.Millis `json:"to,omitempty"`
}

// StartFailure says why an execution could not start.
type StartFailure struct {
	Message string   `json:"message"`
	Details []string `json:"details,omitempty"`
}

// PauseInput asks to pause or to resume. Pausing is refused with conflict
// unless the execution is RUNNING, resuming unless it is PAUSED.
type PauseInput struct {
	User string `json:"user"`
}

// RestartInput asks to run a stage, and what is complete behind it, again
// (reference: orca section 3.11). It is refused with not_found for an unknown
// stage and conflict for one that is running.
type RestartInput struct {
	StageID string `json:"stageId"`
	User    string `json:"user"`
	// Preconditions replace those of checkPreconditions stages, by refId.
	Preconditions map[string][]any `json:"preconditions,omitempty"`
	// Attach is set for a pipeline stage whose child was restarted: the stage
	// waits for that child again instead of starting another.
	Attach bool `json:"attach,omitempty"`
}

// Result ends a pipeline workflow.
type Result struct {
	Status pipeline.Status `json:"status"`
	// Outputs are the merged outputs of all stages, set when a parent waits.
	Outputs pipeline.Map `json:"outputs,omitempty"`
	// OutputsSize is set, in bytes, in place of outputs that are larger than
	// [MaxOutputs].
	OutputsSize int `json:"outputsSize,omitempty"`
	// Failures are the errors of failed stages, for the parent's own errors.
	Failures []string `json:"failures,omitempty"`
}

// MaxOutputs is how large the outputs of a child may be, in bytes of JSON, to be
// taken over by its parent, whose state they become part of.
const MaxOutputs = 16 << 20

// Snapshot is the state of an execution as its workflow knows it.
type Snapshot struct {
	Execution *pipeline.Execution `json:"execution"`
	Sequence  int64               `json:"sequence"`
}

// CancelInput asks to cancel. It is refused with conflict when the execution
// has ended.
type CancelInput struct {
	User   string `json:"user"`
	Reason string `json:"reason,omitempty"`
}

// PatchStageInput edits a stage. It is refused with not_found for an unknown
// stage, conflict for a stage or execution that has ended or is not waiting for
// this, and invalid for a value that the stage does not take.
type PatchStageInput struct {
	StageID string       `json:"stageId"`
	User    string       `json:"user"`
	Patch   pipeline.Map `json:"patch"`
}

// PatchStageOutput tells which state holds the edit. The state itself is asked
// for by [ExecutionQuery], whose answers are not kept in history.
type PatchStageOutput struct {
	// Sequence is that of the newest published state; the edit is in every
	// later one, and in every answer to a query.
	Sequence int64 `json:"sequence"`
}
