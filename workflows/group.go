package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// group is a set of stages that are scheduled together: the top-level stages of
// an execution, or the synthetic stages on one side of a parent.
type group struct {
	parent *pipeline.Stage // nil for the top level
	side   pipeline.SyntheticOwner
	// names, when there are any, are those of the stages that run on failure: what
	// else is on that side has had its turn.
	names []string
}

// members lists the stages of a group in the execution's order. The list is not
// to be changed.
func (r *run) members(g group) []*pipeline.Stage {
	if g.parent == nil {
		return r.index().children[""]
	}
	var out []*pipeline.Stage
	for _, s := range r.index().children[g.parent.ID] {
		if s.SyntheticStageOwner == g.side && (g.names == nil || slices.Contains(g.names, s.Name)) {
			out = append(out, s)
		}
	}
	return out
}

// stageIndex finds stages, which engines do after every step of each of them.
type stageIndex struct {
	// children are the synthetic stages by the ID of their parent, the top-level
	// stages under "".
	children map[string][]*pipeline.Stage
	// top are the top-level stages by refId.
	top map[string]*pipeline.Stage
}

// index is kept until the stages change.
func (r *run) index() *stageIndex {
	if r.indexed == nil {
		children := make(map[string][]*pipeline.Stage)
		for _, s := range r.exec.Stages {
			children[s.ParentStageID] = append(children[s.ParentStageID], s)
		}
		r.indexed = &stageIndex{children: children, top: byRef(children[""])}
	}
	return r.indexed
}

// refs finds the stages of one group by refId.
func (r *run) refs(stages []*pipeline.Stage) map[string]*pipeline.Stage {
	if len(stages) > 0 && stages[0].ParentStageID == "" {
		return r.index().top
	}
	return byRef(stages)
}

// runTopLevel starts every stage whose requisites are done, as long as there are
// any, until the execution's status is decided.
func (r *run) runTopLevel(ctx workflow.Context) {
	for !r.ended {
		stages := r.members(group{})
		if status, decided := r.decide(stages); decided {
			r.end(status)
			return
		}
		if !r.isPaused() && !r.draining && r.startReady(ctx, stages) == 0 && len(r.cancels) == 0 {
			// Nothing runs, nothing can start, nothing is decided: the graph holds
			// no initial stage. Gate refuses such graphs; end rather than hang.
			r.end(pipeline.Terminal)
			return
		}
		before := r.moves
		_ = workflow.Await(ctx, func() bool { return r.ended || r.moves != before || r.drained(ctx) })
		if !r.ended && r.drained(ctx) {
			return
		}
	}
}

// runSynthetic runs the synthetic stages on one side of a parent until all that
// may run have ended. A stage that halts ends the others; one that failed and is
// to be ignored starts no more of them, unless
// allowSiblingStagesToContinueOnFailure says so (reference: orca section 3.3).
func (r *run) runSynthetic(ctx workflow.Context, g group) {
	detached, _ := workflow.NewDisconnectedContext(ctx) // cancelled stages are waited for
	for {
		stages := r.members(g)
		halted, failed, running := false, false, false
		for _, s := range stages {
			halted = halted || s.Status.Halt()
			failed = failed || s.Status == pipeline.FailedContinue && !s.Context.Bool("allowSiblingStagesToContinueOnFailure")
			running = running || r.cancels[s.ID] != nil
		}
		if halted {
			for _, s := range stages {
				if cancel := r.cancels[s.ID]; cancel != nil {
					cancel()
				}
			}
		}
		if !halted && !failed && ctx.Err() == nil && !r.isPaused() && !r.draining {
			running = r.startReady(ctx, stages) > 0 || running
		}
		held := r.isPaused() && ctx.Err() == nil || r.draining && !halted && !failed
		if !running && !held {
			return
		}
		before := r.moves
		_ = workflow.Await(detached, func() bool { return r.moves != before || ctx.Err() != nil && !running })
	}
}

// startReady starts the coroutine of every stage of a group that may start, or
// that was running when an earlier run of the workflow continued as new, and
// returns how many it started.
func (r *run) startReady(ctx workflow.Context, stages []*pipeline.Stage) int {
	started, refs := 0, r.refs(stages)
	for _, s := range stages {
		resumed := s.Status == pipeline.Running || s.Status == pipeline.Paused
		if r.cancels[s.ID] != nil || !resumed && (s.Status != pipeline.NotStarted || !ready(s, refs)) {
			continue
		}
		stageCtx, cancel := workflow.WithCancel(ctx)
		r.cancels[s.ID] = cancel
		started++
		workflow.GoNamed(stageCtx, "stage "+s.RefID, func(ctx workflow.Context) {
			defer func() {
				delete(r.cancels, s.ID)
				r.moved()
			}()
			r.runStage(ctx, s)
		})
	}
	return started
}

// byRef finds the stages of a group by refId.
func byRef(stages []*pipeline.Stage) map[string]*pipeline.Stage {
	out := make(map[string]*pipeline.Stage, len(stages))
	for _, s := range stages {
		out[s.RefID] = s
	}
	return out
}

// ready reports whether every requisite of s, which are in the same group, lets
// it start.
func ready(s *pipeline.Stage, group map[string]*pipeline.Stage) bool {
	for _, ref := range s.RequisiteStageRefIDs {
		if up := group[ref]; up == nil || !up.Status.LetsDownstreamStart() {
			return false
		}
	}
	return true
}

// decide derives the execution's status from its top-level stages and reports
// whether it is final (reference: orca section 3.4). Stages that had halted
// before a restart decide nothing until the restarted branch is done.
func (r *run) decide(stages []*pipeline.Stage) (pipeline.Status, bool) {
	if len(r.halted) > 0 && r.branchesLeft(stages) && !slices.ContainsFunc(stages, func(s *pipeline.Stage) bool {
		return s.Status.Halt() && !r.halted[s.ID]
	}) {
		return "", false
	}
	all, canceled, stopped := true, false, false
	for _, s := range stages {
		switch s.Status {
		case pipeline.Terminal:
			return pipeline.Terminal, true
		case pipeline.Canceled:
			canceled = true
		case pipeline.Stopped:
			stopped = true
		}
		all = all && s.Status.LetsDownstreamStart()
	}
	switch {
	case all:
		// No stages at all is Orca's TERMINAL: there is nothing that succeeded.
		if len(stages) == 0 {
			return pipeline.Terminal, true
		}
		return pipeline.Succeeded, true
	case canceled:
		return pipeline.Canceled, true
	case stopped && !r.branchesLeft(stages):
		if slices.ContainsFunc(r.exec.Stages, func(s *pipeline.Stage) bool {
			return s.Status == pipeline.Stopped && s.Context.Bool("completeOtherBranchesThenFail")
		}) {
			return pipeline.Terminal, true
		}
		return pipeline.Succeeded, true
	}
	return "", false
}

// branchesLeft reports whether a stage runs or may still start.
func (r *run) branchesLeft(stages []*pipeline.Stage) bool {
	refs := r.refs(stages)
	return slices.ContainsFunc(stages, func(s *pipeline.Stage) bool {
		return s.Status == pipeline.Running || s.Status == pipeline.Paused || s.Status == pipeline.NotStarted && ready(s, refs)
	})
}
