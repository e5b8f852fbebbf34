package clusters

import (
	"regexp"
	"slices"
	"strings"
)

// Cluster is a cluster in full.
type Cluster struct {
	AccountName   string         `json:"accountName"`
	Application   string         `json:"application"`
	LoadBalancers []LoadBalancer `json:"loadBalancers"`
	Moniker       Moniker        `json:"moniker"`
	Name          string         `json:"name"`
	ServerGroups  []ServerGroup  `json:"serverGroups"`
	Type          string         `json:"type"`
}

// ClusterSummary is a cluster in the list of an account.
type ClusterSummary struct {
	Account       string   `json:"account"`
	LoadBalancers []string `json:"loadBalancers"`
	Moniker       Moniker  `json:"moniker"`
	Name          string   `json:"name"`
	ServerGroups  []string `json:"serverGroups"`
}

// ApplicationCluster is a cluster as an application shows it.
type ApplicationCluster struct {
	LoadBalancers []string `json:"loadBalancers"`
	Name          string   `json:"name"`
	Provider      string   `json:"provider"`
	ServerGroups  []string `json:"serverGroups"`
}

// ClusterNames lists the application's clusters by account; accounts without
// one are left out.
func (v *View) ClusterNames() map[string][]string {
	out := map[string][]string{}
	for _, a := range v.accounts {
		if names := v.clusterNames(a); len(names) > 0 {
			out[a.name] = names
		}
	}
	return out
}

// clusterNames are those of the account's server groups and managers, sorted.
func (v *View) clusterNames(a accountView) []string {
	var names []string
	for _, r := range a.graph.records {
		if hasCluster(r.Group) && r.Moniker.Cluster != "" && r.app() == v.application {
			names = append(names, r.Moniker.Cluster)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Clusters lists the application's clusters in an account in short.
func (v *View) Clusters(account string) []ClusterSummary {
	out := []ClusterSummary{}
	for _, a := range v.accounts {
		if a.name != account {
			continue
		}
		for _, name := range v.clusterNames(a) {
			c := ClusterSummary{
				Account: account, LoadBalancers: []string{}, Moniker: v.clusterMoniker(a, name), Name: name, ServerGroups: []string{},
			}
			for _, r := range v.own(a, ServerGroups) {
				if r.Moniker.Cluster == name {
					c.ServerGroups = append(c.ServerGroups, r.FullName())
				}
			}
			for _, b := range v.ClusterLoadBalancers(ClusterID{Account: account, Name: name}) {
				c.LoadBalancers = append(c.LoadBalancers, b.Name)
			}
			out = append(out, c)
		}
	}
	return out
}

// clusterMoniker is the moniker of a cluster: its name and application.
func (v *View) clusterMoniker(a accountView, name string) Moniker {
	m := Moniker{App: v.application, Cluster: name}
	for _, r := range a.graph.records {
		if r.Moniker.Cluster == name && r.app() == v.application {
			m.App = r.Moniker.App
			break
		}
	}
	return m
}

// Cluster returns one cluster; false when the application has no such cluster.
// Without expand it has neither server groups nor load balancers.
func (v *View) Cluster(id ClusterID, expand bool) (Cluster, bool) {
	for _, a := range v.accounts {
		if a.name != id.Account || !slices.Contains(v.clusterNames(a), id.Name) {
			continue
		}
		m := v.clusterMoniker(a, id.Name)
		c := Cluster{
			AccountName: a.name, Application: m.App, LoadBalancers: []LoadBalancer{}, Moniker: m, Name: id.Name,
			ServerGroups: []ServerGroup{}, Type: CloudProvider,
		}
		if !expand {
			return c, true
		}
		v.groups([]ClusterID{id}, func(a accountView, r *Record) { c.ServerGroups = append(c.ServerGroups, a.full(r)) })
		c.LoadBalancers = v.ClusterLoadBalancers(id)
		return c, true
	}
	return Cluster{}, false
}

// ApplicationClusters lists the clusters by account as GET /applications/{app}
// shows them.
func (v *View) ApplicationClusters() map[string][]ApplicationCluster {
	out := map[string][]ApplicationCluster{}
	for _, a := range v.accounts {
		for _, c := range v.Clusters(a.name) {
			out[a.name] = append(out[a.name], ApplicationCluster{
				LoadBalancers: c.LoadBalancers, Name: c.Name, Provider: CloudProvider, ServerGroups: c.ServerGroups,
			})
		}
	}
	return out
}

// RawResource is any object of an application.
type RawResource struct {
	Account     string            `json:"account"`
	APIVersion  string            `json:"apiVersion"`
	CreatedTime *int64            `json:"createdTime,omitempty"`
	DisplayName string            `json:"displayName"`
	Kind        string            `json:"kind"`
	Labels      map[string]string `json:"labels"`
	Moniker     Moniker           `json:"moniker"`
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	Region      string            `json:"region"`
}

// RawFilter says which kinds of an account are shown as raw resources
// (reference: clouddriver sections 1 and 12).
type RawFilter struct {
	// Kinds are the only ones, OmitKinds are left out; in lower case.
	Kinds, OmitKinds []string
	// KindExpressions show a kind for certain, OmitKindExpressions hide one; both
	// match whole names. What matches neither is shown.
	KindExpressions, OmitKindExpressions []string
	// AllRelationships shows kinds that screens do not know.
	AllRelationships bool
}

func (f RawFilter) shows(r *Record) bool {
	kind := strings.ToLower(r.Kind)
	switch {
	case !f.AllRelationships && (r.Group == Instances || !slices.Contains(UIKinds(), r.Group)):
		return false
	case len(f.Kinds) > 0 && !slices.Contains(f.Kinds, kind):
		return false
	case slices.Contains(f.OmitKinds, kind):
		return false
	case matches(f.KindExpressions, r.Kind):
		return true
	}
	return !matches(f.OmitKindExpressions, r.Kind)
}

func matches(expressions []string, kind string) bool {
	return slices.ContainsFunc(expressions, func(e string) bool {
		re, err := regexp.Compile(`^(?:` + e + `)$`)
		return err == nil && re.MatchString(kind)
	})
}

// RawResources lists the application's own objects. filter returns an account's
// settings.
func (v *View) RawResources(filter func(account string) RawFilter) []RawResource {
	out := []RawResource{}
	for _, a := range v.accounts {
		f := filter(a.name)
		for _, r := range sorted(all(a.graph)) {
			if r.app() != v.application || !f.shows(r) {
				continue
			}
			res := resourceOf(a.name, r)
			out = append(out, RawResource{
				Account: a.name, APIVersion: res.apiVersion, CreatedTime: res.created, DisplayName: res.displayName, Kind: res.kind,
				Labels: res.labels, Moniker: res.moniker, Name: res.name, Namespace: res.namespace, Region: res.namespace,
			})
		}
	}
	return out
}

func all(g *graph) []*Record {
	out := make([]*Record, 0, len(g.records))
	for _, r := range g.records {
		out = append(out, r)
	}
	return out
}
