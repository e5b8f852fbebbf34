package workflows

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// maxBackoff is the longest wait between two attempts of a task's call.
const maxBackoff = 30 * time.Second

// maxRetryAfter is the longest wait that the other side may ask for.
const maxRetryAfter = 5 * time.Minute

// shownAttempts is how many failed attempts a stage shows; older ones are
// dropped, their count stays.
const shownAttempts = 20

// Call calls the outside world for a task. When the world is broken (an error
// whose code is retryable, or a timeout of the outside world's own) it waits and
// calls again, doubling the wait from one second to [maxBackoff], or as long as
// the other side asks to wait, up to [maxRetryAfter], until the task's deadline; each failed attempt is shown on the stage as it happens. When
// the request is wrong the error is returned at once.
func Call[In, Out any](ctx workflow.Context, t *TaskRun, call activities.Call[In, Out], in In) (Out, error) {
	if err := refuseLarge(call.Name, call.Local, in); err != nil {
		var none Out
		return none, err
	}
	for attempt := 1; ; {
		if err := t.run.hold(ctx); err != nil {
			var none Out
			return none, err
		}
		calling, done := t.run.watch(ctx, call.GivesBack)
		out, err := call.Do(calling, in, activities.Options{
			Summary: t.Summary(), Within: t.remaining(ctx), QueueTimeout: t.run.engine.queueTimeout,
		})
		done()
		if Canceled(err) && ctx.Err() == nil && t.run.draining {
			continue // the next run of the workflow watches on
		}
		if errors.Is(err, activities.ErrNotTaken) && call.Queue != nil {
			err = t.notTaken(ctx, call.Queue(in), cmp.Or(t.run.engine.queueTimeout, call.QueueTimeout))
		}
		if err == nil || Canceled(err) || !worthRepeating(err) || errors.Is(err, errUnserved) {
			return out, err
		}
		now, own := workflow.Now(ctx), max(backoff(attempt, maxBackoff), t.leastBackoff())
		wait := max(own, min(pipeline.RetryAfterOf(err), maxRetryAfter))
		if deadline, bounded := t.Deadline(ctx); bounded && now.Add(wait).After(deadline) {
			// Who asks for more time than there is may answer earlier.
			if wait = max(own, deadline.Sub(now)/2); now.Add(wait).After(deadline) {
				return out, t.gaveUp(err)
			}
		}
		next := now.Add(wait)
		t.recordAttempt(ctx, attempt, err, next)
		err = t.AwaitFor(ctx, wait, "next attempt of "+t.task.Name, func() bool { return false })
		if err != nil {
			return out, err
		}
		attempt++
	}
}

// leastBackoff is the stage's own backoffPeriodMs, which raises the wait between
// attempts and never lowers it (reference: orca section 3.7).
func (t *TaskRun) leastBackoff() time.Duration {
	ms, _ := t.Stage.Context.Int("backoffPeriodMs")
	return time.Duration(min(max(ms, 0), int64(maxTimeout/time.Millisecond))) * time.Millisecond
}

// backoff returns the wait after the given attempt, counted from 1.
func backoff(attempt int, limit time.Duration) time.Duration {
	if attempt > 20 {
		return limit
	}
	return min(time.Second<<(attempt-1), limit)
}

// recordAttempt shows a failed attempt on the stage under the key attempts.
func (t *TaskRun) recordAttempt(ctx workflow.Context, attempt int, err error, next time.Time) {
	attempts := append(t.Stage.Context.List("attempts"), map[string]any{
		"task":          t.task.Name,
		"attempt":       int64(attempt),
		"error":         pipeline.MessageOf(err),
		"time":          int64(t.run.now(ctx)),
		"nextRetryTime": next.UnixMilli(),
	})
	if len(attempts) > shownAttempts {
		attempts = attempts[len(attempts)-shownAttempts:]
	}
	t.Stage.Context["attempts"] = attempts
	t.run.log.Warn("an outside call failed and will be tried again", "stage", t.Stage.Name, "task", t.task.Name, "attempt", attempt, "error", err)
	t.run.changed = true
}

// settleAttempts takes the promise of a next attempt from the last record once
// the task has ended.
func (t *TaskRun) settleAttempts() {
	attempts := t.Stage.Context.List("attempts")
	if len(attempts) == 0 {
		return
	}
	if last := pipeline.AsMap(attempts[len(attempts)-1]); last != nil {
		delete(last, "nextRetryTime")
	}
}

// maxInput is how large a call's input may be, in bytes of JSON. Temporal sees
// none of it, since large values rest in the object store; the bound keeps the
// memory and the time of a workflow's task within reason.
const maxInput = 32 << 20

// refuseLarge fails a call whose input could not be sent: a workflow that asks
// for one regardless is stuck for good. The inputs of local calls do not travel.
func refuseLarge(name string, local bool, in any) error {
	if local {
		return nil
	}
	text, err := pipeline.EncodeValue(in)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeInvalid, err, "The call %s cannot be made: %s.", name, err)
	}
	if len(text) > maxInput {
		return pipeline.Errorf(pipeline.CodeTooLarge, "The input of the call %s is %d bytes: at most %d can be sent. Split the stage, or make its manifests and artifacts smaller.", name, len(text), maxInput)
	}
	return nil
}

func worthRepeating(err error) bool {
	code := pipeline.CodeOf(err)
	return code.Retryable() || code == pipeline.CodeTimeout
}

// gaveUp is the error of a task whose time does not allow another attempt. The
// world's own words come first, unless all it has to say is that time is up.
func (t *TaskRun) gaveUp(err error) error {
	message := pipeline.MessageOf(err)
	verdict := t.late().Message
	if pipeline.CodeOf(err) == pipeline.CodeTimeout {
		message, verdict = verdict, message
	}
	return &pipeline.Error{
		Code: pipeline.CodeTimeout, Message: message,
		Details: append(slices.Clone(pipeline.DetailsOf(err)), verdict),
	}
}

// late is the error of a task that is past its deadline.
func (t *TaskRun) late() *pipeline.Error {
	return pipeline.Errorf(pipeline.CodeTimeout, "The task %s of stage '%s' did not end within %s.", t.task.Name, t.Stage.Name, t.allowed())
}
