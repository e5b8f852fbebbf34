package clouddriver

import (
	"context"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/gennaker/gennaker/pipeline"
)

// What takes more than one request cannot be had from the API server as a dry run:
// its second request would find the state from before the first. Here is what such
// strategies come to.

// standIn replaces the name of an object that is to be recreated.
const standIn = "gennaker-plan"

// errNoStandIn says that an object's name follows from what it holds.
var errNoStandIn = errors.New("it would be deleted and created anew, which cannot be tried for this kind")

// drawn are the fields that the API server draws for each object anew.
var drawn = [][]string{
	{"spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"},
	{"spec", "template", "metadata", "labels", "batch.kubernetes.io/controller-uid"}, {"spec", "template", "metadata", "labels", "controller-uid"},
	{"metadata", "labels", "batch.kubernetes.io/controller-uid"}, {"metadata", "labels", "controller-uid"},
}

// tryRecreation tries the deletion, and the creation under another name: as long as
// the object is there, none of its name can be created.
func (cl *cluster) tryRecreation(ctx context.Context, modified *unstructured.Unstructured, t target, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	kind := KindOf(modified.GroupVersionKind())
	if kind.is("customresourcedefinition") || kind.is("apiservice") {
		return nil, errNoStandIn
	}
	if err := cl.remove(ctx, t.object, live.GetUID(), metav1.DeleteOptions{}); err != nil {
		return nil, err
	}
	other := modified.DeepCopy()
	other.SetName(standIn)
	if kind.is("service") {
		releaseClaims(other)
	}
	made, err := cl.create(ctx, other, t, applyManager)
	if err != nil {
		return nil, cl.blame(ctx, err, modified, "create", t)
	}
	made.Object, _ = withoutStandIn(made.Object, t.name).(map[string]any)
	if kind.is("service") {
		restoreClaims(made, modified, live)
	}
	return made, nil
}

// releaseClaims takes out of a Service what no two can have.
func releaseClaims(service *unstructured.Unstructured) {
	spec, _ := dig(service.Object, "spec")
	if spec["clusterIP"] != "None" {
		delete(spec, "clusterIP")
		delete(spec, "clusterIPs")
	}
	for _, port := range items(spec, "ports") {
		delete(port, "nodePort")
	}
}

// restoreClaims gives a tried Service what the manifest says that it is to have, and
// else what the live one has: what would be drawn for it cannot be told.
func restoreClaims(made, wanted, live *unstructured.Unstructured) {
	spec, _ := dig(made.Object, "spec")
	first, _ := dig(wanted.Object, "spec")
	second, _ := dig(live.Object, "spec")
	restore := func(to map[string]any, key string, from ...map[string]any) {
		for _, m := range from {
			if m[key] != nil && to[key] != nil {
				to[key] = m[key]
				return
			}
		}
	}
	restore(spec, "clusterIP", first, second)
	restore(spec, "clusterIPs", first, second)
	asked, held := items(first, "ports"), items(second, "ports")
	for i, port := range items(spec, "ports") {
		var from []map[string]any
		if i < len(asked) {
			from = append(from, asked[i])
		}
		if i < len(held) {
			from = append(from, held[i])
		}
		restore(port, "nodePort", from...)
	}
}

// withoutStandIn gives the values of a tried object that are made from its name
// the name that it would have.
func withoutStandIn(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, e := range v {
			out[key] = withoutStandIn(e, name)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = withoutStandIn(e, name)
		}
		return out
	case string:
		if v == standIn {
			return name
		}
	}
	return v
}

// tryAdoption is what a server-side apply comes to when the fields of client-side
// apply go over to it: those that the manifest does not hold any more are taken
// away, and the API server fills in its defaults.
func (cl *cluster) tryAdoption(ctx context.Context, m *manifest, applied *unstructured.Unstructured, t target) (*unstructured.Unstructured, error) {
	managers := adopted(applied, t)
	if len(managers) == 0 {
		return applied, nil
	}
	theirs, ours := fieldpath.NewSet(), fieldpath.NewSet()
	for _, entry := range applied.GetManagedFields() {
		set := fieldpath.NewSet()
		if entry.FieldsV1 == nil || set.FromJSON(entry.FieldsV1.GetRawReader()) != nil {
			continue
		}
		if managers.Has(entry.Manager) && entry.Operation == metav1.ManagedFieldsOperationUpdate && entry.Subresource == "" {
			ours = ours.Union(set)
		} else {
			theirs = theirs.Union(set)
		}
	}
	lost := ours.Difference(theirs)
	after := applied.DeepCopy()
	for path := range lost.All() { // a list's item before its key
		if !below(theirs, path) {
			dropPath(after.Object, path)
		}
	}
	if equalWithout(after.Object, applied.Object, "") {
		return applied, nil
	}
	for try := 1; ; try++ {
		filled, err := cl.update(ctx, after, applied, t, true)
		if !apierrors.IsConflict(err) || try == conflictTries {
			return filled, cl.blame(ctx, err, m.obj, "apply", t)
		}
		// A controller wrote the object's status meanwhile.
		live, err := cl.get(ctx, t.resource, t.namespace, t.name)
		if err != nil {
			return nil, cl.blame(ctx, err, m.obj, "read", t)
		}
		after.SetResourceVersion(live.GetResourceVersion())
	}
}

// below reports whether a set holds something below a path.
func below(set *fieldpath.Set, path fieldpath.Path) bool {
	for _, step := range path {
		next, there := set.Children.Get(step)
		if !there {
			return false
		}
		set = next
	}
	return !set.Empty()
}

// dropPath removes the field or list item at a path.
func dropPath(v any, path fieldpath.Path) {
	if len(path) == 0 {
		return
	}
	step, last := path[0], len(path) == 1
	switch {
	case step.FieldName != nil:
		m, isMap := v.(map[string]any)
		if !isMap {
			return
		}
		inner, there := m[*step.FieldName]
		if !there {
			return
		}
		if list, isList := inner.([]any); isList && len(path) == 2 && path[1].FieldName == nil {
			m[*step.FieldName] = dropItem(list, path[1])
			return
		}
		if last {
			delete(m, *step.FieldName)
			return
		}
		dropPath(inner, path[1:])
	default:
		list, isList := v.([]any)
		if !isList {
			return
		}
		for i, e := range list {
			if isStep(e, i, step) {
				dropPath(e, path[1:])
				return
			}
		}
	}
}

func dropItem(list []any, step fieldpath.PathElement) []any {
	for i, e := range list {
		if isStep(e, i, step) {
			return slices.Delete(slices.Clone(list), i, i+1)
		}
	}
	return list
}

// isStep reports whether a path's element means this item of a list.
func isStep(item any, i int, step fieldpath.PathElement) bool {
	switch {
	case step.Index != nil:
		return *step.Index == i
	case step.Value != nil:
		return value.Equals(*step.Value, value.NewValueInterface(item))
	case step.Key != nil:
		m, isMap := item.(map[string]any)
		if !isMap {
			return false
		}
		for _, field := range *step.Key {
			if !value.Equals(field.Value, value.NewValueInterface(m[field.Name])) {
				return false
			}
		}
		return true
	}
	return false
}

// unsupported reports whether an admission webhook of the cluster cannot be asked
// without effect.
func unsupported(err error) bool {
	return pipeline.CodeOf(err) == pipeline.CodeInvalid && strings.Contains(err.Error(), "does not support dry run")
}
