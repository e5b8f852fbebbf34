package clouddriver

import (
	"crypto/rand"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/testkit/testcluster"
	"github.com/gennaker/gennaker/pipeline"
)

// rig is a Clouddriver over a real cluster, in a namespace of the test's own.
type rig struct {
	*Clouddriver
	kubernetes *testcluster.Cluster
	namespace  string
}

const testAccount = "test-account"

func newRig(t *testing.T) *rig {
	t.Helper()
	return rigOn(t, testcluster.Get(t))
}

func rigOn(t *testing.T, c *testcluster.Cluster) *rig {
	t.Helper()
	return &rig{
		Clouddriver: clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: c.Kubeconfig}),
		kubernetes:  c, namespace: c.Namespace(t),
	}
}

func clouddriverFor(t *testing.T, account Account) *Clouddriver {
	t.Helper()
	accounts, err := NewAccounts([]Account{account})
	require.NoError(t, err)
	return New(accounts, discard())
}

func discard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// connection is an account's, for looking at its cluster.
func (c *Clouddriver) connection(t *testing.T, account string) *cluster {
	t.Helper()
	cl, err := c.open(t.Context(), activities.Scope{}, account, Read)
	require.NoError(t, err)
	return cl
}

// scope is a new logical call; reusing one is a retry.
func scope() activities.Scope {
	return activities.Scope{Application: "shop", Execution: rand.Text(), Stage: "s1", Task: "deployManifest"}
}

// docs reads a YAML stream; NS stands for the rig's namespace.
func (r *rig) docs(t *testing.T, text string) []pipeline.Map {
	t.Helper()
	return docs(t, strings.ReplaceAll(text, "NS", r.namespace))
}

func docs(t *testing.T, text string) []pipeline.Map {
	t.Helper()
	var out []pipeline.Map
	for _, doc := range strings.Split(text, "\n---\n") {
		encoded, err := yaml.YAMLToJSON([]byte(doc))
		require.NoError(t, err)
		var m pipeline.Map
		require.NoError(t, m.UnmarshalJSON(encoded))
		out = append(out, m)
	}
	return out
}

// input is a deployment of a YAML stream by a new call.
func (r *rig) input(t *testing.T, text string) activities.DeployManifestInput {
	t.Helper()
	return activities.DeployManifestInput{
		Scope: scope(), Account: testAccount, Manifests: r.docs(t, text), Moniker: activities.Moniker{App: "shop"}, EnableTraffic: true,
	}
}

func (r *rig) deploy(t *testing.T, text string) activities.DeployManifestOutput {
	t.Helper()
	out, err := r.DeployManifest(t.Context(), r.input(t, text))
	require.NoError(t, err)
	return out
}

// live reads "kind name" from the rig's namespace; nil when there is none.
func (r *rig) live(t *testing.T, fullName string) *unstructured.Unstructured {
	t.Helper()
	cl, o := r.object(t, fullName)
	obj, err := cl.get(t.Context(), o.resource, o.namespace, o.name)
	if obj == nil {
		require.ErrorContains(t, err, "not found")
	}
	return obj
}

func (r *rig) object(t *testing.T, fullName string) (*cluster, object) {
	t.Helper()
	cl := r.connection(t, testAccount)
	o, err := cl.locate(t.Context(), r.namespace, fullName)
	require.NoError(t, err)
	return cl, o
}

// at reads a value of an object by its path.
func at(obj map[string]any, path ...string) any {
	v, _, _ := unstructured.NestedFieldNoCopy(obj, path...)
	return v
}

// parsed is a manifest without a cluster.
func parsed(t *testing.T, text string) *manifest {
	t.Helper()
	acc, err := newAccount(0, Account{Name: testAccount})
	require.NoError(t, err)
	m, err := acc.newManifest(0, plain(docs(t, text)[0]).(map[string]any))
	require.NoError(t, err)
	return m
}

// kubeconfigAs is a kubeconfig for a service account of the rig's namespace.
func (r *rig) kubeconfigAs(t *testing.T, serviceAccount string) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(r.kubernetes.Config(t))
	require.NoError(t, err)
	token, err := client.CoreV1().ServiceAccounts(r.namespace).CreateToken(t.Context(), serviceAccount, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	require.NoError(t, err)
	raw, err := clientcmd.LoadFromFile(r.kubernetes.Kubeconfig)
	require.NoError(t, err)
	for _, user := range raw.AuthInfos {
		*user = clientcmdapi.AuthInfo{Token: token.Status.Token}
	}
	require.NoError(t, clientcmdapi.FlattenConfig(raw))
	text, err := clientcmd.Write(*raw)
	require.NoError(t, err)
	return string(text)
}
