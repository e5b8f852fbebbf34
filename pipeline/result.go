package pipeline

import (
	"maps"
	"slices"
)

// MergedOutputs merges the outputs of all stages, each after its requisites and
// with its synthetic stages around it, later ones winning; two lists under one
// key are joined, equal elements once (reference: orca section 2.1). The values
// are shared with the stages.
func (e *Execution) MergedOutputs() Map {
	out := Map{}
	for _, s := range e.inOrder() {
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

// inOrder lists all stages so that top-level ones follow their requisites. Each
// takes its synthetic stages along, in the execution's order.
func (e *Execution) inOrder() []*Stage {
	byID := make(map[string]*Stage, len(e.Stages))
	for _, s := range e.Stages {
		byID[s.ID] = s
	}
	families := make(map[*Stage][]*Stage, len(e.Stages))
	for _, s := range e.Stages {
		top := s
		for range e.Stages { // no longer than the longest way up
			parent := byID[top.ParentStageID]
			if top.ParentStageID == "" || parent == nil {
				break
			}
			top = parent
		}
		families[top] = append(families[top], s)
	}
	out := make([]*Stage, 0, len(e.Stages))
	for _, top := range e.Ordered() {
		out = append(out, families[top]...)
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
