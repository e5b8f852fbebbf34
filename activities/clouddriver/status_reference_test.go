package clouddriver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities/clouddriver/status"
)

const (
	noQuota  = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none, namespace: NS}\nspec: {hard: {pods: \"0\"}}\n"
	awaiting = "Waiting for status generation to match updated object generation"
	held     = "test.gennaker.io/held"
)

// workload is a manifest of a kind with a pod template: spec and template are
// further fields of theirs, more of the template's metadata.
func workload(kind, spec, more string) string {
	return "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {name: x, namespace: NS}\nspec:\n  selector: {matchLabels: {app: x}}\n  template: {metadata: {labels: {app: x}" +
		more + "}, spec: {containers: [{name: a, image: 'i:1'}]}}\n  " + spec + "\n"
}

const fails = ", annotations: {local.gennaker.io/fails: image}"

// Rows of the status rules that a real control plane comes to, by section
// (reference: clouddriver). Rows that no cluster of today shows are in the package
// status, on recorded objects: no status at all, API versions before apps/v1,
// fewer ready than available, and a pod of unknown phase.
func TestReferenceStatus(t *testing.T) {
	t.Parallel()
	stable := status.Status{Stable: status.State{State: true}, Available: status.State{State: true}}
	unstable := func(message string) status.Status {
		return status.Status{Stable: status.State{Message: message}, Available: status.State{State: true}}
	}
	both := func(message string) status.Status {
		return status.Status{Stable: status.State{Message: message}, Available: status.State{Message: message}}
	}
	withAvailable := func(s status.Status, message string) status.Status {
		s.Available = status.State{Message: message}
		return s
	}
	const minimum = "Deployment does not have minimum availability."
	// Each row deploys before, then, and patches the object once that is stable;
	// first is what the creation's own answer is judged as.
	for _, tt := range []struct {
		name, before, text, object string
		patch                      string
		free                       string // a pod whose finalizers go after the patch
		first, want                *status.Status
	}{
		{name: "10 Deployment: not observed yet, then stable", text: workload("Deployment", "replicas: 2", ""), object: "deployment x", first: new(unstable(awaiting)), want: &stable},
		{name: "10 Deployment: paused", text: workload("Deployment", "replicas: 1\n  paused: true", ""), object: "deployment x", want: new(func() status.Status {
			s := withAvailable(unstable("Waiting for all replicas to be updated"), minimum)
			s.Paused = status.State{State: true, Message: "Deployment is paused"}
			return s
		}())},
		{name: "10 Deployment: unavailable, the replicas' message wins", text: workload("Deployment", "replicas: 1", fails), object: "deployment x", want: new(withAvailable(unstable("Waiting for all replicas to be available"), minimum))},
		{name: "10 Deployment: over its deadline", text: workload("Deployment", "replicas: 1\n  progressDeadlineSeconds: 1", fails), object: "deployment x", want: new(func() status.Status {
			s := withAvailable(unstable("Waiting for all replicas to be available"), minimum)
			s.Failed = status.State{State: true, Message: "Deployment exceeded its progress deadline"}
			return s
		}())},
		{name: "10 Deployment: not all updated", text: workload("Deployment", "replicas: 2\n  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", ""), object: "deployment x", patch: failingTemplate, want: new(unstable("Waiting for all replicas to be updated"))},
		{name: "10 Deployment: old replicas left", text: workload("Deployment", "replicas: 1\n  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", ""), object: "deployment x", patch: failingTemplate, want: new(unstable("Waiting for old replicas to finish termination"))},
		{name: "10 Deployment: not all available", text: workload("Deployment", "replicas: 1\n  minReadySeconds: 300", ""), object: "deployment x", want: new(withAvailable(unstable("Waiting for all replicas to be available"), minimum))},

		{name: "10 ReplicaSet: not fully labeled", before: noQuota, text: workload("ReplicaSet", "replicas: 1", ""), object: "replicaSet x-v000", first: new(both("Waiting for all replicas to be fully-labeled")), want: new(both("Waiting for all replicas to be fully-labeled"))},
		{name: "10 ReplicaSet: not ready", text: workload("ReplicaSet", "replicas: 1", fails), object: "replicaSet x-v000", want: new(both("Waiting for all replicas to be ready"))},
		{name: "10 ReplicaSet: not available", text: workload("ReplicaSet", "replicas: 1\n  minReadySeconds: 600", ""), object: "replicaSet x-v000", want: new(both("Waiting for all replicas to be available"))},
		{name: "10 ReplicaSet: not observed yet, after the counts", text: workload("ReplicaSet", "replicas: 0", ""), object: "replicaSet x-v000", first: new(unstable("Waiting for replicaset spec update to be observed")), want: &stable},
		{name: "10 ReplicaSet: stable", text: workload("ReplicaSet", "replicas: 1", ""), object: "replicaSet x-v000", want: &stable},

		{name: "10 StatefulSet: OnDelete is stable at once", text: workload("StatefulSet", "replicas: 2\n  serviceName: s\n  updateStrategy: {type: OnDelete}", fails), object: "statefulSet x", first: &stable, want: &stable},
		{name: "10 StatefulSet: not observed yet, then stable with a message", text: workload("StatefulSet", "replicas: 1\n  serviceName: s", ""), object: "statefulSet x", first: new(unstable(awaiting)),
			want: &status.Status{Stable: status.State{State: true, Message: "Partitioned roll out complete"}, Available: status.State{State: true}}},
		{name: "10 StatefulSet: too few", text: workload("StatefulSet", "replicas: 2\n  serviceName: s", fails), object: "statefulSet x", want: new(unstable("Waiting for at least the desired replica count to be met"))},
		{name: "10 StatefulSet: not ready", text: workload("StatefulSet", "replicas: 1\n  serviceName: s", fails), object: "statefulSet x", want: new(unstable("Waiting for all updated replicas to be ready"))},
		{name: "10 StatefulSet: not all scheduled", text: workload("StatefulSet", "replicas: 2\n  serviceName: s", ", finalizers: ["+held+"]"), object: "statefulSet x", patch: otherTemplate, want: new(unstable("Waiting for all updated replicas to be scheduled"))},
		{name: "10 StatefulSet: partitioned roll out not finished", text: workload("StatefulSet", "replicas: 2\n  serviceName: s", ", finalizers: ["+held+"]"), object: "statefulSet x", patch: otherTemplate, free: "x-1", want: new(unstable("Waiting for partitioned roll out to finish"))},
		{name: "10 StatefulSet: between revisions", text: workload("StatefulSet", "replicas: 1\n  serviceName: s\n  updateStrategy: {rollingUpdate: {partition: 1}}", ""), object: "statefulSet x", patch: otherTemplate, want: new(unstable("Waiting for the updated revision to match the current revision"))},

		{name: "10 DaemonSet: not observed yet, then stable", text: workload("DaemonSet", "minReadySeconds: 0", ""), object: "daemonSet x", first: new(unstable(awaiting)), want: &stable},
		{name: "10 DaemonSet: not RollingUpdate is stable", text: workload("DaemonSet", "updateStrategy: {type: OnDelete}", fails), object: "daemonSet x", want: &stable},
		{name: "10 DaemonSet: not all scheduled", before: noQuota, text: workload("DaemonSet", "minReadySeconds: 0", ""), object: "daemonSet x", want: new(unstable("Waiting for all replicas to be scheduled"))},
		{name: "10 DaemonSet: not all updated", text: workload("DaemonSet", "minReadySeconds: 0", ", finalizers: ["+held+"]"), object: "daemonSet x", patch: otherTemplate, want: new(unstable("Waiting for all updated replicas to be scheduled"))},
		{name: "10 DaemonSet: not all available", text: workload("DaemonSet", "minReadySeconds: 600", ""), object: "daemonSet x", want: new(unstable("Waiting for all replicas to be available"))},

		{name: "10 Job: runs, then done", text: jobOf("local.gennaker.io/run-for: 500ms"), object: "job x", first: new(unstable("Waiting for jobs to finish")), want: &stable},
		{name: "10 Job: failed, and stable still true", text: jobOf("local.gennaker.io/fails: exit"), object: "job x", want: &status.Status{
			Stable: status.State{State: true}, Available: status.State{State: true}, Failed: status.State{State: true, Message: "Job has reached the specified backoff limit"},
		}},
		{name: "10 CronJob: stable with an empty status", text: "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x, namespace: NS}\nspec: {schedule: '0 0 1 1 *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}}}}\n",
			object: "cronJob x", first: &stable, want: &stable},
		{name: "10 Pod: pending, then running", text: onePodOf(""), object: "pod x-v000", first: new(both("Pod is pending")), want: &stable},
		{name: "10 Pod: failed is not failed", text: onePodOf("local.gennaker.io/fails: exit"), object: "pod x-v000", want: new(both("Pod has failed"))},
		{name: "10 HPA: scales up", before: workload("Deployment", "replicas: 1", ""), text: hpaOf("minReplicas: 2, maxReplicas: 3"), object: "horizontalpodautoscaler h", want: new(unstable("Waiting for HPA to complete a scale up, current: 1 desired: 2"))},
		{name: "10 HPA: scales down", before: workload("Deployment", "replicas: 2", ""), text: hpaOf("maxReplicas: 1"), object: "horizontalpodautoscaler h", want: new(unstable("Waiting for HPA to complete a scale down, current: 2 desired: 1"))},
		{name: "10 everything else: stable at once", text: "apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: NS}\nspec: {ports: [{port: 80}]}\n", object: "service x", first: &stable, want: &stable},
		{name: "10 everything else: a claim that is pending", text: "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x, namespace: NS}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n",
			object: "persistentVolumeClaim x", first: &stable, want: &stable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if tt.before != "" {
				r.deploy(t, tt.before)
				if before := "deployment x"; tt.object == "horizontalpodautoscaler h" {
					_, err := r.await(t, before)
					require.NoError(t, err)
				}
			}
			t.Cleanup(func() { r.letGo(t, "") })
			out := r.deploy(t, tt.text)
			if tt.first != nil {
				got, err := status.Of(&unstructured.Unstructured{Object: plain(map[string]any(out.Manifests[0])).(map[string]any)})
				require.NoError(t, err)
				require.Equal(t, *tt.first, got, "the answer to the creation")
			}
			if tt.patch != "" {
				_, err := r.await(t, tt.object)
				if tt.object != "statefulSet x" || tt.want.Stable.Message != "Waiting for the updated revision to match the current revision" {
					require.NoError(t, err)
				}
				r.patchAs(t, "someone", tt.object, tt.patch)
			}
			if tt.free != "" {
				r.letGo(t, tt.free)
			}
			r.reach(t, tt.object, *tt.want)
		})
	}
}

