package clouddriver

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/gennaker/gennaker/pipeline"
)

// refreshFloor is the least age of the catalogue before an unknown kind leads
// to a new discovery, so that a typo in a loop does not load the API server.
const refreshFloor = 500 * time.Millisecond

// resource is one kind as a cluster serves it.
type resource struct {
	gvk        schema.GroupVersionKind
	gvr        schema.GroupVersionResource
	namespaced bool
	watchable  bool
}

// catalog knows the kinds of one cluster by discovery. It is filled on first
// use and refreshed when a kind is not found, which is how new
// CustomResourceDefinitions come in.
type catalog struct {
	account   string
	discovery *discovery.DiscoveryClient

	turn   chan struct{} // held by whoever uses the fields below
	filled time.Time
	byGVK  map[schema.GroupVersionKind]resource
	// byName holds lower-case kind, plural, singular and short names, the
	// cluster's preferred group and version first.
	byName map[string][]resource
	// broken are the groups that could not be discovered: their aggregated API
	// server does not answer.
	broken map[string]error
}

func newCatalog(account string, d *discovery.DiscoveryClient) *catalog {
	return &catalog{account: account, discovery: d, turn: make(chan struct{}, 1)}
}

// find returns the resource of an exact apiVersion and kind. Errors: invalid
// when the cluster has no such kind; unavailable when its group cannot be
// discovered.
func (c *catalog) find(ctx context.Context, gvk schema.GroupVersionKind) (resource, error) {
	var found resource
	err := c.lookup(ctx, func() bool {
		var ok bool
		found, ok = c.byGVK[gvk]
		return ok
	}, gvk.Group, func() error { return c.noKind(gvk) })
	return found, err
}

// resolve returns the resource that Spinnaker's kind text means, as kubectl
// would: by kind, plural, singular or short name, in the cluster's preferred
// group and version.
func (c *catalog) resolve(ctx context.Context, text string) (resource, error) {
	name, group, _ := strings.Cut(strings.TrimSpace(text), ".")
	name, group = strings.ToLower(name), strings.ToLower(group)
	if full, ok := aliases[name]; ok && nativeGroups[group] {
		name = full
	}
	// A native group in the text does not bind: old pipelines say
	// "deployment.extensions" and mean today's Deployment.
	matches := func(r resource) bool {
		g := strings.ToLower(r.gvk.Group)
		switch {
		case group == "":
			return true
		case nativeGroups[group]:
			return nativeGroups[g]
		}
		return g == group
	}
	var found resource
	err := c.lookup(ctx, func() bool {
		var candidates []resource
		for _, r := range c.byName[name] {
			if matches(r) {
				candidates = append(candidates, r)
			}
		}
		if len(candidates) == 0 {
			return false
		}
		found = candidates[0]
		if group == "" {
			if i := slices.IndexFunc(candidates, func(r resource) bool { return nativeGroups[r.gvk.Group] }); i >= 0 {
				found = candidates[i]
			}
		}
		return true
	}, group, func() error {
		return pipeline.Errorf(pipeline.CodeInvalid,
			"The cluster of account %q has no kind %q. Check the spelling, or install its CustomResourceDefinition.", c.account, text)
	})
	return found, err
}

// lookup runs try over the catalogue, and once more over a fresh one.
func (c *catalog) lookup(ctx context.Context, try func() bool, group string, missing func() error) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if c.byGVK != nil && try() {
		return nil
	}
	if c.byGVK == nil || time.Since(c.filled) > refreshFloor {
		if err := c.fill(ctx); err != nil {
			return err
		}
		if try() {
			return nil
		}
	}
	if cause, ok := c.broken[group]; ok {
		return pipeline.Wrap(pipeline.CodeUnavailable, cause,
			"The API group %q of account %q's cluster does not answer: %s.", group, c.account, cause)
	}
	return missing()
}

// forget makes the next lookup lead to a new discovery.
func (c *catalog) forget() {
	c.turn <- struct{}{}
	c.byGVK = nil
	<-c.turn
}

func (c *catalog) noKind(gvk schema.GroupVersionKind) error {
	remedy := "install its CustomResourceDefinition, or correct apiVersion and kind"
	if served := c.byName[strings.ToLower(gvk.Kind)]; len(served) > 0 {
		remedy = fmt.Sprintf("it serves %s in %s, which may be what is meant", served[0].gvk.Kind, served[0].gvk.GroupVersion())
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "The cluster of account %q has no kind %s in %s: %s.", c.account, gvk.Kind, gvk.GroupVersion(), remedy)
}

// fill discovers what the cluster serves. The caller holds the lock.
func (c *catalog) fill(ctx context.Context) error {
	ctx, cancel := within(ctx)
	defer cancel()
	groups, lists, err := c.discovery.ServerGroupsAndResourcesWithContext(ctx)
	broken := map[string]error{}
	if failed, ok := discovery.GroupDiscoveryFailedErrorGroups(err); ok {
		for gv, cause := range failed {
			broken[gv.Group] = cause
		}
	} else if err != nil {
		return fromAPI(ctx, err, c.account, "list the kinds of the cluster")
	}
	c.index(groups, lists)
	c.broken, c.filled = broken, time.Now()
	return nil
}

func (c *catalog) index(groups []*metav1.APIGroup, lists []*metav1.APIResourceList) {
	rank := map[schema.GroupVersion]int{} // the cluster's order of preference
	for _, g := range groups {
		preferred := schema.GroupVersion{Group: g.Name, Version: g.PreferredVersion.Version}
		rank[preferred] = len(rank)
		for _, v := range g.Versions {
			gv := schema.GroupVersion{Group: g.Name, Version: v.Version}
			if _, seen := rank[gv]; !seen {
				rank[gv] = len(rank)
			}
		}
	}
	c.byGVK, c.byName = map[schema.GroupVersionKind]resource{}, map[string][]resource{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // a name that no request could use either
		}
		for _, r := range list.APIResources {
			c.add(gv, r)
		}
	}
	for _, candidates := range c.byName {
		slices.SortStableFunc(candidates, func(a, b resource) int {
			return cmp.Compare(rank[a.gvk.GroupVersion()], rank[b.gvk.GroupVersion()])
		})
	}
}

func (c *catalog) add(gv schema.GroupVersion, r metav1.APIResource) {
	if strings.Contains(r.Name, "/") {
		return // a subresource
	}
	res := resource{
		gvk: gv.WithKind(r.Kind), gvr: gv.WithResource(r.Name), namespaced: r.Namespaced,
		watchable: slices.Contains(r.Verbs, "watch") && slices.Contains(r.Verbs, "list"),
	}
	if _, twice := c.byGVK[res.gvk]; twice && !slices.Contains(r.Verbs, "get") {
		return // a virtual resource that shares the kind of a stored one
	}
	c.byGVK[res.gvk] = res
	names := map[string]bool{strings.ToLower(r.Kind): true, r.Name: true, r.SingularName: true}
	for _, short := range r.ShortNames {
		names[short] = true
	}
	delete(names, "")
	for name := range names {
		c.byName[name] = append(c.byName[name], res)
	}
}
