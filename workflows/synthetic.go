package workflows

import (
	"maps"
	"slices"
	"strconv"

	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/pipeline"
)

// maxSynthetic bounds the stages that one stage adds around itself.
const maxSynthetic = 500

// windowKeys are the keys of a stage that ask for an execution window.
const (
	restrictKey = "restrictExecutionDuringTimeWindow"
	windowKey   = "restrictedExecutionWindow"
)

// WindowType is the type and the name of the stage that waits for an execution
// window (reference: orca section 3.6).
const WindowType = restrictKey

// hasChildren reports whether the stage has synthetic stages.
func (r *run) hasChildren(s *pipeline.Stage) bool {
	return len(r.index().children[s.ID]) > 0
}

// addBefore adds the stages before a stage's tasks. Its execution window, when
// it has one, comes before all others.
func (r *run) addBefore(s *pipeline.Stage, list []Synthetic) error {
	added, err := r.synthesize(s, pipeline.StageBefore, list, 1)
	if err != nil {
		return err
	}
	if s.Context.Bool(restrictKey) && s.Type != WindowType {
		context := s.Context.Clone()
		for _, key := range []string{restrictKey, "stageTimeoutMs", "alias"} {
			delete(context, key)
		}
		window := r.newSynthetic(s, pipeline.StageBefore, 0, Synthetic{Type: WindowType, Context: context})
		for _, other := range added {
			if len(other.RequisiteStageRefIDs) == 0 {
				other.RequisiteStageRefIDs = []string{window.RefID}
			}
		}
		added = slices.Insert(added, 0, window)
	}
	if len(added) == 0 {
		return nil
	}
	at := slices.Index(r.exec.Stages, s)
	r.setStages(slices.Insert(r.exec.Stages, at, added...))
	return nil
}

// addAfter adds stages after a stage's tasks, behind those that are there.
func (r *run) addAfter(s *pipeline.Stage, list []Synthetic) error {
	there := len(r.members(group{parent: s, side: pipeline.StageAfter}))
	added, err := r.synthesize(s, pipeline.StageAfter, list, there+1)
	if err != nil {
		return err
	}
	if len(added) == 0 {
		return nil
	}
	at := slices.Index(r.exec.Stages, s) + 1
	for at < len(r.exec.Stages) && r.descends(r.exec.Stages[at], s) {
		at++
	}
	r.setStages(slices.Insert(r.exec.Stages, at, added...))
	r.changed = true
	return nil
}

// descends reports whether s is a synthetic stage of ancestor, or of one of its.
func (r *run) descends(s, ancestor *pipeline.Stage) bool {
	for s != nil && s.ParentStageID != "" {
		if s.ParentStageID == ancestor.ID {
			return true
		}
		s = r.exec.Stage(s.ParentStageID)
	}
	return false
}

// planAfter adds the stages after the tasks, once.
func (r *run) planAfter(s *pipeline.Stage, kind StageType) error {
	p, ok := kind.(AfterPlanner)
	if !ok || len(r.members(group{parent: s, side: pipeline.StageAfter})) > 0 {
		return nil
	}
	list, err := p.After(r.exec, s)
	if err != nil {
		return err
	}
	return r.addAfter(s, list)
}

// planOnFailure takes out the synthetic stages that have not started and adds
// those that run on failure, one after another, unless they have run already. It
// returns their names.
func (r *run) planOnFailure(s *pipeline.Stage, kind StageType) ([]string, error) {
	p, ok := kind.(FailurePlanner)
	if !ok {
		return nil, nil
	}
	list, err := p.OnFailure(r.exec, s)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var names []string
	for _, add := range list {
		names = append(names, add.name())
	}
	for _, c := range r.members(group{parent: s, side: pipeline.StageAfter}) {
		if c.Status != pipeline.NotStarted && slices.Contains(names, c.Name) {
			return names, nil
		}
	}
	r.setStages(slices.DeleteFunc(r.exec.Stages, func(c *pipeline.Stage) bool {
		return c.ParentStageID == s.ID && c.Status == pipeline.NotStarted
	}))
	list = slices.Clone(list)
	for i := range list {
		list[i].After = nil
		if i > 0 {
			list[i].After = []int{i - 1}
		}
	}
	return names, r.addAfter(s, list)
}

// synthesize makes the stages of a list, their refIds counted from first.
func (r *run) synthesize(parent *pipeline.Stage, side pipeline.SyntheticOwner, list []Synthetic, first int) ([]*pipeline.Stage, error) {
	if len(list) > maxSynthetic {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The stage '%s' would add %d stages: at most %d are allowed.", parent.Name, len(list), maxSynthetic)
	}
	out := make([]*pipeline.Stage, len(list))
	for i, add := range list {
		out[i] = r.newSynthetic(parent, side, first+i, add)
		for _, place := range add.After {
			if place < 0 || place >= i {
				return nil, pipeline.Errorf(pipeline.CodeInternal, "The stage '%s' adds a stage that waits for one that does not come before it.", parent.Name)
			}
			out[i].RequisiteStageRefIDs = append(out[i].RequisiteStageRefIDs, out[place].RefID)
		}
	}
	return out, nil
}

func (add Synthetic) name() string {
	if add.Name == "" {
		return add.Type
	}
	return add.Name
}

// newSynthetic makes one synthetic stage (reference: orca section 2.2).
func (r *run) newSynthetic(parent *pipeline.Stage, side pipeline.SyntheticOwner, n int, add Synthetic) *pipeline.Stage {
	mark := "<"
	if side == pipeline.StageAfter {
		mark = ">"
	}
	ref := parent.RefID + mark + strconv.Itoa(n)
	context := add.Context.Clone()
	if context == nil {
		context = pipeline.Map{}
	}
	if add.Type != WindowType {
		maps.DeleteFunc(context, func(k string, _ any) bool { return k == restrictKey || k == windowKey })
	}
	return &pipeline.Stage{
		ID: ids.StageID(r.exec.ID, ref), RefID: ref, Type: add.Type, Name: add.name(), Status: pipeline.NotStarted,
		Context: context, Outputs: pipeline.Map{}, Tasks: []*pipeline.Task{}, RequisiteStageRefIDs: []string{},
		SyntheticStageOwner: side, ParentStageID: parent.ID, Attempt: parent.Attempt,
	}
}
