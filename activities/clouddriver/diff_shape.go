package clouddriver

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

// shape is what is known of a field's type: how a list's items are told apart.
// The zero shape knows nothing, as of custom resources.
type shape struct {
	meta strategicpatch.LookupPatchMeta
	// listMeta and keys are those of the items, when the field is a list.
	listMeta strategicpatch.LookupPatchMeta
	keys     []string
}

func shapeOf(gvk schema.GroupVersionKind) shape {
	typed, err := scheme.Scheme.New(gvk)
	if err != nil {
		return shape{}
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return shape{}
	}
	return shape{meta: meta}
}

// field is the shape of a field of an object.
func (s shape) field(name string) shape {
	if s.meta == nil {
		return shape{}
	}
	var out shape
	if meta, _, err := s.meta.LookupPatchMetadataForStruct(name); err == nil {
		out.meta = meta
	}
	if meta, patch, err := s.meta.LookupPatchMetadataForSlice(name); err == nil {
		out.listMeta = meta
		if key := patch.GetPatchMergeKey(); key != "" {
			out.keys = []string{key}
		}
	}
	return out
}

// item is the shape of a list's items.
func (s shape) item() shape { return shape{meta: s.listMeta} }

// names tell items apart where nothing is known of their type.
var names = []string{"name", "key", "id"}

// mergeKey returns the key by which the items of two states of a list are matched:
// the one by which Kubernetes merges them, or a name that looks like one where
// nothing is known of the type. It is empty when an item lacks it, or when two have
// the same.
func (s shape) mergeKey(a, b []any) string {
	candidates := s.keys
	if s.listMeta == nil {
		candidates = names
	}
	for _, key := range candidates {
		if (len(a) > 0 || len(b) > 0) && identifies(a, key) && identifies(b, key) {
			return key
		}
	}
	return ""
}

func identifies(list []any, key string) bool {
	seen := make(map[string]bool, len(list))
	for _, e := range list {
		m, isMap := e.(map[string]any)
		if !isMap {
			return false
		}
		switch m[key].(type) {
		case string, int64, float64, bool:
		default:
			return false
		}
		text := keyText(m[key])
		if seen[text] {
			return false
		}
		seen[text] = true
	}
	return true
}
