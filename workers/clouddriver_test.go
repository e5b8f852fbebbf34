package workers_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/activities/directory"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/internal/testkit/testcluster"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workers"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// patience is how long a test waits for what should come about.
const patience = 60 * time.Second

// rig is a Temporal with the workers of accounts' records.
type rig struct {
	*testing.T
	client client.Client
	queue  string
}

// agent is a process that serves accounts.
type agent struct {
	*rig
	name      string
	accounts  *clouddriver.Accounts
	directory *directory.Directory
	stop      func()
	log       *strings.Builder
}

func dial(t *testing.T, identity string) (client.Client, func(known directory.Known, queue string) *directory.Directory) {
	t.Helper()
	server := testkit.SharedTemporal(t)
	codec, err := payload.NewCodec(nil)
	require.NoError(t, err)
	dc := payload.NewDataConverter(codec)
	c, err := client.Dial(client.Options{
		HostPort: server.Address, Namespace: server.Namespace, DataConverter: dc, Identity: identity,
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, func(known directory.Known, queue string) *directory.Directory {
		return directory.New(c, queue, dc, known)
	}
}

func newRig(t *testing.T) *rig {
	t.Helper()
	c, _ := dial(t, "orca")
	r := &rig{T: t, client: c, queue: "orca-" + rand.Text()}
	engine, err := workflows.NewEngine(nil, workflowstest.NewWorld())
	require.NoError(t, err)
	orca := worker.New(c, r.queue, worker.Options{})
	engine.Register(orca)
	orca.RegisterWorkflowWithOptions(func(ctx workflow.Context, in activities.DeployManifestInput) (activities.DeployManifestOutput, error) {
		return activities.DeployManifest.Do(ctx, in, activities.Options{})
	}, workflow.RegisterOptions{Name: "deploy"})
	require.NoError(t, orca.Start())
	t.Cleanup(orca.Stop)
	return r
}

// agent starts a process with accounts.
func (r *rig) agent(configs ...clouddriver.Account) *agent {
	r.Helper()
	a := &agent{rig: r, name: "agent-" + strings.ToLower(rand.Text()[:6]), log: &strings.Builder{}}
	c, open := dial(r.T, a.name)
	var err error
	a.accounts, err = clouddriver.NewAccounts(configs)
	require.NoError(r, err)
	a.directory = open(a.accounts, r.queue)
	w, err := workers.New(workers.Config{
		Roles: []string{workers.RoleClouddriver}, MaxActivities: 50, MaxWorkflowTasks: 10, CachedWorkflows: 10, StopTimeout: time.Second,
		DrainTimeout: 20 * time.Second, AnnounceInterval: time.Second, UnservedTimeout: time.Minute, WindowZone: "UTC",
	}, workers.Dependencies{
		Temporal: c, Accounts: a.accounts, Directory: a.directory, Identity: a.name, Version: "test",
		Logger: slog.New(slog.NewTextHandler(&locked{w: a.log}, nil)),
	})
	require.NoError(r, err)
	ctx, cancel := context.WithCancel(r.Context())
	var over sync.WaitGroup
	over.Go(func() { _ = w.Run(ctx) })
	a.stop = func() { cancel(); over.Wait() }
	r.Cleanup(a.stop)
	return a
}

type locked struct {
	mu sync.Mutex
	w  *strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// deploy starts a deployment of a ConfigMap to an account's queue.
func (r *rig) deploy(account, namespace, name string) client.WorkflowRun {
	r.Helper()
	run, err := r.client.ExecuteWorkflow(r.Context(), client.StartWorkflowOptions{TaskQueue: r.queue}, "deploy", activities.DeployManifestInput{
		Scope: activities.Scope{Application: "shop", Execution: rand.Text(), Stage: "s", Task: "deployManifest"}, Account: account,
		Manifests: []pipeline.Map{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{
			"name": name, "namespace": namespace, "annotations": map[string]any{"strategy.spinnaker.io/versioned": "false"},
		}}},
	})
	require.NoError(r, err)
	return run
}

func (a *agent) record(account string) activities.AccountRecord {
	a.Helper()
	record, err := a.directory.Record(a.Context(), account)
	if pipeline.CodeOf(err) == pipeline.CodeNotFound && err != nil {
		return activities.AccountRecord{}
	}
	require.NoError(a, err)
	return record
}

func (a *agent) until(what string, condition func() bool) {
	a.Helper()
	require.Eventually(a, condition, patience, 50*time.Millisecond, what)
}

func unique(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()[:8]) }

func TestAccountsComeAndGoWithoutARestart(t *testing.T) {
	t.Parallel()
	cluster := testcluster.Get(t)
	namespace := cluster.Namespace(t)
	r := newRig(t)
	one, two := unique("one"), unique("two")
	first := clouddriver.Account{Name: one, KubeconfigFile: cluster.Kubeconfig}
	a := r.agent(first)
	require.NoError(t, r.deploy(one, namespace, "a").Get(t.Context(), nil))
	record := a.record(one)
	require.NotEmpty(t, record.Cluster)
	require.Equal(t, a.name, record.Workers[0].Worker)
	require.True(t, record.Workers[0].Health.Reachable)
	require.Contains(t, record.About.Namespaces, namespace)

	waiting := r.deploy(two, namespace, "b") // nobody serves the account yet
	require.NoError(t, a.accounts.Configure([]clouddriver.Account{first, {Name: two, KubeconfigFile: cluster.Kubeconfig, Environment: "x"}}))
	require.NoError(t, waiting.Get(t.Context(), nil))
	require.Equal(t, "x", a.record(two).About.Environment)
	require.NoError(t, a.accounts.Configure([]clouddriver.Account{first, {Name: two, KubeconfigFile: cluster.Kubeconfig, Environment: "y"}}))
	a.until("a change is announced", func() bool { return a.record(two).About.Environment == "y" })

	require.NoError(t, a.accounts.Configure([]clouddriver.Account{{Name: two, KubeconfigFile: cluster.Kubeconfig}}))
	a.until("the removed account's record ends", func() bool { return a.record(one).Account == "" })
	require.NoError(t, r.deploy(two, namespace, "c").Get(t.Context(), nil))
	a.stop()
	a.until("a worker that stops says so", func() bool { return len(a.record(two).Workers) == 0 })
	require.Equal(t, a.name, a.record(two).LastWorker)
}

func TestRunningActivitiesOfARemovedAccountEnd(t *testing.T) {
	t.Parallel()
	cluster := testcluster.Get(t)
	namespace := cluster.Namespace(t)
	proxy := newProxy(t, cluster.Config(t))
	r := newRig(t)
	name := unique("slow")
	a := r.agent(clouddriver.Account{Name: name, KubeconfigContents: proxy.kubeconfig(namespace)})
	require.NoError(t, r.deploy(name, namespace, "before").Get(t.Context(), nil))
	held := proxy.hold()
	run := r.deploy(name, namespace, "held")
	select {
	case <-held:
	case <-time.After(patience):
		t.Fatal("the deployment reaches the cluster")
	}
	require.NoError(t, a.accounts.Configure(nil))
	a.until("the account is withdrawn", func() bool { return a.record(name).Account == "" })
	proxy.release()
	require.NoError(t, run.Get(t.Context(), nil), "what ran when the account was removed ends")
}

func TestTwoClustersUnderOneName(t *testing.T) {
	t.Parallel()
	cluster := testcluster.Get(t)
	namespace := cluster.Namespace(t)
	other := newProxy(t, cluster.Config(t))
	other.uid.Store("another-cluster")
	r := newRig(t)
	name := unique("prod")
	a := r.agent(clouddriver.Account{Name: name, KubeconfigFile: cluster.Kubeconfig})
	require.NoError(t, r.deploy(name, namespace, "a").Get(t.Context(), nil))

	b := r.agent(clouddriver.Account{Name: name, KubeconfigContents: other.kubeconfig(namespace)})
	b.until("the second is refused", func() bool { return len(b.record(name).Refused) == 1 })
	refused := b.record(name).Refused[0]
	require.Equal(t, b.name, refused.Worker)
	require.Contains(t, refused.Reason, "which "+a.name+" serves")
	pollers, err := b.directory.Pollers(t.Context(), activities.ClouddriverQueue(name))
	require.NoError(t, err)
	require.Equal(t, []string{a.name}, pollers, "a worker that is refused polls nothing")

	a.stop()
	b.until("the name goes over once it is free", func() bool { return b.record(name).Cluster == "another-cluster" })
	require.NoError(t, r.deploy(name, namespace, "b").Get(t.Context(), nil))
}

// Idle accounts cost next to nothing.
func TestIdleAccountsAreQuiet(t *testing.T) {
	t.Parallel()
	cluster := testcluster.Get(t)
	namespace := cluster.Namespace(t)
	proxy := newProxy(t, cluster.Config(t))
	r := newRig(t)
	name := unique("idle")
	a := r.agent(clouddriver.Account{Name: name, KubeconfigContents: proxy.kubeconfig(namespace), Namespaces: []string{namespace}})
	a.until("it is announced", func() bool { return len(a.record(name).Workers) == 1 })
	first := a.record(name).Workers[0].Until
	before := proxy.requests.Load()
	a.until("it is announced again", func() bool {
		w := a.record(name).Workers
		return len(w) == 1 && w[0].Until > first
	})
	require.LessOrEqual(t, proxy.requests.Load()-before, int64(2), "one look is one request")
}
