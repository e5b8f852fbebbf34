package expr

import (
	"slices"

	"github.com/gennaker/gennaker/pipeline"
)

// graph finds stages by refId and parent, and remembers the ancestors of each
// stage that was asked for.
type graph struct {
	byRef     map[string][]int // places in the execution
	children  map[string][]int
	byID      map[string]*pipeline.Stage
	ancestors map[*pipeline.Stage][]*pipeline.Stage
}

func newGraph(execution *pipeline.Execution) *graph {
	g := &graph{
		byRef: map[string][]int{}, children: map[string][]int{}, byID: map[string]*pipeline.Stage{},
		ancestors: map[*pipeline.Stage][]*pipeline.Stage{},
	}
	for i, s := range execution.Stages {
		g.byRef[s.RefID] = append(g.byRef[s.RefID], i)
		if s.ParentStageID != "" {
			g.children[s.ParentStageID] = append(g.children[s.ParentStageID], i)
		}
		if g.byID[s.ID] == nil {
			g.byID[s.ID] = s
		}
	}
	return g
}

// ancestorsOf is [Ancestors]; a nil graph works and remembers nothing.
func (g *graph) ancestorsOf(execution *pipeline.Execution, stage *pipeline.Stage) []*pipeline.Stage {
	if g == nil {
		return Ancestors(execution, stage)
	}
	if out, ok := g.ancestors[stage]; ok {
		return out
	}
	out := g.walk(execution, stage)
	g.ancestors[stage] = out
	return out
}

// Graph answers what is before a stage, and remembers the answers. It holds as
// long as no stage is added to the execution or taken away, and no requisites
// change. It is not safe for use by several goroutines at once.
type Graph struct{ *graph }

// NewGraph looks through the execution's stages.
func NewGraph(execution *pipeline.Execution) Graph { return Graph{newGraph(execution)} }

// Ancestors is [Ancestors] from memory; the result is not to be changed.
func (g Graph) Ancestors(execution *pipeline.Execution, stage *pipeline.Stage) []*pipeline.Stage {
	return g.ancestorsOf(execution, stage)
}

// Ancestors lists stage and the stages whose outputs it sees, nearest first: its
// requisites with their synthetic children and then what is before those, or for
// a synthetic stage its parent (reference: orca section 4).
func Ancestors(execution *pipeline.Execution, stage *pipeline.Stage) []*pipeline.Stage {
	return newGraph(execution).walk(execution, stage)
}

func (g *graph) walk(execution *pipeline.Execution, stage *pipeline.Stage) []*pipeline.Stage {
	out := []*pipeline.Stage{stage}
	listed := map[*pipeline.Stage]bool{stage: true}
	seen := map[*pipeline.Stage]bool{}
	list := func(stages []*pipeline.Stage) {
		for _, s := range stages {
			if !listed[s] {
				listed[s] = true
				out = append(out, s)
			}
		}
	}
	// at returns the stages at the given places in the order of the execution.
	at := func(places []int) []*pipeline.Stage {
		slices.Sort(places)
		var stages []*pipeline.Stage
		for _, i := range slices.Compact(places) {
			if s := execution.Stages[i]; !seen[s] {
				stages = append(stages, s)
			}
		}
		return stages
	}
	var walk func(s *pipeline.Stage)
	walk = func(s *pipeline.Stage) {
		if seen[s] {
			return
		}
		seen[s] = true
		if len(s.RequisiteStageRefIDs) > 0 {
			var places []int
			for _, ref := range s.RequisiteStageRefIDs {
				places = append(places, g.byRef[ref]...)
			}
			before := at(places)
			list(before)
			var inner []int
			for _, b := range before {
				inner = append(inner, g.children[b.ID]...)
			}
			children := at(inner)
			list(children)
			for _, up := range append(before, children...) {
				walk(up)
			}
			return
		}
		parent := g.byID[s.ParentStageID]
		if s.ParentStageID == "" || parent == nil || seen[parent] {
			return
		}
		if s.SyntheticStageOwner == pipeline.StageAfter {
			var first []*pipeline.Stage
			for _, b := range at(slices.Clone(g.children[parent.ID])) {
				if b.SyntheticStageOwner == pipeline.StageBefore {
					first = append(first, b)
				}
			}
			list(first)
		}
		list([]*pipeline.Stage{parent})
		walk(parent)
	}
	walk(stage)
	return out
}
