package reads

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/internal/testkit/testcluster"
)

// TestWatchesThatBreak: dropped connections, a server that is away for a while,
// and versions that have expired lose nothing.
func TestWatchesThatBreak(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	p := r.proxy()
	r.deploy(shop, "web", 1)
	r.worker(Config{Watch: WatchAlways}, r.mirror)
	r.awaitUp(shop, 1)

	p.server.CloseClientConnections()
	r.scale("web", 2)
	r.awaitUp(shop, 2)

	p.down.Store(true)
	p.server.CloseClientConnections()
	eventually(t, "a word that changes do not arrive", func() (bool, any) { s := r.status(); return s.Behind != 0, s })
	r.scale("web", 3)
	groups, gaps, err := r.groups(shop)
	require.NoError(t, err)
	require.Len(t, groups, 1, "what is known is told")
	require.NotEmpty(t, gaps)
	require.Positive(t, gaps[0].Stale, "and that it is old")
	p.down.Store(false)
	r.awaitUp(shop, 3)
	require.Zero(t, r.status().Behind)

	p.expired.Store(true)
	r.scale("web", 1)
	// A watch goes on from its version only when it lasted for more than a second;
	// a shorter one begins anew.
	var closed time.Time
	eventually(t, "expired watches", func() (bool, any) {
		if time.Since(closed) > 2*time.Second {
			p.server.CloseClientConnections()
			closed = time.Now()
		}
		n := p.expirations.Load()
		return n > 0, n
	})
	p.expired.Store(false)
	r.awaitUp(shop, 1)
}

// TestAPIServerThatRestarts kills the real one.
func TestAPIServerThatRestarts(t *testing.T) {
	t.Parallel()
	cluster := testcluster.Start(t)
	r, shop := rigOn(t, cluster), app()
	r.deploy(shop, "web", 1)
	r.worker(Config{Watch: WatchAlways}, r.mirror)
	r.awaitUp(shop, 1)
	cluster.Server(t, testcluster.APIServer).Kill()
	eventually(t, "a word that changes do not arrive", func() (bool, any) { s := r.status(); return s.Behind != 0, s })
	cluster.Server(t, testcluster.APIServer).Restart(t)
	eventually(t, "the Deployment's new size", func() (bool, any) {
		scale, err := r.client.AppsV1().Deployments(r.namespace).GetScale(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		scale.Spec.Replicas = 2
		_, err = r.client.AppsV1().Deployments(r.namespace).UpdateScale(t.Context(), "web", scale, metav1.UpdateOptions{})
		return err == nil, err
	})
	r.awaitUp(shop, 2)
}

// TestForbiddenKinds: what the account may not list is told, the rest works.
func TestForbiddenKinds(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	r.deploy(shop, "web", 1)
	r.account.KubeconfigFile, r.account.KubeconfigContents = "", r.restricted("apps", "deployments", "replicasets")
	r.worker(Config{Watch: WatchAlways}, r.mirror)
	eventually(t, "what may be read", func() (bool, any) {
		groups, gaps, err := r.groups(shop)
		return err == nil && len(groups) == 1 && len(gaps) == 1, []any{groups, gaps, err}
	})
	groups, gaps, err := r.groups(shop)
	require.NoError(t, err)
	require.Zero(t, groups[0].InstanceCounts.Total)
	require.Contains(t, gaps[0].Missing, "pod is forbidden")
	require.Contains(t, gaps[0].Missing, "service is forbidden")
	require.NotContains(t, gaps[0].Missing, "replicaSet")
	require.Equal(t, clusters.Forbidden, r.kind("pod").State)
	require.Contains(t, r.kind("pod").Message, "cannot list")
	require.Equal(t, clusters.Synced, r.kind("deployment").State)
}

// restricted is a kubeconfig for an identity that may read some resources of
// the rig's namespace.
func (r *rig) restricted(group string, resources ...string) string {
	ctx, namespace := r.t.Context(), r.namespace
	_, err := r.client.CoreV1().ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "looker"}}, metav1.CreateOptions{})
	require.NoError(r.t, err)
	_, err = r.client.RbacV1().Roles(namespace).Create(ctx, &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "looker"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{group}, Resources: resources, Verbs: []string{"get", "list", "watch"}}},
	}, metav1.CreateOptions{})
	require.NoError(r.t, err)
	_, err = r.client.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "looker"},
		RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "Role", Name: "looker"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: "looker", Namespace: namespace}},
	}, metav1.CreateOptions{})
	require.NoError(r.t, err)
	token, err := r.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, "looker", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	require.NoError(r.t, err)
	raw, err := clientcmd.LoadFromFile(testcluster.Get(r.t).Kubeconfig)
	require.NoError(r.t, err)
	for _, user := range raw.AuthInfos {
		*user = clientcmdapi.AuthInfo{Token: token.Status.Token}
	}
	text, err := clientcmd.Write(*raw)
	require.NoError(r.t, err)
	return string(text)
}

