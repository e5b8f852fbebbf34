package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// TestTerminatedWorkflowsAreSettled ends real workflows in Temporal behind
// Gennaker's back and loses the read model, in both orders.
func TestTerminatedWorkflowsAreSettled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	start := func(seconds int64) string { return r.run(stage("1", "wait", "waitTime", seconds)) }
	ended, seen, unseen := start(0), start(3600), start(3600)
	r.reach(r.service, ended, pipeline.Succeeded)
	r.reach(r.service, seen, pipeline.Running)
	r.reach(r.service, unseen, pipeline.Running)

	// Known to the model: found when its record is stale.
	require.NoError(t, r.client.TerminateWorkflow(t.Context(), seen, "", "by hand"))
	late := executions.NewService(r.model, r.kept, r, r.log, func() time.Time { return time.Now().Add(executions.StaleAfter) })
	r.reach(late, seen, pipeline.Canceled)

	// Unknown to the model: found when the application is listed.
	require.NoError(t, r.client.TerminateWorkflow(t.Context(), unseen, "", "by hand"))
	require.Eventually(t, func() bool {
		ids, err := r.Interrupted(t.Context(), "app")
		return err == nil && len(ids) == 2
	}, patience, glance)
	fresh := executions.NewService(r.newModel(), r.kept, r, r.log, nil)
	found, err := fresh.List(t.Context(), executions.Query{Application: "app"})
	require.NoError(t, err)
	statuses := map[string]pipeline.Status{}
	for _, e := range found {
		statuses[e.ID] = e.Status
	}
	require.Equal(t, map[string]pipeline.Status{ended: pipeline.Succeeded, seen: pipeline.Canceled, unseen: pipeline.Canceled}, statuses)
	for _, id := range []string{seen, unseen} {
		archived, err := r.kept.Load(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, executions.ReasonTerminated, archived.Execution.CancellationReason)
		require.Equal(t, pipeline.Canceled, archived.Execution.Stages[0].Status)
	}
}
