package clouddriver

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker/pipeline"
)

// Limits of one request.
const (
	maxManifests = 1000
	maxBytes     = 10 << 20
	maxListDepth = 10
)

// convert turns the written manifests into objects in deploy order: Lists are
// spread, nulls dropped, the namespace override set, each kind looked up in the
// cluster. Errors are the request's own and come before anything is sent.
func (cl *cluster) convert(ctx context.Context, written []pipeline.Map, override string, aside aside) ([]*manifest, error) {
	flat, err := flatten(written)
	if err != nil {
		return nil, err
	}
	manifests := make([]*manifest, 0, len(flat))
	for i, raw := range flat {
		m, err := cl.account.newManifest(i, raw)
		if err == nil {
			manifests = append(manifests, m)
		} else if err := aside.take(i, raw, err); err != nil {
			return nil, err
		}
	}
	brought := definitions(manifests)
	placed := make([]*manifest, 0, len(manifests))
	for _, m := range manifests {
		err := cl.place(ctx, m, strings.TrimSpace(override), brought)
		if err == nil {
			placed = append(placed, m)
		} else if err := aside.take(m.index, m.obj.Object, ofManifest(err, m)); err != nil {
			return nil, err
		}
	}
	inDeployOrder(placed)
	return placed, nil
}

// flatten spreads Lists and drops nulls, within the limits of a request.
func flatten(written []pipeline.Map) ([]map[string]any, error) {
	var out []map[string]any
	size := 0
	var walk func(raw any, depth int) error
	walk = func(raw any, depth int) error {
		if raw == nil {
			return nil
		}
		m := pipeline.AsMap(raw)
		if m == nil {
			if _, isMap := raw.(pipeline.Map); isMap {
				return nil // a nil map: an empty document
			}
			return pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d is %s, which is not an object. Write one Kubernetes object per manifest.", len(out)+1, pipeline.Excerpt(raw))
		}
		if strings.EqualFold(m.String("kind"), "List") {
			if depth == maxListDepth {
				return pipeline.Errorf(pipeline.CodeInvalid, "Lists are nested more than %d deep. Write the objects flat.", maxListDepth)
			}
			if _, isList := m["items"].([]any); !isList && m["items"] != nil {
				return pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d is a List whose items are %s. Write a list of Kubernetes objects.", len(out)+1, pipeline.Excerpt(m["items"]))
			}
			for _, item := range m.List("items") {
				if err := walk(item, depth+1); err != nil {
					return err
				}
			}
			return nil
		}
		if len(out) == maxManifests {
			return pipeline.Errorf(pipeline.CodeTooLarge, "There are more than %d manifests. Split the deployment.", maxManifests)
		}
		encoded, err := pipeline.EncodeValue(m)
		if err != nil {
			return pipeline.Wrap(pipeline.CodeInvalid, err, "Manifest %d cannot be written as JSON: %s.", len(out)+1, err)
		}
		if size += len(encoded); size > maxBytes {
			return pipeline.Errorf(pipeline.CodeTooLarge, "The manifests are larger than %d MB together. Split the deployment.", maxBytes>>20)
		}
		out = append(out, plain(map[string]any(m)).(map[string]any))
		return nil
	}
	for _, raw := range written {
		if raw == nil {
			continue
		}
		if err := walk(raw, 0); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// plain deep-copies a decoded JSON value into the types that client-go
// accepts.
func plain(v any) any {
	switch v := v.(type) {
	case pipeline.Map:
		return plain(map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case int:
		return int64(v)
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	}
	return v
}

// newManifest checks that an object has a kind and a name.
func (a *account) newManifest(index int, raw map[string]any) (*manifest, error) {
	m := &manifest{index: index, obj: &unstructured.Unstructured{Object: raw}, version: -1}
	kind, apiVersion := pipeline.Map(raw).String("kind"), pipeline.Map(raw).String("apiVersion")
	switch {
	case raw["kind"] != nil && kind == "", raw["apiVersion"] != nil && apiVersion == "":
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d has the apiVersion %s and the kind %s. Every Kubernetes object needs both as text.", index+1, pipeline.Excerpt(raw["apiVersion"]), pipeline.Excerpt(raw["kind"]))
	case kind == "" && apiVersion == "":
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d has neither apiVersion nor kind. Every Kubernetes object needs both.", index+1)
	case kind == "":
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d has no kind. Every Kubernetes object needs one.", index+1)
	case apiVersion == "":
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d (%s) has no apiVersion. Every Kubernetes object needs one.", index+1, kind)
	}
	if _, err := schema.ParseGroupVersion(apiVersion); err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d (%s) has apiVersion %q, which is neither version nor group/version.", index+1, kind, apiVersion)
	}
	m.kind = KindOf(m.obj.GroupVersionKind())
	m.info = a.info(m.kind)
	m.name = m.obj.GetName()
	if m.info.undeployable {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "%s: objects of this kind are made by controllers and cannot be deployed.", m.label())
	}
	metadata, isMap := dig(raw, "metadata")
	if !isMap && raw["metadata"] != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d (%s) has the metadata %s, which is no object. Write name and namespace below it.", index+1, m.kind, pipeline.Excerpt(raw["metadata"]))
	}
	for _, key := range []string{"namespace", "generateName"} {
		if _, isText := metadata[key].(string); !isText && metadata[key] != nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d (%s) has the metadata.%s %s, which is not text. Put it in quotes.", index+1, m.kind, key, pipeline.Excerpt(metadata[key]))
		}
	}
	if _, isText := metadata["name"].(string); !isText && metadata["name"] != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d (%s) has the metadata.name %s, which is not text. Put it in quotes.", index+1, m.kind, pipeline.Excerpt(metadata["name"]))
	}
	if m.name == "" && m.obj.GetGenerateName() == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Manifest %d (%s) has no metadata.name. Give it a name, or metadata.generateName.", index+1, m.kind)
	}
	for _, name := range []string{m.name, m.obj.GetGenerateName()} {
		if err := checkName("metadata.name", name); err != nil {
			return nil, ofManifest(err, m)
		}
	}
	return m, nil
}

