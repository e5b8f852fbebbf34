package engine_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/archive"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/memarchive"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/gate/engine"
	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/internal/temporal"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
)

// publisher hands the states of workflows to the read model.
type publisher struct{ *executions.Publisher }

func (p publisher) Publish(s workflows.Snapshot) {
	p.Publisher.Publish(executions.Record{Execution: s.Execution, Sequence: s.Sequence, PublishedAt: pipeline.ToMillis(time.Now())})
}

// TestTerminatedWorkflowsAreSettled ends real workflows in Temporal behind
// Gennaker's back and loses the read model, in both orders.
func TestTerminatedWorkflowsAreSettled(t *testing.T) {
	t.Parallel()
	server := testkit.Temporal(t)
	log := slog.New(slog.DiscardHandler)
	client, err := temporal.Open(t.Context(), temporal.Config{Address: server.Address, Namespace: server.Namespace}, log)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	newModel := func() *redismodel.Model {
		m, err := redismodel.Open(t.Context(), redismodel.Config{Address: redismodel.EmbeddedAddress, Timeout: 10 * time.Second}, log)
		require.NoError(t, err)
		t.Cleanup(func() { _ = m.Close() })
		return m
	}
	model, kept := newModel(), memarchive.New()

	p := executions.NewPublisher(model, log)
	orca, err := workflows.NewEngine(stages.All(), publisher{p})
	require.NoError(t, err)
	w := worker.New(client, workflows.OrcaQueue, worker.Options{})
	orca.Register(w)
	activities.RegisterArchive(w, archive.New(kept, model, log))
	require.NoError(t, w.Start())
	t.Cleanup(func() {
		w.Stop()
		_ = p.Close(t.Context()) // the model may be gone by then
	})

	owner := engine.New(client)
	start := func(seconds int64) string {
		e, err := pipeline.NewExecution(pipeline.Pipeline{
			"id": "config", "application": "app", "name": "deploy",
			"stages": []any{map[string]any{"refId": "1", "type": "wait", "name": "Wait", "waitTime": seconds, "requisiteStageRefIds": []any{}}},
		}, pipeline.Launch{ID: ids.NewExecutionID(time.Now()), Now: time.Now(), StageID: func(ref string) string { return ref }})
		require.NoError(t, err)
		require.NoError(t, owner.Start(t.Context(), e))
		return e.ID
	}
	const patience, glance = 20 * time.Second, 20 * time.Millisecond
	service := executions.NewService(model, kept, owner, log, nil)
	eventually := func(s *executions.Service, id string, status pipeline.Status) {
		t.Helper()
		require.Eventually(t, func() bool {
			r, err := s.Get(t.Context(), id)
			return err == nil && r.Execution.Status == status
		}, patience, glance, "%s %s", id, status)
	}
	ended, seen, unseen := start(0), start(3600), start(3600)
	eventually(service, ended, pipeline.Succeeded)
	eventually(service, seen, pipeline.Running)
	eventually(service, unseen, pipeline.Running)

	// Known to the model: found when its record is stale.
	require.NoError(t, client.TerminateWorkflow(t.Context(), seen, "", "by hand"))
	late := executions.NewService(model, kept, owner, log, func() time.Time { return time.Now().Add(executions.StaleAfter) })
	eventually(late, seen, pipeline.Canceled)

	// Unknown to the model: found when the application is listed.
	require.NoError(t, client.TerminateWorkflow(t.Context(), unseen, "", "by hand"))
	require.Eventually(t, func() bool {
		ids, err := owner.Interrupted(t.Context(), "app")
		return err == nil && len(ids) == 2
	}, patience, glance)
	fresh := executions.NewService(newModel(), kept, owner, log, nil)
	found, err := fresh.List(t.Context(), executions.Query{Application: "app"})
	require.NoError(t, err)
	statuses := map[string]pipeline.Status{}
	for _, e := range found {
		statuses[e.ID] = e.Status
	}
	require.Equal(t, map[string]pipeline.Status{ended: pipeline.Succeeded, seen: pipeline.Canceled, unseen: pipeline.Canceled}, statuses)
	for _, id := range []string{seen, unseen} {
		r, err := kept.Load(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, executions.ReasonTerminated, r.Execution.CancellationReason)
		require.Equal(t, pipeline.Canceled, r.Execution.Stages[0].Status)
	}
}
