package clusters

import (
	"cmp"
	"slices"
	"strings"
)

// ServerGroupSummary is a server group as lists show it.
type ServerGroupSummary struct {
	Account string `json:"account"`
	// Application is read from the name with its kind and of no use; Moniker tells
	// the application.
	Application         string            `json:"application"`
	BuildInfo           BuildInfo         `json:"buildInfo"`
	Capacity            Capacity          `json:"capacity"`
	CloudProvider       string            `json:"cloudProvider"`
	Cluster             string            `json:"cluster"`
	CreatedTime         *int64            `json:"createdTime,omitempty"`
	InstanceCounts      InstanceCounts    `json:"instanceCounts"`
	Instances           []InstanceSummary `json:"instances"`
	IsDisabled          bool              `json:"isDisabled"`
	Labels              map[string]string `json:"labels,omitempty"`
	LoadBalancers       []string          `json:"loadBalancers"`
	Moniker             Moniker           `json:"moniker"`
	Name                string            `json:"name"`
	Region              string            `json:"region"`
	SecurityGroups      []string          `json:"securityGroups"`
	ServerGroupManagers []ManagerRef      `json:"serverGroupManagers"`
	Type                string            `json:"type"`
}

// InstanceSummary is an instance of such a server group; ID is its UID.
type InstanceSummary struct {
	AvailabilityZone string          `json:"availabilityZone"`
	Health           []HealthSummary `json:"health"`
	HealthState      string          `json:"healthState"`
	ID               string          `json:"id"`
	Name             string          `json:"name"`
}

// HealthSummary is one state of an instance without its source.
type HealthSummary struct {
	State string `json:"state"`
	Type  string `json:"type"`
}

// ServerGroup is a server group in full.
type ServerGroup struct {
	Account             string            `json:"account"`
	APIVersion          string            `json:"apiVersion"`
	BuildInfo           BuildInfo         `json:"buildInfo"`
	Capacity            Capacity          `json:"capacity"`
	CloudProvider       string            `json:"cloudProvider"`
	CreatedTime         *int64            `json:"createdTime,omitempty"`
	Disabled            bool              `json:"disabled"`
	DisplayName         string            `json:"displayName"`
	ImagesSummary       ImagesSummary     `json:"imagesSummary"`
	InstanceCounts      InstanceCounts    `json:"instanceCounts"`
	Instances           []Instance        `json:"instances"`
	Kind                string            `json:"kind"`
	Labels              map[string]string `json:"labels"`
	LaunchConfig        map[string]any    `json:"launchConfig"`
	LoadBalancers       []string          `json:"loadBalancers"`
	Moniker             Moniker           `json:"moniker"`
	Name                string            `json:"name"`
	Namespace           string            `json:"namespace"`
	Region              string            `json:"region"`
	SecurityGroups      []string          `json:"securityGroups"`
	ServerGroupManagers []ManagerRef      `json:"serverGroupManagers"`
	Type                string            `json:"type"`
	Zones               []string          `json:"zones"`

	// These are set in lists with expand=true.
	AccountName    string `json:"accountName,omitempty"`
	Application    string `json:"application,omitempty"`
	Cluster        string `json:"cluster,omitempty"`
	Stack          string `json:"stack,omitempty"`
	FreeFormDetail string `json:"freeFormDetail,omitempty"`
	// InsightActions is set where one server group is asked for.
	InsightActions *[]any `json:"insightActions,omitempty"`
}

// ImagesSummary lists the images of a server group once more, as some clients
// look for them.
type ImagesSummary struct {
	Summaries []ImageSummary `json:"summaries"`
}

// ImageSummary is the one entry of [ImagesSummary].
type ImageSummary struct {
	BuildInfo       BuildInfo `json:"buildInfo"`
	ServerGroupName string    `json:"serverGroupName"`
}

// ClusterID names a cluster of an application in one account.
type ClusterID struct{ Account, Name string }

// ParseClusterIDs reads "account:cluster" items; what has not exactly one colon
// is passed over, as in Spinnaker.
func ParseClusterIDs(items []string) []ClusterID {
	out := []ClusterID{}
	for _, item := range items {
		account, name, found := strings.Cut(item, ":")
		if found && account != "" && name != "" && !strings.Contains(name, ":") {
			out = append(out, ClusterID{Account: account, Name: name})
		}
	}
	return out
}

