package payload_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/temporal"
	"github.com/gennaker/gennaker/internal/testkit"
)

// patience is how long a test waits for what real servers should bring about.
const patience = 90 * time.Second

// rig is a Temporal server and a bucket.
type rig struct {
	testing.TB
	temporal *testkit.TemporalServer
	store    *testkit.MinIOServer
	bucket   *minio.Client
	queue    string
}

func newRig(t testing.TB, store *testkit.MinIOServer) *rig {
	t.Helper()
	r := &rig{TB: t, temporal: testkit.SharedTemporal(t), store: store, queue: "payload-" + rand.Text()}
	r.bucket = bucketClient(t, store)
	return r
}

func bucketClient(t testing.TB, store *testkit.MinIOServer) *minio.Client {
	t.Helper()
	reference := func(name, value string) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(value), 0o600))
		return "file:" + path
	}
	c, err := objectstore.Client(t.Context(), objectstore.Config{
		Endpoint: store.Endpoint, Bucket: store.Bucket, Region: "us-east-1",
		AccessKey: reference("access", store.AccessKey), SecretKey: reference("secret", store.SecretKey),
	})
	require.NoError(t, err)
	return c
}

// payloads are those of a process of its own, with its own cache.
func (r *rig) payloads(keys ...string) *payload.Payloads {
	r.Helper()
	c := payload.DefaultConfig()
	c.EncryptionKeys = keys
	p, err := payload.Open(r.Context(), c, payload.Where{Bucket: r.bucket, Name: r.store.Bucket, Namespace: r.temporal.Namespace}, quiet())
	require.NoError(r, err)
	return p
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// client is the Temporal client of a process.
func (r *rig) client(p *payload.Payloads) client.Client {
	r.Helper()
	c, err := temporal.Open(r.Context(), temporal.Config{Address: r.temporal.Address, Namespace: r.temporal.Namespace}, quiet(), p.Apply)
	require.NoError(r, err)
	r.Cleanup(c.Close)
	return c
}

// work starts a worker and returns what stops it.
func (r *rig) work(c client.Client) (stop func()) {
	r.Helper()
	w := worker.New(c, r.queue, payload.Worker(worker.Options{}))
	w.RegisterWorkflowWithOptions(carry, workflow.RegisterOptions{Name: "carry"})
	w.RegisterWorkflow(fail)
	w.RegisterActivity(double)
	require.NoError(r, w.Start())
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			w.Stop()
		}
	}
	r.Cleanup(stop)
	return stop
}

// carried is what the workflow is asked to carry.
type carried struct {
	Text string
	// Steps is how often the text passes an activity, before and after a signal.
	Steps int
	Wait  bool
	// Spread passes it through a local activity, a child that fails with it in
	// its error, and a next run too.
	Spread bool
}

// carry passes a large text through everything that a history holds.
func carry(ctx workflow.Context, in carried) (string, error) {
	if err := workflow.SetQueryHandler(ctx, "text", func() (string, error) { return in.Text, nil }); err != nil {
		return "", err
	}
	if err := workflow.SetUpdateHandler(ctx, "text", func(_ workflow.Context, text string) (string, error) { return text, nil }); err != nil {
		return "", err
	}
	calling := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Minute})
	for range in.Steps {
		if err := workflow.ExecuteActivity(calling, double, in.Text).Get(ctx, &in.Text); err != nil {
			return "", err
		}
	}
	if in.Wait {
		var more string
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, &more)
		in.Text += more
	}
	for range in.Steps {
		if err := workflow.ExecuteActivity(calling, double, in.Text).Get(ctx, &in.Text); err != nil {
			return "", err
		}
	}
	if in.Spread {
		return spread(ctx, in)
	}
	return in.Text, nil
}

func spread(ctx workflow.Context, in carried) (string, error) {
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Minute})
	if err := workflow.ExecuteLocalActivity(local, double, in.Text).Get(ctx, &in.Text); err != nil {
		return "", err
	}
	err := workflow.ExecuteChildWorkflow(ctx, fail, in.Text).Get(ctx, nil)
	var app *sdktemporal.ApplicationError
	if !errors.As(err, &app) {
		return "", err
	}
	var detail string
	if err := app.Details(&detail); err != nil {
		return "", err
	}
	return "", workflow.NewContinueAsNewError(ctx, "carry", carried{Text: detail})
}

func fail(_ workflow.Context, text string) error {
	return sdktemporal.NewApplicationError("it failed", "failed", text)
}

// double is an activity whose result is as large as its input.
func double(_ context.Context, text string) (string, error) { return text + ".", nil }

func (r *rig) start(c client.Client, in carried) (client.WorkflowRun, error) {
	return c.ExecuteWorkflow(r.Context(), client.StartWorkflowOptions{ID: rand.Text(), TaskQueue: r.queue}, "carry", in)
}

// untilText waits until the workflow has got so far as to hold a text.
func (r *rig) untilText(c client.Client, run client.WorkflowRun, text string) {
	r.Helper()
	require.Eventually(r, func() bool {
		value, err := c.QueryWorkflow(r.Context(), run.GetID(), "", "text")
		var have string
		return err == nil && value.Get(&have) == nil && have == text
	}, patience, 50*time.Millisecond)
}

// end waits for the workflow's result.
func (r *rig) end(run client.WorkflowRun) string {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	var text string
	require.NoError(r, run.Get(ctx, &text))
	return text
}

// history returns a workflow's history as Temporal holds it.
func (r *rig) history(c client.Client, run client.WorkflowRun) *history.History {
	r.Helper()
	out := &history.History{}
	for events := c.GetWorkflowHistory(r.Context(), run.GetID(), run.GetRunID(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		event, err := events.Next()
		require.NoError(r, err)
		out.Events = append(out.Events, event)
	}
	return out
}

// untilTaskFails waits until the workflow's task fails and returns why.
func (r *rig) untilTaskFails(c client.Client, run client.WorkflowRun) string {
	r.Helper()
	var why string
	require.Eventually(r, func() bool {
		for _, event := range r.history(c, run).GetEvents() {
			if failed := event.GetWorkflowTaskFailedEventAttributes(); failed != nil {
				why = failed.GetFailure().GetMessage()
				return true
			}
		}
		return false
	}, patience, 50*time.Millisecond)
	return why
}

func (r *rig) running(c client.Client, run client.WorkflowRun) bool {
	r.Helper()
	d, err := c.WorkflowService().DescribeWorkflowExecution(r.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: r.temporal.Namespace, Execution: executionOf(run),
	})
	require.NoError(r, err)
	return d.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// objects are the payloads in the bucket by key, with their content.
func (r *rig) objects() map[string][]byte {
	r.Helper()
	out := map[string][]byte{}
	for info := range r.bucket.ListObjectsIter(r.Context(), r.store.Bucket, minio.ListObjectsOptions{Prefix: payload.Prefix, Recursive: true}) {
		require.NoError(r, info.Err)
		object, err := r.bucket.GetObject(r.Context(), r.store.Bucket, info.Key, minio.GetObjectOptions{})
		require.NoError(r, err)
		out[info.Key], err = io.ReadAll(object)
		require.NoError(r, err)
	}
	return out
}
