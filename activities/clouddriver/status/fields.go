package status

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// fields reads an object without its Go type. What is missing or of another
// type reads as zero.
type fields map[string]any

func (f fields) at(path ...string) (any, bool) {
	v, ok, err := unstructured.NestedFieldNoCopy(f, path...)
	return v, ok && err == nil && v != nil
}

// has reports whether there is something other than null.
func (f fields) has(path ...string) bool {
	_, ok := f.at(path...)
	return ok
}

func (f fields) text(path ...string) string {
	v, _ := f.at(path...)
	s, _ := v.(string)
	return s
}

func (f fields) count(path ...string) int64 {
	v, _ := f.at(path...)
	switch n := v.(type) {
	case int64:
		return n
	case int:
		return int64(n)
	case float64:
		return int64(n)
	case json.Number:
		i, _ := n.Int64() // text that is no number reads as 0
		return i
	}
	return 0
}

// behind reports whether the controller has not yet seen the newest
// specification.
func (f fields) behind() bool {
	return !f.has("status", "observedGeneration") ||
		f.count("status", "observedGeneration") != f.count("metadata", "generation")
}

// condition is one entry of status.conditions.
type condition struct{ kind, status, reason, message string }

func (f fields) conditions() []condition {
	v, _ := f.at("status", "conditions")
	list, _ := v.([]any)
	out := make([]condition, 0, len(list))
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			continue
		}
		c := fields(m)
		out = append(out, condition{c.text("type"), c.text("status"), c.text("reason"), c.text("message")})
	}
	return out
}

// find returns the first condition of a type that has the status.
func (f fields) find(kind, status string) (condition, bool) {
	for _, c := range f.conditions() {
		if c.kind == kind && c.status == status {
			return c, true
		}
	}
	return condition{}, false
}
