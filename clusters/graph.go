package clusters

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"
)

// set is a set of records.
type set map[*Record]struct{}

// graph finds the objects that belong together (reference: clouddriver section
// 13). All relations stay within a namespace. It is not safe for concurrent use.
type graph struct {
	records    map[Key]*Record
	namespaces map[string]*namespace
	apps       map[string]set // by application, in lower case
	groups     map[string]int // how many there are of Spinnaker's kinds
}

// namespace holds the indexes of one namespace.
type namespace struct {
	owned map[Ref]set // what an owner owns, the owner's kind in lower case
	// pods finds ReplicaSets by each label of their pods, services by one label
	// of their selectors.
	pods     map[string]set
	services map[string]set
	// governed finds StatefulSets by the name of their service.
	governed map[string]set
}

func newGraph() *graph {
	return &graph{records: map[Key]*Record{}, namespaces: map[string]*namespace{}, apps: map[string]set{}, groups: map[string]int{}}
}

// graphOf is the graph of some records.
func graphOf(records []*Record) *graph {
	g := newGraph()
	for _, r := range records {
		g.put(r)
	}
	return g
}

func (g *graph) get(k Key) *Record { return g.records[k] }

// put adds a record in place of an earlier one of the same key.
func (g *graph) put(r *Record) {
	g.remove(r.key())
	g.records[r.key()] = r
	g.groups[r.Group]++
	g.index(r, true)
}

// remove takes a record out; nil when there is none.
func (g *graph) remove(k Key) *Record {
	r := g.records[k]
	if r == nil {
		return nil
	}
	delete(g.records, k)
	g.groups[r.Group]--
	g.index(r, false)
	return r
}

// mark writes or removes a record's place in one index.
func mark[K comparable](m map[K]set, k K, r *Record, in bool) {
	if in {
		if m[k] == nil {
			m[k] = set{}
		}
		m[k][r] = struct{}{}
		return
	}
	delete(m[k], r)
	if len(m[k]) == 0 {
		delete(m, k)
	}
}

// index writes or removes a record's places in all indexes.
func (g *graph) index(r *Record, in bool) {
	if r.Moniker.App != "" {
		mark(g.apps, r.app(), r, in)
	}
	n := g.namespaces[r.Namespace]
	if n == nil {
		n = &namespace{owned: map[Ref]set{}, pods: map[string]set{}, services: map[string]set{}, governed: map[string]set{}}
		g.namespaces[r.Namespace] = n
	}
	for _, o := range r.Owners {
		mark(n.owned, lower(o), r, in)
	}
	for k, v := range r.PodLabels {
		mark(n.pods, pair(k, v), r, in)
	}
	if k, v, ok := first(r.Selector); ok && r.Group == LoadBalancers {
		mark(n.services, pair(k, v), r, in)
	}
	if r.Service != "" {
		mark(n.governed, r.Service, r, in)
	}
	if len(n.owned)+len(n.pods)+len(n.services)+len(n.governed) == 0 {
		delete(g.namespaces, r.Namespace)
	}
}

func lower(r Ref) Ref { return Ref{Kind: strings.ToLower(r.Kind), Name: r.Name} }

// pair joins a label; no key or value holds a space.
func pair(k, v string) string { return k + " " + v }

// first is the entry of a selector with the least key.
func first(selector map[string]string) (k, v string, ok bool) {
	for key := range selector {
		if !ok || key < k {
			k, ok = key, true
		}
	}
	return k, selector[k], ok
}

// selects reports whether a selector fits labels.
func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return len(selector) > 0
}

// owned lists what a record owns, of one of Spinnaker's kinds.
func (g *graph) owned(r *Record, group string) []*Record {
	n := g.namespaces[r.Namespace]
	if n == nil {
		return nil
	}
	var out []*Record
	for child := range n.owned[lower(r.ref())] {
		if child.Group == group {
			out = append(out, child)
		}
	}
	return sorted(out)
}

