package clouddriver

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/gennaker/gennaker/pipeline"
)

// client is the administrator's.
func (r *rig) client(t *testing.T) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(r.kubernetes.Config(t))
	require.NoError(t, err)
	return client
}

// token makes a service account that may do everything in the rig's namespace,
// and returns a token of it.
func (r *rig) token(t *testing.T, name string) string {
	t.Helper()
	client := r.client(t)
	_, err := client.CoreV1().ServiceAccounts(r.namespace).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = client.RbacV1().RoleBindings(r.namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "admin"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: name, Namespace: r.namespace}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	token, err := client.CoreV1().ServiceAccounts(r.namespace).CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	require.NoError(t, err)
	return token.Status.Token
}

// kubeconfigWith is the rig's kubeconfig with another user.
func (r *rig) kubeconfigWith(t *testing.T, user clientcmdapi.AuthInfo) string {
	t.Helper()
	raw, err := clientcmd.LoadFromFile(r.kubernetes.Kubeconfig)
	require.NoError(t, err)
	for name := range raw.AuthInfos {
		raw.AuthInfos[name] = &user
	}
	for _, context := range raw.Contexts {
		context.Namespace = r.namespace
	}
	require.NoError(t, clientcmdapi.FlattenConfig(raw))
	text, err := clientcmd.Write(*raw)
	require.NoError(t, err)
	return string(text)
}

// plugin is an exec plugin that answers with what is in a file, and counts how
// often it was asked.
type plugin struct{ dir string }

func newPlugin(t *testing.T) *plugin {
	t.Helper()
	p := &plugin{dir: t.TempDir()}
	script := "#!/bin/sh\nset -e\necho asked >> " + p.dir + "/asked\ncat " + p.dir + "/credential\n"
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "plugin"), []byte(script), 0o700))
	return p
}

func (p *plugin) user() clientcmdapi.AuthInfo {
	return clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		Command: filepath.Join(p.dir, "plugin"), APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}}
}

func (p *plugin) answer(t *testing.T, token string, expires time.Time) {
	t.Helper()
	expiry := ""
	if !expires.IsZero() {
		expiry = fmt.Sprintf(`, "expirationTimestamp": %q`, expires.UTC().Format(time.RFC3339))
	}
	text := fmt.Sprintf(`{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": %q%s}}`, token, expiry)
	fresh := filepath.Join(p.dir, "fresh")
	require.NoError(t, os.WriteFile(fresh, []byte(text), 0o600))
	require.NoError(t, os.Rename(fresh, filepath.Join(p.dir, "credential")))
}

func (p *plugin) asked(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "asked"))
	require.NoError(t, err)
	return bytes.Count(text, []byte("asked"))
}

const aConfigMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: NS, annotations: {strategy.spinnaker.io/versioned: 'false'}}\ndata: {k: v}\n"

func TestExecPlugin(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := newPlugin(t)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(file, []byte(r.kubeconfigWith(t, p.user())), 0o600))
	c := clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: file})
	deploy := func() error {
		_, err := c.DeployManifest(t.Context(), r.input(t, aConfigMap))
		return err
	}

	first, second := r.token(t, "first"), r.token(t, "second")
	p.answer(t, first, time.Now().Add(2*time.Second))
	require.NoError(t, deploy())
	require.Equal(t, 1, p.asked(t), "one token serves until it expires")
	p.answer(t, second, time.Now().Add(time.Hour))
	require.Eventually(t, func() bool { return deploy() == nil && p.asked(t) == 2 }, 30*time.Second, 100*time.Millisecond, "an expired token is replaced")

	// The API server may take a token back before it expires.
	require.NoError(t, r.client(t).CoreV1().ServiceAccounts(r.namespace).Delete(t.Context(), "second", metav1.DeleteOptions{}))
	var refused error
	require.Eventually(t, func() bool { refused = deploy(); return refused != nil }, 30*time.Second, 200*time.Millisecond)
	requireCode(t, refused, pipeline.CodeUnavailable)
	require.ErrorContains(t, refused, "refuses the worker's credentials")
	require.NotContains(t, refused.Error(), second)
	p.answer(t, first, time.Time{})
	require.Eventually(t, func() bool { return deploy() == nil }, 30*time.Second, 100*time.Millisecond, "a refused token is asked for anew")

	failing := newPlugin(t)
	require.NoError(t, os.WriteFile(filepath.Join(failing.dir, "plugin"), []byte("#!/bin/sh\nexit 3\n"), 0o700))
	broken := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: r.kubeconfigWith(t, failing.user())})
	_, err := broken.DeployManifest(t.Context(), r.input(t, aConfigMap))
	requireCode(t, err, pipeline.CodeUnavailable)
	require.ErrorContains(t, err, "exit")
}

