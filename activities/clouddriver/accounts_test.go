package clouddriver

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

func TestNewAccountsChecksItsConfiguration(t *testing.T) {
	t.Parallel()
	for text, configs := range map[string][]Account{
		"number 2 has no name":     {{Name: "a"}, {}},
		`two accounts named "a"`:   {{Name: "a"}, {Name: "a"}},
		"both namespaces and":      {{Name: "a", Namespaces: []string{"x"}, OmitNamespaces: []string{"y"}}},
		`cloudProvider "aws"`:      {{Name: "a", CloudProvider: "aws"}},
		"without kubernetesKind":   {{Name: "a", CustomResources: []CustomResource{{}}}},
		`deployPriority "HIGHEST"`: {{Name: "a", CustomResources: []CustomResource{{KubernetesKind: "W.e.com", DeployPriority: "HIGHEST"}}}},
	} {
		_, err := NewAccounts(configs)
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, text)
	}
}

func TestFindAccount(t *testing.T) {
	t.Parallel()
	accounts, err := NewAccounts([]Account{{Name: "prod"}, {Name: "dev"}})
	require.NoError(t, err)
	require.Equal(t, []string{"dev", "prod"}, accounts.Names())
	out, err := accounts.FindAccount(t.Context(), activities.FindAccountInput{Account: "prod"})
	require.NoError(t, err)
	require.Equal(t, activities.FindAccountOutput{Account: "prod", CloudProvider: "kubernetes"}, out)
	_, err = accounts.FindAccount(t.Context(), activities.FindAccountInput{Account: "prd"})
	requireCode(t, err, pipeline.CodeNotFound)
	require.ErrorContains(t, err, `no account named "prd". Known accounts: dev, prod`)
	_, err = accounts.FindAccount(t.Context(), activities.FindAccountInput{})
	requireCode(t, err, pipeline.CodeInvalid)
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, err := r.accounts.Describe(t.Context(), testAccount)
	require.NoError(t, err)
	require.Contains(t, d.Namespaces, r.namespace)
	require.Contains(t, d.Namespaces, "default")
	require.Equal(t, "serverGroupManagers", d.SpinnakerKindMap["deployment"])
	require.Equal(t, "unclassified", d.SpinnakerKindMap["horizontalpodautoscaler"])

	omitting, err := NewAccounts([]Account{{Name: "a", KubeconfigFile: r.kubernetes.Kubeconfig, OmitNamespaces: []string{"default"},
		CustomResources: []CustomResource{{KubernetesKind: "Widget.example.com", SpinnakerKind: "serverGroups"}}}})
	require.NoError(t, err)
	d, err = omitting.Describe(t.Context(), "a")
	require.NoError(t, err)
	require.NotContains(t, d.Namespaces, "default")
	require.Equal(t, "serverGroups", d.SpinnakerKindMap["Widget.example.com"])
	require.Equal(t, "a", d.Environment)

	away, err := NewAccounts([]Account{{Name: "a", KubeconfigFile: "/nowhere"}, {Name: "b", Namespaces: []string{"x"}, Environment: "prod"}})
	require.NoError(t, err)
	d, err = away.Describe(t.Context(), "a")
	require.NoError(t, err, "a cluster that is away must not break the list of accounts")
	require.Empty(t, d.Namespaces)
	d, err = away.Describe(t.Context(), "b")
	require.NoError(t, err)
	require.Equal(t, []string{"x"}, d.Namespaces)
	require.Equal(t, "prod", d.Environment)
}

func TestChangedKubeconfigIsReadAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(file, []byte(kubeconfigOf("http://127.0.0.1:1")), 0o600))
	c := clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: file})
	in := r.input(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: NS}")
	_, err := c.DeployManifest(t.Context(), in)
	requireCode(t, err, pipeline.CodeUnavailable)
	good, err := os.ReadFile(r.kubernetes.Kubeconfig)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, good, 0o600))
	_, err = c.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	first, err := c.open(testAccount)
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(file, time.Now(), time.Now()))
	again, err := c.open(testAccount)
	require.NoError(t, err)
	require.Same(t, first, again, "an unchanged file keeps the connection")
}

func TestNamespaceOfTheContext(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	raw, err := clientcmd.LoadFromFile(r.kubernetes.Kubeconfig)
	require.NoError(t, err)
	raw.Contexts["here"] = raw.Contexts[raw.CurrentContext].DeepCopy()
	raw.Contexts["here"].Namespace = r.namespace
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*raw, file))
	c := clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: file, Context: "here"})
	out, err := c.DeployManifest(t.Context(), r.input(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n"))
	require.NoError(t, err)
	require.Equal(t, map[string][]string{r.namespace: {"configMap a-v000"}}, out.ManifestNamesByNamespace)
	require.Empty(t, out.CreatedArtifacts[0].Location)
}
