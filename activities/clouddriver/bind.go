package clouddriver

import (
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Artifact types that manifests refer to.
const (
	dockerImage    = "docker/image"
	configMapType  = "kubernetes/configMap"
	secretType     = "kubernetes/secret"
	deploymentType = "kubernetes/deployment"
	replicaSetType = "kubernetes/replicaSet"
)

// slot is one place in a manifest that names an artifact.
type slot struct {
	kind   string // the artifact's type
	holder map[string]any
	key    string
	name   func(text string) string // what in the text is the artifact's name
}

func (s slot) text() string {
	text, _ := s.holder[s.key].(string)
	return text
}

// bind writes the references of the pool's artifacts into the manifest and
// returns those that matched a place (reference: clouddriver section 8).
func (s Settings) bind(m *manifest, p *pool, account string) []pipeline.Artifact {
	return s.bindIn(m, m.obj.GetNamespace(), p, account)
}

// bindIn is bind for a manifest that goes to this namespace, whatever it says
// itself.
func (s Settings) bindIn(m *manifest, namespace string, p *pool, account string) []pipeline.Artifact {
	slots := s.slots(m)
	if len(slots) == 0 {
		return nil
	}
	var bound []pipeline.Artifact
	for _, a := range p.lastToFirst() {
		if !bindable(a, namespace, account) {
			continue
		}
		matched := false
		for _, place := range slots {
			if place.kind == a.Type && place.name(place.text()) == a.Name {
				place.holder[place.key] = a.Reference
				matched = true
			}
		}
		if matched {
			bound = append(bound, a)
		}
	}
	return bound
}

// bindable reports whether an artifact may be used in this namespace and
// account. Only Kubernetes objects belong to a place.
func bindable(a pipeline.Artifact, namespace, account string) bool {
	if a.Type == "" || a.Name == "" {
		return false
	}
	if !strings.HasPrefix(a.Type, "kubernetes/") {
		return true
	}
	owner := a.Metadata.String("account")
	return a.Location == namespace && (owner == "" || owner == account)
}

// slots finds the places of the manifest's kind.
func (s Settings) slots(m *manifest) []slot {
	switch {
	case m.kind.is("horizontalpodautoscaler"):
		return scaleTarget(m.obj.Object)
	case m.kind.is("pod"):
		spec, _ := dig(m.obj.Object, "spec")
		return images(spec, whole, "containers")
	case m.info.template:
		name := imageName
		if s.MatchImageNameOnly {
			name = whole
		}
		var out []slot
		for _, spec := range podSpecs(m.obj.Object) {
			out = append(out, images(spec, name, "containers", "initContainers")...)
			out = append(out, volumes(spec)...)
			out = append(out, environment(spec)...)
		}
		return out
	}
	return nil
}

func whole(text string) string { return text }

// imageName cuts an image at its digest, else at its last colon. A registry
// port without a tag is cut too, as Spinnaker does.
func imageName(image string) string {
	if i := strings.Index(image, "@"); i >= 0 {
		return image[:i]
	}
	if i := strings.LastIndex(image, ":"); i >= 0 {
		return image[:i]
	}
	return image
}

// podSpecs returns every spec.template.spec at any depth, so that the job
// template of a CronJob counts.
func podSpecs(v any) []map[string]any {
	var out []map[string]any
	switch v := v.(type) {
	case map[string]any:
		if spec, ok := dig(v, "spec", "template", "spec"); ok {
			out = append(out, spec)
		}
		for _, e := range v {
			out = append(out, podSpecs(e)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, podSpecs(e)...)
		}
	}
	return out
}

// items returns the objects of a list.
func items(m map[string]any, key string) []map[string]any {
	list, _ := m[key].([]any)
	out := make([]map[string]any, 0, len(list))
	for _, e := range list {
		if o, ok := e.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

func images(spec map[string]any, name func(string) string, lists ...string) []slot {
	var out []slot
	for _, list := range lists {
		for _, container := range items(spec, list) {
			out = slotAt(out, dockerImage, container, "image", name)
		}
	}
	return out
}

func volumes(spec map[string]any) []slot {
	var out []slot
	for _, volume := range items(spec, "volumes") {
		out = slotIn(out, configMapType, volume, "configMap", "name")
		out = slotIn(out, secretType, volume, "secret", "secretName")
		projected, _ := dig(volume, "projected")
		for _, source := range items(projected, "sources") {
			out = slotIn(out, configMapType, source, "configMap", "name")
			out = slotIn(out, secretType, source, "secret", "name")
		}
	}
	return out
}

func environment(spec map[string]any) []slot {
	var out []slot
	for _, list := range []string{"containers", "initContainers"} {
		for _, container := range items(spec, list) {
			for _, env := range items(container, "env") {
				from, _ := dig(env, "valueFrom")
				out = slotIn(out, configMapType, from, "configMapKeyRef", "name")
				out = slotIn(out, secretType, from, "secretKeyRef", "name")
			}
			for _, env := range items(container, "envFrom") {
				out = slotIn(out, configMapType, env, "configMapRef", "name")
				out = slotIn(out, secretType, env, "secretRef", "name")
			}
		}
	}
	return out
}

func scaleTarget(obj map[string]any) []slot {
	target, ok := dig(obj, "spec", "scaleTargetRef")
	if !ok {
		return nil
	}
	switch target["kind"] {
	case "Deployment", "deployment":
		return slotAt(nil, deploymentType, target, "name", whole)
	case "ReplicaSet", "replicaSet":
		return slotAt(nil, replicaSetType, target, "name", whole)
	}
	return nil
}

// slotIn adds holder[block][key] when it is there.
func slotIn(out []slot, kind string, holder map[string]any, block, key string) []slot {
	inner, ok := dig(holder, block)
	if !ok {
		return out
	}
	return slotAt(out, kind, inner, key, whole)
}

func slotAt(out []slot, kind string, holder map[string]any, key string, name func(string) string) []slot {
	if _, ok := holder[key].(string); !ok {
		return out
	}
	return append(out, slot{kind: kind, holder: holder, key: key, name: name})
}
