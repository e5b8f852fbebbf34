package clusters

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"unique"
)

// Slice is what the screens of one application show of one account.
type Slice struct {
	Records []*Record `json:"records"`
}

// Index names what an account holds as a whole.
type Index struct {
	// Applications maps an application, in lower case, to its clusters.
	Applications map[string]Clusters `json:"applications"`
	// SecurityGroups lists the account's firewalls.
	SecurityGroups []Location `json:"securityGroups"`
}

// Clusters are those of one application in one account.
type Clusters struct {
	// Application is spelt as the objects spell it.
	Application string   `json:"application"`
	Names       []string `json:"names"`
}

// Location is where an object is.
type Location struct {
	Namespace string `json:"namespace"`
	// Name is "kind name".
	Name string `json:"name"`
	// Application is the one it belongs to.
	Application string `json:"application,omitempty"`
}

// Entry is one object as it is searched for.
type Entry struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Application and Cluster are those of its moniker; Cluster is empty for
	// kinds that have none.
	Application string `json:"application,omitempty"`
	Cluster     string `json:"cluster,omitempty"`
}

// FullName is "kind name".
func (e Entry) FullName() string { return e.Kind + " " + e.Name }

// Matches reports whether a search for query, in lower case, finds the entry:
// by what it is called and where it is, or by what it belongs to.
func (e Entry) Matches(account, query string) bool {
	for _, part := range []string{e.Name, e.Namespace, e.Kind, e.Application, e.Cluster, account} {
		if strings.Contains(strings.ToLower(part), query) {
			return true
		}
	}
	return false
}

// Change is what one change of a store touches.
type Change struct {
	// Applications are those whose slice is another now, in lower case.
	Applications []string
	// Before and After are the entry as it was and as it is; nil is none.
	Before, After *Entry
}

// Store holds the records of one account. It is safe for concurrent use.
type Store struct {
	// changed, when set, is told of every change; it must be quick.
	changed func(Change)

	mu    sync.RWMutex
	graph *graph
}

// NewStore returns an empty store that tells changed, which may be nil, what
// happens to it.
func NewStore(changed func(Change)) *Store { return &Store{changed: changed, graph: newGraph()} }

// Put adds a record in place of an earlier one of the same name.
func (s *Store) Put(r *Record) {
	r.share()
	s.change(r.key(), func(g *graph) { g.put(r) })
}

// Delete removes a record; one that is not there is a success.
func (s *Store) Delete(namespace, kind, name string) {
	k := Key{Namespace: namespace, Kind: strings.ToLower(kind), Name: name}
	s.change(k, func(g *graph) { g.remove(k) })
}

func (s *Store) change(k Key, do func(*graph)) {
	s.mu.Lock()
	apps := map[string]struct{}{}
	before := s.graph.get(k)
	if before != nil {
		s.graph.seers(before, apps)
	}
	do(s.graph)
	after := s.graph.get(k)
	if after != nil {
		s.graph.seers(after, apps)
	}
	s.mu.Unlock()
	if s.changed != nil && (before != nil || after != nil) {
		s.changed(Change{Applications: slices.Collect(maps.Keys(apps)), Before: entryOf(before), After: entryOf(after)})
	}
}

// Keys lists the keys of all records of a kind in a namespace; the empty
// namespace is all.
func (s *Store) Keys(kind, namespace string) []Key {
	s.mu.RLock()
	defer s.mu.RUnlock()
	kind = strings.ToLower(kind)
	var out []Key
	for k := range s.graph.records {
		if k.Kind == kind && (namespace == "" || k.Namespace == namespace) {
			out = append(out, k)
		}
	}
	return out
}

// Len is the number of records.
func (s *Store) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.graph.records)
}

// Slice returns what an application's screens show; it is shared and not
// changed. An unknown application has none.
func (s *Store) Slice(app string) Slice {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Slice{Records: s.graph.slice(strings.ToLower(app))}
}