func TestKubeconfigContentsByReference(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	good, err := os.ReadFile(r.kubernetes.Kubeconfig)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(kubeconfigOf("http://127.0.0.1:1")), 0o600))
	c := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: "file:" + file})
	deploy := func() error {
		_, err := c.DeployManifest(t.Context(), r.input(t, aConfigMap))
		return err
	}
	requireCode(t, deploy(), pipeline.CodeUnavailable)
	require.NoError(t, os.WriteFile(file, good, 0o600))
	require.NoError(t, deploy(), "the secret is read again when it changes")

	for reference, want := range map[string]string{
		"env:GENNAKER_TEST_NOT_SET": "GENNAKER_TEST_NOT_SET",
		"encrypted:s3!b:x!k:very":   "must be given by reference",
		"file:/nowhere":             "/nowhere",
	} {
		c := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: reference})
		_, err := c.DeployManifest(t.Context(), r.input(t, aConfigMap))
		requireCode(t, err, pipeline.CodeUnavailable)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "very", "what may be a secret is not told")
	}
	inline := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: "users: [{name: x, user: {token: hush}}]\n%"})
	_, err = inline.DeployManifest(t.Context(), r.input(t, aConfigMap))
	requireCode(t, err, pipeline.CodeUnavailable)
	require.NotContains(t, err.Error(), "hush")
}

func TestInClusterServiceAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	config := r.kubernetes.Config(t)
	server, err := url.Parse(config.Host)
	require.NoError(t, err)
	env := map[string]string{"KUBERNETES_SERVICE_HOST": server.Hostname(), "KUBERNETES_SERVICE_PORT": server.Port()}
	dir := t.TempDir()
	_, _, err = inCluster(dir, func(string) string { return "" })
	require.ErrorContains(t, err, "does not run in a pod")
	_, _, err = inCluster(dir, func(k string) string { return env[k] })
	require.ErrorContains(t, err, "no service account token")

	ca := config.CAData
	if len(ca) == 0 {
		ca, err = os.ReadFile(config.CAFile)
		require.NoError(t, err)
	}
	for name, text := range map[string][]byte{"token": []byte(r.token(t, "pod")), "ca.crt": ca, "namespace": []byte(r.namespace + "\n")} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	got, namespace, err := inCluster(dir, func(k string) string { return env[k] })
	require.NoError(t, err)
	require.Equal(t, r.namespace, namespace)
	client, err := kubernetes.NewForConfig(got)
	require.NoError(t, err)
	_, err = client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)

	c := clouddriverFor(t, Account{Name: testAccount, ServiceAccount: true})
	_, err = c.DeployManifest(t.Context(), r.input(t, aConfigMap))
	requireCode(t, err, pipeline.CodeUnavailable)
	require.ErrorContains(t, err, "does not run in a pod")
}

func TestIsReference(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": false, "file:/a": true, " env:A ": true, "hush": true, "a: b\nc: d": false, `{"apiVersion": "v1"}`: false,
		base64.StdEncoding.EncodeToString([]byte("x")): true,
	} {
		require.Equal(t, want, IsReference(text), text)
	}
}
