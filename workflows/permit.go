package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// An execution that waits hears of its turn. Should its limit have been
// terminated in Temporal, nobody would tell it: it asks again from time to time.
const (
	firstAskAgain = 5 * time.Minute
	lastAskAgain  = time.Hour
)

// releaseAttempts is how often an execution that ends tries to give its permit
// back, within about a minute; after that its limit finds out by itself.
const releaseAttempts = 7

// statusAttribute is the search attribute of an execution's status.
var statusAttribute = temporal.NewSearchAttributeKeyKeyword(ExecutionStatusAttribute)

// permit is an execution's part in the limit of its pipeline configuration.
type permit struct {
	// at is when the execution was built or restarted.
	at pipeline.Millis
	// granted is set once the execution may start.
	granted bool
	// listed is set while the limit has the execution on its books, as far as
	// is known here; telling while a message is under way.
	listed, telling bool
	// failures counts messages in a row that did not arrive.
	failures int
	// over is set when the execution has ended.
	over bool
}

// limitOf returns how many executions of the configuration may run at the same
// time, or 0 for any number (reference: orca section 3.9).
func limitOf(e *pipeline.Execution) int {
	switch {
	case e.PipelineConfigID == "":
		return 0
	case e.LimitConcurrent:
		return 1
	}
	return max(e.MaxConcurrentExecutions, 0)
}

// admit waits, NOT_STARTED, until the limit of the pipeline configuration lets
// the execution start, and reports whether it does: it may be cancelled while it
// waits. An execution without a limit starts at once and pays nothing.
func (r *run) admit(ctx workflow.Context) bool {
	if limitOf(r.exec) == 0 {
		return true
	}
	p := &permit{at: r.exec.BuildTime}
	r.permit = p
	if r.input.Continued {
		// What an earlier run told the limit last is not known here: say it again.
		p.granted, p.listed = true, r.isPaused()
		workflow.GoNamed(ctx, "permit", r.keepPermit)
		return true
	}
	if r.input.Restart != nil {
		p.at = r.now(ctx)
	}
	r.exec.Status, r.exec.EndTime = pipeline.NotStarted, 0
	r.changed = true
	p.listed = true
	workflow.GoNamed(ctx, "permit answers", r.hearAnswers)
	r.ask(ctx)
	workflow.GoNamed(ctx, "permit", r.keepPermit)
	if r.ended {
		return false
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, statusAttribute.ValueSet(string(pipeline.Running))); err != nil {
		r.log.Warn("the execution's status could not be indexed", "error", err)
	}
	return true
}

// hearAnswers takes what the limit has to say.
func (r *run) hearAnswers(ctx workflow.Context) {
	answers := workflow.GetSignalChannel(ctx, activities.PermitSignal)
	for {
		var a activities.PermitAnswer
		answers.Receive(ctx, &a)
		switch {
		case r.permit.granted: // said again
		case a.Refused != "":
			r.permit.listed = false
			r.cancel(CancelInput{User: "spinnaker", Reason: a.Refused})
		default:
			r.permit.granted = true
		}
	}
}

// ask asks for a permit until the execution may start or has been cancelled.
func (r *run) ask(ctx workflow.Context) {
	failures, again := 0, firstAskAgain
	for !r.permit.granted && !r.ended {
		wait := again
		if err := r.tellLimit(ctx, activities.LimitAsk); err != nil {
			failures++
			wait = backoff(failures, maxBackoff)
			r.log.Warn("the limit of the pipeline could not be asked", "error", err, "attempt", failures, "next", wait)
		} else {
			failures, again = 0, min(2*again, lastAskAgain)
		}
		timed, cancel := workflow.WithCancel(ctx)
		timer := workflow.NewTimerWithOptions(timed, wait, workflow.TimerOptions{Summary: "ask again"})
		_ = workflow.Await(ctx, func() bool { return r.permit.granted || r.ended || timer.IsReady() })
		cancel()
	}
}

// keepPermit gives the permit back when the execution pauses or has ended, and
// takes it again when it goes on. That does not wait (reference: orca section
// 3.9): a paused execution that is resumed runs.
func (r *run) keepPermit(ctx workflow.Context) {
	p := r.permit
	wanted := func() bool { return !p.over && !r.isPaused() }
	for {
		_ = workflow.Await(ctx, func() bool { return p.listed != wanted() })
		want, kind := wanted(), activities.LimitRelease
		if want {
			kind = activities.LimitTake
		}
		p.telling = true
		err := r.tellLimit(ctx, kind)
		p.telling = false
		if err == nil {
			p.listed, p.failures = want, 0
			continue
		}
		p.failures++
		wait := backoff(p.failures, maxBackoff)
		r.log.Warn("the limit of the pipeline could not be told", "message", kind, "error", err, "attempt", p.failures, "next", wait)
		_ = workflow.Sleep(ctx, wait)
	}
}

// release gives the permit back, or stops waiting for one, when the execution's
// end is decided and none of its stages runs.
func (r *run) release(ctx workflow.Context) {
	p := r.permit
	if p == nil {
		return
	}
	p.over, p.failures = true, 0
	_ = workflow.Await(ctx, func() bool { return !p.listed && !p.telling || p.failures >= releaseAttempts })
}

func (r *run) tellLimit(ctx workflow.Context, kind activities.LimitMessageKind) error {
	e := r.exec
	in := activities.LimitInput{ConfigID: e.PipelineConfigID, Application: e.Application, Pipeline: shorten(e.Name, maxKeyword)}
	_, err := activities.TellLimit.Do(ctx, activities.TellLimitInput{
		Limit: in, Queue: workflow.GetInfo(ctx).TaskQueueName,
		Summary: StartSummary(e) + " (limit)", Attributes: limitAttributes(in),
		Message: activities.LimitMessage{Kind: kind, Permit: activities.Permit{
			ExecutionID: e.ID, At: r.permit.at, Limit: limitOf(e), Keep: e.KeepWaitingPipelines,
		}},
	}, activities.Options{Summary: string(kind) + " permit"})
	return err
}
