package clouddriver

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/testkit/testcluster"
	"github.com/gennaker/gennaker/pipeline"
)

// Faults of an API server, as docs/clusters.md says what happens. The API server
// is a real one, behind a proxy that breaks what passes.

// faulty is a rig whose account leads through a proxy.
func faulty(t *testing.T) (*rig, *testcluster.Proxy) {
	t.Helper()
	r := newRig(t)
	p := r.kubernetes.Proxy(t)
	r.Clouddriver = clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: p.Kubeconfig("")})
	return r, p
}

// straight is the same account without the proxy.
func (r *rig) straight(t *testing.T) *rig {
	t.Helper()
	return &rig{
		Clouddriver: clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig}),
		kubernetes:  r.kubernetes, namespace: r.namespace,
	}
}

// act is one operation, how its write looks from outside, and whether it was done
// exactly once.
type act struct {
	name, verb, path string
	call             func(context.Context) error
	once             func(*testing.T)
}

// acts are the operations that change the cluster, each prepared for a new call
// on objects of its own. look sees the cluster without the proxy.
func (r *rig) acts(t *testing.T, look *rig) []act {
	t.Helper()
	db := strings.NewReplacer("name: db", "name: restarted", "app: db", "app: restarted").Replace(statefulDB)
	named := func(name string) string {
		return strings.NewReplacer("name: web, namespace", "name: "+name+", namespace", "app: web", "app: "+name).Replace(webDeployment)
	}
	for _, name := range []string{"scaled", "patched", "undone"} {
		look.deploy(t, named(name))
	}
	look.deploy(t, db)
	look.revise(t, named("undone"), "nginx:1", "nginx:1", "deployment undone")
	look.revise(t, named("undone"), "nginx:1", "nginx:2", "deployment undone")
	look.revise(t, named("undone"), "nginx:1", "nginx:3", "deployment undone")
	look.deploy(t, "apiVersion: v1\nkind: Service\nmetadata: {name: overwritten, namespace: NS}\nspec: {ports: [{port: 80}]}\n")
	look.deploy(t, strings.Replace(aConfigMap, "name: a", "name: applied", 1))
	look.deploy(t, strings.Replace(aConfigMap, "name: a", "name: doomed", 1))
	_, err := look.RunJob(t.Context(), look.job(t, migrateJob))
	require.NoError(t, err)
	formerJob := look.live(t, "job migrate").GetUID()
	generation := look.live(t, "statefulSet restarted").GetGeneration()

	deploying := func(text string) func(context.Context) error {
		in := r.input(t, text)
		return func(ctx context.Context) error { _, err := r.DeployManifest(ctx, in); return err }
	}
	scaling := activities.ScaleManifestInput{ManifestInput: r.target("deployment scaled"), Replicas: 3}
	patching := r.patchOf("deployment patched", "json", patchFields(t, `{"op":"add","path":"/spec/template/spec/containers/0/env/-","value":{"name":"C","value":"3"}}`))
	undoing := activities.UndoRolloutInput{ManifestInput: r.target("deployment undone"), NumRevisionsBack: new(int64(1))}
	restarting := r.target("statefulSet restarted")
	deleting := r.deletion("configMap doomed")
	running := r.job(t, migrateJob)
	var jobs []types.UID
	return []act{
		{"create", "POST", "/serviceaccounts", deploying(plainAccount), func(t *testing.T) {
			t.Helper()
			require.NotNil(t, look.live(t, "serviceAccount robot"))
		}},
		{"create a version", "POST", "/configmaps", deploying("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: counted, namespace: NS}\ndata: {k: v}\n"), func(t *testing.T) {
			t.Helper()
			require.NotNil(t, look.live(t, "configMap counted-v000"))
			require.Nil(t, look.live(t, "configMap counted-v001"))
		}},
		{"create with a generated name", "POST", "/secrets", deploying("apiVersion: v1\nkind: Secret\nmetadata: {generateName: drawn-, namespace: NS, annotations: {strategy.spinnaker.io/versioned: 'false'}}\n"), func(t *testing.T) {
			t.Helper()
			require.Len(t, look.names(t, "secret"), 1)
		}},
		{"apply", "PATCH", "/configmaps/applied", deploying(strings.Replace(strings.Replace(aConfigMap, "name: a", "name: applied", 1), "k: v", "k: w", 1)), func(t *testing.T) {
			t.Helper()
			require.Equal(t, map[string]any{"k": "w"}, look.live(t, "configMap applied").Object["data"])
		}},
		{"replace", "PUT", "/services/overwritten", deploying("apiVersion: v1\nkind: Service\nmetadata: {name: overwritten, namespace: NS, annotations: {strategy.spinnaker.io/replace: 'true'}}\nspec: {ports: [{port: 81}]}\n"), func(t *testing.T) {
			t.Helper()
			require.Equal(t, int64(81), at(look.live(t, "service overwritten").Object, "spec", "ports").([]any)[0].(map[string]any)["port"])
		}},
		{"scale", "PATCH", "/deployments/scaled", func(ctx context.Context) error { _, err := r.ScaleManifest(ctx, scaling); return err }, func(t *testing.T) {
			t.Helper()
			require.Equal(t, int64(3), look.replicas(t, "deployment scaled"))
			require.Equal(t, []string{scaling.Scope.Key()}, doneOperations(look.live(t, "deployment scaled")))
		}},
		{"patch", "PATCH", "/deployments/patched", func(ctx context.Context) error { _, err := r.PatchManifest(ctx, patching); return err }, func(t *testing.T) {
			t.Helper()
			require.Len(t, containers(t, look.live(t, "deployment patched"))[0].(map[string]any)["env"], 3)
		}},
		{"undo", "PATCH", "/deployments/undone", func(ctx context.Context) error { _, err := r.UndoRollout(ctx, undoing); return err }, func(t *testing.T) {
			t.Helper()
			require.Equal(t, "nginx:2", look.image(t, "deployment undone"))
		}},
		{"restart", "PATCH", "/statefulsets/restarted", func(ctx context.Context) error { _, err := r.RollingRestart(ctx, restarting); return err }, func(t *testing.T) {
			t.Helper()
			require.Equal(t, generation+1, look.live(t, "statefulSet restarted").GetGeneration())
		}},
		{"delete", "DELETE", "/configmaps/doomed", func(ctx context.Context) error { _, err := r.DeleteManifest(ctx, deleting); return err }, func(t *testing.T) {
			t.Helper()
			require.Nil(t, look.live(t, "configMap doomed"))
		}},
		{"run a job", "POST", "/jobs", func(ctx context.Context) error {
			_, err := r.RunJob(ctx, running)
			if job := look.live(t, "job migrate"); job != nil && job.GetUID() != formerJob {
				jobs = append(jobs, job.GetUID())
			}
			return err
		}, func(t *testing.T) {
			t.Helper()
			require.NotEmpty(t, jobs)
			for _, uid := range jobs {
				require.Equal(t, jobs[0], uid, "each attempt sees the same job")
			}
		}},
	}
}

