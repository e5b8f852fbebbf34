package activities

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Scope says on whose behalf an activity runs. It is part of every input, is
// logged with every line, and makes the idempotency key.
type Scope struct {
	// Application, Execution and Stage name the caller; Stage is the stage's ID.
	Application string `json:"application"`
	Execution   string `json:"execution"`
	Stage       string `json:"stage,omitempty"`
	// StageName and Task are shown to people.
	StageName string `json:"stageName,omitempty"`
	Task      string `json:"task,omitempty"`
	// Attempt counts restarts of the stage, from 0. Retries of one call share
	// it, so a retry finds what its forerunner did.
	Attempt int `json:"attempt,omitempty"`
	// User is who the execution runs as.
	User string `json:"user,omitempty"`
}

// Key returns the idempotency key of one logical call: execution, stage, task
// and attempt. It holds letters, digits, dots and hyphens only and fits a
// Kubernetes annotation.
func (s Scope) Key() string {
	return s.Execution + "." + s.Stage + "." + s.Task + "." + itoa(s.Attempt)
}

// Call is one activity as workflow code calls it.
type Call[In, Out any] struct {
	// Name is the registered activity type, for example
	// "clouddriver.deployManifest".
	Name string
	// Queue returns the task queue that serves the input; nil means the
	// workflow's own.
	Queue func(In) string
	// Local runs the activity inside the workflow's worker without a task of
	// its own: for short idempotent calls. A local activity's input is not
	// recorded in history.
	Local bool
	// Timeout bounds one attempt.
	Timeout time.Duration
	// Heartbeat is the longest silence of a running attempt before it counts as
	// lost with its worker; 0 for calls too short to beat.
	Heartbeat time.Duration
	// GivesBack ends a running attempt as soon as its worker is told to stop, so
	// that another worker goes on at once: for calls that only watch.
	GivesBack bool
	// QueueTimeout bounds the wait for a worker of the queue; 0 is no bound.
	QueueTimeout time.Duration
}

// Options qualify one start of a [Call].
type Options struct {
	// Summary is shown beside the activity in the Temporal UI.
	Summary string
	// Within bounds the call with all its retries after lost workers; 0 is no
	// bound. A local call has no such retries.
	Within time.Duration
	// QueueTimeout is used in place of the call's own where that has one; 0 is the
	// call's own.
	QueueTimeout time.Duration
}

// Start begins the activity and returns its future. Lost workers and timeouts
// are retried by the server with the heartbeat details kept; an error that the
// activity itself returns ends the attempt and comes back to the caller, who
// decides with [FromTemporal] whether to call again. The timeout of a local
// activity comes back to the caller too.
func (c Call[In, Out]) Start(ctx workflow.Context, in In, o Options) Future[Out] {
	if c.Local {
		timeout := c.Timeout
		if o.Within > 0 {
			timeout = min(timeout, o.Within)
		}
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
			StartToCloseTimeout: timeout,
			// A lost worker runs it again with its workflow task; a timeout goes
			// back to the caller, who waits where people see it.
			RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
			Summary:     o.Summary,
		})
		return Future[Out]{workflow.ExecuteLocalActivity(ctx, c.Name, in)}
	}
	queueTimeout := c.QueueTimeout
	if queueTimeout > 0 && o.QueueTimeout > 0 {
		queueTimeout = o.QueueTimeout
	}
	options := workflow.ActivityOptions{
		StartToCloseTimeout:    c.Timeout,
		HeartbeatTimeout:       c.Heartbeat,
		ScheduleToStartTimeout: queueTimeout,
		ScheduleToCloseTimeout: o.Within,
		WaitForCancellation:    true,
		RetryPolicy:            lostWorkerPolicy(),
		Summary:                o.Summary,
	}
	if c.Queue != nil {
		options.TaskQueue = c.Queue(in)
	}
	return Future[Out]{workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), c.Name, in)}
}

// Do starts the activity and waits for it.
func (c Call[In, Out]) Do(ctx workflow.Context, in In, o Options) (Out, error) {
	return c.Start(ctx, in, o).Get(ctx)
}

// Future is the typed result of a started [Call].
type Future[Out any] struct{ workflow.Future }

// Get waits for the result. Its error is a *pipeline.Error, or a
// *temporal.CanceledError when the workflow's context was cancelled.
func (f Future[Out]) Get(ctx workflow.Context) (Out, error) {
	var out Out
	err := f.Future.Get(ctx, &out)
	return out, FromTemporal(err)
}

// lostWorkerPolicy retries quickly and for ever: only losses of the worker
// itself reach it, since every error that an activity returns is final for the
// attempt (see [ToTemporal]).
func lostWorkerPolicy() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:    200 * time.Millisecond,
		BackoffCoefficient: 2,
		MaximumInterval:    10 * time.Second,
	}
}
