package clouddriver

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/gennaker/gennaker/activities"
)

// crasher ends a process's work at its nth request: before the server gets it,
// or after the server did it and before the answer is read. Discovery is not
// counted.
type crasher struct {
	next  http.RoundTripper
	at    int64
	after bool
	die   context.CancelFunc
	count *atomic.Int64
}

func (c *crasher) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path == "/api" || req.URL.Path == "/apis" || c.count.Add(1) != c.at {
		return c.next.RoundTrip(req)
	}
	if c.after {
		res, err := c.next.RoundTrip(req.WithContext(context.WithoutCancel(req.Context())))
		if err == nil {
			_ = res.Body.Close()
		}
	}
	c.die()
	return nil, context.Canceled
}

// crashEverywhere runs call once for each request that it makes, crashing
// there, and each time again without a crash. It checks after each pair.
func (r *rig) crashEverywhere(t *testing.T, prepare func(), call func(context.Context, *Clouddriver) error, check func(point string)) {
	t.Helper()
	const most = 60
	for point := int64(1); point <= most; point++ {
		for _, after := range []bool{false, true} {
			prepare()
			ctx, die := context.WithCancel(t.Context())
			c := &crasher{at: point, after: after, die: die, count: &atomic.Int64{}}
			victim := clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig})
			acc, err := victim.accounts.find(testAccount)
			require.NoError(t, err)
			acc.wrap = func(rt http.RoundTripper) http.RoundTripper { c.next = rt; return c }
			err = call(ctx, victim)
			die()
			if c.count.Load() < point {
				require.NoError(t, err)
				require.Greater(t, point, int64(1), "no request was seen")
				return
			}
			require.ErrorIs(t, err, context.Canceled)
			require.NoError(t, call(t.Context(), r.Clouddriver))
			check(map[bool]string{false: "before", true: "after"}[after] + " request " + versionText(int(point)))
		}
	}
	t.Fatalf("more than %d requests", most)
}

func (r *rig) names(t *testing.T, kind string) []string {
	t.Helper()
	cl, o := r.object(t, kind+" x")
	list, err := cl.list(t.Context(), o.resource, r.namespace, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=spinnaker"})
	require.NoError(t, err)
	var out []string
	for _, item := range list.Items {
		out = append(out, item.GetName())
	}
	return out
}

func (r *rig) clear(t *testing.T, kinds ...string) {
	t.Helper()
	in := r.deletion("")
	in.Kinds = kinds
	in.LabelSelectors.Selectors = []activities.LabelSelector{{Kind: "EXISTS", Key: "app.kubernetes.io/managed-by"}}
	_, err := r.DeleteManifest(t.Context(), in)
	require.NoError(t, err)
}

func TestDeployAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := confAndWeb + `
---
apiVersion: v1
kind: ServiceAccount
metadata: {generateName: robot-, namespace: NS}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: set, namespace: NS}
spec: {replicas: 0, selector: {matchLabels: {app: set}}, template: {metadata: {labels: {app: set}}, spec: {containers: [{name: a, image: i}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: svc, namespace: NS, annotations: {strategy.spinnaker.io/recreate: "true"}}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: ssa, namespace: NS, annotations: {strategy.spinnaker.io/server-side-apply: "true"}}
spec: {ports: [{port: 80}]}
`
	var in activities.DeployManifestInput
	r.crashEverywhere(t,
		func() {
			r.clear(t, "configMap", "replicaSet", "serviceAccount", "deployment")
			in = r.input(t, text)
		},
		func(ctx context.Context, c *Clouddriver) error {
			_, err := c.DeployManifest(ctx, in)
			return err
		},
		func(point string) {
			require.Equal(t, []string{"conf-v000"}, r.names(t, "configMap"), point)
			require.Len(t, r.names(t, "serviceAccount"), 1, point)
			require.Len(t, r.names(t, "service"), 2, point)
			sets := strings.Join(r.names(t, "replicaSet"), " ")
			require.Contains(t, sets, "set-v000", point)
			require.NotContains(t, sets, "set-v001", point)
			require.Equal(t, "conf-v000", boundConfigMap(t, r), point)
		})
}

func TestRunJobAfterACrashAnywhereRunsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cl, o := r.object(t, "job migrate")
	watched, err := cl.client(o.resource, r.namespace).Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	defer watched.Stop()
	var in activities.RunJobInput
	r.crashEverywhere(t,
		func() { in = r.job(t, migrateJob) }, // the job of the call before is there
		func(ctx context.Context, c *Clouddriver) error {
			_, err := c.runJob(ctx, in) // without RunJob's grace, which a crash does not give
			return err
		},
		func(point string) {
			added := 0
			deadline := time.After(10 * time.Second)
			uid := r.live(t, "job migrate").GetUID()
			for seen := false; !seen; {
				select {
				case event := <-watched.ResultChan():
					meta, ok := event.Object.(metav1.Object)
					if ok && event.Type == watch.Added {
						added++
						seen = meta.GetUID() == uid
					}
				case <-deadline:
					t.Fatal("the job was not seen")
				}
			}
			require.Equal(t, 1, added, point)
		})
}

func TestDeleteAfterACrashSparesItsSuccessor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, threeConfigs)
	in := r.deletion("serviceAccount a")
	old := r.live(t, "serviceAccount a")
	_, o := r.object(t, "serviceAccount a")
	beats := make(chan []doomed, 10)
	env := activityEnvironment(r)
	env.SetOnActivityHeartbeatListener(listen(beats))
	execute(t, env, activities.DeleteManifest, in)
	require.Equal(t, old.GetUID(), (<-beats)[0].UID, "what is to be deleted is recorded before it is")
	r.deploy(t, threeConfigs) // someone makes it anew before the retry
	fresh := r.live(t, "serviceAccount a")

	env = activityEnvironment(r)
	env.SetHeartbeatDetails([]doomed{doom(o.resource, old)})
	out := execute(t, env, activities.DeleteManifest, in)
	require.Equal(t, map[string][]string{r.namespace: {"serviceAccount a"}}, out.ManifestNamesByNamespace)
	require.Equal(t, fresh.GetUID(), r.live(t, "serviceAccount a").GetUID())
}

func TestDeployGoesOnFromItsHeartbeat(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const robots = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: NS}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: b, namespace: NS}\n"
	in := r.input(t, robots)
	execute(t, activityEnvironment(r), activities.DeployManifest, in)
	r.patchAs(t, "someone", "serviceAccount a", `{"metadata":{"labels":{"app.kubernetes.io/name":"changed"}}}`)
	all := []sentManifest{}
	for i, name := range []string{"a", "b"} {
		live := r.live(t, "serviceAccount "+name)
		all = append(all, sentManifest{Index: i, Namespace: r.namespace, Name: name, UID: string(live.GetUID())})
	}
	env := activityEnvironment(r)
	env.SetHeartbeatDetails(all[:1])
	out := execute(t, env, activities.DeployManifest, in)
	require.Len(t, out.Manifests, 2)
	require.Equal(t, "changed", r.live(t, "serviceAccount a").GetLabels()["app.kubernetes.io/name"], "what was sent is not sent again")

	all[0].UID = "another"
	env = activityEnvironment(r)
	env.SetHeartbeatDetails(all)
	execute(t, env, activities.DeployManifest, in)
	require.Equal(t, "shop", r.live(t, "serviceAccount a").GetLabels()["app.kubernetes.io/name"], "what is another object by now is")
}

func TestJobThatIsGoneIsNotRunAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := r.job(t, strings.Replace(migrateJob, "backoffLimit: 0", "backoffLimit: 0\n  ttlSecondsAfterFinished: 0", 1))
	beats := make(chan []sentManifest, 10)
	env := activityEnvironment(r)
	env.SetOnActivityHeartbeatListener(listen(beats))
	first := execute(t, env, activities.RunJob, in)
	sent := <-beats
	require.Len(t, sent, 1, "the first heartbeat tells that the job was made")
	require.Eventually(t, func() bool { return r.live(t, "job migrate") == nil }, 20*time.Second, 50*time.Millisecond)

	env = activityEnvironment(r)
	env.SetHeartbeatDetails(sent)
	again := execute(t, env, activities.RunJob, in)
	require.Equal(t, first.Name, again.Name)
	require.Equal(t, first.ManifestNamesByNamespace, again.ManifestNamesByNamespace)
	require.Nil(t, r.live(t, "job migrate"))
}
