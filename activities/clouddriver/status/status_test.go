package status

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	obj := &unstructured.Unstructured{}
	require.NoError(t, json.Unmarshal([]byte(text), obj))
	return obj
}

// Rows of the status rules, by section (reference: clouddriver), on recorded objects.
// TestReferenceStatus of the room above has those that a real control plane comes to.
func TestReference(t *testing.T) {
	t.Parallel()
	none := Status{Stable: State{Message: "No status reported yet"}, Available: State{Message: "No availability reported"}}
	stable := Status{Stable: State{State: true}, Available: State{State: true}}
	unstable := func(message string) Status {
		return Status{Stable: State{Message: message}, Available: State{State: true}}
	}
	both := func(message string) Status {
		return Status{Stable: State{Message: message}, Available: State{Message: message}}
	}
	const generation = "Waiting for status generation to match updated object generation"
	cases := []struct {
		name, object string
		want         Status
	}{
		{"deployment without status", `{"apiVersion":"apps/v1","kind":"Deployment"}`, none},
		{"deployment with null status", `{"apiVersion":"apps/v1","kind":"Deployment","status":null}`, none},
		{"deployment never observed", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"status":{}}`, unstable(generation)},
		{"deployment observed too early", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"status":{"observedGeneration":1,"conditions":[{"type":"Progressing","reason":"ProgressDeadlineExceeded"}]}}`, unstable(generation)},
		{"deployment stable", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"replicas":2,"updatedReplicas":2,"availableReplicas":2,"readyReplicas":2,"conditions":[{"type":"Available","status":"True"}]}}`, stable},
		{"deployment without replicas", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{},"status":{"observedGeneration":2}}`, stable},
		{"deployment not updated", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"replicas":3,"updatedReplicas":1}}`, unstable("Waiting for all replicas to be updated")},
		{"deployment with old replicas", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"replicas":3,"updatedReplicas":2}}`, unstable("Waiting for old replicas to finish termination")},
		{"deployment not available", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"replicas":2,"updatedReplicas":2,"availableReplicas":1,"readyReplicas":1}}`, unstable("Waiting for all replicas to be available")},
		{"deployment not ready", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"replicas":2,"updatedReplicas":2,"availableReplicas":2,"readyReplicas":1}}`, unstable("Waiting for all replicas to be ready")},
		{"deployment paused", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"status":{"observedGeneration":1,"conditions":[{"type":"Progressing","reason":"DeploymentPaused","status":"Unknown","message":"Deployment is paused"}]}}`,
			Status{Stable: State{State: true}, Available: State{State: true}, Paused: State{State: true, Message: "Deployment is paused"}}},
		{"deployment unavailable", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"status":{"observedGeneration":1,"conditions":[{"type":"Available","status":"False","message":"Deployment does not have minimum availability."}]}}`, both("Deployment does not have minimum availability.")},
		{"deployment unavailable and behind: the replicas' message wins", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,"conditions":[{"type":"Available","status":"False","message":"m"}]}}`,
			Status{Stable: State{Message: "Waiting for all replicas to be updated"}, Available: State{Message: "m"}}},
		{"deployment over its deadline", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,"replicas":1,"updatedReplicas":1,"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded"}]}}`,
			Status{Stable: State{Message: "Waiting for all replicas to be available"}, Available: State{State: true}, Failed: State{State: true, Message: "Deployment exceeded its progress deadline"}}},

		{"replicaSet without status", `{"apiVersion":"apps/v1","kind":"ReplicaSet"}`, none},
		{"replicaSet not labelled", `{"apiVersion":"apps/v1","kind":"ReplicaSet","spec":{"replicas":1},"status":{"replicas":0}}`, both("Waiting for all replicas to be fully-labeled")},
		{"replicaSet not ready", `{"apiVersion":"apps/v1","kind":"ReplicaSet","spec":{"replicas":1},"status":{"fullyLabeledReplicas":1}}`, both("Waiting for all replicas to be ready")},
		{"replicaSet not available", `{"apiVersion":"apps/v1","kind":"ReplicaSet","spec":{"replicas":1},"status":{"fullyLabeledReplicas":1,"readyReplicas":1}}`, both("Waiting for all replicas to be available")},
		{"replicaSet observed too early, after the counts", `{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"generation":2},"spec":{"replicas":1},"status":{"observedGeneration":1,"fullyLabeledReplicas":1,"readyReplicas":1,"availableReplicas":1}}`, unstable("Waiting for replicaset spec update to be observed")},
		{"replicaSet stable", `{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"generation":2},"spec":{"replicas":1},"status":{"observedGeneration":2,"fullyLabeledReplicas":1,"readyReplicas":1,"availableReplicas":1}}`, stable},

		{"statefulSet OnDelete without status", `{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"updateStrategy":{"type":"OnDelete"}}}`, stable},
		{"statefulSet without status", `{"apiVersion":"apps/v1","kind":"StatefulSet"}`, none},
		{"statefulSet observed too early", `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":2},"status":{"observedGeneration":1}}`, unstable(generation)},
		{"statefulSet too few", `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,"replicas":1}}`, unstable("Waiting for at least the desired replica count to be met")},
		{"statefulSet not ready", `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,"replicas":2,"readyReplicas":1}}`, unstable("Waiting for all updated replicas to be ready")},
		{"statefulSet in a partitioned roll out", `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":3,"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":1}}},"status":{"observedGeneration":1,"replicas":3,"readyReplicas":3,"updatedReplicas":1}}`, unstable("Waiting for partitioned roll out to finish")},
		{"statefulSet after a partitioned roll out", `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":3,"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":1}}},"status":{"observedGeneration":1,"replicas":3,"readyReplicas":3,"updatedReplicas":2}}`,
			Status{Stable: State{State: true, Message: "Partitioned roll out complete"}, Available: State{State: true}}},
		{"statefulSet not scheduled", `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":2,"updateStrategy":{"type":"RollingUpdate"}},"status":{"observedGeneration":1,"replicas":2,"readyReplicas":2,"currentReplicas":1}}`, unstable("Waiting for all updated replicas to be scheduled")},
		{"statefulSet between revisions", `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,"replicas":2,"readyReplicas":2,"currentReplicas":2,"currentRevision":"a","updateRevision":"b"}}`, unstable("Waiting for the updated revision to match the current revision")},
		{"statefulSet stable", `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,"replicas":2,"readyReplicas":2,"currentReplicas":2,"currentRevision":"a","updateRevision":"a"}}`, stable},

		{"daemonSet without status", `{"apiVersion":"apps/v1","kind":"DaemonSet"}`, none},
		{"daemonSet observed too early", `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":2},"spec":{"updateStrategy":{"type":"OnDelete"}},"status":{"observedGeneration":1}}`, unstable(generation)},
		{"daemonSet OnDelete", `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":1},"spec":{"updateStrategy":{"type":"OnDelete"}},"status":{"observedGeneration":1,"desiredNumberScheduled":3}}`, stable},
		{"daemonSet not scheduled", `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":1},"spec":{"updateStrategy":{"type":"RollingUpdate"}},"status":{"observedGeneration":1,"desiredNumberScheduled":3,"currentNumberScheduled":2}}`, unstable("Waiting for all replicas to be scheduled")},
		{"daemonSet not updated", `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":1},"spec":{"updateStrategy":{"type":"RollingUpdate"}},"status":{"observedGeneration":1,"desiredNumberScheduled":3,"currentNumberScheduled":3,"updatedNumberScheduled":1}}`, unstable("Waiting for all updated replicas to be scheduled")},
		{"daemonSet not available", `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":1},"spec":{"updateStrategy":{"type":"RollingUpdate"}},"status":{"observedGeneration":1,"desiredNumberScheduled":3,"currentNumberScheduled":3,"updatedNumberScheduled":3,"numberAvailable":1}}`, unstable("Waiting for all replicas to be available")},
		{"daemonSet not ready", `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":1},"spec":{"updateStrategy":{"type":"RollingUpdate"}},"status":{"observedGeneration":1,"desiredNumberScheduled":3,"currentNumberScheduled":3,"updatedNumberScheduled":3,"numberAvailable":3,"numberReady":2}}`, unstable("Waiting for all replicas to be ready")},
		{"daemonSet stable", `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":1},"spec":{"updateStrategy":{"type":"RollingUpdate"}},"status":{"observedGeneration":1,"desiredNumberScheduled":3,"currentNumberScheduled":3,"updatedNumberScheduled":3,"numberAvailable":3,"numberReady":3}}`, stable},

		{"job without status", `{"apiVersion":"batch/v1","kind":"Job"}`, none},
		{"job running", `{"apiVersion":"batch/v1","kind":"Job","spec":{"completions":2},"status":{"succeeded":1}}`, unstable("Waiting for jobs to finish")},
		{"job done", `{"apiVersion":"batch/v1","kind":"Job","status":{"succeeded":1}}`, stable},
		{"job done by its success policy", `{"apiVersion":"batch/v1","kind":"Job","spec":{"completions":3},"status":{"succeeded":1,"conditions":[{"type":"Complete","status":"True"}]}}`, stable},
		{"job failed", `{"apiVersion":"batch/v1","kind":"Job","status":{"failed":1,"conditions":[{"type":"Failed","status":"True","message":"Job has reached the specified backoff limit"}]}}`,
			Status{Stable: State{State: true}, Available: State{State: true}, Failed: State{State: true, Message: "Job has reached the specified backoff limit"}}},
		{"job with a false failure", `{"apiVersion":"batch/v1","kind":"Job","status":{"conditions":[{"type":"Failed","status":"False"}]}}`, unstable("Waiting for jobs to finish")},

		{"cronJob without status", `{"apiVersion":"batch/v1","kind":"CronJob"}`, none},
		{"cronJob with an empty status", `{"apiVersion":"batch/v1","kind":"CronJob","status":{}}`, stable},

		{"pod without status", `{"apiVersion":"v1","kind":"Pod"}`, none},
		{"pod pending", `{"apiVersion":"v1","kind":"Pod","status":{"phase":"Pending"}}`, both("Pod is pending")},
		{"pod failed is not a failure", `{"apiVersion":"v1","kind":"Pod","status":{"phase":"Failed"}}`, both("Pod has failed")},
		{"pod unknown", `{"apiVersion":"v1","kind":"Pod","status":{"phase":"Unknown"}}`, both("Pod phase is unknown")},
		{"pod without phase", `{"apiVersion":"v1","kind":"Pod","status":{}}`, both("Pod phase is unknown")},
		{"pod running", `{"apiVersion":"v1","kind":"Pod","status":{"phase":"Running"}}`, stable},
		{"pod succeeded", `{"apiVersion":"v1","kind":"Pod","status":{"phase":"Succeeded"}}`, stable},

		{"hpa without status", `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler"}`, none},
		{"hpa up", `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","status":{"desiredReplicas":3,"currentReplicas":1}}`, unstable("Waiting for HPA to complete a scale up, current: 1 desired: 3")},
		{"hpa down", `{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","status":{"desiredReplicas":1,"currentReplicas":3}}`, unstable("Waiting for HPA to complete a scale down, current: 3 desired: 1")},
		{"hpa stable", `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","status":{"desiredReplicas":3,"currentReplicas":3}}`, stable},

		{"service", `{"apiVersion":"v1","kind":"Service"}`, stable},
		{"ingress", `{"apiVersion":"networking.k8s.io/v1","kind":"Ingress"}`, stable},
		{"configMap", `{"apiVersion":"v1","kind":"ConfigMap"}`, stable},
		{"pvc", `{"apiVersion":"v1","kind":"PersistentVolumeClaim","status":{"phase":"Pending"}}`, stable},
		{"custom resource", `{"apiVersion":"example.com/v1","kind":"Widget"}`, stable},
		{"custom resource with a workload's name", `{"apiVersion":"example.com/v1","kind":"Deployment"}`, stable},
	}
	for _, c := range cases {
		t.Run("10 "+c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Of(object(t, c.object))
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestReferenceOldWorkloads(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"apiVersion":"extensions/v1beta1","kind":"Deployment"}`,
		`{"apiVersion":"apps/v1beta2","kind":"Deployment"}`,
		`{"apiVersion":"apps/v1beta2","kind":"ReplicaSet"}`,
		`{"apiVersion":"apps/v1beta2","kind":"StatefulSet"}`,
		`{"apiVersion":"apps/v1beta2","kind":"DaemonSet"}`,
	} {
		_, err := Of(object(t, text))
		require.ErrorContains(t, err, "is supported at api version", text)
	}
}

func TestReferenceJobRun(t *testing.T) {
	t.Parallel()
	state, message := Job(object(t, `{"apiVersion":"batch/v1","kind":"Job","status":{"conditions":[{"type":"Failed","status":"True","message":"m"}]}}`))
	require.Equal(t, JobFailed, state)
	require.Equal(t, "m", message)
	state, _ = Job(object(t, `{"apiVersion":"batch/v1","kind":"Job","spec":{"completions":0}}`))
	require.Equal(t, JobRunning, state, "a job without status has not run, whatever it asks for")
	state, _ = Job(object(t, `{"apiVersion":"batch/v1","kind":"Job","status":{"succeeded":1}}`))
	require.Equal(t, JobSucceeded, state)
}
