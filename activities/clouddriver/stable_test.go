package clouddriver

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/testkit/testcluster"
	"github.com/gennaker/gennaker/pipeline"
)

// await waits as the workflow does: it calls again with what it was told.
func (r *rig) await(t *testing.T, names ...string) (activities.AwaitStableOutput, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	in := activities.AwaitStableInput{Scope: scope(), Account: testAccount, Manifests: map[string][]string{r.namespace: names}}
	for {
		out, err := r.AwaitStable(ctx, in)
		if err != nil {
			t.Logf("before %v the wait had seen: %+v", err, in.Seen)
		}
		if err != nil || out.Done {
			return out, err
		}
		in.Seen = out.Statuses
	}
}

// The autoscaler's target is above its maximum, which needs no metrics to be
// corrected: without metrics an autoscaler that has nothing to correct desires 0
// replicas for good, and is never stable once its controller has looked.
const allKinds = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: dep, namespace: NS}
spec: {replicas: 2, selector: {matchLabels: {app: dep}}, template: {metadata: {labels: {app: dep}}, spec: {containers: [{name: a, image: i}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: sts, namespace: NS}
spec: {replicas: 2, serviceName: svc, selector: {matchLabels: {app: sts}}, template: {metadata: {labels: {app: sts}}, spec: {containers: [{name: a, image: i}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: ds, namespace: NS}
spec: {selector: {matchLabels: {app: ds}}, template: {metadata: {labels: {app: ds}}, spec: {containers: [{name: a, image: i}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: rs, namespace: NS}
spec: {replicas: 2, selector: {matchLabels: {app: rs}}, template: {metadata: {labels: {app: rs}}, spec: {containers: [{name: a, image: i}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: job, namespace: NS}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: cron, namespace: NS}
spec: {schedule: "0 0 1 1 *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: pod, namespace: NS}
spec: {containers: [{name: a, image: i}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: hpa, namespace: NS}
spec: {maxReplicas: 1, scaleTargetRef: {apiVersion: apps/v1, kind: ReplicaSet, name: rs}}
---
apiVersion: v1
kind: Service
metadata: {name: svc, namespace: NS}
spec: {selector: {app: dep}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ing, namespace: NS}
spec: {defaultBackend: {service: {name: svc, port: {number: 80}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: pvc, namespace: NS}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`

func TestEveryKindBecomesStable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	out := r.deploy(t, allKinds)
	names := out.ManifestNamesByNamespace[r.namespace]
	require.Len(t, names, 11)
	require.Equal(t, "horizontalpodautoscaler hpa", names[len(names)-1])
	stable, err := r.await(t, names...)
	require.NoError(t, err)
	require.Len(t, stable.Statuses, 11)
	for _, s := range stable.Statuses {
		require.True(t, s.Stable, "%+v", s)
		require.NotZero(t, s.StableAt)
	}
}

func TestStableWithinMillisecondsOfTheEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	slow := strings.Replace(webDeployment, "metadata: {labels: {app: web}}", `metadata: {labels: {app: web}, annotations: {local.gennaker.io/ready-after: "1s"}}`, 1)
	r.deploy(t, slow)
	// A second watch says when the cluster itself finished.
	cl, o := r.object(t, "deployment web")
	watched, err := cl.client(o.resource, o.namespace).Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=web"})
	require.NoError(t, err)
	defer watched.Stop()
	finished := make(chan time.Time, 1)
	go func() {
		for event := range watched.ResultChan() {
			obj, ok := event.Object.(interface{ UnstructuredContent() map[string]any })
			if ok && at(obj.UnstructuredContent(), "status", "availableReplicas") == int64(2) {
				finished <- time.Now()
				return
			}
		}
	}()
	out, err := r.await(t, "deployment web")
	require.NoError(t, err)
	require.True(t, out.Statuses[0].Stable)
	require.InDelta(t, float64((<-finished).UnixMilli()), float64(out.Statuses[0].StableAt), 500)
}

func TestNewsEndTheCallEarly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, strings.Replace(webDeployment, "metadata: {labels: {app: web}}", `metadata: {labels: {app: web}, annotations: {local.gennaker.io/fails: image}}`, 1))
	in := activities.AwaitStableInput{Scope: scope(), Account: testAccount, Manifests: map[string][]string{r.namespace: {"deployment web", "replicaSet none"}}}
	in.Manifests[r.namespace] = in.Manifests[r.namespace][:1]
	started := time.Now()
	out, err := r.AwaitStable(t.Context(), in)
	require.NoError(t, err)
	require.False(t, out.Done)
	require.Equal(t, "Waiting for all replicas to be available", out.Statuses[0].Message)
	require.GreaterOrEqual(t, time.Since(started), activities.NewsAfter)

	in.Seen = out.Statuses // nothing new: the call stays
	ctx, cancel := context.WithTimeout(t.Context(), 2*activities.NewsAfter)
	defer cancel()
	_, err = r.AwaitStable(ctx, in)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestProgressDeadlineExceededFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bad := strings.Replace(webDeployment, "metadata: {labels: {app: web}}", `metadata: {labels: {app: web}, annotations: {local.gennaker.io/fails: image}}`, 1)
	bad = strings.Replace(bad, "  replicas: 2\n", "  replicas: 2\n  progressDeadlineSeconds: 2\n", 1)
	r.deploy(t, bad+"---\napiVersion: v1\nkind: Service\nmetadata: {name: svc, namespace: NS}\nspec: {ports: [{port: 80}]}\n")
	out, err := r.await(t, "deployment web", "service svc")
	require.NoError(t, err)
	require.True(t, out.Statuses[0].Failed)
	require.False(t, out.Statuses[0].Stable)
	require.Equal(t, "Deployment exceeded its progress deadline", out.Statuses[0].Message)
	require.True(t, out.Statuses[1].Stable)
}

func TestFinishedObjectsAreNotReadAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	seen := []activities.ManifestStatus{{Namespace: r.namespace, Name: "service gone", Stable: true, StableAt: 7}}
	out, err := r.AwaitStable(t.Context(), activities.AwaitStableInput{
		Scope: scope(), Account: testAccount, Manifests: map[string][]string{r.namespace: {"service gone"}}, Seen: seen,
	})
	require.NoError(t, err)
	require.True(t, out.Done)
	require.Equal(t, seen, out.Statuses)
}

func TestObjectThatVanishesIsNotFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, strings.Replace(webDeployment, "metadata: {labels: {app: web}}", `metadata: {labels: {app: web}, annotations: {local.gennaker.io/fails: image}}`, 1))
	timer := time.AfterFunc(300*time.Millisecond, func() { // while it is waited for
		_, _ = r.DeleteManifest(t.Context(), activities.DeleteManifestInput{Scope: scope(), Account: testAccount, Location: r.namespace, ManifestName: "deployment web"})
	})
	defer timer.Stop()
	_, err := r.await(t, "deployment web")
	requireCode(t, err, pipeline.CodeNotFound)
	require.ErrorContains(t, err, "deployment web in namespace "+r.namespace)
}

func TestCancellationIsPrompt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, strings.Replace(webDeployment, "metadata: {labels: {app: web}}", `metadata: {labels: {app: web}, annotations: {local.gennaker.io/fails: image}}`, 1))
	for _, call := range []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := r.AwaitStable(ctx, activities.AwaitStableInput{Scope: scope(), Account: testAccount, Manifests: map[string][]string{r.namespace: {"deployment web"}}})
			return err
		},
		func(ctx context.Context) error {
			_, err := r.AwaitJob(ctx, activities.AwaitJobInput{Scope: scope(), Account: testAccount, Namespace: r.namespace, Name: "none"})
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var cancelled time.Time
		time.AfterFunc(500*time.Millisecond, func() { cancelled = time.Now(); cancel() })
		err := call(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Less(t, time.Since(cancelled), 250*time.Millisecond)
	}
}

func TestAPIServerRestartsWhileWaiting(t *testing.T) {
	t.Parallel()
	c := testcluster.Start(t)
	r := rigOn(t, c)
	r.deploy(t, strings.Replace(webDeployment, "metadata: {labels: {app: web}}", `metadata: {labels: {app: web}, annotations: {local.gennaker.io/ready-after: "12s"}}`, 1))
	done := make(chan error, 1)
	var out activities.AwaitStableOutput
	go func() {
		var err error
		for { // as the workflow does: an outage of more than 10 s is an attempt
			if out, err = r.await(t, "deployment web"); pipeline.CodeOf(err) != pipeline.CodeUnavailable {
				done <- err
				return
			}
		}
	}()
	server := c.Server(t, testcluster.APIServer)
	server.Kill()
	server.Restart(t)
	select {
	case err := <-done:
		require.NoError(t, err)
		require.True(t, out.Statuses[0].Stable)
	case <-time.After(90 * time.Second):
		t.Fatal("the wait did not survive the restart")
	}

	server.Kill()
	started := time.Now()
	_, err := r.AwaitStable(t.Context(), activities.AwaitStableInput{Scope: scope(), Account: testAccount, Manifests: map[string][]string{r.namespace: {"deployment web"}}})
	requireCode(t, err, pipeline.CodeUnavailable)
	require.InDelta(t, outagePatience.Seconds(), time.Since(started).Seconds(), 5)
	server.Restart(t)
}

func TestWaitingWithoutPermissionToWatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment+`---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NS}
rules: [{apiGroups: [apps], resources: [deployments], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: default, namespace: NS}]
`)
	limited := &rig{Clouddriver: clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: r.kubeconfigAs(t, "default")}), namespace: r.namespace}
	out, err := limited.await(t, "deployment web")
	require.NoError(t, err)
	require.True(t, out.Statuses[0].Stable)
	_, err = limited.await(t, "service web")
	requireCode(t, err, pipeline.CodeForbidden)
}
