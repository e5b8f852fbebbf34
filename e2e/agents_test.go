package e2e

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/internal/testkit/testcluster"
	"github.com/gennaker/gennaker/pipeline"
)

// fleet is a system with two clusters, each of which only an agent of its own
// reaches.
type fleet struct {
	*world
	t *testing.T
	// east is the system's cluster, west another.
	east, west     kubernetes.Interface
	eastNS, westNS string
	// The accounts, whose names nothing but the agents' own files hold.
	eastAccount, westAccount string
	// The clusters' kubeconfigs and addresses.
	eastConfig, westConfig   string
	eastAddress, westAddress string
}

func newFleet(t *testing.T, ctx context.Context) *fleet {
	t.Helper()
	f := &fleet{world: newWorld(t, ctx), t: t}
	second := testcluster.Get(t)
	client, err := kubernetes.NewForConfig(second.Config(t))
	require.NoError(t, err)
	server, err := url.Parse(second.Config(t).Host)
	require.NoError(t, err)
	tag := strings.ToLower(rand.Text()[:6])
	f.east, f.eastNS, f.eastAccount, f.eastAddress = f.Cluster.Client, f.Namespace, "east-"+tag, f.APIServerAddress()
	f.west, f.westNS, f.westAccount, f.westAddress = client, second.Namespace(t), "west-"+tag, server.Host
	// Who deletes an application asks every account, and these answer nobody after
	// the test.
	f.forget(f.eastAccount, f.westAccount)
	f.eastConfig, f.westConfig = f.copied(f.Cluster.Kubeconfig), f.copied(second.Kubeconfig)
	return f
}

// forget lets accounts be forgotten at the test's end.
func (f *fleet) forget(accounts ...string) {
	f.t.Cleanup(func() {
		for _, account := range accounts {
			// One that was never announced has no record.
			_ = f.Temporal.TerminateWorkflow(context.Background(), "account."+account, "", "the test is over")
		}
	})
}

// copied is a copy of a kubeconfig, as an agent would have it.
func (f *fleet) copied(path string) string {
	f.t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(f.t, err)
	own := filepath.Join(f.t.TempDir(), "kubeconfig")
	require.NoError(f.t, os.WriteFile(own, text, 0o600))
	return own
}

// agent starts an agent and stops it with the test.
func (f *fleet) agent(ctx context.Context, name, account, kubeconfig string) *harness.Server {
	f.t.Helper()
	one, err := f.Agent(ctx, name, map[string]any{"name": account, "kubeconfigFile": kubeconfig})
	require.NoError(f.t, err)
	f.t.Cleanup(one.Kill)
	return one
}

func (f *fleet) health(ctx context.Context, account string) pipeline.Map {
	var h pipeline.Map
	if err := f.Gate.Call(ctx, "GET", "/credentials/"+account+"/health", nil, &h); err != nil {
		return pipeline.Map{"status": err.Error()}
	}
	return h
}

func (f *fleet) untilHealth(ctx context.Context, account, what string, condition func(pipeline.Map) bool) {
	f.t.Helper()
	require.NoError(f.t, harness.Until(ctx, "account "+account+" being "+what, func(ctx context.Context) (bool, error) {
		return condition(f.health(ctx, account)), nil
	}), "%v", f.health(f.t.Context(), account))
}

func up(h pipeline.Map) bool { return h.String("status") == "UP" }

// stage deploys a Deployment named for it to an account.
func stage(ref, after, account, namespace, name string, data map[string]any) map[string]any {
	manifest := map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name, "namespace": namespace},
		"spec": map[string]any{
			"replicas": 2, "selector": map[string]any{"matchLabels": map[string]any{"app": name}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": name}},
				"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": "nginx:1"}}}},
		},
	}
	if data != nil {
		manifest = map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": namespace}, "data": data}
	}
	out := map[string]any{"refId": ref, "name": name, "type": "deployManifest", "cloudProvider": "kubernetes", "account": account,
		"moniker": map[string]any{"app": "e2e"}, "manifests": []any{manifest}}
	if after != "" {
		out["requisiteStageRefIds"] = []any{after}
	}
	return out
}

func (f *fleet) start(ctx context.Context, name string, stages ...any) string {
	f.t.Helper()
	_, err := f.Gate.Save(ctx, pipeline.Map{"application": f.Application, "name": name, "stages": stages})
	require.NoError(f.t, err)
	id, err := f.Gate.Start(ctx, f.Application, name, nil)
	require.NoError(f.t, err)
	return id
}

func (f *fleet) run(ctx context.Context, name string, stages ...any) *pipeline.Execution {
	f.t.Helper()
	e, err := f.Gate.AwaitEnd(ctx, f.start(ctx, name, stages...))
	require.NoError(f.t, err)
	return e
}

