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

func TestAccountsComeChangeAndGo(t *testing.T) {
	t.Parallel()
	accounts, err := NewAccounts([]Account{{Name: "a", KubeconfigFile: "/a"}, {Name: "b"}})
	require.NoError(t, err)
	revision := func(name string) any { return accounts.Revision(name) }
	a, b := revision("a"), revision("b")
	changed := accounts.Changed()
	require.NoError(t, accounts.Configure([]Account{{Name: "b"}, {Name: "a", KubeconfigFile: "/a"}}))
	requireOpen(t, changed, "the same accounts in another order are no change")

	require.Error(t, accounts.Configure([]Account{{Name: "c"}, {Name: "c"}}))
	requireOpen(t, changed, "what cannot be used changes nothing")
	require.Equal(t, []string{"a", "b"}, accounts.Names())

	require.NoError(t, accounts.Configure([]Account{{Name: "a", KubeconfigFile: "/other"}, {Name: "b"}}))
	requireClosed(t, changed)
	require.NotSame(t, a, revision("a"))
	require.Same(t, b, revision("b"), "an account that is not changed keeps its connection")

	require.NoError(t, accounts.Store([]Account{{Name: "b", Environment: "stored"}, {Name: "s"}}))
	require.Equal(t, []string{"a", "b", "s"}, accounts.Names())
	require.Same(t, b, revision("b"), "the configuration file goes first")
	require.True(t, accounts.Configured("b"))
	require.False(t, accounts.Configured("s"))
	require.NoError(t, accounts.Configure(nil))
	require.Equal(t, []string{"b", "s"}, accounts.Names())
	about, err := accounts.About("b")
	require.NoError(t, err)
	require.Equal(t, "stored", about.Environment)
	require.Nil(t, revision("a"))
	_, err = accounts.find("a")
	requireCode(t, err, pipeline.CodeNotFound)
}

func requireOpen(t *testing.T, c <-chan struct{}, why string) {
	t.Helper()
	select {
	case <-c:
		t.Fatal(why)
	default:
	}
}

func requireClosed(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	default:
		t.Fatal("a change is told")
	}
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
	first := c.connection(t, testAccount)
	require.NoError(t, os.Chtimes(file, time.Now(), time.Now()))
	again := c.connection(t, testAccount)
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
