package clusters

import "strings"

// Spinnaker's own kinds, as far as screens show them (reference: clouddriver
// section 2).
const (
	ServerGroups        = "serverGroups"
	ServerGroupManagers = "serverGroupManagers"
	Instances           = "instances"
	LoadBalancers       = "loadBalancers"
	SecurityGroups      = "securityGroups"
)

// UIKinds are those kinds, the ones that are watched unless an account says
// otherwise.
func UIKinds() []string {
	return []string{ServerGroupManagers, ServerGroups, Instances, LoadBalancers, SecurityGroups}
}

// CloudProvider is the provider of every object here.
const CloudProvider = "kubernetes"

// Moniker tells what an object belongs to (reference: clouddriver section 13).
type Moniker struct {
	App     string `json:"app,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Stack   string `json:"stack,omitempty"`
	// Sequence is nil for what has none.
	Sequence *int `json:"sequence,omitempty"`
}

// Ref names another object of the same namespace.
type Ref struct {
	// Kind is Spinnaker's word: "replicaSet".
	Kind string `json:"k"`
	Name string `json:"n"`
}

// Record is what is kept of one object. It holds no values of Secrets, no field
// management and none of the annotations, so its size is bounded by names and
// labels.
type Record struct {
	// Kind is Spinnaker's word, "replicaSet"; Group is Spinnaker's kind of it,
	// [ServerGroups].
	Kind       string            `json:"k"`
	Group      string            `json:"g"`
	APIVersion string            `json:"v"`
	Namespace  string            `json:"ns,omitempty"`
	Name       string            `json:"n"`
	UID        string            `json:"u"`
	Labels     map[string]string `json:"l,omitempty"`
	Moniker    Moniker           `json:"m"`
	// Created is in milliseconds since 1970.
	Created int64 `json:"c,omitempty"`
	// Owners are those of the object's owner references.
	Owners []Ref `json:"o,omitempty"`

	// Of server groups and their managers: the replicas asked for, the images of
	// all containers, the load balancers that the traffic annotation names, the
	// labels of the pods, the governing service of a StatefulSet.
	Replicas  int64             `json:"r,omitempty"`
	Images    []string          `json:"i,omitempty"`
	Balancers []string          `json:"b,omitempty"`
	PodLabels map[string]string `json:"p,omitempty"`
	Service   string            `json:"sv,omitempty"`

	// Health is that of a pod and of its containers.
	Health []Health `json:"h,omitempty"`

	// Of load balancers: a service's selector, the services of an ingress.
	Selector map[string]string `json:"s,omitempty"`
	Backends []string          `json:"bk,omitempty"`

	// Of a network policy.
	Inbound  []Rule `json:"in,omitempty"`
	Outbound []Rule `json:"out,omitempty"`
}

// FullName is Spinnaker's "kind name".
func (r *Record) FullName() string { return r.Kind + " " + r.Name }

// ref is how others name the record.
func (r *Record) ref() Ref { return Ref{Kind: r.Kind, Name: r.Name} }

// key tells records of one account apart.
func (r *Record) key() Key {
	return Key{Namespace: r.Namespace, Kind: strings.ToLower(r.Kind), Name: r.Name}
}

// app is the application as records are kept by it: in lower case, for people
// write it in any.
func (r *Record) app() string { return strings.ToLower(r.Moniker.App) }

// Key names one object of an account. Kind is in lower case.
type Key struct{ Namespace, Kind, Name string }

// ParseName reads "kind name", with exactly one space; ok is false for anything
// else. The kind may be in any case.
func ParseName(namespace, fullName string) (k Key, ok bool) {
	kind, name, found := strings.Cut(fullName, " ")
	if !found || kind == "" || name == "" || strings.Contains(name, " ") {
		return Key{}, false
	}
	return Key{Namespace: namespace, Kind: strings.ToLower(kind), Name: name}, true
}

// Health is one state of an instance: Up, Down or Unknown.
type Health struct {
	State  string `json:"s"`
	Source string `json:"f"`
	Type   string `json:"t"`
}

// Rule is one port that a network policy opens. Without a port it is all.
type Rule struct {
	Protocol string `json:"protocol,omitempty"`
	// Port is a number or a name; empty is every port.
	Port string `json:"port,omitempty"`
}

// KeyOf is a record's key.
func KeyOf(r *Record) Key { return r.key() }