// groups calls see with each of the application's server groups that belongs to
// a cluster; only those of the given clusters unless only is nil.
func (v *View) groups(only []ClusterID, see func(accountView, *Record)) {
	for _, a := range v.accounts {
		for _, r := range v.own(a, ServerGroups) {
			id := ClusterID{Account: a.name, Name: r.Moniker.Cluster}
			if r.Moniker.Cluster != "" && (only == nil || slices.Contains(only, id)) {
				see(a, r)
			}
		}
	}
}

// ServerGroups lists the application's server groups in short.
func (v *View) ServerGroups(only []ClusterID) []ServerGroupSummary {
	out := []ServerGroupSummary{}
	v.groups(only, func(a accountView, r *Record) { out = append(out, a.summary(r)) })
	return out
}

func (a accountView) summary(r *Record) ServerGroupSummary {
	p, res := a.parts(r), resourceOf(a.name, r)
	application, _, _ := splitName(res.name)
	s := ServerGroupSummary{
		Account: a.name, Application: application, BuildInfo: p.buildInfo(), Capacity: Capacity{Desired: r.Replicas}, CloudProvider: CloudProvider,
		Cluster: r.Moniker.Cluster, CreatedTime: res.created, InstanceCounts: p.counts, Instances: []InstanceSummary{}, IsDisabled: p.disabled,
		Labels: r.Labels, LoadBalancers: p.balancers, Moniker: r.Moniker, Name: res.name, Region: r.Namespace, SecurityGroups: []string{},
		ServerGroupManagers: p.managers, Type: CloudProvider,
	}
	for _, i := range p.instances {
		short := InstanceSummary{AvailabilityZone: i.Namespace, Health: []HealthSummary{}, HealthState: i.health(), ID: i.UID, Name: i.FullName()}
		for _, h := range i.Health {
			short.Health = append(short.Health, HealthSummary{State: h.State, Type: h.Type})
		}
		s.Instances = append(s.Instances, short)
	}
	return s
}

// ExpandedServerGroups lists the application's server groups in full.
func (v *View) ExpandedServerGroups(only []ClusterID) []ServerGroup {
	out := []ServerGroup{}
	v.groups(only, func(a accountView, r *Record) {
		s := a.full(r)
		s.AccountName, s.Application, s.Cluster = a.name, r.Moniker.App, r.Moniker.Cluster
		out = append(out, s)
	})
	return out
}

func (a accountView) full(r *Record) ServerGroup {
	p, res := a.parts(r), resourceOf(a.name, r)
	s := ServerGroup{
		Account: a.name, APIVersion: res.apiVersion, BuildInfo: p.buildInfo(), Capacity: Capacity{Desired: r.Replicas}, CloudProvider: CloudProvider,
		CreatedTime: res.created, Disabled: p.disabled, DisplayName: res.displayName,
		ImagesSummary:  ImagesSummary{Summaries: []ImageSummary{{BuildInfo: p.buildInfo(), ServerGroupName: res.displayName}}},
		InstanceCounts: p.counts, Instances: []Instance{}, Kind: res.kind, Labels: res.labels, LaunchConfig: map[string]any{}, LoadBalancers: p.balancers, Moniker: res.moniker,
		Name: res.name, Namespace: res.namespace, Region: res.namespace, SecurityGroups: []string{}, ServerGroupManagers: p.managers,
		Type: CloudProvider, Zones: []string{},
	}
	for _, i := range p.instances {
		s.Instances = append(s.Instances, instanceOf(a.name, i))
	}
	return s
}

// ServerGroup returns one server group in full; false when the view has no such
// object.
func (v *View) ServerGroup(namespace, fullName string) (ServerGroup, bool) {
	a, r := v.find(namespace, fullName)
	if r == nil {
		return ServerGroup{}, false
	}
	return a.full(r), true
}

// ServerGroupSummary returns one server group in short.
func (v *View) ServerGroupSummary(namespace, fullName string) (ServerGroupSummary, bool) {
	a, r := v.find(namespace, fullName)
	if r == nil {
		return ServerGroupSummary{}, false
	}
	return a.summary(r), true
}

// find looks a record up in all accounts of the view, the first wins.
func (v *View) find(namespace, fullName string) (accountView, *Record) {
	k, ok := ParseName(namespace, fullName)
	if !ok {
		return accountView{}, nil
	}
	for _, a := range v.accounts {
		if r := a.graph.get(k); r != nil {
			return a, r
		}
	}
	return accountView{}, nil
}

