package clouddriver

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// namespaceMemoAge is how long a live list of namespaces is believed.
const namespaceMemoAge = 30 * time.Second

// namespaceMemo is the last list of a cluster's namespaces.
type namespaceMemo struct {
	names []string
	at    time.Time
}

// Description is an account as GET /credentials shows it (reference:
// clouddriver section 12).
type Description struct {
	Name          string              `json:"name"`
	Environment   string              `json:"environment"`
	AccountType   string              `json:"accountType"`
	CloudProvider string              `json:"cloudProvider"`
	Type          string              `json:"type"`
	Permissions   map[string][]string `json:"permissions,omitempty"`
	// Namespaces are those that may be used; the last known ones when the
	// cluster does not answer, possibly none.
	Namespaces []string `json:"namespaces"`
	// SpinnakerKindMap says for each Kubernetes kind which of Spinnaker's kinds
	// it is.
	SpinnakerKindMap map[string]string `json:"spinnakerKindMap"`
}

// Describe returns the account as clients of Gate see it. The namespaces of an
// account that lists none come from the cluster, at most every 30 seconds.
// Errors: not_found for an unknown account. A cluster that does not answer is
// no error, since lists of accounts must not depend on every cluster.
func (a *Accounts) Describe(ctx context.Context, name string) (Description, error) {
	acc, err := a.find(name)
	if err != nil {
		return Description{}, err
	}
	d := Description{
		Name: acc.Name, Environment: acc.Environment, AccountType: acc.AccountType,
		CloudProvider: acc.CloudProvider, Type: acc.CloudProvider, Permissions: acc.Permissions,
		Namespaces: acc.usableNamespaces(ctx), SpinnakerKindMap: map[string]string{},
	}
	for _, info := range kinds {
		spinnakerKind := info.spinnakerKind
		if spinnakerKind == "" {
			spinnakerKind = unclassified
		}
		d.SpinnakerKindMap[info.name] = spinnakerKind
	}
	for _, r := range acc.CustomResources {
		kind := ParseKind(r.KubernetesKind)
		d.SpinnakerKindMap[kind.String()] = acc.custom[kind.key()].spinnakerKind
	}
	return d, nil
}

func (a *account) usableNamespaces(ctx context.Context) []string {
	if len(a.Namespaces) > 0 {
		return slices.Clone(a.Namespaces)
	}
	a.mu.Lock()
	memo := a.memo
	a.mu.Unlock()
	if time.Since(memo.at) < namespaceMemoAge {
		return slices.Clone(memo.names)
	}
	names := memo.names
	if fresh, err := a.listNamespaces(ctx); err == nil {
		names = fresh
	}
	a.mu.Lock()
	a.memo = namespaceMemo{names: names, at: time.Now()}
	a.mu.Unlock()
	return slices.Clone(names)
}

func (a *account) listNamespaces(ctx context.Context) ([]string, error) {
	cl, err := a.connect()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, err := cl.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, item := range list.Items {
		if !slices.Contains(a.OmitNamespaces, item.GetName()) {
			names = append(names, item.GetName())
		}
	}
	slices.Sort(names)
	return names, nil
}
