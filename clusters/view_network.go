package clusters

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// LoadBalancer is a service or an ingress.
type LoadBalancer struct {
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
	ServerGroups  []BalancedGroup   `json:"serverGroups"`
	Type          string            `json:"type"`
	// InsightActions is set where one load balancer is asked for.
	InsightActions *[]any `json:"insightActions,omitempty"`
}

// BalancedGroup is a server group that gets a load balancer's traffic.
type BalancedGroup struct {
	Account           string             `json:"account"`
	CloudProvider     string             `json:"cloudProvider"`
	DetachedInstances []string           `json:"detachedInstances"`
	Instances         []BalancedInstance `json:"instances"`
	IsDisabled        bool               `json:"isDisabled"`
	Name              string             `json:"name"`
	Region            string             `json:"region"`
}

// BalancedInstance is an instance of such a server group. Of several states the
// last one's is told.
type BalancedInstance struct {
	Health map[string]string `json:"health"`
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	Zone   string            `json:"zone"`
}

// LoadBalancers lists the application's load balancers by name.
func (v *View) LoadBalancers() []LoadBalancer {
	out := []LoadBalancer{}
	for _, a := range v.accounts {
		for _, r := range v.own(a, LoadBalancers) {
			out = append(out, a.balancer(r))
		}
	}
	byName(out)
	return out
}

