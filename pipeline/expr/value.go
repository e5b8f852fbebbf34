package expr

import (
	"encoding/json"
	"math"
	"math/big"
	"sort"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Inside the evaluator a value is nil, bool, string, int32 (Integer), [Long],
// float32, float64, *big.Int, [Char], int8 (Byte), a list ([]any or *list), a
// map (map[string]any, *orderedMap or any other mapping), an enum, a date or
// time, or one of the objects of objects.go. Values of the context are read as
// they are; normal turns a number of the context into one of these.

// Long is Java's long: an integer literal with the suffix L, or the result of an
// operation that makes one.
type Long int64

// Char is Java's char: one UTF-16 code unit.
type Char uint16

// typeValue is a class, what T(...) gives.
type typeValue struct{ class string }

// enumValue is a constant of a Java enum.
type enumValue struct {
	class string
	name  string
	ord   int32
}

// list is a collection or array that an expression made.
type list struct {
	items []any
	class string // simple class name: ArrayList, UnmodifiableRandomAccessList, KeySet, Values, EntrySet, String[] ...
}

func (l *list) isArray() bool { return strings.HasSuffix(l.class, "[]") }

func (l *list) isSequence() bool {
	switch l.class {
	case "LinkedKeySet", "LinkedValues", "LinkedEntrySet", "UnmodifiableSet":
		return false
	}
	return !l.isArray()
}

func newList(items []any) *list { return &list{items: items, class: "ArrayList"} }

// mapping is a map as expressions see one.
type mapping interface {
	lookup(key any) (any, bool)
	// entries calls yield for each entry in the map's order until it returns
	// false.
	entries(yield func(key, value any) bool)
	size() int
	class() string
}

// goMap is a map of the context.
type goMap map[string]any

func (m goMap) lookup(key any) (any, bool) {
	s, ok := key.(string)
	if !ok {
		return nil, false
	}
	v, ok := m[s]
	return v, ok
}

func (m goMap) entries(yield func(key, value any) bool) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if !yield(k, m[k]) {
			return
		}
	}
}

func (m goMap) size() int { return len(m) }

func (m goMap) class() string { return "LinkedHashMap" }

// orderedMap is a map written in an expression or read from text.
type orderedMap struct {
	keys  []any
	vals  map[any]any
	fixed bool
	kind  string
}

func newOrderedMap() *orderedMap {
	return &orderedMap{vals: map[any]any{}, kind: "LinkedHashMap"}
}

// hashable returns the form of a key under which equal keys meet.
func hashable(key any) any {
	switch k := normal(key).(type) {
	case nil, bool, string, int32, Long, float32, float64, Char, int8:
		return k
	case enumValue:
		return k
	default:
		return className(k) + ":" + display(k)
	}
}

func (m *orderedMap) put(key, value any) {
	h := hashable(key)
	if _, ok := m.vals[h]; !ok {
		m.keys = append(m.keys, key)
	}
	m.vals[h] = value
}

func (m *orderedMap) lookup(key any) (any, bool) {
	v, ok := m.vals[hashable(key)]
	return v, ok
}

func (m *orderedMap) entries(yield func(key, value any) bool) {
	for _, k := range m.keys {
		if !yield(k, m.vals[hashable(k)]) {
			return
		}
	}
}

func (m *orderedMap) size() int { return len(m.keys) }

func (m *orderedMap) class() string {
	if m.fixed {
		return "UnmodifiableMap"
	}
	return m.kind
}

// mapEntry is one entry of a map; its key and value are hidden by the type
// filter.
type mapEntry struct{ key, value any }

// normal turns a value of the context into the evaluator's own types. It copies
// no map and no list.
func normal(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int32, Long, float64, map[string]any, []any:
		return v
	case int64:
		if v >= math.MinInt32 && v <= math.MaxInt32 {
			return int32(v)
		}
		return Long(v)
	case int:
		return normal(int64(v))
	case pipeline.Millis:
		if v == 0 {
			return nil
		}
		return Long(v)
	case json.Number:
		if i, ok := new(big.Int).SetString(v.String(), 10); ok {
			return i
		}
		f, _ := v.Float64()
		return f
	case pipeline.Map:
		return map[string]any(v)
	case pipeline.Status:
		return statusValue(v)
	case []string:
		items := make([]any, len(v))
		for i, s := range v {
			items[i] = s
		}
		return newList(items)
	case []map[string]any:
		items := make([]any, len(v))
		for i, s := range v {
			items[i] = s
		}
		return newList(items)
	case []pipeline.Map:
		items := make([]any, len(v))
		for i, s := range v {
			items[i] = map[string]any(s)
		}
		return newList(items)
	case pipeline.Artifact:
		return &artifactObject{&v}
	case *pipeline.Artifact:
		return &artifactObject{v}
	case *pipeline.Execution:
		return &executionObject{Execution: v}
	case *pipeline.Stage:
		return &stageObject{stage: v}
	}
	return v
}

func asMapping(v any) (mapping, bool) {
	switch v := v.(type) {
	case map[string]any:
		return goMap(v), true
	case mapping:
		return v, true
	}
	return nil, false
}

// elements returns the items of a list, set or array. The result must not be
// changed.
func elements(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case *list:
		return v.items, true
	}
	return nil, false
}

func isNumber(v any) bool {
	switch v.(type) {
	case int32, Long, float64, float32, *big.Int, int8:
		return true
	}
	return false
}
