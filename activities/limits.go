package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// These names are an interface, as those in workflows/names.go are: they stand
// in histories and never change.
const (
	// LimitWorkflow is the type of the workflow that holds how many executions
	// of one pipeline configuration may run at the same time; its ID is
	// [LimitID], its input a [LimitInput].
	LimitWorkflow = "PipelineLimit"
	// LimitSignal takes a [LimitMessage]. There is one signal for all messages,
	// so that they arrive in the order in which they were sent.
	LimitSignal = "limit"
	// LimitQuery answers with the [LimitState].
	LimitQuery = "limit"
	// PermitSignal tells an execution that waits what became of it; a
	// [PermitAnswer] without the execution's ID.
	PermitSignal = "permit"
)

// LimitID returns the workflow ID of the limit of a pipeline configuration.
// Temporal bounds IDs, so that of an unusually long one is a hash.
func LimitID(configID string) string {
	const longest = 200
	if len(configID) > longest {
		sum := sha256.Sum256([]byte(configID))
		configID = hex.EncodeToString(sum[:])
	}
	return "limit." + configID
}

// Limits carries messages between executions and the limit of their pipeline
// configuration. It is served by the orca worker. Every call may be repeated.
type Limits interface {
	// TellLimit sends a message to a limit, which is started when it does not
	// run. It returns invalid for a message that Temporal does not take, and
	// unavailable.
	TellLimit(context.Context, TellLimitInput) (Done, error)
	// AnswerPermits tells executions that they may start, or not. It returns
	// unavailable when one of them could not be told.
	AnswerPermits(context.Context, AnswerPermitsInput) (AnswerPermitsOutput, error)
	// FindEnded returns which executions have no running workflow; unavailable.
	FindEnded(context.Context, FindEndedInput) (FindEndedOutput, error)
}

// The calls of [Limits] are local: each costs one event of history.
var (
	TellLimit = Call[TellLimitInput, Done]{
		Name: "limits.tell", Local: true, Timeout: 10 * time.Second,
	}
	AnswerPermits = Call[AnswerPermitsInput, AnswerPermitsOutput]{
		Name: "limits.answer", Local: true, Timeout: 30 * time.Second,
	}
	FindEnded = Call[FindEndedInput, FindEndedOutput]{
		Name: "limits.findEnded", Local: true, Timeout: 30 * time.Second,
	}
)

// RegisterLimits registers impl under the names of the calls.
func RegisterLimits(r Registry, impl Limits) {
	register(r, TellLimit, impl.TellLimit)
	register(r, AnswerPermits, impl.AnswerPermits)
	register(r, FindEnded, impl.FindEnded)
}

// LimitMessageKind says what an execution wants of its limit.
type LimitMessageKind string

// The kinds of messages.
const (
	// LimitAsk asks for a permit. The answer comes as [PermitSignal]; asking
	// again is harmless, and answered again once the permit is given.
	LimitAsk LimitMessageKind = "ask"
	// LimitTake takes a permit without waiting, above the limit if need be: for
	// a paused execution that goes on.
	LimitTake LimitMessageKind = "take"
	// LimitRelease gives a permit back, or stops waiting for one.
	LimitRelease LimitMessageKind = "release"
)

// LimitMessage is what an execution tells the limit of its configuration.
type LimitMessage struct {
	Kind   LimitMessageKind `json:"kind"`
	Permit Permit           `json:"permit"`
}

// Permit is an execution's share of a limit, held or waited for.
type Permit struct {
	ExecutionID string `json:"id"`
	// At is when the execution was built or restarted. Executions wait in this
	// order, then in that of their IDs.
	At pipeline.Millis `json:"at"`
	// Limit is how many executions of the configuration may run, this one
	// included, for it to start; at least 1.
	Limit int `json:"limit"`
	// Keep is keepWaitingPipelines.
	Keep bool `json:"keep,omitempty"`
}

// LimitInput starts the limit of a pipeline configuration.
type LimitInput struct {
	ConfigID    string `json:"configId"`
	Application string `json:"application"`
	// Pipeline is the name of the pipeline as of the start, for people.
	Pipeline string `json:"pipeline"`
	// State is what an earlier run of the workflow knew.
	State LimitState `json:"state,omitzero"`
}

// LimitState is all that a limit knows.
type LimitState struct {
	// Holding are the executions that run, Waiting those that wait, in order.
	Holding []HeldPermit `json:"holding,omitempty"`
	Waiting []Permit     `json:"waiting,omitempty"`
	// Refused are executions that wait no more and were not told yet.
	Refused []Refusal `json:"refused,omitempty"`
	// NewestNext is set while the next permit goes to the newest execution that
	// waits, instead of all the others.
	NewestNext bool `json:"newestNext,omitempty"`
}

// HeldPermit is a permit that was given.
type HeldPermit struct {
	Permit
	// Told is set once the execution knows.
	Told bool `json:"told,omitempty"`
}

// Refusal ends an execution's waiting.
type Refusal struct {
	ExecutionID string `json:"id"`
	// Full is set when too many were waiting already; otherwise a newer
	// execution was started instead.
	Full bool `json:"full,omitempty"`
}

// TellLimitInput is a message with its address.
type TellLimitInput struct {
	// Limit names the limit, and is what it is started with.
	Limit LimitInput `json:"limit"`
	// Queue is the task queue of the limit's workflow, Summary its one line in
	// the Temporal UI, Attributes are its search attributes, all keywords: for
	// the case that it has to be started.
	Queue      string            `json:"queue"`
	Summary    string            `json:"summary"`
	Attributes map[string]string `json:"attributes"`
	Message    LimitMessage      `json:"message"`
}

// AnswerPermitsInput lists whom to tell.
type AnswerPermitsInput struct {
	Answers []PermitAnswer `json:"answers"`
}

// PermitAnswer tells an execution that it may start, or why not.
type PermitAnswer struct {
	ExecutionID string `json:"id,omitempty"`
	// Refused is the reason for which the execution is cancelled; empty for one
	// that may start.
	Refused string `json:"refused,omitempty"`
}

// AnswerPermitsOutput lists the executions that cannot be told: they have ended.
type AnswerPermitsOutput struct {
	Ended []string `json:"ended,omitempty"`
}

// FindEndedInput lists executions.
type FindEndedInput struct {
	ExecutionIDs []string `json:"executionIds"`
}

// FindEndedOutput lists those whose workflows run no more.
type FindEndedOutput struct {
	Ended []string `json:"ended,omitempty"`
}