func TestFaultConnectionRefused(t *testing.T) {
	t.Parallel()
	r, p := faulty(t)
	for _, a := range r.acts(t, r.straight(t)) {
		p.Stop()
		started := time.Now()
		err := a.call(t.Context())
		requireCode(t, err, pipeline.CodeUnavailable)
		require.ErrorContains(t, err, "does not answer", a.name)
		requireCode(t, a.call(t.Context()), pipeline.CodeUnavailable)
		require.ErrorContains(t, a.call(t.Context()), "refused", "%s, once the broken connections are known", a.name)
		require.Less(t, time.Since(started), requestTimeout/2, a.name)
		p.Start(t)
		require.NoError(t, a.call(t.Context()), a.name)
		a.once(t)
	}
}

// The request is lost on its way there or, worse, the answer on its way back.
func TestFaultConnectionLost(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]testcluster.Fault{"before it arrived": testcluster.Dropped, "after it was done": testcluster.Lost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := faulty(t)
			for _, a := range r.acts(t, r.straight(t)) {
				rule := p.Break(1, testcluster.Requests(a.verb, a.path), fault)
				requireCode(t, a.call(t.Context()), pipeline.CodeUnavailable)
				require.Len(t, rule.Met(), 1, a.name)
				require.NoError(t, a.call(t.Context()), a.name)
				a.once(t)
				require.NoError(t, a.call(t.Context()), a.name)
				a.once(t)
			}
		})
	}
}

