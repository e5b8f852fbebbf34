package clouddriver

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
)

// failingWeb is a Deployment of two pods that go wrong in the given way.
func failingWeb(how string) string {
	return strings.Replace(webDeployment, "metadata: {labels: {app: web}}", `metadata: {labels: {app: web}, annotations: {local.gennaker.io/fails: `+how+`}}`, 1)
}

// told waits as the workflow does until an explanation satisfies enough.
func (r *rig) told(t *testing.T, name string, enough func(*activities.Explanation) bool) *activities.Explanation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	in := activities.AwaitStableInput{Scope: scope(), Account: testAccount, Manifests: map[string][]string{r.namespace: {name}}}
	for {
		out, err := r.AwaitStable(ctx, in)
		require.NoError(t, err, "told so far: %+v", in.Seen)
		require.False(t, out.Done)
		if e := out.Statuses[0].Explanation; e != nil && enough(e) {
			return e
		}
		in.Seen = out.Statuses
	}
}

func TestWhyItIsNotStable(t *testing.T) {
	t.Parallel()
	one := int64(1)
	for name, tt := range map[string]struct {
		text, object string
		enough       func(*activities.Explanation) bool
		check        func(*testing.T, *activities.Explanation)
	}{
		"image": {failingWeb("image"), "deployment web", hasPods(2), func(t *testing.T, e *activities.Explanation) {
			require.Equal(t, []activities.Count{{Name: "desired", Value: 2}, {Name: "updated", Value: 2}, {Name: "ready", Value: 0}, {Name: "available", Value: 0}, {Name: "in all", Value: 2}}, e.Counts)
			require.Equal(t, "ImagePullBackOff", e.Pods[0].Reason)
			require.Equal(t, "web", e.Pods[0].Container)
			require.Equal(t, `Back-off pulling image "nginx:1"`, e.Pods[0].Message)
			require.Regexp(t, `^web-[a-z0-9]+-[a-z0-9]+$`, e.Pods[0].Pod)
			require.Contains(t, e.Conditions, activities.StatusCondition{Type: "Available", Status: "False", Reason: "MinimumReplicasUnavailable", Message: "Deployment does not have minimum availability."})
		}},
		"crash": {failingWeb("crash"), "deployment web", hasPods(2), func(t *testing.T, e *activities.Explanation) {
			p := e.Pods[0]
			require.Equal(t, activities.PodTrouble{
				Reason: "CrashLoopBackOff", Count: 2, Pod: p.Pod, Container: "web", Restarts: 3, ExitCode: &one, ExitReason: "Error", Message: "back-off 40s restarting failed container",
			}, p)
		}},
		"readiness": {failingWeb("readiness"), "deployment web", hasPods(2), func(t *testing.T, e *activities.Explanation) {
			require.Equal(t, "ContainersNotReady", e.Pods[0].Reason)
			require.Equal(t, "containers with unready status", e.Pods[0].Message)
			require.Equal(t, "web", e.Pods[0].Container)
		}},
		"too large for every node": {strings.Replace(webDeployment, "image: nginx:1\n", "image: nginx:1\n        resources: {requests: {cpu: \"1000\"}}\n", 1), "deployment web",
			func(e *activities.Explanation) bool { return len(e.Pods) == 1 && len(e.Events) > 0 }, func(t *testing.T, e *activities.Explanation) {
				require.Equal(t, "Unschedulable", e.Pods[0].Reason)
				require.Equal(t, int64(2), e.Pods[0].Count)
				require.Contains(t, e.Pods[0].Message, "Insufficient cpu")
				require.Len(t, e.Events, 1, "that of two pods is told once")
				require.Equal(t, "FailedScheduling", e.Events[0].Reason)
				require.GreaterOrEqual(t, e.Events[0].Count, int64(2))
				require.Regexp(t, `^Pod web-`, e.Events[0].Object)
				require.NotZero(t, e.Events[0].LastSeen)
			}},
		"over its quota": {webDeployment + "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none, namespace: NS}\nspec: {hard: {pods: \"0\"}}\n", "deployment web",
			func(e *activities.Explanation) bool { return len(e.Events) > 0 }, func(t *testing.T, e *activities.Explanation) {
				require.Empty(t, e.Pods)
				require.Equal(t, "FailedCreate", e.Events[0].Reason, "an event of its ReplicaSet")
				require.Contains(t, e.Events[0].Message, "exceeded quota")
				failure := e.Conditions[len(e.Conditions)-1]
				require.Equal(t, "ReplicaFailure", failure.Type)
				require.Contains(t, failure.Message, "exceeded quota")
			}},
		"StatefulSet": {strings.Replace(statefulDB, "metadata: {labels: {app: db}}", "metadata: {labels: {app: db}, annotations: {local.gennaker.io/fails: crash}}", 1), "statefulSet db", hasPods(1),
			func(t *testing.T, e *activities.Explanation) { require.Equal(t, "db-0", e.Pods[0].Pod) }},
		"DaemonSet": {strings.Replace(daemonAgent, "metadata: {labels: {app: agent}}", "metadata: {labels: {app: agent}, annotations: {local.gennaker.io/fails: image}}", 1), "daemonSet agent", hasPods(1),
			func(t *testing.T, e *activities.Explanation) {
				require.Equal(t, "ImagePullBackOff", e.Pods[0].Reason)
				require.Equal(t, e.Counts[0].Value, e.Pods[0].Count)
			}},
		"Pod": {"apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: NS, annotations: {local.gennaker.io/fails: image}}\nspec: {containers: [{name: a, image: i}]}\n", "pod p-v000", hasPods(1),
			func(t *testing.T, e *activities.Explanation) { require.Equal(t, "p-v000", e.Pods[0].Pod) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			text, quota, limited := strings.Cut(tt.text, "---\n")
			if limited {
				r.deploy(t, quota)
			}
			r.deploy(t, text)
			e := r.told(t, tt.object, tt.enough)
			require.Empty(t, e.Missing)
			tt.check(t, e)
		})
	}
}

