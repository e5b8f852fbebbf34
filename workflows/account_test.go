package workflows_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// accountRun is the record of the account "prod" in the test environment.
type accountRun struct {
	*testing.T
	env  *testsuite.TestWorkflowEnvironment
	memo activities.AccountRecord
}

func newAccountRun(t *testing.T) *accountRun {
	t.Helper()
	suite := &testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	a := &accountRun{T: t, env: suite.NewTestWorkflowEnvironment()}
	a.env.SetTestTimeout(time.Minute)
	engine, err := workflows.NewEngine(nil, workflowstest.NewWorld())
	require.NoError(t, err)
	engine.Register(a.env)
	a.env.OnUpsertMemo(mock.MatchedBy(func(memo map[string]any) bool {
		a.memo = memo[activities.AccountMemo].(activities.AccountRecord)
		return true
	})).Return(nil)
	return a
}

// announce sends an announcement after a time and checks the verdict.
func (a *accountRun) announce(after time.Duration, worker, cluster string, want bool) {
	a.env.RegisterDelayedCallback(func() {
		a.update(activities.Announcement{
			Account: "prod", Worker: worker, Cluster: cluster, LeaseSeconds: 60,
			About: activities.AccountInfo{CloudProvider: "kubernetes", Environment: "by " + worker},
		}, func(v activities.Verdict) {
			require.Equal(a, want, v.Accepted, "%s for %s: %s", worker, cluster, v.Reason)
			if !want {
				require.Contains(a, v.Reason, "This worker's kubeconfig leads to the cluster with the ID "+cluster)
			}
		})
	}, after)
}

func (a *accountRun) update(in activities.Announcement, complete func(activities.Verdict)) {
	a.env.UpdateWorkflow(activities.AnnounceUpdate, fmt.Sprint(in.Worker, a.env.Now()), &testsuite.TestUpdateCallback{
		OnReject: func(err error) { require.NoError(a, err) },
		OnComplete: func(v any, err error) {
			require.NoError(a, err)
			complete(v.(activities.Verdict))
		},
	}, in)
}

func (a *accountRun) withdraw(after time.Duration, worker string, removed bool) {
	a.env.RegisterDelayedCallback(func() {
		a.env.SignalWorkflow(activities.WithdrawSignal, activities.Withdrawal{Worker: worker, Removed: removed})
	}, after)
}

// look calls back with the record as it is published at that time.
func (a *accountRun) look(after time.Duration, check func(activities.AccountRecord)) {
	a.env.RegisterDelayedCallback(func() { check(a.memo) }, after)
}

func (a *accountRun) run() time.Duration {
	a.Helper()
	began := a.env.Now()
	a.env.ExecuteWorkflow(activities.AccountWorkflow, activities.AccountRecord{Account: "prod"})
	require.True(a, a.env.IsWorkflowCompleted())
	require.NoError(a, a.env.GetWorkflowError())
	return a.env.Now().Sub(began)
}

func workersOf(r activities.AccountRecord) []string {
	out := []string{}
	for _, w := range r.Workers {
		out = append(out, w.Worker)
	}
	return out
}

func TestAccountStandsForOneCluster(t *testing.T) {
	t.Parallel()
	a := newAccountRun(t)
	a.announce(0, "w1", "east", true)
	a.announce(time.Second, "w2", "west", false)
	a.announce(2*time.Second, "w3", "east", true)
	a.announce(3*time.Second, "w4", "", true) // its cluster does not answer yet
	a.look(4*time.Second, func(r activities.AccountRecord) {
		require.Equal(t, []string{"w1", "w3", "w4"}, workersOf(r))
		require.Equal(t, "east", r.Cluster)
		require.Len(t, r.Refused, 1)
		require.Equal(t, "w2", r.Refused[0].Worker)
		require.Contains(t, r.Refused[0].Reason, "which w1 serves")
		require.Equal(t, "by w4", r.About.Environment)
	})
	a.announce(5*time.Second, "w4", "west", false)
	a.look(6*time.Second, func(r activities.AccountRecord) {
		require.Equal(t, []string{"w1", "w3"}, workersOf(r), "a worker whose cluster turns out to be another is out")
	})
	a.withdraw(7*time.Second, "w1", false)
	a.withdraw(8*time.Second, "w3", true)
	a.look(9*time.Second, func(r activities.AccountRecord) { require.Empty(t, r.Workers) })
	require.Less(t, a.run(), time.Minute, "the last worker that removes the account ends the record")
}

func TestAccountGoesOverToAnotherCluster(t *testing.T) {
	t.Parallel()
	a := newAccountRun(t)
	a.announce(0, "w1", "old", true)
	a.announce(30*time.Second, "w2", "new", false)
	a.announce(61*time.Second, "w2", "new", true) // the lease of w1 is over
	a.look(62*time.Second, func(r activities.AccountRecord) {
		require.Equal(t, "new", r.Cluster)
		require.Equal(t, []string{"w2"}, workersOf(r))
		require.Empty(t, r.Refused)
	})
	a.announce(63*time.Second, "w1", "old", false)
	a.announce(64*time.Second, "w2", "newest", true) // its own cluster was made anew
	a.withdraw(65*time.Second, "w2", true)
	a.run()
}

func TestAccountIsRememberedForAWeek(t *testing.T) {
	t.Parallel()
	a := newAccountRun(t)
	a.announce(0, "w1", "east", true)
	a.announce(24*time.Hour, "w1", "east", true)
	a.withdraw(25*time.Hour, "w1", false)
	a.look(7*24*time.Hour+time.Hour, func(r activities.AccountRecord) {
		require.Empty(t, r.Workers)
		require.Equal(t, "w1", r.LastWorker)
		require.Empty(t, r.Live(pipeline.ToMillis(a.env.Now())))
	})
	require.Equal(t, 8*24*time.Hour, a.run().Round(time.Second))
}

