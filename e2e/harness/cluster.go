package harness

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// Cluster is the cluster as its own administrator sees it.
type Cluster struct {
	// Client and Dynamic talk to the API server.
	Client  kubernetes.Interface
	Dynamic dynamic.Interface
	// Kubeconfig is the administrator's.
	Kubeconfig string

	env    *stack.Env
	config *rest.Config
	mapper *restmapper.DeferredDiscoveryRESTMapper

	keeper *keeper

	mu sync.Mutex // guards mapper
}

func newCluster(env *stack.Env) (*Cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", env.LocalKubeconfig())
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.UserAgent = "e2e"
	c := &Cluster{Kubeconfig: env.LocalKubeconfig(), env: env, config: config}
	if c.Client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if c.Dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(found))
	c.keeper, err = newKeeper(config, env)
	return c, err
}

// close hangs up on everybody; open watches would never end by themselves.
func (c *Cluster) close() {
	c.keeper.server.CloseClientConnections()
	c.keeper.server.Close()
}

// Resource returns the client for objects of a kind in a namespace; objects
// without one ignore it.
func (c *Cluster) Resource(apiVersion, kind, namespace string) (dynamic.ResourceInterface, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil, err
	}
	mapping, err := c.mapping(gv.WithKind(kind))
	if err != nil {
		return nil, fmt.Errorf("kind %s of %s: %w", kind, apiVersion, err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return c.Dynamic.Resource(mapping.Resource), nil
	}
	return c.Dynamic.Resource(mapping.Resource).Namespace(namespace), nil
}

// mapping looks a kind up, asking the API server anew for one that it did not
// know before.
func (c *Cluster) mapping(kind schema.GroupVersionKind) (*meta.RESTMapping, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset()
		mapping, err = c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	return mapping, err
}

// Get returns an object, nil when there is none.
func (c *Cluster) Get(ctx context.Context, apiVersion, kind, namespace, name string) (*unstructured.Unstructured, error) {
	resource, err := c.Resource(apiVersion, kind, namespace)
	if meta.IsNoMatchError(errors.Unwrap(err)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	object, err := resource.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return object, err
}

// Create makes an object; one that exists already is left as it is.
func (c *Cluster) Create(ctx context.Context, object *unstructured.Unstructured, namespace string) error {
	resource, err := c.Resource(object.GetAPIVersion(), object.GetKind(), namespace)
	if err != nil {
		return err
	}
	_, err = resource.Create(ctx, object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// MakeNamespace makes a namespace and returns when pods may run in it.
func (c *Cluster) MakeNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := c.Client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return Until(ctx, "the service account of namespace "+name, func(ctx context.Context) (bool, error) {
		_, err := c.Client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
}

// RemoveNamespace asks for the end of a namespace and does not wait for it.
func (c *Cluster) RemoveNamespace(ctx context.Context, name string) error {
	return c.Client.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{})
}

// Pods returns the pods of a namespace whose names begin with prefix, those
// being deleted left out.
func (c *Cluster) Pods(ctx context.Context, namespace, prefix string) ([]corev1.Pod, error) {
	list, err := c.Client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var out []corev1.Pod
	for _, pod := range list.Items {
		if strings.HasPrefix(pod.Name, prefix) && pod.DeletionTimestamp == nil {
			out = append(out, pod)
		}
	}
	return out, nil
}

// MakeReady does for pods what the nodes would have done later: they run and
// are ready. For pods that the annotation ready-after holds back.
func (c *Cluster) MakeReady(ctx context.Context, namespace, prefix string) error {
	return c.eachPod(ctx, namespace, prefix, func(pod *corev1.Pod) {
		now := metav1.Now()
		pod.Status.Phase = corev1.PodRunning
		pod.Status.StartTime = &now
		pod.Status.Conditions = nil
		for _, kind := range []corev1.PodConditionType{corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
		}
		pod.Status.ContainerStatuses = nil
		started := true
		for _, container := range pod.Spec.Containers {
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
				Name: container.Name, Image: container.Image, Ready: true, Started: &started,
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
			})
		}
	})
}

// Finish lets the containers of pods end with exit code 0. For pods of Jobs
// that the annotation run-for keeps running.
func (c *Cluster) Finish(ctx context.Context, namespace, prefix string) error {
	return c.eachPod(ctx, namespace, prefix, func(pod *corev1.Pod) {
		now := metav1.Now()
		pod.Status.Phase = corev1.PodSucceeded
		for i := range pod.Status.ContainerStatuses {
			container := &pod.Status.ContainerStatuses[i]
			container.Ready = false
			container.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", FinishedAt: now}}
		}
		for i := range pod.Status.Conditions {
			if kind := pod.Status.Conditions[i].Type; kind == corev1.PodReady || kind == corev1.ContainersReady {
				pod.Status.Conditions[i].Status = corev1.ConditionFalse
			}
		}
	})
}

func (c *Cluster) eachPod(ctx context.Context, namespace, prefix string, change func(*corev1.Pod)) error {
	return Until(ctx, "pods "+prefix+" of "+namespace, func(ctx context.Context) (bool, error) {
		pods, err := c.Pods(ctx, namespace, prefix)
		if err != nil || len(pods) == 0 {
			return false, err
		}
		for _, pod := range pods {
			change(&pod)
			_, err := c.Client.CoreV1().Pods(namespace).UpdateStatus(ctx, &pod, metav1.UpdateOptions{})
			if apierrors.IsConflict(err) {
				return false, nil
			}
			if err != nil {
				return false, err
			}
		}
		return true, nil
	})
}
