package engine_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// A worker that is killed takes a workflow's task with it. Who edits an execution
// just then waits until the task is given out again, and is not refused.
func TestAnEditOutlastsALostTask(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.run(stage("1", "manualJudgment"))
	r.stageReaches(id, "1", pipeline.Running)
	r.stop()

	paused := make(chan error, 1)
	go func() {
		_, err := r.Pause(t.Context(), id, workflows.PauseInput{User: "ann"})
		paused <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	lost, err := r.client.WorkflowService().PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{
		Namespace: r.namespace, Identity: "dead", TaskQueue: &taskqueue.TaskQueue{Name: workflows.OrcaQueue, Kind: enums.TASK_QUEUE_KIND_NORMAL},
	})
	require.NoError(t, err)
	require.Equal(t, id, lost.GetWorkflowExecution().GetWorkflowId())
	r.startWorker()
	require.NoError(t, <-paused)
}