// A worker that was lost does not keep a removed account's record alive.
func TestAccountThatIsRemovedEndsWithTheLastLease(t *testing.T) {
	t.Parallel()
	a := newAccountRun(t)
	a.announce(0, "lost", "east", true)
	a.announce(10*time.Second, "w2", "east", true)
	a.withdraw(20*time.Second, "w2", true)
	a.look(30*time.Second, func(r activities.AccountRecord) { require.Equal(t, []string{"lost"}, workersOf(r)) })
	require.Equal(t, time.Minute, a.run().Round(time.Second))

	a = newAccountRun(t)
	a.announce(0, "w1", "east", true)
	a.announce(10*time.Second, "w2", "east", true)
	a.withdraw(20*time.Second, "w2", true)
	a.announce(30*time.Second, "w1", "east", true) // it was not lost
	a.withdraw(2*time.Minute, "w1", true)
	require.Equal(t, 2*time.Minute, a.run().Round(time.Second))
}

func TestAnnouncementsThatAreRefused(t *testing.T) {
	t.Parallel()
	a := newAccountRun(t)
	for i, c := range []struct {
		in   activities.Announcement
		want string
	}{
		{activities.Announcement{Account: "other", Worker: "w"}, "this record is of"},
		{activities.Announcement{Account: "prod"}, "names no worker"},
		{activities.Announcement{Account: "prod", Worker: "w", About: activities.AccountInfo{Namespaces: make([]string, activities.MaxNamespaces+1)}}, "at most 1000"},
	} {
		a.env.RegisterDelayedCallback(func() {
			a.env.UpdateWorkflow(activities.AnnounceUpdate, fmt.Sprint(i), &testsuite.TestUpdateCallback{
				OnReject: func(err error) { require.ErrorContains(t, err, c.want) },
				OnAccept: func() { t.Error("it should be refused: " + c.want) },
			}, c.in)
		}, time.Second)
	}
	require.Equal(t, 7*24*time.Hour, a.run(), "a record that nobody announces ends")
}

func TestAccountContinuesAsNew(t *testing.T) {
	t.Parallel()
	a := newAccountRun(t)
	a.announce(time.Second, "w1", "east", true)
	a.env.RegisterDelayedCallback(func() { a.env.SetContinueAsNewSuggested(true) }, 2*time.Second)
	a.announce(3*time.Second, "w3", "east", true)
	a.env.ExecuteWorkflow(activities.AccountWorkflow, activities.AccountRecord{Account: "prod"})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, a.env.GetWorkflowError(), &again)
	var next activities.AccountRecord
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	require.Equal(t, []string{"w1", "w3"}, workersOf(next))
	require.Equal(t, "east", next.Cluster)
}

// The record of a thousand long namespaces stays in Temporal's history.
func TestRecordIsSmall(t *testing.T) {
	t.Parallel()
	r := activities.AccountRecord{Account: "prod", Cluster: "c"}
	for i := range activities.MaxNamespaces {
		r.About.Namespaces = append(r.About.Namespaces, fmt.Sprintf("team-%04d-some-longer-namespace-name-for-an-environment", i*7919%10007))
	}
	for i := range 20 {
		r.Workers = append(r.Workers, activities.AccountWorker{Worker: fmt.Sprintf("1@agent-%d/abcdef", i), Health: activities.AccountHealth{Reachable: true, ServerVersion: "v1.37.2"}})
	}
	codec, err := payload.NewCodec(nil)
	require.NoError(t, err)
	p, err := payload.NewDataConverter(codec).ToPayload(r)
	require.NoError(t, err)
	require.Less(t, len(p.GetData()), 32<<10)
}

// What an account's record wrote on a real server replays, and reads without a
// worker.
func TestAccountOnARealServer(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	l := newLive(t, w)
	name := "account-" + rand.Text()
	start := func(in activities.Announcement) activities.Verdict {
		in.Account, in.LeaseSeconds = name, 600
		operation := l.Client.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
			ID: activities.AccountID(name), TaskQueue: l.Queue, WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		}, activities.AccountWorkflow, activities.AccountRecord{Account: name})
		handle, err := l.Client.UpdateWithStartWorkflow(t.Context(), client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: operation,
			UpdateOptions:          client.UpdateWorkflowOptions{UpdateName: activities.AnnounceUpdate, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted},
		})
		require.NoError(t, err)
		var v activities.Verdict
		require.NoError(t, handle.Get(t.Context(), &v))
		return v
	}
	require.True(t, start(activities.Announcement{Worker: "w1", Cluster: "east"}).Accepted)
	require.False(t, start(activities.Announcement{Worker: "w2", Cluster: "west"}).Accepted)
	require.True(t, start(activities.Announcement{Worker: "w3", Cluster: "east"}).Accepted)
	withdraw := func(worker string, removed bool) {
		require.NoError(t, l.Client.SignalWorkflow(t.Context(), activities.AccountID(name), "", activities.WithdrawSignal, activities.Withdrawal{Worker: worker, Removed: removed}))
	}
	withdraw("w1", false)
	withdraw("w3", true)
	require.NoError(t, l.Client.GetWorkflow(t.Context(), activities.AccountID(name), "").Get(t.Context(), nil))
	h := l.History(activities.AccountID(name))
	require.NoError(t, replay(t, everyType, w, h))
	keep(t, "account", h)
}