// TestKindsThatComeAndGo: a kind of the account's own is read once its
// definition is there, and forgotten with it.
func TestKindsThatComeAndGo(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	client, err := dynamic.NewForConfig(testcluster.Get(t).Config(t))
	require.NoError(t, err)
	group := app() + ".example.com"
	definitions := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	r.account.CustomResources = []clouddriver.CustomResource{{KubernetesKind: "Boat." + group, SpinnakerKind: clusters.ServerGroups}}
	r.worker(Config{Watch: WatchAlways}, r.mirror)
	kind := "Boat." + group
	eventually(t, "the word that the kind is absent", func() (bool, any) { k := r.kind(kind); return k.State == clusters.Absent, k })
	require.Empty(t, r.status().Missing(), "what the cluster does not serve lacks in no answer")

	_, err = definitions.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "boats." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"plural": "boats", "singular": "boat", "kind": "Boat"},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{
				"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}},
		},
	}}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = definitions.Delete(t.Context(), "boats."+group, metav1.DeleteOptions{}) })
	boats := client.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: "boats"}).Namespace(r.namespace)
	eventually(t, "a boat", func() (bool, any) {
		_, err := boats.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": group + "/v1", "kind": "Boat", "metadata": map[string]any{"name": "ketch", "annotations": map[string]any{
				"moniker.spinnaker.io/application": shop, "moniker.spinnaker.io/cluster": "boat ketch"}},
			"spec": map[string]any{"replicas": int64(2)},
		}}, metav1.CreateOptions{})
		return err == nil, err
	})
	eventually(t, "the boat's server group", func() (bool, any) {
		groups, _, err := r.groups(shop)
		return err == nil && len(groups) == 1 && strings.EqualFold(groups[0].Name, kind+" ketch") && groups[0].Capacity.Desired == 2, groups
	})
	require.NoError(t, definitions.Delete(t.Context(), "boats."+group, metav1.DeleteOptions{}))
	eventually(t, "the end of the kind", func() (bool, any) {
		groups, _, err := r.groups(shop)
		k := r.kind(kind)
		return err == nil && len(groups) == 0 && k.State == clusters.Absent, []any{groups, k}
	})
}

// TestCachingPolicies: a kind is cut where the account says so, and told.
func TestCachingPolicies(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	r.deploy(shop, "web", 4)
	r.account.CachingPolicies = []clouddriver.CachingPolicy{{KubernetesKind: "pod", MaxEntriesPerAgent: 2}}
	r.account.OmitKinds = []string{"service"}
	eventually(t, "the pods", func() (bool, any) {
		pods, err := r.client.CoreV1().Pods(r.namespace).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(pods.Items) == 4, err
	})
	r.worker(Config{Watch: WatchAlways}, r.mirror)
	eventually(t, "a cut list", func() (bool, any) {
		groups, gaps, err := r.groups(shop)
		return err == nil && len(groups) == 1 && groups[0].InstanceCounts.Total == 2 && len(gaps) == 1, []any{groups, gaps, err}
	})
	require.Equal(t, 2, r.kind("pod").Left)
	require.Empty(t, r.kind("service").Kind, "it is not watched at all")
}

// TestClusterThatIsAway: a question about a cluster that does not answer fails
// and says why, at once.
func TestClusterThatIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.proxy()
	p.down.Store(true)
	room, _ := r.worker(Config{Watch: WatchAsked}, r.mirror)
	began := time.Now()
	eventually(t, "a running worker", func() (bool, any) {
		room.mu.Lock()
		defer room.mu.Unlock()
		return room.running != nil, nil
	})
	_, err := room.ReadClusters(t.Context(), indexQuestion)
	require.ErrorContains(t, err, testAccount)
	require.Less(t, time.Since(began), answerWithin+10*time.Second)
}