// The API server does at once what it is asked, and answers when the request's
// time is over.
func TestFaultLateAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.kubernetes.Proxy(t)
	r.Clouddriver = clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: p.Kubeconfig(""), KubectlRequestTimeoutSeconds: 2})
	for _, a := range r.acts(t, r.straight(t)) {
		late := p.Break(1, testcluster.Requests(a.verb, a.path), testcluster.Late(time.Minute))
		var err error
		for deadline := time.Now().Add(time.Minute); len(late.Met()) == 0 && time.Now().Before(deadline); {
			err = a.call(t.Context()) // on a slow machine other requests may be late too
		}
		requireCode(t, err, pipeline.CodeUnavailable)
		require.ErrorContains(t, err, "did not answer in 2s", a.name)
		require.Len(t, late.Met(), 1, a.name)
		require.Eventually(t, func() bool { return a.call(t.Context()) == nil }, time.Minute, 100*time.Millisecond, a.name)
		a.once(t)
	}
	// A slow answer within the time is an answer.
	r.Clouddriver = clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: p.Kubeconfig("")})
	p.Break(-1, testcluster.Requests("POST", "/serviceaccounts"), testcluster.Late(2*time.Second))
	r.deploy(t, strings.Replace(plainAccount, "robot", "patient", 1))
}

func TestFaultNoAnswerInTheDefaultTime(t *testing.T) {
	t.Parallel()
	r, p := faulty(t)
	r.straight(t).deploy(t, webDeployment)
	p.Break(1, testcluster.Requests("PATCH", "/deployments/web"), testcluster.Late(time.Hour))
	in := activities.ScaleManifestInput{ManifestInput: r.target("deployment web"), Replicas: 3}
	started := time.Now()
	_, err := r.ScaleManifest(t.Context(), in)
	requireCode(t, err, pipeline.CodeUnavailable)
	require.ErrorContains(t, err, "its API server did not answer in 30s")
	require.InDelta(t, requestTimeout.Seconds(), time.Since(started).Seconds(), 10)
	_, err = r.ScaleManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, int64(3), r.straight(t).replicas(t, "deployment web"))
}

// While a slow API server is asked for its kinds, Temporal hears that the
// activity lives; and a deletion's first beat with details holds its choice.
func TestFaultSlowDiscoveryIsNoLostWorker(t *testing.T) {
	t.Parallel()
	r, p := faulty(t)
	r.straight(t).deploy(t, threeConfigs)
	p.Break(-1, func(q *http.Request) bool { return q.URL.Path == "/apis" }, testcluster.Late(quietFor+3*time.Second))
	run := func(call string, in any) int {
		env := activityEnvironment(&rig{Clouddriver: clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: p.Kubeconfig("")})})
		beats := make(chan struct{}, 100)
		env.SetOnActivityHeartbeatListener(func(*activity.Info, converter.EncodedValues) { beats <- struct{}{} })
		_, err := env.ExecuteActivity(call, in)
		require.NoError(t, err)
		return len(beats)
	}
	ended := make(chan int, 1)
	go func() { ended <- run(activities.ReadManifest.Name, r.target("serviceAccount b")) }()
	require.NotZero(t, run(activities.DeleteManifest.Name, r.deletion("serviceAccount a")))
	require.NotZero(t, <-ended)
	require.Nil(t, r.straight(t).live(t, "serviceAccount a"))

	// An attempt that died before it had chosen leaves a beat without a choice.
	env := activityEnvironment(r)
	env.SetHeartbeatDetails([]doomed(nil))
	execute(t, env, activities.DeleteManifest, r.deletion("serviceAccount b"))
	require.Nil(t, r.straight(t).live(t, "serviceAccount b"))
}

