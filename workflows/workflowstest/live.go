package workflowstest

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Patience is how long a test waits for what a real server should bring about.
const Patience = 60 * time.Second

// Live runs pipelines on a real Temporal server, on task queues of its own.
type Live struct {
	testing.TB
	Client client.Client
	World  *World
	Queue  string
	// QueueTimeout is how long calls wait for a worker of their queue; 0 is what
	// each has by itself.
	QueueTimeout time.Duration

	types   []workflows.StageType
	workers []worker.Worker
}

// NewLive connects to a server and starts a worker over the world. Each of apply
// may add to the client's options.
func NewLive(t testing.TB, address, namespace string, w *World, types []workflows.StageType, apply ...func(*client.Options)) *Live {
	t.Helper()
	l := Dial(t, address, namespace, w, types, "orca-"+rand.Text(), apply...)
	w.Account = "prod-" + rand.Text()
	l.StartWorker()
	t.Cleanup(l.StopWorker)
	return l
}

// Dial connects to a server without starting a worker.
func Dial(t testing.TB, address, namespace string, w *World, types []workflows.StageType, queue string, apply ...func(*client.Options)) *Live {
	t.Helper()
	options := client.Options{
		HostPort: address, Namespace: namespace, Identity: "test",
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	}
	for _, add := range apply {
		add(&options)
	}
	c, err := client.Dial(options)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &Live{TB: t, Client: c, World: w, Queue: queue, types: types}
}

// StartWorker starts workers of the workflow queue and of the account's queue.
func (l *Live) StartWorker() {
	l.Helper()
	engine, err := workflows.NewEngine(l.types, l.World)
	require.NoError(l, err)
	orca := worker.New(l.Client, l.Queue, workerOptions())
	engine.WithQueueTimeout(l.QueueTimeout).Register(orca)
	l.World.Register(orca)
	// This queue is one for all tests of a server; their worlds answer alike.
	baker := worker.New(l.Client, activities.RoscoQueue, workerOptions())
	l.World.Register(baker)
	for _, w := range []worker.Worker{orca, baker} {
		require.NoError(l, w.Start())
		l.workers = append(l.workers, w)
	}
	l.Serve(l.World.Account)
}

// Serve starts a worker of an account's queue.
func (l *Live) Serve(account string) {
	l.Helper()
	cloud := worker.New(l.Client, activities.ClouddriverQueue(account), workerOptions())
	l.World.Register(cloud)
	require.NoError(l, cloud.Start())
	l.workers = append(l.workers, cloud)
}

func workerOptions() worker.Options {
	// An activity learns of its cancellation from the answer to a heartbeat.
	return payload.Worker(worker.Options{MaxHeartbeatThrottleInterval: 100 * time.Millisecond, DefaultHeartbeatThrottleInterval: 100 * time.Millisecond})
}

// StopWorker stops the workers.
func (l *Live) StopWorker() {
	for _, w := range l.workers {
		w.Stop()
	}
	l.workers = nil
}

// Start starts an execution of a configuration.
func (l *Live) Start(config string) *pipeline.Execution {
	l.Helper()
	e := NewExecution(l, ParsePipeline(l, config))
	require.NoError(l, l.StartExecution(e))
	return e
}

// StartExecution starts an execution that was built before.
func (l *Live) StartExecution(e *pipeline.Execution) error {
	_, err := l.Client.ExecuteWorkflow(l.Context(), client.StartWorkflowOptions{
		ID: e.ID, TaskQueue: l.Queue, TypedSearchAttributes: workflows.StartAttributes(e), StaticSummary: workflows.StartSummary(e),
	}, workflows.PipelineWorkflow, workflows.Input{Execution: e})
	return err
}

// Update sends an update and waits for its result.
func (l *Live) Update(id, name string, in, out any) error {
	l.Helper()
	handle, err := l.Client.UpdateWorkflow(l.Context(), client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: name, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return err
	}
	return handle.Get(l.Context(), out)
}

