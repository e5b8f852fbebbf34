package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// run is one execution in progress. Its coroutines share it without locks,
// since Temporal runs one coroutine at a time.
type run struct {
	engine *Engine
	exec   *pipeline.Execution
	log    log.Logger
	// byRef finds the stages of exec by their refId.
	byRef map[string]*pipeline.Stage
	// seq is the sequence of the last published state, base the one that the
	// run started from.
	seq, base int64

	// ctx outlives cancellation, so that clean-up and archiving always happen;
	// stages run under contexts of their own, ended by cancels.
	ctx     workflow.Context
	cancels map[string]workflow.CancelFunc
	// running counts stage coroutines that have not ended.
	running int
	// changed is set by everything that a reader should see.
	changed bool
	// ended is set when no stage may start any more; outcome is then the status
	// that the execution takes once its running stages have cleaned up.
	ended   bool
	outcome pipeline.Status
}

// setup validates the input, since workflows trust nobody, and opens the doors
// for updates and queries before anything runs.
func (e *Engine) setup(ctx workflow.Context, in Input) (*run, error) {
	if in.Execution == nil || in.Execution.ID != workflow.GetInfo(ctx).WorkflowExecution.ID {
		return nil, activities.ToTemporal(pipeline.Errorf(pipeline.CodeInvalid, "The workflow's input holds no execution with the workflow's own ID: start pipelines through Gate."))
	}
	detached, _ := workflow.NewDisconnectedContext(ctx)
	r := &run{
		engine:  e,
		exec:    in.Execution,
		byRef:   make(map[string]*pipeline.Stage, len(in.Execution.Stages)),
		seq:     in.Sequence,
		base:    in.Sequence,
		ctx:     detached,
		cancels: make(map[string]workflow.CancelFunc),
		log: log.With(workflow.GetLogger(ctx),
			"application", in.Execution.Application, "pipeline", in.Execution.Name, "execution", in.Execution.ID),
	}
	for _, s := range r.exec.Stages {
		r.byRef[s.RefID] = s
		if s.Context == nil {
			s.Context = pipeline.Map{}
		}
		if s.Outputs == nil {
			s.Outputs = pipeline.Map{}
		}
	}
	if err := r.handleMessages(ctx); err != nil {
		return nil, err
	}
	workflow.Go(detached, r.publishChanges)
	return r, nil
}

// run starts every stage whose requisites are done, as long as there are any,
// and returns when the execution's status is decided and no stage runs.
func (r *run) run(ctx workflow.Context) {
	r.exec.Status = pipeline.Running
	r.exec.StartTime = r.now(ctx)
	r.changed = true
	if expiry := r.exec.StartTimeExpiry; expiry > 0 && r.exec.StartTime > expiry {
		r.cancel(CancelInput{User: "spinnaker", Reason: "Could not begin execution before start time expiry"})
	}
	for !r.ended {
		status, decided := r.decide()
		if decided {
			r.end(status)
			break
		}
		started := r.startReady(ctx)
		if started == 0 && r.running == 0 {
			// Nothing runs, nothing can start, nothing is decided: the graph holds
			// no initial stage. Gate refuses such graphs; end rather than hang.
			r.end(pipeline.Terminal)
			break
		}
		before := r.running
		_ = workflow.Await(ctx, func() bool { return r.ended || r.running < before })
	}
	_ = workflow.Await(ctx, func() bool { return r.running == 0 })
}

// startReady starts the coroutine of every stage that may start and returns how
// many it started.
func (r *run) startReady(ctx workflow.Context) int {
	started := 0
	for _, s := range r.exec.Stages {
		if s.Status != pipeline.NotStarted || r.cancels[s.ID] != nil || !r.ready(s) {
			continue
		}
		stageCtx, cancel := workflow.WithCancel(ctx)
		r.cancels[s.ID] = cancel
		r.running++
		started++
		workflow.GoNamed(stageCtx, "stage "+s.RefID, func(ctx workflow.Context) {
			defer func() { r.running--; r.changed = true }()
			r.runStage(ctx, s)
		})
	}
	return started
}

// ready reports whether every requisite of s lets it start.
func (r *run) ready(s *pipeline.Stage) bool {
	for _, ref := range s.RequisiteStageRefIDs {
		up := r.byRef[ref]
		if up == nil || !up.Status.LetsDownstreamStart() {
			return false
		}
	}
	return true
}

