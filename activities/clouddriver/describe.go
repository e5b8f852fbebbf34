package clouddriver

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// namespaceMemoAge is how long a live list of namespaces is believed.
const namespaceMemoAge = 30 * time.Second

// namespaceMemo is the last list of a cluster's namespaces.
type namespaceMemo struct {
	names []string
	at    time.Time
}

// SpinnakerKinds says for each Kubernetes kind which of Spinnaker's kinds it is,
// those of an account's custom resources included (reference: clouddriver
// section 12).
func SpinnakerKinds(custom map[string]string) map[string]string {
	out := make(map[string]string, len(kinds)+len(custom))
	for _, info := range kinds {
		spinnakerKind := info.spinnakerKind
		if spinnakerKind == "" {
			spinnakerKind = unclassified
		}
		out[info.name] = spinnakerKind
	}
	for kind, spinnakerKind := range custom {
		out[kind] = spinnakerKind
	}
	return out
}

// usableNamespaces are those that may be used: the configured ones, or those of
// the cluster, asked for at most every 30 seconds; the last known ones when it
// does not answer.
func (a *account) usableNamespaces(ctx context.Context) []string {
	if len(a.Namespaces) > 0 || a.shared != nil && !a.shared.settings().LoadNamespaces() {
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
	cl, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, err := cl.dynamic.Resource(namespaces).List(ctx, metav1.ListOptions{})
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
