package workflows

import (
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// run is one execution in progress. Its coroutines share it without locks,
// since Temporal runs one coroutine at a time.
type run struct {
	engine *Engine
	exec   *pipeline.Execution
	input  Input
	log    log.Logger
	// seq is the sequence of the last published state, base the one that the
	// run started from.
	seq, base int64

	// ctx outlives cancellation, so that clean-up and archiving always happen;
	// stages run under contexts of their own, ended by cancels.
	ctx     workflow.Context
	cancels map[string]workflow.CancelFunc
	// moves counts everything that may let a stage start or end the execution;
	// schedulers wait for it.
	moves int
	// changed is set by everything that a reader should see.
	changed bool
	// ended is set when no stage may start any more; outcome is then the status
	// that the execution takes once its running stages have cleaned up.
	ended   bool
	outcome pipeline.Status
	// pauses are the pauses of this execution, the last one open while it lasts.
	pauses []Pause
	// busy counts coroutines that are in the middle of something that cannot be
	// taken up again from the execution's state; draining asks them to stop at
	// the next place where it can (see [run.drain]).
	busy     int
	draining bool
	// watching ends the calls that only watch, by a number of their own.
	watching map[int]workflow.CancelFunc
	watches  int
	// halted holds the IDs of stages that had halted before a restart and were
	// not reset by it.
	halted map[string]bool
	// permit is the execution's part in its pipeline's limit, nil without one.
	permit *permit
	// updates counts the updates until writesFirst is set, which says that they are
	// written before they are done (see [run.written]).
	updates     int
	writesFirst bool
	// graph remembers which stages are before which; nil until it is asked for.
	graph *expr.Graph
	// indexed finds stages by what they belong to; nil until it is asked for.
	indexed *stageIndex
	// asking counts those who ask whether the end was told before.
	asking int
	// evaluations counts evaluations, for seeds that differ.
	evaluations int
}

// setup validates the input, since workflows trust nobody, and opens the doors
// for updates and queries before anything runs.
func (e *Engine) setup(ctx workflow.Context, in Input) (*run, error) {
	if in.Execution == nil || in.Execution.ID != workflow.GetInfo(ctx).WorkflowExecution.ID {
		return nil, activities.ToTemporal(pipeline.Errorf(pipeline.CodeInvalid, "The workflow's input holds no execution with the workflow's own ID: start pipelines through Gate."))
	}
	detached, _ := workflow.NewDisconnectedContext(ctx)
	r := &run{
		engine:   e,
		exec:     in.Execution,
		input:    in,
		seq:      in.Sequence,
		base:     in.Sequence,
		ctx:      detached,
		cancels:  make(map[string]workflow.CancelFunc),
		pauses:   in.Pauses,
		watching: make(map[int]workflow.CancelFunc),
		halted:   make(map[string]bool),
		log: log.With(workflow.GetLogger(ctx),
			"application", in.Execution.Application, "pipeline", in.Execution.Name, "execution", in.Execution.ID),
	}
	for _, s := range r.exec.Stages {
		if s.Context == nil {
			s.Context = pipeline.Map{}
		}
		if s.Outputs == nil {
			s.Outputs = pipeline.Map{}
		}
	}
	for _, id := range in.Halted {
		r.halted[id] = true
	}
	if in.Restart != nil && !in.Continued {
		if err := r.validateRestart(*in.Restart); err != nil {
			return nil, activities.ToTemporal(err)
		}
	}
	if err := r.handleMessages(ctx); err != nil {
		return nil, err
	}
	workflow.Go(detached, r.publishChanges)
	workflow.GoNamed(detached, "history", r.watchHistory)
	return r, nil
}

// run takes the execution from its beginning, or from where an earlier run of
// the workflow left it, to the point where its status is decided and no stage
// runs, or where it is to continue as new.
func (r *run) run(ctx workflow.Context) {
	switch {
	case r.input.Failure != nil:
		r.failToStart(*r.input.Failure)
		return
	case r.input.Continued:
		r.changed = true
	case r.input.Restart != nil:
		r.restart(ctx, *r.input.Restart)
		r.exec.Canceled = false
	}
	if !r.admit(ctx) {
		return
	}
	if !r.input.Continued {
		r.start(ctx)
	}
	if r.runTopLevel(ctx); !r.ended {
		return // to continue as new
	}
	_ = workflow.Await(ctx, func() bool { return len(r.cancels) == 0 })
}

// start makes the execution RUNNING.
func (r *run) start(ctx workflow.Context) {
	fresh := r.input.Restart == nil
	if expiry := r.exec.StartTimeExpiry; fresh && expiry > 0 && r.now(ctx) > expiry {
		r.cancel(CancelInput{User: "spinnaker", Reason: "Could not begin execution before start time expiry"})
		return
	}
	r.exec.Status = pipeline.Running
	r.exec.StartTime = r.now(ctx)
	r.exec.EndTime = 0
	r.changed = true
	r.countStarted(ctx)
	if fresh {
		r.evaluateConfig(ctx)
	}
}

// failToStart records an execution that could not be built (reference: orca
// section 3.8).
func (r *run) failToStart(failure StartFailure) {
	reason := "Failed on startup: " + failure.Message
	for _, d := range failure.Details {
		if d != failure.Message {
			reason += "\n" + d
		}
	}
	r.exec.Canceled = true
	r.exec.CanceledBy = "system"
	r.exec.CancellationReason = shorten(reason, maxFailureLength)
	r.end(pipeline.Terminal)
}

// moved wakes the schedulers.
func (r *run) moved() {
	r.moves++
	r.changed = true
}

// end decides the execution's status. Unless it succeeded, stages that still
// run are cancelled; readers see RUNNING until their clean-up is done.
func (r *run) end(status pipeline.Status) {
	if r.ended {
		return
	}
	r.ended = true
	r.outcome = status
	r.endPause()
	r.moved()
	if status == pipeline.Succeeded {
		return
	}
	for _, s := range r.exec.Stages {
		if cancel := r.cancels[s.ID]; cancel != nil {
			cancel()
		}
	}
}

// cancel ends the execution on somebody's request.
func (r *run) cancel(in CancelInput) {
	if r.ended {
		return
	}
	r.exec.Canceled = true
	r.exec.CanceledBy = in.User
	if in.Reason != "" {
		r.exec.CancellationReason = in.Reason
	}
	r.end(pipeline.Canceled)
}

// finish gives the execution its end and archives it, which also shows it to
// readers. Archiving is retried for as long as it takes: an execution is never
// dropped because the object store is away.
func (r *run) finish(ctx workflow.Context) {
	r.exec.Status = r.outcome
	if r.exec.StartTime != 0 { // what never started has no times (reference: orca section 2.1)
		r.exec.EndTime = r.now(ctx)
	}
	if r.exec.Status == pipeline.Succeeded {
		r.dropTargetReferences()
	}
	r.count(ctx)
	r.release(ctx)
	status := temporal.NewSearchAttributeKeyKeyword(ExecutionStatusAttribute)
	if err := workflow.UpsertTypedSearchAttributes(ctx, status.ValueSet(string(r.exec.Status))); err != nil {
		r.log.Warn("the execution's status could not be indexed", "error", err)
	}
	in := activities.ArchiveExecutionInput{Execution: r.exec, Sequence: r.seq}
	for attempt := 1; ; attempt++ {
		_, err := activities.ArchiveExecution.Do(ctx, in, activities.Options{Summary: "archive"})
		if err == nil {
			break
		}
		wait := backoff(attempt, 5*time.Minute)
		r.log.Warn("the execution could not be archived", "error", err, "attempt", attempt, "next", wait)
		_ = workflow.Sleep(ctx, wait)
	}
	r.countEnded(ctx)
	_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) && r.asking == 0 })
}

// dropTargetReferences clears what an execution that succeeded needs no more
// (reference: orca section 4).
func (r *run) dropTargetReferences() {
	for _, s := range r.exec.Stages {
		delete(s.Context, "targetReferences")
	}
}

func (r *run) now(ctx workflow.Context) pipeline.Millis {
	return pipeline.ToMillis(workflow.Now(ctx))
}