// TestAgents: one pipeline deploys to two clusters that nothing but an agent
// inside each reaches; the agents dial out to Temporal and open no port.
func TestAgents(t *testing.T) {
	ctx := within(t, 6*time.Minute)
	f := newFleet(t, ctx)
	e := f.run(ctx, "early", stage("1", "", f.eastAccount, f.eastNS, "early", nil))
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, harness.Errors(e.Stages[0]), `There is no account named "`+f.eastAccount+`"`)

	east := f.agent(ctx, f.eastAccount, f.eastAccount, f.eastConfig)
	west := f.agent(ctx, f.westAccount, f.westAccount, f.westConfig)
	f.untilHealth(ctx, f.eastAccount, "up", up)
	f.untilHealth(ctx, f.westAccount, "up", up)
	e = f.run(ctx, "both", stage("1", "", f.eastAccount, f.eastNS, "web-east", nil), stage("2", "1", f.westAccount, f.westNS, "web-west", nil))
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))
	for _, c := range []struct {
		client    kubernetes.Interface
		namespace string
		want      string
	}{{f.east, f.eastNS, "web-east"}, {f.west, f.westNS, "web-west"}} {
		list, err := c.client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{FieldSelector: "metadata.namespace=" + c.namespace})
		require.NoError(t, err)
		require.Len(t, list.Items, 1)
		require.Equal(t, c.want, list.Items[0].Name)
		require.EqualValues(t, 2, list.Items[0].Status.ReadyReplicas)
	}

	// Gate tells of the accounts what the agents told.
	var account pipeline.Map
	require.NoError(t, f.Gate.Call(ctx, "GET", "/credentials/"+f.westAccount, nil, &account))
	require.Contains(t, account.Strings("namespaces"), f.westNS)
	require.NotContains(t, account, "kubeconfigFile")
	out, err := exec.CommandContext(ctx, f.Binary(), "account", "get", f.westAccount, "--gate-url="+f.Gate.Base).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Regexp(t, `(?m)^status +UP$`, string(out))

	// What runs there is seen too, though the agents reach no Redis to mirror it.
	require.NoError(t, harness.Until(ctx, "what runs on both accounts being seen", func(ctx context.Context) (bool, error) {
		var groups []struct{ Account, Cluster string }
		if err := f.Gate.Call(ctx, "GET", "/applications/e2e/serverGroups", nil, &groups); err != nil {
			return false, err
		}
		seen := map[string]string{}
		for _, g := range groups {
			seen[g.Account] = g.Cluster
		}
		return seen[f.eastAccount] == "deployment web-east" && seen[f.westAccount] == "deployment web-west", nil
	}))

	for _, c := range []struct {
		agent   *harness.Server
		cluster string
	}{{east, f.eastAddress}, {west, f.westAddress}} {
		connected, listening, err := c.agent.Sockets()
		require.NoError(t, err)
		require.Contains(t, connected, f.TemporalAddress())
		require.Empty(t, listening, "%s: nothing dials in", c.agent.Name())
		for _, address := range connected {
			require.Contains(t, []string{f.TemporalAddress(), c.cluster}, address, "%s reaches Temporal and its own cluster", c.agent.Name())
		}
	}

	// What is too large for Temporal needs an object store, which an agent has none of.
	noise := make([]byte, 150<<10)
	_, _ = rand.Read(noise) // it never fails
	e = f.run(ctx, "large", stage("1", "", f.eastAccount, f.eastNS, "large", map[string]any{"noise": hex.EncodeToString(noise)}))
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, harness.Errors(e.Stages[0]), "this worker has no object store")

	// One that is given Redis mirrors there what runs.
	west.Kill()
	mirroring, err := f.MirroringAgent(ctx, f.westAccount+"-mirroring", map[string]any{"name": f.westAccount, "kubeconfigFile": f.westConfig})
	require.NoError(t, err)
	t.Cleanup(mirroring.Kill)
	require.NoError(t, harness.Until(ctx, "the account being mirrored", func(ctx context.Context) (bool, error) {
		var groups []any
		if err := f.Gate.Call(ctx, "GET", "/applications/e2e/serverGroups", nil, &groups); err != nil {
			return false, err
		}
		var watch pipeline.Map
		err := f.Gate.Call(ctx, "GET", "/credentials/"+f.westAccount+"/watch", nil, &watch)
		return err == nil && watch.Bool("synced"), nil
	}))
}

// TestAgentsThatDie: an agent that is killed while its stage waits goes on where
// it was, and one for another cluster under the same name is refused meanwhile.
func TestAgentsThatDie(t *testing.T) {
	ctx := within(t, 6*time.Minute)
	f := newFleet(t, ctx)
	first := f.agent(ctx, f.eastAccount, f.eastAccount, f.eastConfig)
	f.untilHealth(ctx, f.eastAccount, "up", up)
	id := f.start(ctx, "slow", map[string]any{"refId": "1", "name": "slow", "type": "deployManifest", "cloudProvider": "kubernetes", "account": f.eastAccount,
		"moniker": map[string]any{"app": "e2e"}, "manifests": []any{map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "slow", "namespace": f.eastNS},
			"spec": map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": "slow"}},
				"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": "slow"}, "annotations": map[string]any{"local.gennaker.io/ready-after": "1h"}},
					"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": "nginx:1"}}}}},
		}}})
	_, err := f.Gate.AwaitTask(ctx, id, "slow", "waitForManifestToStabilize")
	require.NoError(t, err)

	impostor := f.agent(ctx, f.eastAccount+"-impostor", f.eastAccount, f.westConfig)
	f.untilHealth(ctx, f.eastAccount, "claimed by another", func(h pipeline.Map) bool { return len(h.List("refused")) == 1 })
	h := f.health(ctx, f.eastAccount)
	require.True(t, up(h), "%v", h)
	require.Contains(t, h.String("message"), "Name one of the two accounts differently")
	impostor.Kill()

	first.Kill()
	require.NoError(t, f.Cluster.MakeReady(ctx, f.eastNS, "slow"))
	require.NoError(t, first.Start(ctx))
	e, err := f.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))

	// The account is renamed in the agent's file; nothing is restarted.
	renamed := f.eastAccount + "-b"
	f.forget(renamed)
	require.NoError(t, f.ConfigureAgent(f.eastAccount, map[string]any{"name": renamed, "kubeconfigFile": f.eastConfig}))
	f.untilHealth(ctx, renamed, "up", up)
	e = f.run(ctx, "renamed", stage("1", "", renamed, f.eastNS, "renamed", nil))
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))
}
