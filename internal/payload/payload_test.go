package payload_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

func executionOf(run client.WorkflowRun) *common.WorkflowExecution {
	return &common.WorkflowExecution{WorkflowId: run.GetID(), RunId: run.GetRunID()}
}

// noise is text that no compression makes smaller than half.
func noise(size int) string {
	raw := make([]byte, size/2)
	_, _ = rand.Read(raw) // it never fails
	return hex.EncodeToString(raw)
}

// Megabytes go through everything that a workflow has, and history stays small.
func TestLargeValuesGoThroughTemporal(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	p := r.payloads()
	c := r.client(p)
	r.work(c)
	text := manifests(5 << 20)
	run, err := r.start(c, carried{Text: text, Steps: 2, Wait: true})
	require.NoError(t, err)

	r.untilText(c, run, text+"..")
	update, err := c.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: run.GetID(), UpdateName: "text", Args: []any{text}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	var have string
	require.NoError(t, update.Get(t.Context(), &have))
	require.Equal(t, text, have)
	require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), "", "go", text))
	require.Equal(t, text+".."+text+"..", r.end(run))

	h := r.history(c, run)
	require.Less(t, proto.Size(h), 64<<10)
	for key, body := range r.objects() {
		sum := sha256.Sum256(body)
		require.Equal(t, hex.EncodeToString(sum[:]), path.Base(key))
		require.Equal(t, payload.Prefix+r.temporal.Namespace, path.Dir(key))
	}

	// A replay in another process needs the object store, and has it.
	other := r.payloads()
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		DataConverter: other.DataConverter(), ExternalStorage: other.Storage(),
	})
	require.NoError(t, err)
	replayer.RegisterWorkflowWithOptions(carry, workflow.RegisterOptions{Name: "carry"})
	require.NoError(t, replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), h))
}

// So do the results of local activities, the details of errors, and the input of
// a next run.
func TestLargeValuesInSpecialPlaces(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	c := r.client(r.payloads())
	r.work(c)
	text := noise(5 << 20)
	run, err := r.start(c, carried{Text: text, Spread: true})
	require.NoError(t, err)
	require.Equal(t, text+".", r.end(run))
	require.Less(t, proto.Size(r.history(c, run)), 64<<10)
}

// A history from before there was a codec is read as it is, and goes on under
// the codec.
func TestHistoriesWithoutCodec(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	plain, err := client.Dial(client.Options{HostPort: r.temporal.Address, Namespace: r.temporal.Namespace, Logger: log.NewStructuredLogger(quiet())})
	require.NoError(t, err)
	t.Cleanup(plain.Close)
	stop := r.work(plain)
	text := manifests(400 << 10)
	run, err := r.start(plain, carried{Text: text, Steps: 1, Wait: true})
	require.NoError(t, err)
	r.untilText(plain, run, text+".")
	stop()
	require.Empty(t, r.objects())

	c := r.client(r.payloads())
	r.work(c)
	require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), "", "go", "!"))
	run = c.GetWorkflow(t.Context(), run.GetID(), run.GetRunID())
	require.Equal(t, text+".!.", r.end(run))
	require.NotEmpty(t, r.objects())
}

// While the object store is away nothing fails: starts are refused with
// unavailable, what runs waits, and all goes on when it is back.
func TestTheObjectStoreGoesAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.MinIO(t))
	c := r.client(r.payloads())
	r.work(c)
	text := manifests(1 << 20)
	run, err := r.start(c, carried{Text: text, Steps: 2, Wait: true})
	require.NoError(t, err)
	waiting, err := r.start(r.client(r.payloads()), carried{Text: "small", Wait: true})
	require.NoError(t, err)
	r.untilText(c, run, text+"..")

	r.store.Kill()
	_, err = r.start(c, carried{Text: manifests(1 << 20)})
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
	small, err := r.start(c, carried{Text: "small", Steps: 2})
	require.NoError(t, err, "what is small needs no object store")
	require.Equal(t, "small....", r.end(small))

	// The next task's calls cannot be stored: the task fails, the workflow not.
	require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), "", "go", "!"))
	require.Contains(t, r.untilTaskFails(c, run), "The object store did not take a value of")
	require.True(t, r.running(c, run))
	require.NoError(t, c.SignalWorkflow(t.Context(), waiting.GetID(), "", "go", "!"))
	require.Equal(t, "small!", r.end(waiting))

	r.store.Restart(t)
	require.Equal(t, text+"..!..", r.end(run))
}

// A worker that restarts while the object store is away waits for it too.
func TestReplayWithoutTheObjectStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.MinIO(t))
	c := r.client(r.payloads())
	stop := r.work(c)
	text := manifests(1 << 20)
	run, err := r.start(c, carried{Text: text, Steps: 1, Wait: true})
	require.NoError(t, err)
	r.untilText(c, run, text+".")
	stop()
	worker.PurgeStickyWorkflowCache()

	r.store.Kill()
	fresh := r.client(r.payloads())
	r.work(fresh)
	require.NoError(t, fresh.SignalWorkflow(t.Context(), run.GetID(), "", "go", "!"))
	require.Contains(t, r.untilTaskFails(fresh, run), "The object store did not give a value of")
	require.True(t, r.running(fresh, run))
	r.store.Restart(t)
	require.Equal(t, text+".!.", r.end(run))
}

