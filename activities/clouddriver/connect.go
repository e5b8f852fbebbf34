package clouddriver

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gennaker/gennaker/pipeline"
)

// Defaults of an account's request budget. They are far above kubectl's, since
// one worker serves many deployments at once and the API server protects itself
// by priority and fairness.
const (
	defaultQPS   = 100
	defaultBurst = 200
)

// requestTimeout bounds one request that is not a watch, so that a server that
// accepts connections and never answers counts as unavailable.
const requestTimeout = 30 * time.Second

// cluster is a connection to an account's API server.
type cluster struct {
	account   *account
	dynamic   dynamic.Interface
	catalog   *catalog
	namespace string // where objects without a namespace go
	source    string // identity of the configuration that this was built from
}

// connect returns the account's connection. It is built on first use and again
// when the kubeconfig file changes, so that rotated credentials need no
// restart. Errors: unavailable, since configuration on the worker's disk is the
// world's fault and not the request's.
func (a *account) connect() (*cluster, error) {
	source := a.configSource()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cluster != nil && a.cluster.source == source {
		return a.cluster, nil
	}
	config, namespace, err := a.restConfig()
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, err,
			"The kubeconfig of account %q cannot be used: %s. Repair it on the worker; no restart is needed.", a.Name, err)
	}
	if a.wrap != nil {
		config.Wrap(a.wrap)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, err, "The credentials of account %q cannot be loaded: %s.", a.Name, err)
	}
	dyn, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, err, "The kubeconfig of account %q cannot be used: %s.", a.Name, err)
	}
	disco, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, err, "The kubeconfig of account %q cannot be used: %s.", a.Name, err)
	}
	a.cluster = &cluster{account: a, dynamic: dyn, catalog: newCatalog(a.Name, disco), namespace: namespace, source: source}
	return a.cluster, nil
}

// restConfig follows kubectl's rules for finding the cluster and identity.
func (a *account) restConfig() (*rest.Config, string, error) {
	var loader clientcmd.ClientConfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: a.Context}
	switch {
	case a.ServiceAccount:
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, "", err
		}
		return a.budget(config), inClusterNamespace(), nil
	case a.KubeconfigFile == "" && a.KubeconfigContents != "":
		raw, err := clientcmd.Load([]byte(a.KubeconfigContents))
		if err != nil {
			return nil, "", err
		}
		loader = clientcmd.NewNonInteractiveClientConfig(*raw, a.Context, overrides, nil)
	default:
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		rules.ExplicitPath = expandHome(a.KubeconfigFile)
		loader = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	}
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, "", err
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, "", err
	}
	return a.budget(config), namespace, nil
}

func (a *account) budget(config *rest.Config) *rest.Config {
	config.QPS, config.Burst = a.QPS, a.Burst
	if config.QPS <= 0 {
		config.QPS = defaultQPS
	}
	if config.Burst <= 0 {
		config.Burst = defaultBurst
	}
	config.UserAgent = "gennaker-clouddriver"
	config.WarningHandlerWithContext = rest.NoWarnings{}
	return config
}

// configSource changes when the files that hold the configuration do. They are
// small and read once per activity.
func (a *account) configSource() string {
	if a.ServiceAccount || (a.KubeconfigFile == "" && a.KubeconfigContents != "") {
		return "fixed"
	}
	files := []string{expandHome(a.KubeconfigFile)}
	if a.KubeconfigFile == "" {
		files = clientcmd.NewDefaultClientConfigLoadingRules().Precedence
	}
	var b strings.Builder
	for _, f := range files {
		b.WriteString(f)
		if text, err := os.ReadFile(f); err == nil {
			fmt.Fprintf(&b, "@%x", sha256.Sum256(text))
		}
		b.WriteByte(';')
	}
	return b.String()
}

func expandHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	if !ok {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(home, rest)
}

func inClusterNamespace() string {
	const file = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
	if b, err := os.ReadFile(file); err == nil {
		if ns := strings.TrimSpace(string(b)); ns != "" {
			return ns
		}
	}
	return "default"
}

// client returns the API of one resource; namespace is ignored for
// cluster-scoped ones and defaults to the context's.
func (cl *cluster) client(r resource, namespace string) dynamic.ResourceInterface {
	if !r.namespaced {
		return cl.dynamic.Resource(r.gvr)
	}
	return cl.dynamic.Resource(r.gvr).Namespace(cl.orDefault(namespace))
}

func (cl *cluster) orDefault(namespace string) string {
	if namespace == "" {
		return cl.namespace
	}
	return namespace
}

// object names one object of a cluster.
type object struct {
	resource  resource
	namespace string // "" for cluster scope
	name      string
}

// fullName is Spinnaker's "kind name".
func (o object) fullName() string { return KindOf(o.resource.gvk).String() + " " + o.name }

// String names the object in messages.
func (o object) String() string {
	if o.namespace == "" {
		return o.fullName()
	}
	return o.fullName() + " in namespace " + o.namespace
}

// within gives one request its time limit. The caller defers the cancel.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, requestTimeout, errSilentServer)
}

// crd is the kind that defines kinds.
var crdGroupKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