const (
	failingTemplate = `{"spec":{"template":{"metadata":{"annotations":{"local.gennaker.io/fails":"image"}}}}}`
	otherTemplate   = `{"spec":{"template":{"metadata":{"annotations":{"other":"yes"}}}}}`
)

func jobOf(annotations string) string {
	return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x, namespace: NS}\nspec: {backoffLimit: 0, template: {metadata: {annotations: {" + annotations + "}}, spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}}\n"
}

func onePodOf(annotations string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: NS, annotations: {" + annotations + "}}\nspec: {restartPolicy: Never, containers: [{name: a, image: i}]}\n"
}

func hpaOf(spec string) string {
	return "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h, namespace: NS}\nspec: {" + spec + ", scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}}\n"
}

// reach watches an object until it is judged as wanted.
func (r *rig) reach(t *testing.T, name string, want status.Status) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cl, o := r.object(t, name)
	var got status.Status
	err := cl.follow(ctx, o, func(obj *unstructured.Unstructured) bool {
		if obj == nil {
			return false
		}
		var err error
		got, err = status.Of(obj)
		require.NoError(t, err)
		return got == want
	})
	require.NoError(t, err, "wanted %+v, was %+v", want, got)
}

// letGo takes the finalizers from a pod once it is being deleted, or from all pods
// when there is no name.
func (r *rig) letGo(t *testing.T, name string) {
	t.Helper()
	client := r.client(t).CoreV1().Pods(r.namespace)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	free := func(name string) {
		_, _ = client.Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	}
	if name != "" {
		require.Eventually(t, func() bool {
			p, err := client.Get(ctx, name, metav1.GetOptions{})
			return err == nil && p.DeletionTimestamp != nil
		}, time.Minute, 20*time.Millisecond)
		free(name)
		return
	}
	pods, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	for _, p := range pods.Items {
		if len(p.Finalizers) > 0 {
			free(p.Name)
		}
	}
}
