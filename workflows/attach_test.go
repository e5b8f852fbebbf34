package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// A pipeline stage that names an execution ends with it, on a real server.
func TestAttachToAnExecution(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	l := newLive(t, w)
	kid := l.Start(`{"name":"Kid","stages":[{"type":"scripted","name":"Feed","forever":true,"outputs":{"fruit":"pear"}}]}`)
	l.UntilTask(kid.ID, "0", "first") // it is known from then on
	mum := l.Start(`{"name":"Mum","stages":[{"type":"pipeline","executionId":"` + kid.ID + `"}]}`)
	l.UntilTask(mum.ID, "0", "monitorPipeline")
	_, err := l.Patch(kid, "0", pipeline.Map{"go": true})
	require.NoError(t, err)
	res, err := l.End(mum.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, res.Status)
	e := workflowstest.RequireEnd(t, w, mum.ID)
	require.Equal(t, "SUCCEEDED", e.Stages[0].Context["status"])
	require.Len(t, e.Stages[0].Tasks, 1)
}

// Cancelling the stage cancels the execution that it waits for, though it did
// not start it.
func TestCancelReachesAnAttachedExecution(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AwaitExecutions, func(ctx context.Context, _ activities.AwaitExecutionsInput) (activities.AwaitExecutionsOutput, error) {
		return activities.AwaitExecutionsOutput{}, workflowstest.UntilCanceled(ctx)
	})
	l := newLive(t, w)
	kid := l.Start(`{"name":"Kid","stages":[{"type":"scripted","forever":true}]}`)
	mum := l.Start(`{"name":"Mum","stages":[{"type":"pipeline","executionId":"` + kid.ID + `"}]}`)
	l.UntilTask(mum.ID, "0", "monitorPipeline")
	require.NoError(t, l.Cancel(mum.ID))
	for _, id := range []string{mum.ID, kid.ID} {
		_, err := l.End(id)
		require.Error(t, err)
		require.Equal(t, pipeline.Canceled, workflowstest.RequireEnd(t, w, id).Status)
	}
	require.Equal(t, "parent pipeline", workflowstest.RequireEnd(t, w, kid.ID).CanceledBy)
}
