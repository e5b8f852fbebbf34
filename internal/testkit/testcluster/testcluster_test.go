package testcluster_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/gennaker/gennaker/internal/testkit/testcluster"
)

func TestDeploymentBecomesAvailable(t *testing.T) {
	t.Parallel()
	cluster := testcluster.Get(t)
	namespace := cluster.Namespace(t)
	client, err := kubernetes.NewForConfig(cluster.Config(t))
	require.NoError(t, err)
	labels := map[string]string{"app": "web"}
	_, err = client.AppsV1().Deployments(namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](3),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: template(labels, nil),
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		got, err := client.AppsV1().Deployments(namespace).Get(t.Context(), "web", metav1.GetOptions{})
		return err == nil && got.Status.AvailableReplicas == 3
	}, 30*time.Second, 50*time.Millisecond)
}

func TestJobsEndAsTheirAnnotationsSay(t *testing.T) {
	t.Parallel()
	cluster := testcluster.Get(t)
	namespace := cluster.Namespace(t)
	client, err := kubernetes.NewForConfig(cluster.Config(t))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		annotations map[string]string
		ended       func(batchv1.JobStatus) bool
		log         string
	}{
		"succeeds": {map[string]string{"local.gennaker.io/run-for": "200ms"},
			func(s batchv1.JobStatus) bool { return s.Succeeded == 1 }, "SPINNAKER_PROPERTY_SIMULATED=true"},
		"fails": {map[string]string{"local.gennaker.io/fails": "exit"},
			func(s batchv1.JobStatus) bool { return s.Failed == 1 }, "simulated container"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := template(map[string]string{"job": name}, test.annotations)
			pod.Spec.RestartPolicy = corev1.RestartPolicyNever
			_, err := client.BatchV1().Jobs(namespace).Create(t.Context(), &batchv1.Job{
				ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec:       batchv1.JobSpec{BackoffLimit: ptr.To[int32](0), Template: pod},
			}, metav1.CreateOptions{})
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				job, err := client.BatchV1().Jobs(namespace).Get(t.Context(), name, metav1.GetOptions{})
				return err == nil && test.ended(job.Status)
			}, 30*time.Second, 50*time.Millisecond)
			pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "job=" + name})
			require.NoError(t, err)
			require.Len(t, pods.Items, 1)
			log, err := client.CoreV1().Pods(namespace).GetLogs(pods.Items[0].Name, &corev1.PodLogOptions{}).DoRaw(t.Context())
			require.NoError(t, err)
			require.Contains(t, string(log), test.log)
		})
	}
}

func TestClusterKeepsObjectsOverAKill(t *testing.T) {
	t.Parallel()
	cluster := testcluster.Start(t)
	namespace := cluster.Namespace(t)
	client, err := kubernetes.NewForConfig(cluster.Config(t))
	require.NoError(t, err)

	for _, name := range []string{testcluster.APIServer, testcluster.Etcd} {
		cluster.Server(t, name).Kill()
		// Without its store the API server answers a read only after a minute.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err = client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		cancel()
		require.Error(t, err)
		cluster.Server(t, name).Restart(t)
		require.Eventually(t, func() bool {
			_, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
			return err == nil
		}, 30*time.Second, 50*time.Millisecond)
	}
}

// template is a pod of one container.
// Nodes are managed again as soon as the part that simulates them is back.
func TestPodsRunAfterTheNodesWereKilled(t *testing.T) {
	t.Parallel()
	cluster := testcluster.Start(t)
	namespace := cluster.Namespace(t)
	client, err := kubernetes.NewForConfig(cluster.Config(t))
	require.NoError(t, err)
	for _, name := range []string{"before", "after"} {
		pod := template(nil, nil)
		_, err := client.CoreV1().Pods(namespace).Create(t.Context(),
			&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: pod.Spec}, metav1.CreateOptions{})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			pod, err := client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
			return err == nil && pod.Status.Phase == corev1.PodRunning
		}, 8*time.Second, 50*time.Millisecond, name)
		cluster.Server(t, testcluster.Nodes).Kill()
		cluster.Server(t, testcluster.Nodes).Restart(t)
	}
}

func template(labels, annotations map[string]string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example.com/main:1"}}},
	}
}
