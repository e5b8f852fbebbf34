package clouddriver

import (
	"context"
	"crypto/sha256"
	"errors"
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

	"github.com/gennaker/gennaker/internal/secret"
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
	known     identity
}

// connect returns the account's connection. It is built on first use and again
// when the kubeconfig changes, so that rotated credentials need no restart.
// Errors: unavailable, since configuration on the worker's disk is the world's
// fault and not the request's.
func (a *account) connect(ctx context.Context) (*cluster, error) {
	from, err := a.source(ctx)
	if err != nil {
		return nil, a.unusable(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cluster != nil && a.cluster.source == from.identity {
		return a.cluster, nil
	}
	config, namespace, err := a.restConfig(from)
	if err != nil {
		return nil, a.unusable(err)
	}
	if a.KubectlRequestTimeoutSeconds > 0 {
		config.Wrap(bounded(time.Duration(a.KubectlRequestTimeoutSeconds) * time.Second))
	}
	config.Wrap(onlyDry)
	config.Wrap(handingUpWaits)
	if a.wrap != nil {
		config.Wrap(a.wrap)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, err, "The credentials of account %q cannot be loaded: %s.", a.Name, err)
	}
	dyn, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, a.unusable(err)
	}
	disco, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, a.unusable(err)
	}
	a.cluster = &cluster{account: a, dynamic: dyn, catalog: newCatalog(a.Name, disco), namespace: namespace, source: from.identity}
	return a.cluster, nil
}

func (a *account) unusable(err error) error {
	return pipeline.Wrap(pipeline.CodeUnavailable, err,
		"The kubeconfig of account %q cannot be used: %s. Repair it on the worker; no restart is needed.", a.Name, err)
}

// source is where an account's access comes from.
type source struct {
	// contents is the text of the kubeconfig, when it comes from no file.
	contents string
	// identity changes when the access does. It holds hashes, no secret.
	identity string
}

// source reads the files or the secret that hold the access. They are small and
// read once per activity.
func (a *account) source(ctx context.Context) (source, error) {
	switch {
	case a.ServiceAccount:
		return source{identity: "service account"}, nil // client-go reads a new token by itself
	case a.KubeconfigFile == "" && a.KubeconfigContents != "":
		text := a.KubeconfigContents
		if IsReference(text) {
			var err error
			if text, err = secret.Resolve(ctx, text); err != nil {
				return source{}, err
			}
		}
		return source{contents: text, identity: hash([]byte(text))}, nil
	}
	files := []string{expandHome(a.KubeconfigFile)}
	if a.KubeconfigFile == "" {
		files = clientcmd.NewDefaultClientConfigLoadingRules().Precedence
	}
	var b strings.Builder
	for _, f := range files {
		b.WriteString(f)
		if text, err := os.ReadFile(f); err == nil {
			b.WriteString("@" + hash(text))
		}
		b.WriteByte(';')
	}
	return source{identity: b.String()}, nil
}

func hash(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }

// IsReference reports whether kubeconfigContents names a secret in place of
// holding a kubeconfig: a kubeconfig has more than one line, or is an object.
func IsReference(contents string) bool {
	text := strings.TrimSpace(contents)
	return text != "" && !strings.ContainsAny(text, "\n{")
}

// restConfig follows kubectl's rules for finding the cluster and identity.
func (a *account) restConfig(from source) (*rest.Config, string, error) {
	if a.ServiceAccount {
		config, namespace, err := inCluster(serviceAccountDir, os.Getenv)
		if err != nil {
			return nil, "", err
		}
		return a.budget(config), namespace, nil
	}
	var loader clientcmd.ClientConfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: a.Context}
	if from.contents != "" {
		raw, err := clientcmd.Load([]byte(from.contents))
		if err != nil {
			return nil, "", errors.New("it is not a kubeconfig") // the cause would repeat parts of a secret
		}
		loader = clientcmd.NewNonInteractiveClientConfig(*raw, a.Context, overrides, nil)
	} else {
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
