package expr

import (
	"slices"

	"github.com/gennaker/gennaker/pipeline"
)

// graph finds stages by refId and parent, and remembers the ancestors of each
// stage that was asked for.
type graph struct {
	byRef     places
	children  places
	byID      map[string]*pipeline.Stage
	ancestors map[*pipeline.Stage][]*pipeline.Stage
}

func newGraph(execution *pipeline.Execution) *graph {
	n := len(execution.Stages)
	g := &graph{
		byRef: newPlaces(n, n), children: newPlaces(n, 0), byID: make(map[string]*pipeline.Stage, n),
		ancestors: map[*pipeline.Stage][]*pipeline.Stage{},
	}
	for i, s := range execution.Stages {
		g.byRef.add(s.RefID, i)
		if s.ParentStageID != "" {
			g.children.add(s.ParentStageID, i)
		}
		if g.byID[s.ID] == nil {
			g.byID[s.ID] = s
		}
	}
	return g
}

// places are the places of stages in the execution by a text of theirs. Graphs are
// made anew for every synthetic stage that is added, so this takes no list for
// each text: every place knows the one before it with the same text.
type places struct {
	last   map[string]int
	before []int
}

// newPlaces is for n stages with about so many texts.
func newPlaces(n, texts int) places {
	return places{last: make(map[string]int, texts), before: make([]int, n)}
}

func (p places) add(text string, place int) {
	p.before[place] = -1
	if last, there := p.last[text]; there {
		p.before[place] = last
	}
	p.last[text] = place
}

// appendTo appends the places of a text to a list, in no order to rely on.
func (p places) appendTo(list []int, text string) []int {
	place, there := p.last[text]
	for ; there && place >= 0; place = p.before[place] {
		list = append(list, place)
	}
	return list
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
				places = g.byRef.appendTo(places, ref)
			}
			before := at(places)
			list(before)
			var inner []int
			for _, b := range before {
				inner = g.children.appendTo(inner, b.ID)
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
			for _, b := range at(g.children.appendTo(nil, parent.ID)) {
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