func hasPods(n int64) func(*activities.Explanation) bool {
	return func(e *activities.Explanation) bool { return len(e.Pods) == 1 && e.Pods[0].Count >= n }
}

// lister counts the requests for pods and events.
type lister struct {
	next http.RoundTripper
	n    atomic.Int32
}

func (l *lister) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/pods") || strings.HasSuffix(req.URL.Path, "/events") {
		l.n.Add(1)
	}
	return l.next.RoundTrip(req)
}

func TestAskingWhyIsCheap(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acc, err := r.accounts.find(testAccount)
	require.NoError(t, err)
	l := &lister{}
	acc.wrap = func(next http.RoundTripper) http.RoundTripper { l.next = next; return l }
	r.deploy(t, webDeployment)
	_, err = r.await(t, "deployment web")
	require.NoError(t, err)
	require.Zero(t, l.n.Load(), "what becomes stable quickly is not asked about")

	r.deploy(t, failingWeb("image"))
	ctx, cancel := context.WithTimeout(t.Context(), 18*time.Second)
	defer cancel()
	in := activities.AwaitStableInput{Scope: scope(), Account: testAccount, Manifests: map[string][]string{r.namespace: {"deployment web"}}}
	answers := 0
	for ctx.Err() == nil {
		out, err := r.AwaitStable(ctx, in)
		if err == nil {
			answers++
			in.Seen = out.Statuses
		}
	}
	require.LessOrEqual(t, l.n.Load(), int32(4), "asked after some 7 and 17 seconds")
	require.LessOrEqual(t, answers, 3, "an answer that says nothing new is none")
	require.Equal(t, time.Minute, pace(50))
}

// The failure is known with the event that tells it, and is explained at once.
func TestFailureIsExplained(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, strings.Replace(failingWeb("image"), "  replicas: 2\n", "  replicas: 2\n  progressDeadlineSeconds: 2\n", 1))
	cl, o := r.object(t, "deployment web")
	failed := make(chan time.Time, 1)
	go func() {
		_ = cl.follow(t.Context(), o, func(obj *unstructured.Unstructured) bool {
			s, err := judge(obj)
			if err == nil && s.Failed {
				failed <- time.Now()
			}
			return err != nil || s.Failed
		})
	}()
	out, err := r.await(t, "deployment web")
	require.NoError(t, err)
	require.Less(t, time.Since(<-failed), time.Second)
	require.True(t, out.Statuses[0].Failed)
	e := out.Statuses[0].Explanation
	require.NotNil(t, e)
	require.Equal(t, "ImagePullBackOff", e.Pods[0].Reason)
	require.Equal(t, "ProgressDeadlineExceeded", e.Conditions[len(e.Conditions)-1].Reason)
	require.Contains(t, e.Conditions[len(e.Conditions)-1].Message, "has timed out progressing")
}

func TestWhatMayNotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, failingWeb("image")+`---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NS}
rules: [{apiGroups: [apps], resources: [deployments], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: default, namespace: NS}]
`)
	limited := &rig{Clouddriver: clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: r.kubeconfigAs(t, "default")}), namespace: r.namespace}
	e := limited.told(t, "deployment web", func(*activities.Explanation) bool { return true })
	require.Empty(t, e.Pods)
	require.NotEmpty(t, e.Counts)
	require.Len(t, e.Missing, 3)
	for i, what := range []string{"replicasets.apps", "pods", "events"} {
		require.Contains(t, e.Missing[i], "lacks the permission to list "+what+" in namespace "+r.namespace)
	}
}

func TestJobsTellWhatTroublesThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	run := func(name, annotations string) activities.AwaitJobInput {
		out, err := r.RunJob(t.Context(), activities.RunJobInput{Scope: scope(), Account: testAccount, Application: "shop", Manifest: r.docs(t,
			"apiVersion: batch/v1\nkind: Job\nmetadata: {name: "+name+", namespace: NS}\nspec: {backoffLimit: 0, template: {metadata: {annotations: {"+annotations+"}}, spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}}")[0]})
		require.NoError(t, err)
		return activities.AwaitJobInput{Scope: scope(), Account: testAccount, Namespace: r.namespace, Name: name, UID: out.UID, Explain: true}
	}
	stuck := run("stuck", "local.gennaker.io/fails: image")
	out, err := r.AwaitJob(t.Context(), stuck)
	require.NoError(t, err)
	require.True(t, out.Running)
	require.Equal(t, "ImagePullBackOff", out.Explanation.Pods[0].Reason)

	stuck.Seen = out.Explanation // nothing new: the call stays
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
	defer cancel()
	_, err = r.AwaitJob(ctx, stuck)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	out, err = r.AwaitJob(t.Context(), run("exits", "local.gennaker.io/fails: exit"))
	require.NoError(t, err)
	require.False(t, out.Running)
	require.False(t, out.Succeeded)
	require.Equal(t, "Error", out.Explanation.Pods[0].Reason)
	require.Equal(t, int64(1), *out.Explanation.Pods[0].ExitCode)
	require.Equal(t, "simulated failure", out.Explanation.Pods[0].Message)

	ok := run("ok", "local.gennaker.io/run-for: 7s")
	out, err = r.AwaitJob(t.Context(), ok)
	require.NoError(t, err)
	require.True(t, out.Succeeded, "a Job that runs as it should has nothing to explain")
	require.Nil(t, out.Explanation)
}