// decide derives the execution's status from its stages and reports whether it
// is final (reference: orca section 3.4).
func (r *run) decide() (pipeline.Status, bool) {
	all, canceled, stopped, otherThenFail := true, false, false, false
	for _, s := range r.exec.Stages {
		switch s.Status {
		case pipeline.Terminal:
			return pipeline.Terminal, true
		case pipeline.Canceled:
			canceled = true
		case pipeline.Stopped:
			stopped = true
			otherThenFail = otherThenFail || s.Context.Bool("completeOtherBranchesThenFail")
		}
		all = all && s.Status.LetsDownstreamStart()
	}
	switch {
	case all:
		// No stages at all is Orca's TERMINAL: there is nothing that succeeded.
		if len(r.exec.Stages) == 0 {
			return pipeline.Terminal, true
		}
		return pipeline.Succeeded, true
	case canceled:
		return pipeline.Canceled, true
	case stopped && !r.branchesLeft():
		if otherThenFail {
			return pipeline.Terminal, true
		}
		return pipeline.Succeeded, true
	}
	return "", false
}

// branchesLeft reports whether a stage runs or may still start.
func (r *run) branchesLeft() bool {
	return slices.ContainsFunc(r.exec.Stages, func(s *pipeline.Stage) bool {
		return s.Status == pipeline.Running || s.Status == pipeline.NotStarted && r.ready(s)
	})
}

// end decides the execution's status. Unless it succeeded, stages that still
// run are cancelled; readers see RUNNING until their clean-up is done.
func (r *run) end(status pipeline.Status) {
	if r.ended {
		return
	}
	r.ended = true
	r.outcome = status
	r.changed = true
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

// finish gives the execution its end, publishes it and archives it. Archiving
// is retried for as long as it takes: an execution is never dropped because the
// object store is away.
func (r *run) finish(ctx workflow.Context) {
	r.exec.Status = r.outcome
	r.exec.EndTime = r.now(ctx)
	r.publish(ctx)
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
	_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// result turns the end of the execution into the end of the workflow.
func (r *run) result() (Result, error) {
	res := Result{Status: r.exec.Status}
	if r.exec.Trigger.Parent != nil {
		res.Outputs = r.mergedOutputs()
		if text, err := pipeline.EncodeValue(res.Outputs); err == nil && len(text) > MaxOutputs {
			res.Outputs, res.OutputsSize = nil, len(text)
		}
	}
	switch r.exec.Status {
	case pipeline.Terminal:
		res.Failures = r.failures()
		message := "The execution failed."
		if len(res.Failures) > 0 {
			message = res.Failures[0]
		}
		return res, temporal.NewNonRetryableApplicationError(message, string(pipeline.Terminal), nil, res)
	case pipeline.Canceled:
		return res, temporal.NewCanceledError(res)
	}
	return res, nil
}

// mergedOutputs merges the outputs of all stages in order, later ones winning
// (reference: orca section 2.1). Two lists under one key are joined, equal
// elements once.
func (r *run) mergedOutputs() pipeline.Map {
	out := pipeline.Map{}
	for _, s := range r.exec.Stages {
		for _, k := range sortedKeys(s.Outputs) {
			v := s.Outputs[k]
			have, isList := out[k].([]any)
			add, alsoList := v.([]any)
			if isList && alsoList {
				v = union(have, add)
			}
			out[k] = v
		}
	}
	return out
}

// union returns the distinct elements of two lists in order.
func union(a, b []any) []any {
	out := make([]any, 0, len(a)+len(b))
	seen := make(map[string]bool, len(a)+len(b))
	for _, e := range slices.Concat(a, b) {
		text, err := pipeline.EncodeValue(e)
		if err == nil && seen[string(text)] {
			continue
		}
		seen[string(text)] = true
		out = append(out, e)
	}
	return out
}

// Bounds of what an execution says of its failures to its parent.
const (
	maxFailures      = 50
	maxFailureLength = 2000
)

// failures lists the errors of failed stages as "stage: message".
func (r *run) failures() []string {
	var out []string
	for _, s := range r.exec.Stages {
		if !s.Status.Failure() {
			continue
		}
		for _, m := range s.Context.Map("exception").Map("details").Strings("errors") {
			if len(out) == maxFailures {
				return out
			}
			out = append(out, shorten(s.Name+": "+m, maxFailureLength))
		}
	}
	return out
}

func (r *run) now(ctx workflow.Context) pipeline.Millis {
	return pipeline.ToMillis(workflow.Now(ctx))
}
