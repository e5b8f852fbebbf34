package clusters

import (
	"slices"
	"strings"
)

// View answers questions about the slices of one application, or about one
// object, in the shapes that Spinnaker's clients know (reference: clouddriver
// section 12). Lists are sorted by account, namespace and name where Spinnaker
// leaves their order to chance.
type View struct {
	// application, in lower case, is the one that the view is of; empty for a view
	// of one object.
	application string
	accounts    []accountView
}

type accountView struct {
	name  string
	graph *graph
}

// NewView returns the view of an application over its slice in each account.
func NewView(application string, slicesByAccount map[string]Slice) *View {
	v := &View{application: strings.ToLower(application)}
	for account, s := range slicesByAccount {
		v.accounts = append(v.accounts, accountView{name: account, graph: graphOf(s.Records)})
	}
	slices.SortFunc(v.accounts, func(a, b accountView) int { return strings.Compare(a.name, b.name) })
	return v
}

// own lists the application's own records of one of Spinnaker's kinds in an
// account; all of them for a view of one object.
func (v *View) own(a accountView, group string) []*Record {
	var out []*Record
	for _, r := range a.graph.records {
		if r.Group == group && (v.application == "" || r.app() == v.application) {
			out = append(out, r)
		}
	}
	return sorted(out)
}

// resource holds the keys that every object has.
type resource struct {
	account, apiVersion, displayName, kind, name, namespace string
	created                                                 *int64
	labels                                                  map[string]string
	moniker                                                 Moniker
}

func resourceOf(account string, r *Record) resource {
	out := resource{
		account: account, apiVersion: r.APIVersion, displayName: r.Name, kind: r.Kind, name: r.FullName(), namespace: r.Namespace,
		labels: r.Labels, moniker: r.Moniker,
	}
	if r.Created != 0 {
		created := r.Created
		out.created = &created
	}
	if out.labels == nil {
		out.labels = map[string]string{}
	}
	return out
}

// Capacity is how many instances a server group asks for.
type Capacity struct {
	Desired int64 `json:"desired"`
	// Pinned is false: Kubernetes has no bounds.
	Pinned bool `json:"pinned"`
}

// InstanceCounts counts instances by their health.
type InstanceCounts struct {
	Down         int `json:"down"`
	OutOfService int `json:"outOfService"`
	Starting     int `json:"starting"`
	Total        int `json:"total"`
	Unknown      int `json:"unknown"`
	Up           int `json:"up"`
}

func (c *InstanceCounts) add(other InstanceCounts) {
	c.Down += other.Down
	c.OutOfService += other.OutOfService
	c.Starting += other.Starting
	c.Total += other.Total
	c.Unknown += other.Unknown
	c.Up += other.Up
}

// BuildInfo names the images of a server group.
type BuildInfo struct {
	Images []string `json:"images"`
}

// ManagerRef names the manager of a server group; Name has no kind.
type ManagerRef struct {
	Account  string `json:"account"`
	Location string `json:"location"`
	Name     string `json:"name"`
}

// groupParts is what every shape of a server group is made of.
type groupParts struct {
	record    *Record
	instances []*Record
	counts    InstanceCounts
	balancers []string
	managers  []ManagerRef
	disabled  bool
}

// parts gathers a server group.
func (a accountView) parts(r *Record) groupParts {
	p := groupParts{record: r, instances: a.graph.owned(r, Instances), balancers: []string{}, managers: []ManagerRef{}}
	for _, i := range p.instances {
		p.counts.Total++
		switch i.health() {
		case "Up":
			p.counts.Up++
		case "Down":
			p.counts.Down++
		default:
			p.counts.Unknown++
		}
	}
	for _, b := range a.graph.balancers(r) {
		p.balancers = append(p.balancers, b.FullName())
	}
	// What its annotation names is shown as its load balancer even where none
	// sends it traffic, which is what makes it disabled.
	p.disabled = len(p.balancers) == 0 && len(r.Balancers) > 0
	p.balancers = append(p.balancers, r.Balancers...)
	slices.Sort(p.balancers)
	p.balancers = slices.Compact(p.balancers)
	for _, o := range r.Owners {
		if strings.EqualFold(o.Kind, "deployment") || a.isManager(r.Namespace, o) {
			p.managers = append(p.managers, ManagerRef{Account: a.name, Location: r.Namespace, Name: o.Name})
		}
	}
	return p
}

// isManager reports whether an owner is a manager of a kind that the account
// brings itself.
func (a accountView) isManager(namespace string, o Ref) bool {
	r := a.graph.get(Key{Namespace: namespace, Kind: strings.ToLower(o.Kind), Name: o.Name})
	return r != nil && r.Group == ServerGroupManagers
}

func (p groupParts) buildInfo() BuildInfo {
	return BuildInfo{Images: append([]string{}, p.record.Images...)}
}

// health is the state of an instance as a whole: Up when all that is known is
// up, Down when anything is down.
func (r *Record) health() string {
	known, up, down := 0, 0, 0
	for _, h := range r.Health {
		switch h.State {
		case "Up":
			up++
		case "Down":
			down++
		case "Unknown":
			continue
		}
		known++
	}
	switch {
	case known > 0 && up == known:
		return "Up"
	case down > 0:
		return "Down"
	}
	return "Unknown"
}
