package clouddriver

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"k8s.io/client-go/transport"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// Provider is the cloud provider of every account here.
const Provider = "kubernetes"

// Account configures access to one cluster (reference: clouddriver section 1).
type Account struct {
	// Name is what pipelines call the account. Required, unique.
	Name string `json:"name" yaml:"name"`
	// Environment and AccountType are free text; empty means Name.
	Environment string `json:"environment,omitempty" yaml:"environment,omitempty"`
	AccountType string `json:"accountType,omitempty" yaml:"accountType,omitempty"`
	// CloudProvider is "kubernetes"; empty means the same.
	CloudProvider string `json:"cloudProvider,omitempty" yaml:"cloudProvider,omitempty"`
	// KubeconfigFile is a path; KubeconfigContents is the text itself. The file
	// wins. With neither and without ServiceAccount, kubectl's own rules hold:
	// $KUBECONFIG, then ~/.kube/config.
	KubeconfigFile     string `json:"kubeconfigFile,omitempty" yaml:"kubeconfigFile,omitempty"`
	KubeconfigContents string `json:"kubeconfigContents,omitempty" yaml:"kubeconfigContents,omitempty"`
	// Context is the kubeconfig context; empty means the file's current one.
	Context string `json:"context,omitempty" yaml:"context,omitempty"`
	// ServiceAccount uses the identity of the pod that the worker runs in.
	ServiceAccount bool `json:"serviceAccount,omitempty" yaml:"serviceAccount,omitempty"`
	// Namespaces are the only ones that may be used, all when empty;
	// OmitNamespaces may not be used. At most one of the two is set.
	Namespaces     []string `json:"namespaces,omitempty" yaml:"namespaces,omitempty"`
	OmitNamespaces []string `json:"omitNamespaces,omitempty" yaml:"omitNamespaces,omitempty"`
	// CustomResources describes kinds that Spinnaker does not know.
	CustomResources []CustomResource `json:"customResources,omitempty" yaml:"customResources,omitempty"`
	// Permissions lists roles under READ, WRITE and EXECUTE; empty means open.
	Permissions map[string][]string `json:"permissions,omitempty" yaml:"permissions,omitempty"`
	// ListSettings choose what lists show.
	ListSettings `json:",inline" yaml:",inline"`
	// QPS and Burst bound the requests per second to the API server; 0 means
	// 100 and 200.
	QPS   float32 `json:"qps,omitempty" yaml:"qps,omitempty"`
	Burst int     `json:"burst,omitempty" yaml:"burst,omitempty"`
}

// CustomResource tells how a kind is treated (reference: clouddriver section 1).
type CustomResource struct {
	// KubernetesKind is "Kind" or "Kind.group".
	KubernetesKind string `json:"kubernetesKind" yaml:"kubernetesKind"`
	// SpinnakerKind is "unclassified" when empty.
	SpinnakerKind string `json:"spinnakerKind,omitempty" yaml:"spinnakerKind,omitempty"`
	// DeployPriority is a whole number or a priority name such as
	// WORKLOAD_CONTROLLER_PRIORITY; empty means 100.
	DeployPriority string `json:"deployPriority,omitempty" yaml:"deployPriority,omitempty"`
	// Versioned gives each new content a name of its own.
	Versioned bool `json:"versioned,omitempty" yaml:"versioned,omitempty"`
	// Namespaced is true when nil.
	Namespaced *bool `json:"namespaced,omitempty" yaml:"namespaced,omitempty"`
}

// Accounts is the registry of accounts and of the connections to their
// clusters. It is safe for concurrent use.
type Accounts struct {
	names  []string
	byName map[string]*account
}

// account is a checked [Account] with what was derived from it.
type account struct {
	Account
	custom map[string]kindInfo // by Kind.key
	// wrap, when set, sees every request: for tests of what happens between two.
	wrap transport.WrapperFunc

	mu      sync.Mutex
	cluster *cluster
	memo    namespaceMemo
}

// NewAccounts checks the configuration and returns the registry. No cluster is
// called: an unreachable one must not stop a worker that serves others. Errors:
// invalid, naming the account and the key.
func NewAccounts(configs []Account) (*Accounts, error) {
	a := &Accounts{byName: make(map[string]*account, len(configs))}
	for i, c := range configs {
		acc, err := newAccount(i, c)
		if err != nil {
			return nil, err
		}
		if _, taken := a.byName[c.Name]; taken {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "There are two accounts named %q. Rename or remove one.", c.Name)
		}
		a.byName[c.Name] = acc
		a.names = append(a.names, c.Name)
	}
	slices.Sort(a.names)
	return a, nil
}

func newAccount(index int, c Account) (*account, error) {
	if strings.TrimSpace(c.Name) == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Account number %d has no name. Set its name.", index+1)
	}
	if len(c.Namespaces) > 0 && len(c.OmitNamespaces) > 0 {
		return nil, pipeline.Errorf(pipeline.CodeInvalid,
			"Account %q sets both namespaces and omitNamespaces. Keep one of them.", c.Name)
	}
	if c.CloudProvider == "" {
		c.CloudProvider = Provider
	}
	if c.CloudProvider != Provider {
		return nil, pipeline.Errorf(pipeline.CodeInvalid,
			"Account %q has cloudProvider %q; this worker serves %q.", c.Name, c.CloudProvider, Provider)
	}
	if c.Environment == "" {
		c.Environment = c.Name
	}
	if c.AccountType == "" {
		c.AccountType = c.Name
	}
	acc := &account{Account: c, custom: map[string]kindInfo{}}
	for _, r := range c.CustomResources {
		if r.KubernetesKind == "" {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "Account %q has a custom resource without kubernetesKind.", c.Name)
		}
		priority, err := parsePriority(r.DeployPriority)
		if err != nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "Custom resource %q of account %q: %s", r.KubernetesKind, c.Name, err)
		}
		info := kindInfo{priority: priority, versioned: r.Versioned, spinnakerKind: r.SpinnakerKind}
		if info.spinnakerKind == "" {
			info.spinnakerKind = unclassified
		}
		info.clusterScoped = r.Namespaced != nil && !*r.Namespaced
		acc.custom[ParseKind(r.KubernetesKind).key()] = info
	}
	return acc, nil
}

// Names returns the names of all accounts, sorted.
func (a *Accounts) Names() []string { return slices.Clone(a.names) }

// FindAccount implements [activities.Accounts].
func (a *Accounts) FindAccount(_ context.Context, in activities.FindAccountInput) (activities.FindAccountOutput, error) {
	acc, err := a.find(in.Account)
	if err != nil {
		return activities.FindAccountOutput{}, err
	}
	return activities.FindAccountOutput{Account: acc.Name, CloudProvider: acc.CloudProvider}, nil
}

// ListAccounts implements [activities.Accounts].
func (a *Accounts) ListAccounts(context.Context, activities.ListAccountsInput) (activities.ListAccountsOutput, error) {
	return activities.ListAccountsOutput{Accounts: a.Names()}, nil
}

func (a *Accounts) find(name string) (*account, error) {
	if name == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "No account is named. Set account to one of: %s.", a.known())
	}
	acc, ok := a.byName[name]
	if !ok {
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "There is no account named %q. Known accounts: %s.", name, a.known())
	}
	return acc, nil
}

func (a *Accounts) known() string {
	const most = 20
	if len(a.names) == 0 {
		return "none"
	}
	if len(a.names) > most {
		return strings.Join(a.names[:most], ", ") + " and " + strconv.Itoa(len(a.names)-most) + " more"
	}
	return strings.Join(a.names, ", ")
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

var _ activities.Accounts = (*Accounts)(nil)