// owners lists the owners of a record that are known.
func (g *graph) owners(r *Record) []*Record {
	var out []*Record
	for _, o := range r.Owners {
		if owner := g.get(Key{Namespace: r.Namespace, Kind: strings.ToLower(o.Kind), Name: o.Name}); owner != nil {
			out = append(out, owner)
		}
	}
	return out
}

// balancers lists the load balancers that send traffic to a server group.
func (g *graph) balancers(r *Record) []*Record {
	n := g.namespaces[r.Namespace]
	if n == nil {
		return nil
	}
	found := set{}
	for k, v := range r.PodLabels {
		for service := range n.services[pair(k, v)] {
			if selects(service.Selector, r.PodLabels) {
				found[service] = struct{}{}
			}
		}
	}
	if r.Service != "" {
		if service := g.get(Key{Namespace: r.Namespace, Kind: "service", Name: r.Service}); service != nil {
			found[service] = struct{}{}
		}
	}
	return sorted(slices.Collect(maps.Keys(found)))
}

// balanced lists the server groups that a load balancer sends traffic to.
func (g *graph) balanced(r *Record) []*Record {
	n := g.namespaces[r.Namespace]
	if n == nil {
		return nil
	}
	found := set{}
	if k, v, ok := first(r.Selector); ok {
		for group := range n.pods[pair(k, v)] {
			if selects(r.Selector, group.PodLabels) {
				found[group] = struct{}{}
			}
		}
	}
	if strings.EqualFold(r.Kind, "service") {
		for group := range n.governed[r.Name] {
			found[group] = struct{}{}
		}
	}
	return sorted(slices.Collect(maps.Keys(found)))
}

// seers adds the applications whose slice holds a record.
func (g *graph) seers(r *Record, into map[string]struct{}) {
	note := func(x *Record) {
		if x.Moniker.App != "" {
			into[x.app()] = struct{}{}
		}
	}
	note(r)
	switch r.Group {
	case Instances:
		for _, owner := range g.owners(r) {
			note(owner)
			for _, balancer := range g.balancers(owner) {
				note(balancer)
			}
		}
	case ServerGroups:
		for _, owner := range g.owners(r) {
			note(owner)
		}
		for _, balancer := range g.balancers(r) {
			note(balancer)
		}
	case ServerGroupManagers:
		for _, group := range g.owned(r, ServerGroups) {
			note(group)
		}
	case LoadBalancers:
		for _, group := range g.balanced(r) {
			note(group)
		}
	}
}

// slice lists what the screens of an application show: its own objects and what
// belongs to them, sorted.
func (g *graph) slice(app string) []*Record {
	found := set{}
	group := func(r *Record) {
		found[r] = struct{}{}
		for _, pod := range g.owned(r, Instances) {
			found[pod] = struct{}{}
		}
	}
	for r := range g.apps[app] {
		g.around(r, found, group)
	}
	return sorted(slices.Collect(maps.Keys(found)))
}

// around adds a record with what belongs to it.
func (g *graph) around(r *Record, found set, group func(*Record)) {
	found[r] = struct{}{}
	switch r.Group {
	case ServerGroups:
		group(r)
		for _, owner := range g.owners(r) {
			found[owner] = struct{}{}
		}
		for _, balancer := range g.balancers(r) {
			found[balancer] = struct{}{}
		}
	case ServerGroupManagers:
		for _, child := range g.owned(r, ServerGroups) {
			found[child] = struct{}{}
		}
	case LoadBalancers:
		for _, balanced := range g.balanced(r) {
			group(balanced)
		}
	}
}

// object is a record with what belongs to it; empty when there is none.
func (g *graph) object(k Key) []*Record {
	r := g.get(k)
	if r == nil {
		return nil
	}
	found := set{}
	g.around(r, found, func(group *Record) {
		found[group] = struct{}{}
		for _, pod := range g.owned(group, Instances) {
			found[pod] = struct{}{}
		}
	})
	return sorted(slices.Collect(maps.Keys(found)))
}

// sorted orders records by namespace, kind and name.
func sorted(records []*Record) []*Record {
	sort.Slice(records, func(i, j int) bool {
		a, b := records[i], records[j]
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) < 0
	})
	return records
}