// An object that is not what it is named for is refused, and the execution goes
// on once it is right again.
func TestObjectsThatChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	starter := r.client(r.payloads())
	text := manifests(1 << 20)
	run, err := r.start(starter, carried{Text: text})
	require.NoError(t, err)
	objects := r.objects()
	require.Len(t, objects, 1)
	put := func(key string, body []byte) {
		_, err := r.bucket.PutObject(t.Context(), r.store.Bucket, key, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
		require.NoError(t, err)
	}
	for key, right := range objects {
		wrong := bytes.Clone(right)
		wrong[len(wrong)/2] ^= 1
		put(key, wrong)
	}
	c := r.client(r.payloads())
	r.work(c)
	require.Contains(t, r.untilTaskFails(c, run), "is not the payload that was written there")
	require.True(t, r.running(c, run))
	for key, right := range objects {
		put(key, right)
	}
	require.Equal(t, text, r.end(run))
}

// An object that is missing is named.
func TestObjectsThatAreMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	run, err := r.start(r.client(r.payloads()), carried{Text: manifests(1 << 20)})
	require.NoError(t, err)
	for key := range r.objects() {
		require.NoError(t, r.bucket.RemoveObject(t.Context(), r.store.Bucket, key, minio.RemoveObjectOptions{}))
		c := r.client(r.payloads())
		r.work(c)
		require.Contains(t, r.untilTaskFails(c, run), "The payload "+key+" is missing in bucket "+r.store.Bucket)
		require.True(t, r.running(c, run))
	}
}

// Histories and objects hold nothing in the clear; a worker without the key
// fails tasks, not executions.
func TestEncryptedExecutions(t *testing.T) {
	first, second := key(t, "first"), key(t, "second")
	r := newRig(t, testkit.SharedMinIO(t))
	c := r.client(r.payloads(first))
	stop := r.work(c)
	text := strings.Repeat("hunter2 ", 10) + manifests(1<<20)
	run, err := r.start(c, carried{Text: text, Steps: 1, Wait: true})
	require.NoError(t, err)
	r.untilText(c, run, text+".")
	stop()
	worker.PurgeStickyWorkflowCache()

	keyless := r.client(r.payloads())
	stop = r.work(keyless)
	require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), "", "go", "hunter2"))
	require.Contains(t, r.untilTaskFails(keyless, run), `"first", which is not configured`)
	require.True(t, r.running(keyless, run))
	stop()

	rotated := r.client(r.payloads(second, first))
	r.work(rotated)
	require.Equal(t, text+".hunter2.", r.end(rotated.GetWorkflow(t.Context(), run.GetID(), run.GetRunID())))
	raw, err := proto.Marshal(r.history(c, run))
	require.NoError(t, err)
	require.NotContains(t, string(raw), "hunter2")
	var keys []string
	for _, body := range r.objects() {
		require.NotContains(t, string(body), "hunter2")
		require.NotContains(t, string(body), "ConfigMap")
		for _, name := range []string{"first", "second"} {
			if strings.Contains(string(body), name) {
				keys = append(keys, name)
			}
		}
	}
	require.Contains(t, keys, "first")
	require.Contains(t, keys, "second")
}

// A process without an object store keeps what Temporal takes in its history, and
// says so where that is not enough.
func TestWithoutAnObjectStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	open := func() client.Client {
		p, err := payload.Open(t.Context(), payload.DefaultConfig(), payload.Where{Namespace: r.temporal.Namespace}, quiet())
		require.NoError(t, err)
		return r.client(p)
	}
	agent, central := open(), r.client(r.payloads())
	queue := "agent-" + rand.Text()
	w := worker.New(agent, queue, payload.Worker(worker.Options{DisableWorkflowWorker: true}))
	w.RegisterActivityWithOptions(func(_ context.Context, in string) (string, error) {
		if size, err := strconv.Atoi(in); err == nil {
			return noise(size), nil
		}
		return strconv.Itoa(len(in)), nil
	}, activity.RegisterOptions{Name: "answer"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	orca := worker.New(central, queue, payload.Worker(worker.Options{LocalActivityWorkerOnly: true}))
	orca.RegisterWorkflowWithOptions(func(ctx workflow.Context, in string) (string, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		var out string
		err := workflow.ExecuteActivity(ctx, "answer", in).Get(ctx, &out)
		return out, err
	}, workflow.RegisterOptions{Name: "ask"})
	require.NoError(t, orca.Start())
	t.Cleanup(orca.Stop)
	ask := func(in string) (string, error) {
		run, err := central.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: queue}, "ask", in)
		require.NoError(t, err)
		var out string
		err = run.Get(t.Context(), &out)
		return out, err
	}
	out, err := ask("200000")
	require.NoError(t, err, "an answer above the inline limit stays in Temporal's history")
	require.Len(t, out, 200000)
	_, err = ask("3000000")
	require.ErrorContains(t, err, "this worker has no object store")
	_, err = ask(noise(200000))
	require.ErrorContains(t, err, "The call's input is too large for Temporal's history and rests in the bucket")
	require.ErrorContains(t, err, "object-store-endpoint")
}
