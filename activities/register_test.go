package activities

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/internal/testkit"
)

// A Temporal server that is away when a call tells that it lives costs the call
// its attempt, and nothing else: it goes on where its last heartbeat says.
func TestCallsOutliveTemporal(t *testing.T) {
	t.Parallel()
	server := testkit.Temporal(t)
	c, err := client.Dial(client.Options{HostPort: server.Address, Namespace: server.Namespace})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	call := Call[string, string]{Name: "linger", Timeout: 10 * time.Minute, Heartbeat: 30 * time.Second}
	began, cut := make(chan struct{}), make(chan error, 1)
	var attempts atomic.Int32
	w := worker.New(c, "outage", worker.Options{MaxHeartbeatThrottleInterval: 500 * time.Millisecond})
	register(w, call, func(ctx context.Context, in string) (string, error) {
		if attempts.Add(1) > 1 {
			var told string
			return in + " " + told, activity.GetHeartbeatDetails(ctx, &told)
		}
		activity.RecordHeartbeat(ctx, "far")
		close(began)
		for beat := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-beat.C:
				activity.RecordHeartbeat(ctx, "far")
			case <-ctx.Done():
				beat.Stop()
				cut <- context.Cause(ctx)
				return "", context.Cause(ctx)
			}
		}
	})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) (string, error) {
		return call.Do(ctx, "so", Options{})
	}, workflow.RegisterOptions{Name: "lingers"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "outage"}, "lingers")
	require.NoError(t, err)

	<-began
	server.Kill()
	require.Error(t, <-cut)
	server.Restart(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out string
	for { // the first calls may meet the broken connection
		if err = c.GetWorkflow(ctx, run.GetID(), "").Get(ctx, &out); err == nil || ctx.Err() != nil {
			break
		}
	}
	require.NoError(t, err)
	require.Equal(t, "so far", out)
}
