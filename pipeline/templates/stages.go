package templates

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/gennaker/gennaker/pipeline"
)

// stage is one stage of a template or of a pipeline that changes it.
type stage struct {
	ref        string
	doc        pipeline.Map
	requisites []string
	inject     inject
}

// inject is where a stage is put between others; one rule counts, in the order
// of the fields.
type inject struct {
	first, last   bool
	before, after []string
}

func (i inject) any() bool { return i.first || i.last || len(i.before) > 0 || len(i.after) > 0 }

// parseStages reads a list of stages, which are copied.
func parseStages(value any, where string, found *faults) []*stage {
	list, isList := value.([]any)
	if value != nil && !isList {
		found.add(Fault{Message: "The stages are not a list", Location: where, Suggestion: "Set stages to a list, which may be empty."})
		return nil
	}
	if len(list) > pipeline.MaxStages {
		found.add(Fault{Message: fmt.Sprintf("There are %d stages", len(list)), Location: where, Suggestion: fmt.Sprintf("Use at most %d.", pipeline.MaxStages)})
		return nil
	}
	out := make([]*stage, 0, len(list))
	for i, e := range list {
		m := pipeline.AsMap(e).Clone()
		if m == nil {
			found.add(Fault{Message: fmt.Sprintf("Stage %d is not an object", i+1), Location: where, Suggestion: "Write {\"refId\": \"...\", \"type\": \"...\"}."})
			continue
		}
		rule := m.Map("inject")
		s := &stage{
			ref: reference(m["refId"]), doc: m, requisites: references(m["requisiteStageRefIds"]),
			inject: inject{first: rule.Bool("first"), last: rule.Bool("last"), before: references(rule["before"]), after: references(rule["after"])},
		}
		delete(m, "inject")
		out = append(out, s)
	}
	return out
}

// reference reads a refId, which hand-written stages also hold as a number.
func reference(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

// references reads a list of refIds, each once; a single one is a list of one.
func references(v any) []string {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	var out []string
	for _, e := range list {
		if ref := reference(e); ref != "" && !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	return out
}

// combine returns the template's stages as the pipeline changes them: a stage
// with the refId of one of the template's replaces it, one with requisites is
// added, one with an inject rule is put between others.
func combine(template Template, config pipeline.Pipeline, found *faults) []any {
	own := parseStages(template.Pipeline()["stages"], "template:pipeline.stages", found)
	changes := parseStages(config["stages"], "configuration:stages", found)
	if template.Protected() && len(changes) > 0 {
		found.add(Fault{
			Message: "Modification of the stage graph (adding, removing, editing) is disallowed", Location: "configuration:stages",
			Cause: "The template being used has marked itself as protected", Suggestion: "Remove the stages from the pipeline.",
		})
		return nil
	}
	if len(changes) == 0 && !slices.ContainsFunc(own, func(s *stage) bool { return s.inject.any() }) {
		return documents(own)
	}
	requireRefs(own, "template:pipeline.stages", found)
	requireRefs(changes, "configuration:stages", found)
	if found.err() != nil {
		return nil
	}
	var g graph
	var injected []*stage
	for _, s := range own {
		if i := slices.IndexFunc(changes, func(c *stage) bool { return c.ref == s.ref }); i >= 0 {
			s = changes[i]
			changes = slices.Delete(changes, i, i+1)
		}
		if s.inject.any() {
			injected = append(injected, s)
		} else {
			g.stages = append(g.stages, s)
		}
	}
	for _, s := range changes {
		switch {
		case s.inject.any():
			injected = append(injected, s)
		case len(s.requisites) > 0:
			g.stages = append(g.stages, s)
		default:
			found.add(Fault{
				Severity: Warn, Location: "configuration:stages." + s.ref,
				Message:    "A configuration-defined stage should have either requisiteStageRefIds or an inject rule defined",
				Suggestion: "The stage is left out: say where it belongs.",
			})
		}
	}
	for _, s := range injected {
		g.inject(s, found)
	}
	return documents(g.stages)
}

// requireRefs requires a refId of its own for every stage.
func requireRefs(stages []*stage, where string, found *faults) {
	seen := map[string]bool{}
	for i, s := range stages {
		switch {
		case s.ref == "":
			found.add(Fault{Message: fmt.Sprintf("Stage %d has no refId", i+1), Location: where, Suggestion: "Give every stage a refId, so that stages can be added."})
		case seen[s.ref]:
			found.add(Fault{Message: fmt.Sprintf("Two stages have the refId '%s'", s.ref), Location: where, Suggestion: "Give each its own."})
		}
		seen[s.ref] = true
	}
}

// documents returns stages as JSON.
func documents(stages []*stage) []any {
	out := make([]any, len(stages))
	for i, s := range stages {
		if len(s.requisites) > 0 || s.doc["requisiteStageRefIds"] != nil {
			requisites := make([]any, len(s.requisites))
			for j, ref := range s.requisites {
				requisites[j] = ref
			}
			s.doc["requisiteStageRefIds"] = requisites
		}
		out[i] = map[string]any(s.doc)
	}
	return out
}

// graph is the stages that have their place.
type graph struct{ stages []*stage }

// inject puts a stage between those that are there.
func (g *graph) inject(s *stage, found *faults) {
	rule := s.inject
	switch {
	case rule.first:
		for _, other := range g.stages {
			if len(other.requisites) == 0 {
				other.requisites = []string{s.ref}
			}
		}
		g.stages = slices.Insert(g.stages, 0, s)
	case rule.last:
		s.require(g.leaves()...)
		g.stages = append(g.stages, s)
	case len(rule.before) > 0:
		at := g.targets(s, rule.before, found)
		if at == nil {
			return
		}
		for _, i := range at {
			s.require(g.stages[i].requisites...)
			g.stages[i].requisites = []string{s.ref}
		}
		g.stages = slices.Insert(g.stages, slices.Max(at), s)
	default:
		at := g.targets(s, rule.after, found)
		if at == nil {
			return
		}
		for _, i := range at {
			target := g.stages[i].ref
			s.require(target)
			for _, other := range g.stages {
				if j := slices.Index(other.requisites, target); j >= 0 {
					other.requisites = slices.Delete(slices.Clone(other.requisites), j, j+1)
					other.require(s.ref)
				}
			}
		}
		g.stages = slices.Insert(g.stages, slices.Max(at)+1, s)
	}
}

// require adds requisites, each once.
func (s *stage) require(refs ...string) {
	for _, ref := range refs {
		if !slices.Contains(s.requisites, ref) {
			s.requisites = append(s.requisites, ref)
		}
	}
}

// leaves lists the stages that no other requires.
func (g *graph) leaves() []string {
	required := map[string]bool{}
	for _, s := range g.stages {
		for _, ref := range s.requisites {
			required[ref] = true
		}
	}
	var out []string
	for _, s := range g.stages {
		if !required[s.ref] {
			out = append(out, s.ref)
		}
	}
	return out
}

// targets returns where the stages of an inject rule are, nil when one of them
// is not there.
func (g *graph) targets(s *stage, refs []string, found *faults) []int {
	out := make([]int, 0, len(refs))
	for _, ref := range refs {
		i := slices.IndexFunc(g.stages, func(o *stage) bool { return o.ref == ref })
		if i < 0 {
			found.add(Fault{
				Message: fmt.Sprintf("could not inject '%s' stage: unknown target stage id '%s'", s.ref, ref), Location: "configuration:stages." + s.ref + ".inject",
				Suggestion: "Name a stage of the template, by its refId.",
			})
			return nil
		}
		out = append(out, i)
	}
	return out
}
