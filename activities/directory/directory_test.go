package directory_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/directory"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// configured are the accounts of a process's own configuration.
type configured []string

func (c configured) Names() []string { return append([]string{}, c...) }

func (c configured) FindAccount(_ context.Context, in activities.FindAccountInput) (activities.FindAccountOutput, error) {
	for _, name := range c {
		if name == in.Account {
			return activities.FindAccountOutput{Account: name, CloudProvider: "kubernetes"}, nil
		}
	}
	return activities.FindAccountOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "not here")
}

// world is a Temporal with a worker of accounts' records.
type world struct {
	client.Client
	*directory.Directory
	queue string
}

func newWorld(t *testing.T, known directory.Known) *world {
	t.Helper()
	server := testkit.SharedTemporal(t)
	codec, err := payload.NewCodec(nil)
	require.NoError(t, err)
	dc := payload.NewDataConverter(codec)
	c, err := client.Dial(client.Options{
		HostPort: server.Address, Namespace: server.Namespace, DataConverter: dc, Identity: "me",
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	queue := "orca-" + rand.Text()
	engine, err := workflows.NewEngine(nil, workflowstest.NewWorld())
	require.NoError(t, err)
	orca := worker.New(c, queue, worker.Options{})
	engine.Register(orca)
	require.NoError(t, orca.Start())
	t.Cleanup(orca.Stop)
	return &world{Client: c, Directory: directory.New(c, queue, dc, known), queue: queue}
}

func announcement(account, worker, cluster string) activities.Announcement {
	return activities.Announcement{
		Account: account, Worker: worker, Cluster: cluster, LeaseSeconds: 600,
		About:  activities.AccountInfo{CloudProvider: "kubernetes", Environment: "test", Namespaces: []string{"shop"}},
		Health: activities.AccountHealth{Reachable: true, ServerVersion: "v1.37.2"},
	}
}

func TestAnnouncedAccountsAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, configured{"here"})
	name := "acc-" + strings.ToLower(rand.Text()[:10])
	find := func(account string) error {
		_, err := w.FindAccount(t.Context(), activities.FindAccountInput{Account: account})
		return err
	}
	require.NoError(t, find("here"))
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(find(name)))

	for worker, want := range map[string]bool{"w1": true, "w2": true} {
		v, err := w.Announce(t.Context(), announcement(name, worker, "east"))
		require.NoError(t, err)
		require.Equal(t, want, v.Accepted)
	}
	v, err := w.Announce(t.Context(), announcement(name, "w3", "west"))
	require.NoError(t, err)
	require.False(t, v.Accepted)
	require.Contains(t, v.Reason, "w1, w2 serves")

	require.NoError(t, find(name), "the record is there as soon as the announcement is answered")
	r, err := w.Record(t.Context(), name)
	require.NoError(t, err)
	require.Equal(t, "east", r.Cluster)
	require.Equal(t, []string{"shop"}, r.About.Namespaces)
	require.Len(t, r.Live(pipeline.ToMillis(time.Now())), 2)
	require.Len(t, r.Refused, 1)
	require.Eventually(t, func() bool {
		records, err := w.Records(t.Context())
		require.NoError(t, err)
		for _, one := range records {
			if one.Account == name {
				return len(one.Workers) == 2
			}
		}
		return false
	}, 20*time.Second, 100*time.Millisecond)
	listed, err := w.ListAccounts(t.Context(), activities.ListAccountsInput{})
	require.NoError(t, err)
	require.Subset(t, listed.Accounts, []string{"here", name})
	require.IsIncreasing(t, listed.Accounts)
	err = find("acc")
	require.ErrorContains(t, err, name)
	require.ErrorContains(t, err, "here")

	require.NoError(t, w.Withdraw(t.Context(), name, activities.Withdrawal{Worker: "w1"}))
	require.NoError(t, w.Withdraw(t.Context(), name, activities.Withdrawal{Worker: "w2", Removed: true}))
	require.Eventually(t, func() bool { return pipeline.CodeOf(find(name)) == pipeline.CodeNotFound }, 20*time.Second, 50*time.Millisecond)
	require.NoError(t, w.Withdraw(t.Context(), name, activities.Withdrawal{Worker: "w2", Removed: true}), "it is gone already")

	v, err = w.Announce(t.Context(), announcement(name, "w3", "west"))
	require.NoError(t, err)
	require.True(t, v.Accepted, "a name that nobody has may be taken")
}

func TestWorkersOfAQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, configured{})
	name := "acc-" + strings.ToLower(rand.Text()[:10])
	in := activities.FindWorkersInput{Queue: activities.ClouddriverQueue(name)}
	out, err := w.FindWorkers(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, out.Workers)
	require.Empty(t, out.LastWorker)

	_, err = w.Announce(t.Context(), announcement(name, "w1", "east"))
	require.NoError(t, err)
	polling := worker.New(w.Client, in.Queue, worker.Options{DisableWorkflowWorker: true})
	activities.RegisterAccounts(polling, w)
	require.NoError(t, polling.Start())
	t.Cleanup(polling.Stop)
	require.Eventually(t, func() bool {
		out, err = w.FindWorkers(t.Context(), in)
		return err == nil && len(out.Workers) == 1
	}, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, []string{"me"}, out.Workers)
	require.Equal(t, "w1", out.LastWorker)
	require.NotZero(t, out.LastSeen)
}

// away is a Temporal that does not answer.
type away struct{ directory.Temporal }

func (away) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	return nil, errors.New("connection refused")
}

func (away) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return nil, errors.New("connection refused")
}

func TestTemporalAway(t *testing.T) {
	t.Parallel()
	d := directory.New(away{}, "orca", nil, configured{"here"})
	_, err := d.Records(t.Context())
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	_, err = d.FindAccount(t.Context(), activities.FindAccountInput{Account: "here"})
	require.NoError(t, err, "a configured account needs no Temporal")
	_, err = d.FindAccount(t.Context(), activities.FindAccountInput{Account: "there"})
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "it may be announced: that it is missing is not known")
}