// Cancel cancels an execution.
func (l *Live) Cancel(id string) error {
	l.Helper()
	return l.Update(id, workflows.CancelUpdate, workflows.CancelInput{User: "ines", Reason: "wrong flour"}, nil)
}

// Patch edits the stage with a refId.
func (l *Live) Patch(e *pipeline.Execution, ref string, patch pipeline.Map) (workflows.PatchStageOutput, error) {
	l.Helper()
	var s workflows.PatchStageOutput
	err := l.Update(e.ID, workflows.PatchStageUpdate, workflows.PatchStageInput{StageID: e.StageByRef(ref).ID, User: "tess", Patch: patch}, &s)
	return s, err
}

// RequireRefusal requires that an update was refused with a code and words.
func RequireRefusal(t testing.TB, err error, code pipeline.Code, words string) {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, string(code), app.Type())
	require.Contains(t, app.Message(), words)
}

// Query asks a workflow for its state.
func (l *Live) Query(id string) workflows.Snapshot {
	l.Helper()
	v, err := l.Client.QueryWorkflow(l.Context(), id, "", workflows.ExecutionQuery)
	require.NoError(l, err)
	var s workflows.Snapshot
	require.NoError(l, v.Get(&s))
	return s
}

// Until waits until the published state of an execution fits.
func (l *Live) Until(id string, fits func(e *pipeline.Execution) bool) *pipeline.Execution {
	l.Helper()
	var last *pipeline.Execution
	require.Eventually(l, func() bool {
		published := l.World.Published(id)
		if len(published) == 0 {
			return false
		}
		last = published[len(published)-1].Execution
		return fits(last)
	}, Patience, 10*time.Millisecond)
	return last
}

// UntilTask waits until the stage with a refId runs a task.
func (l *Live) UntilTask(id, ref, task string) *pipeline.Execution {
	l.Helper()
	return l.Until(id, func(e *pipeline.Execution) bool {
		for _, t := range e.StageByRef(ref).Tasks {
			if t.Name == task && t.Status == pipeline.Running {
				return true
			}
		}
		return false
	})
}

// End waits for the end of a workflow and returns what it ended with.
func (l *Live) End(id string) (workflows.Result, error) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), Patience)
	defer cancel()
	var res workflows.Result
	err := l.Client.GetWorkflow(ctx, id, "").Get(ctx, &res)
	var app *temporal.ApplicationError
	var canceled *temporal.CanceledError
	switch {
	case errors.As(err, &app):
		require.NoError(l, app.Details(&res))
	case errors.As(err, &canceled):
		require.NoError(l, canceled.Details(&res))
	}
	return res, err
}

// Describe returns the workflow's status in Temporal and its PipelineStatus
// attribute.
func (l *Live) Describe(id string) (enums.WorkflowExecutionStatus, string) {
	l.Helper()
	d, err := l.Client.DescribeWorkflow(l.Context(), id, "")
	require.NoError(l, err)
	v, _ := d.TypedSearchAttributes.GetKeyword(temporal.NewSearchAttributeKeyKeyword(workflows.ExecutionStatusAttribute))
	return d.Status, v
}

// History returns the history of a workflow's latest run.
func (l *Live) History(id string) *history.History { return l.HistoryOf(id, "") }

// HistoryOf returns the history of one run of a workflow.
func (l *Live) HistoryOf(id, run string) *history.History {
	l.Helper()
	out := &history.History{}
	iter := l.Client.GetWorkflowHistory(l.Context(), id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iter.HasNext() {
		event, err := iter.Next()
		require.NoError(l, err)
		out.Events = append(out.Events, event)
	}
	return out
}

// RequireAllEnded requires that no workflow of the queue is open.
func (l *Live) RequireAllEnded() {
	l.Helper()
	require.Eventually(l, func() bool {
		list, err := l.Client.ListWorkflow(l.Context(), &workflowservice.ListWorkflowExecutionsRequest{
			Query: "TaskQueue = '" + l.Queue + "' AND ExecutionStatus = 'Running'",
		})
		return err == nil && len(list.GetExecutions()) == 0
	}, Patience, 50*time.Millisecond)
}