// Object returns one object with what belongs to it; nothing when there is no
// such object.
func (s *Store) Object(namespace, fullName string) Slice {
	k, ok := ParseName(namespace, fullName)
	if !ok {
		return Slice{}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Slice{Records: s.graph.object(k)}
}

// Applications lists all applications, in lower case.
func (s *Store) Applications() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.graph.apps))
}

// Index returns what the account holds as a whole.
func (s *Store) Index() Index {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := Index{Applications: map[string]Clusters{}, SecurityGroups: []Location{}}
	for app, records := range s.graph.apps {
		names := map[string]struct{}{}
		spelt := ""
		for r := range records {
			if hasCluster(r.Group) && r.Moniker.Cluster != "" {
				names[r.Moniker.Cluster] = struct{}{}
				if spelt == "" || r.Moniker.App < spelt {
					spelt = r.Moniker.App
				}
			}
		}
		if len(names) > 0 {
			out.Applications[app] = Clusters{Application: spelt, Names: slices.Sorted(maps.Keys(names))}
		}
	}
	for _, r := range s.graph.records {
		if r.Group == SecurityGroups {
			out.SecurityGroups = append(out.SecurityGroups, Location{Namespace: r.Namespace, Name: r.FullName(), Application: r.Moniker.App})
		}
	}
	slices.SortFunc(out.SecurityGroups, compareLocations)
	return out
}

func compareLocations(a, b Location) int {
	return strings.Compare(a.Namespace+" "+a.Name, b.Namespace+" "+b.Name)
}

// hasCluster reports whether objects of Spinnaker's kind belong to a cluster.
func hasCluster(group string) bool { return group == ServerGroups || group == ServerGroupManagers }

// Entries calls see with every object until it returns false.
func (s *Store) Entries(see func(Entry) bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, r := range s.graph.records {
		if !see(*entryOf(r)) {
			return
		}
	}
}

// Search lists the objects that a query finds, at most limit, sorted.
func (s *Store) Search(account, query string, limit int) []Entry {
	query = strings.ToLower(query)
	var out []Entry
	s.Entries(func(e Entry) bool {
		if e.Matches(account, query) {
			out = append(out, e)
		}
		return len(out) < limit
	})
	SortEntries(out)
	return out
}

// SortEntries orders entries by kind, namespace and name.
func SortEntries(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int {
		if a.Kind != b.Kind {
			return strings.Compare(a.Kind, b.Kind)
		}
		if a.Namespace != b.Namespace {
			return strings.Compare(a.Namespace, b.Namespace)
		}
		return strings.Compare(a.Name, b.Name)
	})
}

func entryOf(r *Record) *Entry {
	if r == nil {
		return nil
	}
	e := &Entry{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, Application: r.Moniker.App}
	if hasCluster(r.Group) {
		e.Cluster = r.Moniker.Cluster
	}
	return e
}

// share makes equal texts of different records one in memory: tens of thousands
// of pods have the same few labels, kinds and namespaces.
func (r *Record) share() {
	for _, s := range []*string{&r.Kind, &r.Group, &r.APIVersion, &r.Namespace, &r.Moniker.App, &r.Moniker.Cluster, &r.Moniker.Stack, &r.Moniker.Detail, &r.Service} {
		*s = one(*s)
	}
	for i := range r.Owners {
		r.Owners[i] = Ref{Kind: one(r.Owners[i].Kind), Name: one(r.Owners[i].Name)}
	}
	for i := range r.Images {
		r.Images[i] = one(r.Images[i])
	}
	for i := range r.Health {
		r.Health[i] = Health{State: one(r.Health[i].State), Source: one(r.Health[i].Source), Type: one(r.Health[i].Type)}
	}
	r.Labels, r.PodLabels, r.Selector = oneMap(r.Labels), oneMap(r.PodLabels), oneMap(r.Selector)
}

func one(s string) string {
	if s == "" {
		return s
	}
	return unique.Make(s).Value()
}

// oneMap copies a map whose texts it shares; the copy holds no part of the
// object that it was read from.
func oneMap(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[one(k)] = one(v)
	}
	return out
}
