// Package testcluster gives tests a Kubernetes cluster: a real API server with etcd, controllers and scheduler, whose
// nodes are simulated (see kwok.yaml of package stack for what pods do there).
package testcluster

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gennaker/gennaker/deploy/local/stack"
	"github.com/gennaker/gennaker/internal/testkit"
)

// Cluster is a running cluster.
type Cluster struct {
	// Kubeconfig is the path of the administrator's kubeconfig.
	Kubeconfig string
	servers    map[string]*testkit.Server
	names      []string
}

// Names of the parts of a cluster, for [Cluster.Server].
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Nodes             = "kwok"
)

// Get returns the cluster that tests share: the one that GENNAKER_TEST_KUBECONFIG names, as "make test" does for the whole
// run, or one for this process. Its users work in namespaces of their own ([Cluster.Namespace]) and leave it running.
func Get(t testing.TB) *Cluster {
	t.Helper()
	if path := os.Getenv(stack.TestKubeconfigVariable); path != "" {
		return &Cluster{Kubeconfig: path}
	}
	return shared.Get(t, func(t testing.TB) *Cluster { return start(t, testkit.SharedDir(t)) })
}

var shared testkit.Shared[*Cluster]

// Start starts a cluster for t alone, whose parts may be killed and restarted. It takes some five seconds and 800 MB, so
// tests that kill nothing use [Get].
func Start(t testing.TB) *Cluster {
	t.Helper()
	c := start(t, t.TempDir())
	t.Cleanup(func() {
		for i := len(c.names) - 1; i >= 0; i-- {
			c.servers[c.names[i]].Kill()
		}
	})
	return c
}

func start(t testing.TB, dir string) *Cluster {
	t.Helper()
	env := testkit.NewEnv(t, dir, stack.KubernetesPorts()...)
	c := &Cluster{Kubeconfig: env.LocalKubeconfig(), servers: map[string]*testkit.Server{}}
	for _, part := range stack.Kubernetes() {
		c.servers[part.Name] = testkit.Start(t, stack.KubernetesProgram, part, env)
		c.names = append(c.names, part.Name)
	}
	return c
}

// Server returns one part of a cluster of [Start].
func (c *Cluster) Server(t testing.TB, name string) *testkit.Server {
	t.Helper()
	server, ok := c.servers[name]
	if !ok {
		t.Fatalf("no part %q that a test may stop: a shared cluster stays up, testcluster.Start gives one of its own", name)
	}
	return server
}

// Config returns the administrator's connection. Requests are not throttled on the client's side.
func (c *Cluster) Config(t testing.TB) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}

// Namespace makes a namespace for t and deletes it with t.
func (c *Cluster) Namespace(t testing.TB) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(c.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name := "test-" + strings.ToLower(rand.Text()[:12])
	if _, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// Pods are refused until the controllers have given the namespace its service account.
	err = wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("namespace %s has no service account: %v", name, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		// A cluster that the test has killed cannot delete it, and is gone anyway.
		_ = client.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{})
	})
	return name
}
