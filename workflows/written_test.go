package workflows_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// toll stops the answers to workflow tasks on their way to the server while it
// is down; each announces itself and waits until it is let through.
type toll struct {
	down             atomic.Bool
	arrived, through chan struct{}
}

func (h *toll) apply(o *client.Options) {
	o.ConnectionOptions.DialOptions = append(o.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, in, out any, cc *grpc.ClientConn, next grpc.UnaryInvoker, options ...grpc.CallOption) error {
			if h.down.Load() && strings.HasSuffix(method, "/RespondWorkflowTaskCompleted") {
				h.arrived <- struct{}{}
				<-h.through
			}
			return next(ctx, method, in, out, cc, options...)
		}))
}

// A server that dies before it has the answer to a workflow's task forgets the
// update that the task took. So when that answer leaves, nothing may be shown or
// archived of what the update does.
func TestUpdatesAreWrittenFirst(t *testing.T) {
	t.Parallel()
	server := testkit.SharedTemporal(t)
	for name, ask := range map[string]func(l *workflowstest.Live, e *pipeline.Execution) error{
		"a judgment": func(l *workflowstest.Live, e *pipeline.Execution) error {
			_, err := l.Patch(e, "1", pipeline.Map{"judgmentStatus": "stop"})
			return err
		},
		"a cancel": func(l *workflowstest.Live, e *pipeline.Execution) error { return l.Cancel(e.ID) },
		"a pause": func(l *workflowstest.Live, e *pipeline.Execution) error {
			return l.Update(e.ID, workflows.PauseUpdate, workflows.PauseInput{User: "ines"}, nil)
		},
		"a restart": func(l *workflowstest.Live, e *pipeline.Execution) error {
			return l.Update(e.ID, workflows.RestartUpdate, workflows.RestartInput{User: "ines", StageID: e.StageByRef("2").ID}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			h := &toll{arrived: make(chan struct{}), through: make(chan struct{})}
			l := workflowstest.NewLive(t, server.Address, server.Namespace, w, everyType, bucketOf(t).apply(t), h.apply)
			e := l.Start(`{"stages":[{"type":"manualJudgment","refId":"1"},{"type":"scripted","refId":"2"}]}`)
			l.Until(e.ID, func(e *pipeline.Execution) bool {
				return e.StageByRef("1").Status == pipeline.Running && e.StageByRef("2").Status == pipeline.Succeeded
			})
			before := len(w.Published(e.ID))
			h.down.Store(true)
			asked := background(func() error { return ask(l, e) })
			select {
			case <-h.arrived:
			case <-time.After(30 * time.Second):
				require.Fail(t, "the update did not reach the worker")
			}
			require.Len(t, w.Published(e.ID), before, "nothing is shown")
			require.Empty(t, w.Archived(e.ID), "nothing is archived")
			h.down.Store(false)
			h.through <- struct{}{}
			require.NoError(t, asked())
			require.Greater(t, len(w.Published(e.ID)), before, "who was answered finds it done")
			require.NoError(t, replay(t, everyType, w, l.History(e.ID)))
		})
	}
}
