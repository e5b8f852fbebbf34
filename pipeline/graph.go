package pipeline

import (
	"slices"
	"strings"
)

// ValidateGraph checks that stages form a graph that can run: every refId set
// and used once, every requisite known, no stage that requires itself directly
// or through others. It returns one [Error] with [CodeInvalid] whose details
// hold every fault, or nil.
func ValidateGraph(stages []StageConfig) error {
	var faults []string
	byRef := make(map[string]int, len(stages))
	for i, s := range stages {
		if s.RefID == "" {
			faults = append(faults, "The stage '"+s.Name+"' has no refId while others have one: give every stage a refId, or none.")
			continue
		}
		if first, taken := byRef[s.RefID]; taken {
			faults = append(faults, "The stages '"+stages[first].Name+"' and '"+s.Name+"' share the refId '"+s.RefID+"': give each its own.")
			continue
		}
		byRef[s.RefID] = i
	}
	for _, s := range stages {
		for _, ref := range s.RequisiteStageRefIDs {
			switch _, known := byRef[ref]; {
			case ref == s.RefID:
				faults = append(faults, "The stage "+nameAndRef(s)+" requires itself: remove its own refId from requisiteStageRefIds.")
			case !known:
				faults = append(faults, "The stage "+nameAndRef(s)+" requires the stage with refId '"+ref+"', which does not exist: correct requisiteStageRefIds.")
			}
		}
	}
	if len(faults) == 0 {
		if cycle := findCycle(stages, byRef); len(cycle) > 0 {
			faults = append(faults, "The stages "+strings.Join(cycle, " → ")+" require each other in a circle, so none of them could ever start: remove one of the requisites.")
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return &Error{Code: CodeInvalid, Message: strings.Join(faults, " "), Details: faults}
}

// nameAndRef tells a stage from others of the same name.
func nameAndRef(s StageConfig) string { return "'" + s.Name + "' (refId '" + s.RefID + "')" }

// findCycle returns the names of the stages of one circle, the first repeated
// at the end, or nil.
func findCycle(stages []StageConfig, byRef map[string]int) []string {
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(stages))
	var path []int
	var visit func(i int) []string
	visit = func(i int) []string {
		state[i] = open
		path = append(path, i)
		for _, ref := range stages[i].RequisiteStageRefIDs {
			j := byRef[ref]
			switch state[j] {
			case open:
				var names []string
				for _, k := range path[slices.Index(path, j):] {
					names = append(names, nameAndRef(stages[k]))
				}
				return append(names, nameAndRef(stages[j]))
			case unseen:
				if found := visit(j); found != nil {
					return found
				}
			}
		}
		path = path[:len(path)-1]
		state[i] = done
		return nil
	}
	for i := range stages {
		if state[i] == unseen {
			if found := visit(i); found != nil {
				return found
			}
		}
	}
	return nil
}
