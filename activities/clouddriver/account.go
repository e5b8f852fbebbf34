package clouddriver

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Provider is the cloud provider of every account here.
const Provider = "kubernetes"

// Account configures access to one cluster (reference: clouddriver section 1).
// Keys that name what only Spinnaker has (kubectl, oauth2l, caching agents) are
// taken and have no effect; see [NoEffect].
type Account struct {
	// Name is what pipelines call the account. Required, unique.
	Name string `json:"name"`
	// Environment and AccountType are free text; empty means Name.
	Environment string `json:"environment,omitempty"`
	AccountType string `json:"accountType,omitempty"`
	// CloudProvider is "kubernetes"; empty means the same. Type is the word that
	// stored accounts have for it.
	CloudProvider string `json:"cloudProvider,omitempty"`
	Type          string `json:"type,omitempty"`

	// KubeconfigFile is a path, read again when the file changes.
	// KubeconfigContents is the text itself or a reference to it, file:/path or
	// env:NAME. The file wins. With neither and without ServiceAccount, kubectl's
	// own rules hold: $KUBECONFIG, then ~/.kube/config.
	KubeconfigFile     string `json:"kubeconfigFile,omitempty"`
	KubeconfigContents string `json:"kubeconfigContents,omitempty"`
	// Context is the kubeconfig context; empty means the file's current one.
	Context string `json:"context,omitempty"`
	// ServiceAccount uses the identity of the pod that the worker runs in.
	ServiceAccount bool `json:"serviceAccount,omitempty"`
	// KubectlRequestTimeoutSeconds bounds one request that is not a watch; 0 means
	// 30 seconds.
	KubectlRequestTimeoutSeconds int `json:"kubectlRequestTimeoutSeconds,omitempty"`

	// Namespaces are the only ones that may be used, all when empty;
	// OmitNamespaces may not be used. At most one of the two is set.
	Namespaces     []string `json:"namespaces,omitempty"`
	OmitNamespaces []string `json:"omitNamespaces,omitempty"`
	// Kinds are the only ones that lists show and permissions are checked for,
	// OmitKinds are left out of both; each is "kind" or "kind.group". At most one
	// of the two is set. As in Spinnaker neither keeps a kind from being deployed.
	Kinds     []string `json:"kinds,omitempty"`
	OmitKinds []string `json:"omitKinds,omitempty"`
	// CustomResources describes kinds that Spinnaker does not know.
	CustomResources []CustomResource `json:"customResources,omitempty"`
	// OnlySpinnakerManaged leaves out of lists what has no application annotation.
	OnlySpinnakerManaged bool `json:"onlySpinnakerManaged,omitempty"`
	// CachingPolicies bound how many objects of a kind lists hold.
	CachingPolicies []CachingPolicy `json:"cachingPolicies,omitempty"`
	// CacheAllApplicationRelationships puts kinds that lists do not show among an
	// application's raw resources too.
	CacheAllApplicationRelationships bool         `json:"cacheAllApplicationRelationships,omitempty"`
	RawResourcesEndpointConfig       RawResources `json:"rawResourcesEndpointConfig,omitzero"`
	// CheckPermissionsOnStartup asks the API server what the account may do, when
	// it is first used and once an hour. True when nil.
	CheckPermissionsOnStartup *bool `json:"checkPermissionsOnStartup,omitempty"`

	// Permissions lists roles under READ, WRITE and EXECUTE; without any the
	// account is open. RequiredGroupMembership, which is deprecated, stands for
	// READ, WRITE and EXECUTE where Permissions are not set.
	Permissions             map[string][]string `json:"permissions,omitempty"`
	RequiredGroupMembership []string            `json:"requiredGroupMembership,omitempty"`
	// NamingStrategy is kubernetesAnnotations; empty means the same.
	NamingStrategy string `json:"namingStrategy,omitempty"`

	// QPS and Burst bound the requests per second to the API server; 0 means
	// 100 and 200. They are Gennaker's own.
	QPS   float32 `json:"qps,omitempty"`
	Burst int     `json:"burst,omitempty"`

	// What follows is taken and has no effect, except that CacheThreads and
	// CacheIntervalSeconds are shown by GET /credentials; see [NoEffect].
	CacheThreads             int      `json:"cacheThreads,omitempty"`
	CacheIntervalSeconds     *int     `json:"cacheIntervalSeconds,omitempty"`
	KubectlExecutable        string   `json:"kubectlExecutable,omitempty"`
	OAuthServiceAccount      string   `json:"oAuthServiceAccount,omitempty"`
	OAuthScopes              []string `json:"oAuthScopes,omitempty"`
	Metrics                  *bool    `json:"metrics,omitempty"`
	Debug                    bool     `json:"debug,omitempty"`
	LiveManifestCalls        *bool    `json:"liveManifestCalls,omitempty"`
	ProviderVersion          string   `json:"providerVersion,omitempty"`
	Skin                     string   `json:"skin,omitempty"`
	Version                  string   `json:"version,omitempty"`
	ConfigureImagePullSecret *bool    `json:"configureImagePullSecrets,omitempty"`
	DockerRegistries         []any    `json:"dockerRegistries,omitempty"`
}

