package workflows_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Whenever the worker of the workflows is killed, no two executions run at the
// same time and none is forgotten.
func TestLimitWithKilledWorkers(t *testing.T) {
	t.Parallel()
	server := testkit.SharedTemporal(t)
	w := workflowstest.NewWorld()
	l := newLimitLive(t, w)
	var running, most atomic.Int32
	workflowstest.On(w, activities.DeployManifest, func(ctx context.Context, in activities.DeployManifestInput) (activities.DeployManifestOutput, error) {
		n := running.Add(1)
		defer running.Add(-1)
		for {
			seen := most.Load()
			if n <= seen || most.CompareAndSwap(seen, n) {
				break
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Millisecond):
		}
		return workflowstest.Deployed(in.Manifests...), nil
	})
	o := orcaWorker{Address: server.Address, Namespace: server.Namespace, Queue: l.Queue + "-killed", Account: w.Account, Bucket: bucketOf(t), Diary: filepath.Join(t.TempDir(), "diary")}
	l.Queue = o.Queue
	const many = 8
	all := make([]*pipeline.Execution, many)
	for i := range all {
		all[i] = l.build(fifo, strings.ReplaceAll(deploy, "ACCOUNT", w.Account))
		require.NoError(t, l.StartExecution(all[i]))
	}
	for range 3 {
		before := len(o.sequences(t))
		kill := o.start(t)
		require.Eventually(t, func() bool { return len(o.sequences(t)) > before+many/2 }, workflowstest.Patience, time.Millisecond)
		kill()
	}
	l.StartWorker()
	for _, e := range all {
		res, err := l.End(e.ID)
		require.Equal(t, pipeline.Succeeded, res.Status, "%v", err)
		require.NoError(t, replay(t, everyType, workflowstest.NewWorld(), l.History(e.ID)))
	}
	require.Equal(t, int32(1), most.Load())
	require.Len(t, w.Asked(activities.DeployManifest.Name), many)
	l.RequireAllEnded()
}
