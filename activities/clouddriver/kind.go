package clouddriver

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is a Kubernetes kind as Spinnaker tells kinds apart: by name without
// regard to case, and by API group only if the group is not one of Kubernetes'
// own (reference: clouddriver section 2). "Deployment", "deployment",
// "deployment.apps" and "deploy" are equal; "Service" of serving.knative.dev is
// another kind than "service".
type Kind struct {
	name  string
	group string // "" for native groups
}

// nativeGroups are the groups that do not tell kinds apart.
var nativeGroups = map[string]bool{
	"": true, "core": true, "batch": true, "apps": true, "extensions": true, "storage.k8s.io": true,
	"apiextensions.k8s.io": true, "apiregistration.k8s.io": true, "autoscaling": true,
	"admissionregistration.k8s.io": true, "policy": true, "scheduling.k8s.io": true, "settings.k8s.io": true,
	"authorization.k8s.io": true, "authentication.k8s.io": true, "rbac.authorization.k8s.io": true,
	"certificates.k8s.io": true, "networking.k8s.io": true,
}

// ParseKind reads "kind" or "kind.group"; aliases such as "svc" count.
func ParseKind(text string) Kind {
	name, group, _ := strings.Cut(strings.TrimSpace(text), ".")
	return newKind(name, group)
}

// KindOf returns the kind of an object with this apiVersion and kind.
func KindOf(gvk schema.GroupVersionKind) Kind { return newKind(gvk.Kind, gvk.Group) }

func newKind(name, group string) Kind {
	group = strings.ToLower(group)
	if !nativeGroups[group] {
		return Kind{name: name, group: group}
	}
	lower := strings.ToLower(name)
	if full, ok := aliases[lower]; ok {
		lower = full
	}
	if info, ok := kinds[lower]; ok {
		return Kind{name: info.name}
	}
	return Kind{name: name}
}

// String is how Spinnaker prints the kind: "replicaSet", "configMap",
// "Service.serving.knative.dev".
func (k Kind) String() string {
	if k.group == "" {
		return k.name
	}
	return k.name + "." + k.group
}

// key is equal for equal kinds.
func (k Kind) key() string { return strings.ToLower(k.String()) }

// Equal reports whether two kinds are the same to Spinnaker.
func (k Kind) Equal(other Kind) bool { return k.key() == other.key() }

func (k Kind) is(lower string) bool { return k.key() == lower }
