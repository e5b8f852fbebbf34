package clusters

import (
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Object is a Kubernetes object as decoded from JSON, with what Spinnaker calls
// its kind.
type Object struct {
	// Fields is the object; it is read and never changed.
	Fields map[string]any
	// Kind is Spinnaker's word for the kind, Group Spinnaker's kind of it.
	Kind, Group string
	// KindOf spells the kind of an owner reference.
	KindOf func(apiVersion, kind string) string
}

// Options say which objects of an account are kept.
type Options struct {
	// OnlySpinnakerManaged leaves out objects without an application annotation.
	OnlySpinnakerManaged bool
}

// Extract returns the record of an object, and false for an object that is not
// to be kept: one that its annotation or the account leaves out. What is missing
// in an object, or of another type than Kubernetes says, reads as absent.
func Extract(o Object, options Options) (*Record, bool) {
	f := fields(o.Fields)
	annotations := f.texts("metadata", "annotations")
	if truth(annotations, annotationIgnore) {
		return nil, false
	}
	if options.OnlySpinnakerManaged && text(annotations, annotationApplication, "") == "" {
		return nil, false
	}
	r := &Record{
		Kind: o.Kind, Group: o.Group, APIVersion: f.text("apiVersion"),
		Namespace: f.text("metadata", "namespace"), Name: f.text("metadata", "name"), UID: f.text("metadata", "uid"),
		Labels: f.texts("metadata", "labels"), Created: f.moment("metadata", "creationTimestamp"),
	}
	r.Moniker = MonikerOf(o.Kind, r.Name, annotations)
	for _, owner := range f.list("metadata", "ownerReferences") {
		r.Owners = append(r.Owners, Ref{Kind: o.KindOf(owner.text("apiVersion"), owner.text("kind")), Name: owner.text("name")})
	}
	switch o.Group {
	case ServerGroups, ServerGroupManagers:
		r.workload(f, annotations)
	case Instances:
		r.Health = healthOf(f)
	case LoadBalancers:
		r.balancer(f)
	case SecurityGroups:
		r.Inbound, r.Outbound = rules(f, "ingress"), rules(f, "egress")
	}
	return r, true
}

func (r *Record) workload(f fields, annotations map[string]string) {
	r.Replicas = f.count("spec", "replicas")
	seen := map[string]bool{}
	for _, spec := range podSpecs(r.Kind, f) {
		for _, list := range []string{"containers", "initContainers"} {
			for _, c := range spec.list(list) {
				if image := c.text("image"); image != "" && !seen[image] {
					seen[image] = true
					r.Images = append(r.Images, image)
				}
			}
		}
	}
	if raw := annotations[annotationBalancers]; raw != "" {
		_ = json.Unmarshal([]byte(raw), &r.Balancers) // an unreadable list names nothing
		for i, name := range r.Balancers {
			r.Balancers[i] = canonical(name)
		}
	}
	if strings.EqualFold(r.Kind, "replicaSet") {
		r.PodLabels = f.texts("spec", "template", "metadata", "labels")
	}
	if strings.EqualFold(r.Kind, "statefulSet") {
		r.Service = f.text("spec", "serviceName")
	}
}

// canonical spells "Service x" as Spinnaker prints it.
func canonical(name string) string {
	kind, rest, found := strings.Cut(name, " ")
	switch {
	case !found:
		return name
	case strings.EqualFold(kind, "service"), strings.EqualFold(kind, "svc"):
		kind = "service"
	case strings.EqualFold(kind, "ingress"):
		kind = "ingress"
	}
	return kind + " " + rest
}

// podSpecs are the pod specs of a workload; a CronJob's is one level deeper.
func podSpecs(kind string, f fields) []fields {
	path := []string{"spec", "template", "spec"}
	if strings.EqualFold(kind, "cronJob") {
		path = []string{"spec", "jobTemplate", "spec", "template", "spec"}
	}
	if spec, ok := f.at(path...).(map[string]any); ok {
		return []fields{spec}
	}
	return nil
}

// healthOf is the health of a pod and of its containers, in their order
// (reference: clouddriver section 12).
func healthOf(f fields) []Health {
	phase := f.text("status", "phase")
	if f.at("status") == nil {
		return nil
	}
	state := "Unknown"
	switch strings.ToLower(phase) {
	case "pending":
		state = "Down"
	case "running":
		state = "Up"
	}
	out := []Health{{State: state, Source: "Pod", Type: "kubernetes/pod"}}
	for _, c := range f.list("status", "containerStatuses") {
		state := "Down"
		if ready, _ := c["ready"].(bool); ready {
			state = "Up"
		}
		out = append(out, Health{State: state, Source: "Container " + c.text("name"), Type: "kubernetes/container"})
	}
	return out
}

// balancer reads a service's selector or an ingress' backends. Only
// networking.k8s.io/v1 says the latter in a way that is known.
func (r *Record) balancer(f fields) {
	r.Selector = f.texts("spec", "selector")
	if r.APIVersion != "networking.k8s.io/v1" {
		return
	}
	var names []string
	add := func(backend fields) {
		if name := backend.text("service", "name"); name != "" {
			names = append(names, name)
		}
	}
	if backend, ok := f.at("spec", "defaultBackend").(map[string]any); ok {
		add(backend)
	}
	for _, rule := range f.list("spec", "rules") {
		for _, path := range rule.list("http", "paths") {
			if backend, ok := path["backend"].(map[string]any); ok {
				add(backend)
			}
		}
	}
	sort.Strings(names)
	r.Backends = slices.Compact(names)
}

// rules are the ports that a network policy opens in one direction, each once.
func rules(f fields, direction string) []Rule {
	var out []Rule
	for _, rule := range f.list("spec", direction) {
		for _, port := range rule.list("ports") {
			r := Rule{Protocol: port.text("protocol")}
			switch p := port["port"].(type) {
			case string:
				r.Port = p
			case nil:
			default:
				if n, ok := whole(p); ok {
					r.Port = strconv.FormatInt(n, 10)
				}
			}
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// fields reads an object without its Go type.
type fields map[string]any

func (f fields) at(path ...string) any {
	var v any = map[string]any(f)
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func (f fields) text(path ...string) string {
	s, _ := f.at(path...).(string)
	return s
}

// texts is a map of text; what is not text is left out.
func (f fields) texts(path ...string) map[string]string {
	m, _ := f.at(path...).(map[string]any)
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

func (f fields) list(path ...string) []fields {
	list, _ := f.at(path...).([]any)
	out := make([]fields, 0, len(list))
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func (f fields) count(path ...string) int64 {
	n, _ := whole(f.at(path...))
	return n
}

func whole(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		return int64(n), true
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	}
	return 0, false
}

// moment reads a time as Kubernetes writes it, in milliseconds; 0 when there is
// none.
func (f fields) moment(path ...string) int64 {
	at, err := time.Parse(time.RFC3339, f.text(path...))
	if err != nil {
		return 0
	}
	return at.UnixMilli()
}