// CustomResource tells how a kind is treated (reference: clouddriver section 1).
type CustomResource struct {
	// KubernetesKind is "Kind" or "Kind.group".
	KubernetesKind string `json:"kubernetesKind"`
	// SpinnakerKind is "unclassified" when empty.
	SpinnakerKind string `json:"spinnakerKind,omitempty"`
	// DeployPriority is a whole number or a priority name such as
	// WORKLOAD_CONTROLLER_PRIORITY; empty means 100.
	DeployPriority string `json:"deployPriority,omitempty"`
	// Versioned gives each new content a name of its own.
	Versioned bool `json:"versioned,omitempty"`
	// Namespaced is true when nil.
	Namespaced *bool `json:"namespaced,omitempty"`
}

// CachingPolicy bounds how many objects of a kind are listed.
type CachingPolicy struct {
	KubernetesKind     string `json:"kubernetesKind"`
	MaxEntriesPerAgent int    `json:"maxEntriesPerAgent"`
}

// RawResources chooses the kinds among an application's raw resources by
// regular expressions that match whole kinds. At most one list is set.
type RawResources struct {
	KindExpressions     []string `json:"kindExpressions,omitempty"`
	OmitKindExpressions []string `json:"omitKindExpressions,omitempty"`
}

// NoEffect says for each key that is taken without effect what takes its place
// here.
var NoEffect = map[string]string{
	"kubectlExecutable":         "there is no kubectl process: the API server is called directly",
	"oAuthServiceAccount":       "use an exec plugin in the kubeconfig, for example gke-gcloud-auth-plugin",
	"oAuthScopes":               "use an exec plugin in the kubeconfig",
	"cacheThreads":              "there are no caching agents; GET /credentials shows the value",
	"cacheIntervalSeconds":      "there are no caching agents; GET /credentials shows the value",
	"metrics":                   "resource usage of pods is not read",
	"debug":                     "set log-level to debug",
	"liveManifestCalls":         "manifests are always read live; Spinnaker does not read the key either",
	"providerVersion":           "there is one version",
	"skin":                      "there is one",
	"version":                   "there is one",
	"configureImagePullSecrets": "name imagePullSecrets in the manifest or its service account",
	"dockerRegistries":          "name imagePullSecrets in the manifest or its service account",
}

// account is a checked [Account] with what was derived from it.
type account struct {
	Account
	custom       map[string]kindInfo // by Kind.key
	kinds, omits map[string]bool     // by Kind.key
	shared       *shared
	link
}

// newAccount checks an account; index is its place in the configuration.
func newAccount(index int, c Account) (*account, error) {
	if strings.TrimSpace(c.Name) == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Account number %d has no name. Set its name.", index+1)
	}
	refuse := func(format string, args ...any) error {
		return pipeline.Errorf(pipeline.CodeInvalid, "Account %q "+format, append([]any{c.Name}, args...)...)
	}
	if !accountName.MatchString(c.Name) {
		return nil, refuse("cannot be called so: use letters, digits and - _ . @ , at most 200 of them, since a task queue is named for it.")
	}
	for _, pair := range []struct {
		a, b       string
		first, two []string
	}{
		{"namespaces", "omitNamespaces", c.Namespaces, c.OmitNamespaces},
		{"kinds", "omitKinds", c.Kinds, c.OmitKinds},
		{"rawResourcesEndpointConfig.kindExpressions", "omitKindExpressions", c.RawResourcesEndpointConfig.KindExpressions, c.RawResourcesEndpointConfig.OmitKindExpressions},
	} {
		if len(pair.first) > 0 && len(pair.two) > 0 {
			return nil, refuse("sets both %s and %s. Keep one of them.", pair.a, pair.b)
		}
	}
	if c.CloudProvider == "" {
		c.CloudProvider = c.Type
	}
	if c.CloudProvider == "" {
		c.CloudProvider = Provider
	}
	if c.CloudProvider != Provider || c.Type != "" && c.Type != Provider {
		return nil, refuse("has cloudProvider %q; this worker serves %q.", c.CloudProvider, Provider)
	}
	if s := c.NamingStrategy; s != "" && !strings.EqualFold(s, "kubernetesAnnotations") {
		return nil, refuse("has namingStrategy %q; the only one is kubernetesAnnotations.", s)
	}
	if c.KubectlRequestTimeoutSeconds < 0 || c.KubectlRequestTimeoutSeconds > 3600 {
		return nil, refuse("has kubectlRequestTimeoutSeconds %d; set it from 1 to 3600, or leave it out for 30.", c.KubectlRequestTimeoutSeconds)
	}
	for _, p := range c.CachingPolicies {
		if p.KubernetesKind == "" || p.MaxEntriesPerAgent < 1 {
			return nil, refuse("has a caching policy without kubernetesKind, or with maxEntriesPerAgent below 1.")
		}
	}
	for _, e := range slices.Concat(c.RawResourcesEndpointConfig.KindExpressions, c.RawResourcesEndpointConfig.OmitKindExpressions) {
		if _, err := regexp.Compile(e); err != nil {
			return nil, refuse("has a regular expression %q in rawResourcesEndpointConfig that cannot be read: %s.", e, err)
		}
	}
	for access := range c.Permissions {
		if !slices.Contains(accesses, access) {
			return nil, refuse("has permissions for %q; use %s.", access, strings.Join(accesses, ", "))
		}
	}
	if c.Environment == "" {
		c.Environment = c.Name
	}
	if c.AccountType == "" {
		c.AccountType = c.Name
	}
	acc := &account{Account: c, custom: map[string]kindInfo{}, kinds: kindSet(c.Kinds), omits: kindSet(c.OmitKinds)}
	return acc, acc.addCustom()
}