func byName(list []LoadBalancer) {
	slices.SortStableFunc(list, func(a, b LoadBalancer) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
}

// ClusterLoadBalancers lists the load balancers of one cluster's server groups.
func (v *View) ClusterLoadBalancers(cluster ClusterID) []LoadBalancer {
	out := []LoadBalancer{}
	for _, a := range v.accounts {
		if a.name != cluster.Account {
			continue
		}
		found := set{}
		for _, r := range v.own(a, ServerGroups) {
			if r.Moniker.Cluster == cluster.Name {
				for _, b := range a.graph.balancers(r) {
					found[b] = struct{}{}
				}
			}
		}
		for _, r := range sorted(slices.Collect(maps.Keys(found))) {
			b := a.balancer(r)
			b.ServerGroups = slices.DeleteFunc(b.ServerGroups, func(g BalancedGroup) bool {
				k, _ := ParseName(g.Region, g.Name)
				member := a.graph.get(k)
				return member == nil || member.Moniker.Cluster != cluster.Name
			})
			out = append(out, b)
		}
	}
	byName(out)
	return out
}

// LoadBalancer returns one load balancer; false when the view has no such
// object.
func (v *View) LoadBalancer(namespace, fullName string) (LoadBalancer, bool) {
	a, r := v.find(namespace, fullName)
	if r == nil {
		return LoadBalancer{}, false
	}
	return a.balancer(r), true
}

func (a accountView) balancer(r *Record) LoadBalancer {
	res := resourceOf(a.name, r)
	b := LoadBalancer{
		Account: a.name, APIVersion: res.apiVersion, CloudProvider: CloudProvider, CreatedTime: res.created, DisplayName: res.displayName,
		Kind: res.kind, Labels: res.labels, Moniker: res.moniker, Name: res.name, Namespace: res.namespace, Region: res.namespace,
		ServerGroups: []BalancedGroup{}, Type: CloudProvider,
	}
	for _, group := range a.graph.balanced(r) {
		g := BalancedGroup{
			Account: a.name, CloudProvider: CloudProvider, DetachedInstances: []string{}, Instances: []BalancedInstance{},
			Name: group.FullName(), Region: group.Namespace,
		}
		for _, i := range a.graph.owned(group, Instances) {
			health := map[string]string{}
			for _, h := range i.Health {
				maps.Copy(health, healthMap(h))
			}
			g.Instances = append(g.Instances, BalancedInstance{Health: health, ID: i.UID, Name: i.FullName(), Zone: i.Namespace})
		}
		b.ServerGroups = append(b.ServerGroups, g)
	}
	return b
}

// Instance is a pod.
type Instance struct {
	Account           string              `json:"account"`
	APIVersion        string              `json:"apiVersion"`
	CloudProvider     string              `json:"cloudProvider"`
	CreatedTime       *int64              `json:"createdTime,omitempty"`
	DisplayName       string              `json:"displayName"`
	Health            []map[string]string `json:"health"`
	HealthState       string              `json:"healthState"`
	HumanReadableName string              `json:"humanReadableName"`
	Kind              string              `json:"kind"`
	Labels            map[string]string   `json:"labels"`
	// LaunchTime is null: Kubernetes' pods are told by createdTime.
	LaunchTime *int64  `json:"launchTime"`
	Moniker    Moniker `json:"moniker"`
	// Name is the pod's UID.
	Name         string `json:"name"`
	Namespace    string `json:"namespace"`
	ProviderType string `json:"providerType"`
	Zone         string `json:"zone"`
	// InsightActions is set where one instance is asked for.
	InsightActions *[]any `json:"insightActions,omitempty"`
}

// Instance returns one instance; false when the view has no such object.
func (v *View) Instance(namespace, fullName string) (Instance, bool) {
	a, r := v.find(namespace, fullName)
	if r == nil {
		return Instance{}, false
	}
	return instanceOf(a.name, r), true
}

func instanceOf(account string, r *Record) Instance {
	res := resourceOf(account, r)
	i := Instance{
		Account: account, APIVersion: res.apiVersion, CloudProvider: CloudProvider, CreatedTime: res.created, DisplayName: res.displayName,
		Health: []map[string]string{}, HealthState: r.health(), HumanReadableName: res.name, Kind: res.kind, Labels: res.labels,
		Moniker: res.moniker, Name: r.UID, Namespace: res.namespace, ProviderType: CloudProvider, Zone: res.namespace,
	}
	for _, h := range r.Health {
		i.Health = append(i.Health, healthMap(h))
	}
	return i
}

// healthMap is one state as Clouddriver tells it, its odd last key included.
func healthMap(h Health) map[string]string {
	return map[string]string{"state": h.State, "source": h.Source, "type": h.Type, "platform": "platform"}
}

// SecurityGroup is a network policy.
type SecurityGroup struct {
	Account       string               `json:"account"`
	AccountName   string               `json:"accountName"`
	APIVersion    string               `json:"apiVersion"`
	Application   string               `json:"application"`
	CloudProvider string               `json:"cloudProvider"`
	CreatedTime   *int64               `json:"createdTime,omitempty"`
	DisplayName   string               `json:"displayName"`
	ID            string               `json:"id"`
	InboundRules  []PortRule           `json:"inboundRules"`
	Kind          string               `json:"kind"`
	Labels        map[string]string    `json:"labels"`
	Moniker       Moniker              `json:"moniker"`
	Name          string               `json:"name"`
	Namespace     string               `json:"namespace"`
	OutboundRules []PortRule           `json:"outboundRules"`
	Region        string               `json:"region"`
	Summary       SecurityGroupSummary `json:"summary"`
	Type          string               `json:"type"`
}

// SecurityGroupSummary names a network policy in lists.
type SecurityGroupSummary struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// PortRule is one opening of a network policy; without portRanges for all ports.
type PortRule struct {
	PortRanges []PortRange `json:"portRanges,omitempty"`
	Protocol   string      `json:"protocol,omitempty"`
}

// PortRange is one port, by number or by name.
type PortRange struct {
	EndPort       *int   `json:"endPort,omitempty"`
	EndPortName   string `json:"endPortName,omitempty"`
	StartPort     *int   `json:"startPort,omitempty"`
	StartPortName string `json:"startPortName,omitempty"`
}

// SecurityGroup returns one firewall; false when the view has no such object.
func (v *View) SecurityGroup(namespace, fullName string) (SecurityGroup, bool) {
	a, r := v.find(namespace, fullName)
	if r == nil {
		return SecurityGroup{}, false
	}
	res := resourceOf(a.name, r)
	return SecurityGroup{
		Account: a.name, AccountName: a.name, APIVersion: res.apiVersion, Application: r.Moniker.App, CloudProvider: CloudProvider,
		CreatedTime: res.created, DisplayName: res.displayName, ID: res.name, InboundRules: portRules(r.Inbound), Kind: res.kind, Labels: res.labels,
		Moniker: res.moniker, Name: res.name, Namespace: res.namespace, OutboundRules: portRules(r.Outbound), Region: res.namespace,
		Summary: SecurityGroupSummary{ID: res.name, Name: res.name}, Type: CloudProvider,
	}, true
}

func portRules(rules []Rule) []PortRule {
	out := []PortRule{}
	for _, r := range rules {
		p := PortRule{Protocol: r.Protocol}
		if n, err := strconv.Atoi(r.Port); err == nil {
			p.PortRanges = []PortRange{{StartPort: &n, EndPort: &n}}
		} else if r.Port != "" {
			p.PortRanges = []PortRange{{StartPortName: r.Port, EndPortName: r.Port}}
		}
		out = append(out, p)
	}
	return out
}