// noTexts says what is wrong with annotations or labels that Kubernetes could not
// read; they would be passed over where their values decide something.
func noTexts(metadata map[string]any, key string) string {
	if metadata[key] == nil {
		return ""
	}
	values, isMap := dig(metadata, key)
	if !isMap {
		return fmt.Sprintf("metadata.%s is %s. Write an object of texts.", key, pipeline.Excerpt(metadata[key]))
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, isText := values[name].(string); !isText && values[name] != nil {
			return fmt.Sprintf("metadata.%s[%q] is %s, which is not text. Put it in quotes.", key, name, pipeline.Excerpt(values[name]))
		}
	}
	return ""
}

// checkName refuses a name or namespace that would lead to another path of the
// API. What else a name may be depends on its kind and is the API server's to say.
func checkName(what, name string) error {
	if faults := content.IsPathSegmentName(name); len(faults) > 0 {
		return pipeline.Errorf(pipeline.CodeInvalid, "The %s %.300q cannot be used: it %s. Use lower-case letters, digits, '-' and '.'.", what, name, strings.Join(faults, ", "))
	}
	return nil
}

// definitions returns the scope of each kind that the request itself defines,
// true for namespaced.
func definitions(manifests []*manifest) map[schema.GroupKind]bool {
	out := map[schema.GroupKind]bool{}
	for _, m := range manifests {
		if m.obj.GroupVersionKind().GroupKind() != crdGroupKind {
			continue
		}
		group, _, _ := unstructured.NestedString(m.obj.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(m.obj.Object, "spec", "names", "kind")
		scope, _, _ := unstructured.NestedString(m.obj.Object, "spec", "scope")
		out[schema.GroupKind{Group: group, Kind: kind}] = scope != "Cluster"
	}
	return out
}

// place finds how the cluster serves the kind and settles the namespace.
func (cl *cluster) place(ctx context.Context, m *manifest, override string, brought map[schema.GroupKind]bool) error {
	metadata, _ := dig(m.obj.Object, "metadata")
	for _, key := range []string{"annotations", "labels"} {
		if fault := noTexts(metadata, key); fault != "" {
			return pipeline.Errorf(pipeline.CodeInvalid, "%s", fault)
		}
	}
	gvk := m.obj.GroupVersionKind()
	namespaced, byRequest := brought[gvk.GroupKind()]
	m.brought = byRequest
	r, err := cl.catalog.find(ctx, gvk)
	switch {
	case err == nil:
		m.resource, namespaced = &r, r.namespaced
	case !byRequest || pipeline.CodeOf(err) != pipeline.CodeInvalid:
		return err
	}
	if !namespaced {
		unstructured.RemoveNestedField(m.obj.Object, "metadata", "namespace")
		return nil
	}
	if override != "" {
		m.obj.SetNamespace(override)
	}
	if err := checkName("namespace", m.obj.GetNamespace()); err != nil {
		return err
	}
	return cl.account.checkNamespace(m.obj.GetNamespace())
}