// accountName bounds names: a task queue and a workflow are named for the
// account.
var accountName = regexp.MustCompile(`^[\pL\pN._@-]{1,200}$`)

func (a *account) addCustom() error {
	for _, r := range a.CustomResources {
		if r.KubernetesKind == "" {
			return pipeline.Errorf(pipeline.CodeInvalid, "Account %q has a custom resource without kubernetesKind.", a.Name)
		}
		priority, err := parsePriority(r.DeployPriority)
		if err != nil {
			return pipeline.Errorf(pipeline.CodeInvalid, "Custom resource %q of account %q: %s", r.KubernetesKind, a.Name, err)
		}
		info := kindInfo{priority: priority, versioned: r.Versioned, spinnakerKind: r.SpinnakerKind}
		if info.spinnakerKind == "" {
			info.spinnakerKind = unclassified
		}
		info.clusterScoped = r.Namespaced != nil && !*r.Namespaced
		a.custom[ParseKind(r.KubernetesKind).key()] = info
	}
	return nil
}

func kindSet(texts []string) map[string]bool {
	out := make(map[string]bool, len(texts))
	for _, t := range texts {
		out[ParseKind(t).key()] = true
	}
	return out
}

// shows reports whether lists show a kind, by kinds and omitKinds.
func (a *account) shows(k Kind) bool {
	if len(a.kinds) > 0 {
		return a.kinds[k.key()]
	}
	return !a.omits[k.key()]
}

// without lists the keys that the account sets and that have no effect, sorted.
func (a Account) without() []string {
	set := map[string]bool{
		"kubectlExecutable": a.KubectlExecutable != "", "oAuthServiceAccount": a.OAuthServiceAccount != "",
		"oAuthScopes": len(a.OAuthScopes) > 0, "cacheThreads": a.CacheThreads != 0, "cacheIntervalSeconds": a.CacheIntervalSeconds != nil,
		"metrics": a.Metrics != nil, "debug": a.Debug, "liveManifestCalls": a.LiveManifestCalls != nil,
		"providerVersion": a.ProviderVersion != "", "skin": a.Skin != "", "version": a.Version != "",
		"configureImagePullSecrets": a.ConfigureImagePullSecret != nil, "dockerRegistries": len(a.DockerRegistries) > 0,
	}
	maps.DeleteFunc(set, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(set))
}

// checkNamespace refuses a namespace that the account's configuration excludes.
// The empty namespace passes: the kubeconfig context decides it.
func (a *account) checkNamespace(namespace string) error {
	if namespace == "" {
		return nil
	}
	if len(a.Namespaces) > 0 && !slices.Contains(a.Namespaces, namespace) {
		return pipeline.Errorf(pipeline.CodeInvalid, "Account %q does not serve namespace %q. Its namespaces are: %s.",
			a.Name, namespace, strings.Join(a.Namespaces, ", "))
	}
	if slices.Contains(a.OmitNamespaces, namespace) {
		return pipeline.Errorf(pipeline.CodeInvalid, "Account %q leaves out namespace %q (omitNamespaces). Use another account or namespace.",
			a.Name, namespace)
	}
	return nil
}
