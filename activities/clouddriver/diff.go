package clouddriver

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
)

// maxChanges is how many changed fields of one object are listed.
const maxChanges = 60

// hidden is a secret value: it can be compared, and is never shown.
type hidden struct{ value any }

// differ lists how one object differs from another.
type differ struct {
	changes []activities.FieldChange
	more    int
}

// difference lists the fields in which two states of an object differ, in the
// order of their names, and how many more there are. Lists are matched by the keys
// by which Kubernetes merges them. Neither state is changed. What [compared]
// leaves out is not compared.
func difference(before, after *unstructured.Unstructured, leaveOut ...[]string) ([]activities.FieldChange, int) {
	d := &differ{changes: []activities.FieldChange{}}
	d.maps("", shapeOf(after.GroupVersionKind()), compared(before, leaveOut), compared(after, leaveOut))
	return d.changes, d.more
}

// noise are the fields that Kubernetes keeps for itself.
var noise = [][]string{
	{"metadata", "managedFields"}, {"metadata", "resourceVersion"}, {"metadata", "generation"}, {"metadata", "uid"},
	{"metadata", "creationTimestamp"}, {"metadata", "selfLink"}, {"status"},
	{"metadata", "annotations", lastAppliedAnnotation}, {"metadata", "annotations", "deployment.kubernetes.io/revision"},
	{"metadata", "annotations", operationAnnotation}, {"metadata", "annotations", operationIndexAnnotation},
	{"metadata", "annotations", doneAnnotation},
}

// ofVersion are the fields that tell one version of an object from another.
var ofVersion = [][]string{
	{"metadata", "name"},
	{"metadata", "annotations", artifactVersionAnnotation}, {"metadata", "annotations", sequenceLabel}, {"metadata", "labels", sequenceLabel},
	{"spec", "template", "metadata", "annotations", artifactVersionAnnotation}, {"spec", "template", "metadata", "annotations", sequenceLabel},
	{"spec", "template", "metadata", "labels", sequenceLabel},
}

// compared returns a copy of an object without noise and with its secrets
// hidden.
func compared(obj *unstructured.Unstructured, leaveOut [][]string) map[string]any {
	out, _ := plain(obj.Object).(map[string]any)
	for _, path := range slices.Concat(noise, leaveOut) {
		unstructured.RemoveNestedField(out, path...)
	}
	for _, path := range [][]string{{"metadata"}, {"spec", "template", "metadata"}} {
		metadata, _ := dig(out, path...)
		for _, key := range []string{"annotations", "labels"} {
			if m, isMap := metadata[key].(map[string]any); isMap && len(m) == 0 || metadata[key] == nil {
				delete(metadata, key)
			}
		}
	}
	if !KindOf(obj.GroupVersionKind()).is("secret") {
		return out
	}
	for _, key := range []string{"data", "stringData"} {
		switch values := out[key].(type) {
		case nil:
			delete(out, key)
		case map[string]any:
			for name, value := range values {
				values[name] = hidden{value}
			}
		default:
			out[key] = hidden{values}
		}
	}
	return out
}

// equal is equalValues over values that may be hidden.
func equal(a, b any) bool {
	x, isHidden := a.(hidden)
	y, alsoHidden := b.(hidden)
	if isHidden || alsoHidden {
		return isHidden && alsoHidden && equalValues(x.value, y.value)
	}
	return equalValues(a, b)
}

func (d *differ) maps(path string, s shape, a, b map[string]any) {
	keys := slices.Collect(maps.Keys(a))
	for key := range b {
		if _, both := a[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		before, was := a[key]
		after, is := b[key]
		d.value(member(path, key), s.field(key), before, was, after, is)
	}
}

// value compares one field, which may be absent on either side.
func (d *differ) value(path string, s shape, before any, was bool, after any, is bool) {
	if was && is && equal(before, after) {
		return
	}
	a, wasMap := before.(map[string]any)
	b, isMap := after.(map[string]any)
	switch {
	case wasMap && isMap, wasMap && !is && holdsHidden(a), isMap && !was && holdsHidden(b):
		d.maps(path, s, a, b)
		return
	}
	x, wasList := before.([]any)
	y, isList := after.([]any)
	if wasList && isList {
		d.lists(path, s, x, y)
		return
	}
	d.emit(path, before, was, after, is)
}

func holdsHidden(m map[string]any) bool {
	for _, v := range m {
		if _, is := v.(hidden); is {
			return true
		}
	}
	return false
}

// lists compares two lists: their items by key, else by place. Lists of plain
// values are one field.
func (d *differ) lists(path string, s shape, a, b []any) {
	item := s.item()
	key := s.mergeKey(a, b)
	if key == "" {
		if scalars(a) && scalars(b) {
			d.emit(path, a, true, b, true)
			return
		}
		for i := range max(len(a), len(b)) {
			before, was := place(a, i)
			after, is := place(b, i)
			d.value(path+"["+strconv.Itoa(i)+"]", item, before, was, after, is)
		}
		return
	}
	old, now := keyed(a, key), keyed(b, key)
	var kept []any
	for _, e := range a {
		name := e.(map[string]any)[key]
		after, is := now[keyText(name)]
		if is {
			kept = append(kept, name)
		}
		d.value(path+"["+key+"="+keyText(name)+"]", item, e, true, after, is)
	}
	var order []any
	for _, e := range b {
		name := e.(map[string]any)[key]
		if _, was := old[keyText(name)]; was {
			order = append(order, name)
			continue
		}
		d.value(path+"["+key+"="+keyText(name)+"]", item, nil, false, e, true)
	}
	if !equalValues(kept, order) {
		d.emit(path+" (order)", kept, true, order, true)
	}
}

func place(list []any, i int) (any, bool) {
	if i < len(list) {
		return list[i], true
	}
	return nil, false
}

func scalars(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool {
		switch v.(type) {
		case map[string]any, []any:
			return true
		}
		return false
	})
}

// keyed finds the items of a list by a key that [shape.mergeKey] chose.
func keyed(list []any, key string) map[string]any {
	out := make(map[string]any, len(list))
	for _, e := range list {
		out[keyText(e.(map[string]any)[key])] = e
	}
	return out
}

// keyText is a merge key's value in a path.
func keyText(v any) string {
	if s, ok := v.(string); ok {
		return visible(cut(s, 100))
	}
	return jsonText(v)
}

// member is the path of a field: names that hold dots and the like are quoted.
func member(path, key string) string {
	if key == "" || strings.ContainsAny(key, ".[]\"' \n") || len(key) > 100 {
		return path + "[" + strconv.Quote(cut(key, 100)) + "]"
	}
	if path == "" {
		return visible(key)
	}
	return path + "." + visible(key)
}

func (d *differ) emit(path string, before any, was bool, after any, is bool) {
	if len(d.changes) == maxChanges {
		d.more++
		return
	}
	change := activities.FieldChange{Path: path}
	_, wasHidden := before.(hidden)
	_, isHidden := after.(hidden)
	if wasHidden || isHidden {
		change.Hidden = true
		d.changes = append(d.changes, change)
		return
	}
	old, now := valueText(before), valueText(after)
	if was && is {
		old, now = around(old, now)
	} else {
		old, now = visible(cut(old, maxShown)), visible(cut(now, maxShown))
	}
	if was {
		change.Before = &old
	}
	if is {
		change.After = &now
	}
	d.changes = append(d.changes, change)
}

// valueText is a value for people: text as it is, anything else as JSON.
func valueText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return jsonText(v)
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(text)
}
