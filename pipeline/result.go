package pipeline

import (
	"maps"
	"slices"
)

// MergedOutputs merges the outputs of all stages in the execution's order, later
// ones winning; two lists under one key are joined, equal elements once
// (reference: orca section 2.1). The values are shared with the stages.
func (e *Execution) MergedOutputs() Map {
	out := Map{}
	for _, s := range e.Stages {
		for _, k := range slices.Sorted(maps.Keys(s.Outputs)) {
			v := s.Outputs[k]
			have, isList := out[k].([]any)
			add, alsoList := v.([]any)
			if isList && alsoList {
				v = union(have, add)
			}
			out[k] = v
		}
	}
	return out
}

// union returns the distinct elements of two lists in order.
func union(a, b []any) []any {
	out := make([]any, 0, len(a)+len(b))
	seen := make(map[string]bool, len(a)+len(b))
	for _, e := range slices.Concat(a, b) {
		text, err := EncodeValue(e)
		if err == nil && seen[string(text)] {
			continue
		}
		seen[string(text)] = true
		out = append(out, e)
	}
	return out
}

// Errors lists the errors that a stage shows under its exception.
func (s *Stage) Errors() []string {
	return s.Context.Map("exception").Map("details").Strings("errors")
}