func TestFaultThrottled(t *testing.T) {
	t.Parallel()
	r, p := faulty(t)
	look := r.straight(t)
	look.deploy(t, webDeployment)
	scale := func(n int64) error {
		_, err := r.ScaleManifest(t.Context(), activities.ScaleManifestInput{ManifestInput: r.target("deployment web"), Replicas: n})
		return err
	}
	patches := testcluster.Requests("PATCH", "/deployments/web")
	const reply = "come again in 1m0s"
	for _, c := range []struct {
		name  string
		times int
		fault testcluster.Fault
		code  pipeline.Code
		after time.Duration
		says  string
	}{
		{"429 for a minute", 1, testcluster.Overloaded(60), pipeline.CodeThrottled, time.Minute, reply},
		{"503 for a minute", 1, testcluster.Answer(503, "ServiceUnavailable", "starting", 60), pipeline.CodeUnavailable, time.Minute, reply},
		{"429 without a time", 1, testcluster.Overloaded(0), pipeline.CodeThrottled, 0, "too many requests"},
		{"500", 1, testcluster.Answer(500, "InternalError", "etcdserver: request timed out", 0), pipeline.CodeUnavailable, 0, "etcdserver: request timed out"},
		{"429 again and again", -1, testcluster.Overloaded(5), pipeline.CodeThrottled, 5 * time.Second, "come again in 5s"},
	} {
		rule := p.Break(c.times, patches, c.fault)
		started := time.Now()
		err := scale(3)
		requireCode(t, err, c.code)
		require.Equal(t, c.after, pipeline.RetryAfterOf(err), c.name)
		require.ErrorContains(t, err, c.says)
		require.Less(t, time.Since(started), 2*requestTimeout, c.name)
		if c.times > 0 {
			require.Len(t, rule.Met(), c.times, c.name)
			require.Less(t, time.Since(started), c.after/2+requestTimeout/2, c.name)
		}
		p.Mend()
	}

	rule := p.Break(2, patches, testcluster.Overloaded(1))
	require.NoError(t, scale(4))
	require.Len(t, rule.Met(), 2)
	require.GreaterOrEqual(t, rule.Met()[1].Sub(rule.Met()[0]), time.Second, "a short wait is kept where it happens")
	require.Equal(t, int64(4), look.replicas(t, "deployment web"))

	p.Break(-1, testcluster.Requests("GET", "/deployments"), testcluster.Overloaded(60))
	started := time.Now()
	_, err := r.AwaitStable(t.Context(), activities.AwaitStableInput{Scope: scope(), Account: testAccount, Manifests: map[string][]string{r.namespace: {"deployment web"}}})
	requireCode(t, err, pipeline.CodeThrottled)
	require.Equal(t, time.Minute, pipeline.RetryAfterOf(err))
	require.Less(t, time.Since(started), outagePatience, "a wait for stability hands the time up too")
}

// A token that the API server does not take is an attempt, and a wait for
// stability that meets one for a moment goes on.
func TestFaultCredentialsExpired(t *testing.T) {
	t.Parallel()
	r, p := faulty(t)
	look := r.straight(t)
	r.Clouddriver = clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: p.Kubeconfig("not-a-token")})
	_, err := r.DeployManifest(t.Context(), r.input(t, plainAccount))
	requireCode(t, err, pipeline.CodeUnavailable)
	require.ErrorContains(t, err, "refuses the worker's credentials")
	require.ErrorContains(t, err, "Renew them in the account's kubeconfig")
	require.NotContains(t, err.Error(), "not-a-token")

	r.Clouddriver = clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: p.Kubeconfig(look.token(t, "deployer"))})
	r.deploy(t, slowWeb)
	refused := p.Break(3, testcluster.Requests("GET", "/deployments"), testcluster.Answer(401, "Unauthorized", "Unauthorized", 0))
	torn := p.Break(1, testcluster.Requests("WATCH", "/deployments"), testcluster.Torn(200*time.Millisecond))
	_, err = r.await(t, "deployment web")
	require.NoError(t, err)
	require.Len(t, refused.Met(), 3)
	require.Len(t, torn.Met(), 1)
}

// slowWeb takes three seconds to become stable.
var slowWeb = strings.Replace(webDeployment, "metadata: {labels: {app: web}}", `metadata: {labels: {app: web}, annotations: {local.gennaker.io/ready-after: "3s"}}`, 1)

func TestFaultBrokenWatches(t *testing.T) {
	t.Parallel()
	watches := testcluster.Requests("WATCH", "/deployments")
	for _, c := range []struct {
		name  string
		times int
		fault testcluster.Fault
	}{
		{"torn", 4, testcluster.Torn(300 * time.Millisecond)},
		{"dropped", 4, testcluster.Dropped},
		{"410 as an event", 4, testcluster.Expired},
		{"410 as an answer", 4, testcluster.Answer(410, "Expired", "too old resource version", 0)},
		{"ends at once", -1, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusOK) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, p := faulty(t)
			r.deploy(t, slowWeb)
			broken := p.Break(c.times, watches, c.fault)
			out, err := r.await(t, "deployment web")
			require.NoError(t, err)
			require.True(t, out.Statuses[0].Stable)
			require.GreaterOrEqual(t, len(broken.Met()), 2)
			require.Less(t, len(broken.Met()), 20, "an API server that is in trouble is not asked without a pause")
		})
	}
}
