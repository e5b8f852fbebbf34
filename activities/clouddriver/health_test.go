package clouddriver

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// counting counts requests.
type counting struct {
	next  http.RoundTripper
	count atomic.Int64
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.count.Add(1)
	return c.next.RoundTrip(r)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kubeSystem, err := r.client(t).CoreV1().Namespaces().Get(t.Context(), "kube-system", metav1.GetOptions{})
	require.NoError(t, err)
	accounts, err := NewAccounts([]Account{
		{Name: "admin", KubeconfigFile: r.kubernetes.Kubeconfig, OmitNamespaces: []string{"default"}, CustomResources: []CustomResource{{KubernetesKind: "Widget.example.com", SpinnakerKind: "serverGroups"}}},
		{Name: "away", KubeconfigContents: kubeconfigOf("http://127.0.0.1:1")},
		{Name: "nowhere", KubeconfigFile: "/nowhere", Namespaces: []string{"x"}, Environment: "prod"},
	})
	require.NoError(t, err)
	counter := &counting{}
	acc, err := accounts.find("admin")
	require.NoError(t, err)
	acc.wrap = func(next http.RoundTripper) http.RoundTripper { counter.next = next; return counter }

	c, err := accounts.Check(t.Context(), "admin")
	require.NoError(t, err)
	require.Equal(t, string(kubeSystem.UID), c.Cluster)
	require.True(t, c.Health.Reachable, c.Health.Error)
	require.Regexp(t, `^v1\.\d+`, c.Health.ServerVersion)
	require.Empty(t, c.Health.MissingPermissions)
	require.Contains(t, c.About.Namespaces, r.namespace)
	require.NotContains(t, c.About.Namespaces, "default")
	require.Equal(t, "admin", c.About.Environment)
	kinds := SpinnakerKinds(c.About.CustomKinds)
	require.Equal(t, "serverGroups", kinds["Widget.example.com"])
	require.Equal(t, "serverGroupManagers", kinds["deployment"])
	require.Equal(t, "unclassified", kinds["horizontalpodautoscaler"])

	before := counter.count.Load()
	acc.memo.at = time.Time{}
	_, err = accounts.Check(t.Context(), "admin")
	require.NoError(t, err)
	require.EqualValues(t, 2, counter.count.Load()-before, "a further look asks for the version and the namespaces alone")

	c, err = accounts.Check(t.Context(), "away")
	require.NoError(t, err)
	require.False(t, c.Health.Reachable)
	require.Contains(t, c.Health.Error, "does not answer")
	require.Empty(t, c.Cluster)
	c, err = accounts.Check(t.Context(), "nowhere")
	require.NoError(t, err)
	require.Contains(t, c.Health.Error, "/nowhere")
	require.Equal(t, []string{"x"}, c.About.Namespaces)
	require.Equal(t, "prod", c.About.Environment)
	_, err = accounts.Check(t.Context(), "none")
	requireCode(t, err, pipeline.CodeNotFound)

	no := false
	accounts.SetProvider(ProviderSettings{VerifyAccountHealthKey: &no})
	c, err = accounts.Check(t.Context(), "admin")
	require.NoError(t, err)
	require.False(t, c.Health.Reachable)
	require.Empty(t, c.Health.Error, "nobody looked")
}

// A connection is used once the cluster is known to be the account's.
func TestClaim(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	accounts, err := NewAccounts([]Account{{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig}})
	require.NoError(t, err)
	c := New(accounts, discard())
	var asked []string
	verdict := pipeline.Errorf(pipeline.CodeUnavailable, "another cluster has the name")
	accounts.SetClaim(func(_ context.Context, account, cluster string) error {
		asked = append(asked, account)
		require.NotEmpty(t, cluster)
		if len(asked) == 1 {
			return verdict
		}
		return nil
	})
	_, err = c.DeployManifest(t.Context(), r.input(t, aConfigMap))
	require.ErrorIs(t, err, verdict)
	require.Nil(t, r.live(t, "configMap a"))
	for range 2 {
		_, err = c.DeployManifest(t.Context(), r.input(t, aConfigMap))
		require.NoError(t, err)
	}
	require.Len(t, asked, 2, "an accepted connection is not asked for again")
}

// leastPrivilege applies the manifests that operators are given, for the rig's
// namespace, and returns the deployer's kubeconfig. The cluster's other
// namespaces, and what others made of the same manifests, are left alone.
func (r *rig) leastPrivilege(t *testing.T, change func(*unstructured.Unstructured)) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/kubernetes/account-rbac.yaml")
	require.NoError(t, err)
	own := strings.NewReplacer("namespace: shop", "namespace: "+r.namespace, "namespace: gennaker", "namespace: "+r.namespace,
		"name: gennaker-", "name: "+r.namespace+"-", "name: gennaker\n", "name: "+r.namespace+"\n").Replace(string(text))
	cl := r.connection(t, testAccount)
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(own)), 4096)
	for {
		var obj unstructured.Unstructured
		if err := decoder.Decode(&obj); err != nil {
			break
		}
		if obj.GetKind() == "Namespace" {
			continue
		}
		if change != nil {
			change(&obj)
		}
		res, err := cl.catalog.find(t.Context(), obj.GroupVersionKind())
		require.NoError(t, err)
		_, err = cl.client(res, obj.GetNamespace()).Create(t.Context(), &obj, metav1.CreateOptions{})
		require.NoError(t, err)
		t.Cleanup(func() {
			if !res.namespaced {
				_ = cl.client(res, "").Delete(context.Background(), obj.GetName(), metav1.DeleteOptions{})
			}
		})
	}
	return r.kubeconfigAs(t, r.namespace+"-deployer")
}

const aDeployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'nginx:1'}]}
`

func TestLeastPrivilegeDeploysScalesAndDeletes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: r.leastPrivilege(t, nil), Namespaces: []string{r.namespace}})
	for _, replicas := range []string{"1", "3"} {
		in := r.input(t, aConfigMap+"\n---\n"+strings.ReplaceAll(aDeployment, "REPLICAS", replicas))
		out, err := c.DeployManifest(t.Context(), in)
		require.NoError(t, err)
		limited := &rig{Clouddriver: c, namespace: r.namespace}
		stable, err := limited.await(t, out.ManifestNamesByNamespace[r.namespace]...)
		require.NoError(t, err)
		require.True(t, stable.Done)
		for _, s := range stable.Statuses {
			require.True(t, s.Stable, "%+v", s)
		}
	}
	require.EqualValues(t, 3, at(r.live(t, "deployment web").Object, "status", "readyReplicas"))
	_, err := c.DeleteManifest(t.Context(), activities.DeleteManifestInput{Scope: scope(), Account: testAccount, Location: r.namespace, ManifestName: "deployment web"})
	require.NoError(t, err)
	require.Nil(t, r.live(t, "deployment web"))

	checkup, err := c.accounts.Check(t.Context(), testAccount)
	require.NoError(t, err)
	require.True(t, checkup.Health.Reachable)
	require.NotEmpty(t, checkup.Cluster)
	require.Empty(t, checkup.Health.MissingPermissions)
	_, err = c.DeployManifest(t.Context(), r.input(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: NS}"))
	requireCode(t, err, pipeline.CodeForbidden)
}

func TestMissingPermissionsAreNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kubeconfig := r.leastPrivilege(t, func(obj *unstructured.Unstructured) {
		rules, _, _ := unstructured.NestedSlice(obj.Object, "rules")
		for _, rule := range rules {
			m := rule.(map[string]any)
			if resources, _, _ := unstructured.NestedStringSlice(m, "resources"); len(resources) > 0 && resources[0] == "deployments" {
				m["verbs"] = []any{"get", "list", "watch", "patch", "update", "delete"}
			}
		}
		if rules != nil && strings.HasSuffix(obj.GetName(), "-deployer") {
			require.NoError(t, unstructured.SetNestedSlice(obj.Object, rules, "rules"))
		}
		if rules != nil && strings.HasSuffix(obj.GetName(), "-identity") {
			unstructured.RemoveNestedField(obj.Object, "rules")
		}
	})
	c := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: kubeconfig, Namespaces: []string{r.namespace}})
	_, err := c.DeployManifest(t.Context(), r.input(t, strings.ReplaceAll(aDeployment, "REPLICAS", "1")))
	requireCode(t, err, pipeline.CodeForbidden)
	require.ErrorContains(t, err, "lacks the permission to create deployments.apps in namespace "+r.namespace)

	checkup, err := c.accounts.Check(t.Context(), testAccount)
	require.NoError(t, err)
	require.True(t, checkup.Health.Reachable)
	require.Empty(t, checkup.Cluster)
	missing := strings.Join(checkup.Health.MissingPermissions, "\n")
	for _, kind := range []string{"deployments", "replicasets", "statefulsets", "daemonsets"} {
		require.Contains(t, missing, "create "+kind+".apps in namespace "+r.namespace)
	}
	require.Contains(t, missing, "get namespaces kube-system")
	require.NotContains(t, missing, "configmaps")
	require.Len(t, checkup.Health.MissingPermissions, 5)

	only := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: kubeconfig, Namespaces: []string{r.namespace}, Kinds: []string{"configMap", "statefulSet"}})
	checkup, err = only.accounts.Check(t.Context(), testAccount)
	require.NoError(t, err)
	require.Len(t, checkup.Health.MissingPermissions, 2, "kinds that the account leaves out are not looked at: %v", checkup.Health.MissingPermissions)
}

func TestLacking(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		`deployments.apps is forbidden: User "u" cannot create resource "deployments" in API group "apps" in the namespace "shop"`:       " The account lacks the permission to create deployments.apps in namespace shop: grant it to the account's role in the cluster.",
		`deployments.apps "a" is forbidden: User "u" cannot patch resource "deployments/scale" in API group "apps" in the namespace "x"`: " The account lacks the permission to patch deployments.apps/scale in namespace x: grant it to the account's role in the cluster.",
		`namespaces "a" is forbidden: User "u" cannot get resource "namespaces" in API group "" in the namespace "a"`:                    " The account lacks the permission to get namespaces in namespace a: grant it to the account's role in the cluster.",
		`nodes is forbidden: User "u" cannot list resource "nodes" in API group "" at the cluster scope`:                                 " The account lacks the permission to list nodes: grant it to the account's role in the cluster.",
		`pods "a" is forbidden: exceeded quota`: "",
	} {
		require.Equal(t, want, lacking(message))
	}
}

// Authorizers that cannot list their rules are asked one by one.
func TestRulesThatAreIncomplete(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.token(t, "viewer")
	require.NoError(t, r.client(t).RbacV1().RoleBindings(r.namespace).Delete(t.Context(), "viewer", metav1.DeleteOptions{}))
	_, err := r.client(t).RbacV1().RoleBindings(r.namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "viewer"}, RoleRef: rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "view"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "viewer", Namespace: r.namespace}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	c := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: r.kubeconfigWith(t, clientcmdapi.AuthInfo{Token: token})})
	cl := c.connection(t, testAccount)
	pods, err := cl.catalog.resolve(t.Context(), "pod")
	require.NoError(t, err)
	for verb, want := range map[string]bool{"list": true, "delete": false} {
		got, err := cl.mayI(t.Context(), r.namespace, verb, pods.gvr)
		require.NoError(t, err)
		require.Equal(t, want, got, verb)
	}
}