// ServerGroupManager is a Deployment, or what an account declares as such.
type ServerGroupManager struct {
	Account       string            `json:"account"`
	APIVersion    string            `json:"apiVersion"`
	CloudProvider string            `json:"cloudProvider"`
	CreatedTime   *int64            `json:"createdTime,omitempty"`
	DisplayName   string            `json:"displayName"`
	Kind          string            `json:"kind"`
	Labels        map[string]string `json:"labels"`
	Moniker       Moniker           `json:"moniker"`
	Name          string            `json:"name"`
	Namespace     string            `json:"namespace"`
	Region        string            `json:"region"`
	ServerGroups  []ManagedGroup    `json:"serverGroups"`
}

// ManagedGroup names a server group of a manager.
type ManagedGroup struct {
	Account   string  `json:"account"`
	Moniker   Moniker `json:"moniker"`
	Name      string  `json:"name"`
	Namespace string  `json:"namespace"`
	Region    string  `json:"region"`
}

// ServerGroupManagers lists the application's managers.
func (v *View) ServerGroupManagers() []ServerGroupManager {
	out := []ServerGroupManager{}
	for _, a := range v.accounts {
		for _, r := range v.own(a, ServerGroupManagers) {
			res := resourceOf(a.name, r)
			m := ServerGroupManager{
				Account: a.name, APIVersion: res.apiVersion, CloudProvider: CloudProvider, CreatedTime: res.created, DisplayName: res.displayName,
				Kind: res.kind, Labels: res.labels, Moniker: res.moniker, Name: res.name, Namespace: res.namespace, Region: res.namespace,
				ServerGroups: []ManagedGroup{},
			}
			for _, g := range a.graph.owned(r, ServerGroups) {
				m.ServerGroups = append(m.ServerGroups, ManagedGroup{
					Account: a.name, Moniker: g.Moniker, Name: g.FullName(), Namespace: g.Namespace, Region: g.Namespace,
				})
			}
			out = append(out, m)
		}
	}
	return out
}

// Target picks a server group of a cluster by a word, as Spinnaker's stages for
// other clouds do: current_asg, ancestor_asg, oldest_asg, largest_asg, fail, with
// "_dynamic" or without, and their aliases. Errors in words: ok is false and why
// completes "not found".
func (v *View) Target(cluster ClusterID, namespace, word string, onlyEnabled, validateOldest bool) (found ServerGroup, why string, ok bool) {
	kind, known := targetOf(word)
	if !known {
		return found, "Target not found (target: " + word + ")", false
	}
	var groups []ServerGroup
	v.groups([]ClusterID{cluster}, func(a accountView, r *Record) {
		if s := a.full(r); r.Namespace == namespace && s.CreatedTime != nil && (!onlyEnabled || !s.Disabled) {
			groups = append(groups, s)
		}
	})
	newest := func(a, b ServerGroup) int { return cmp.Compare(*b.CreatedTime, *a.CreatedTime) }
	slices.SortStableFunc(groups, newest)
	if len(groups) == 0 {
		return found, "No server groups found", false
	}
	switch kind {
	case "current":
		return groups[0], "", true
	case "previous":
		if len(groups) < 2 {
			return found, "Target not found (target: " + word + ")", false
		}
		return groups[1], "", true
	case "oldest":
		if validateOldest && len(groups) == 1 {
			return found, "Target not found (target: " + word + ")", false
		}
		return groups[len(groups)-1], "", true
	case "largest":
		slices.SortStableFunc(groups, func(a, b ServerGroup) int {
			return cmp.Or(cmp.Compare(b.InstanceCounts.Total, a.InstanceCounts.Total), newest(a, b))
		})
		return groups[0], "", true
	}
	if len(groups) > 1 {
		return found, "More than one target found", false
	}
	return groups[0], "", true
}

func targetOf(word string) (string, bool) {
	word = strings.ToLower(word)
	word = strings.TrimSuffix(word, "_dynamic")
	word = strings.TrimSuffix(word, "_asg")
	switch word {
	case "current", "newest":
		return "current", true
	case "previous", "ancestor":
		return "previous", true
	case "oldest", "largest", "fail":
		return word, true
	}
	return "", false
}
