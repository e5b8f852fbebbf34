package workflows

import (
	"maps"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// validateRestart refuses a restart that cannot be done. A stage that has not
// started yet may be restarted when nothing else holds it back: it starts.
func (r *run) validateRestart(in RestartInput) error {
	if r.ended {
		return pipeline.Errorf(pipeline.CodeConflict, "The execution %s is ending %s: restart the stage once it has ended.", r.exec.ID, r.outcome)
	}
	if r.isPaused() {
		return pipeline.Errorf(pipeline.CodeConflict, "The execution %s is paused: resume it before restarting a stage.", r.exec.ID)
	}
	s := r.top(in.StageID)
	if s == nil {
		return pipeline.Errorf(pipeline.CodeNotFound, "The execution %s has no stage with the id '%s'.", r.exec.ID, in.StageID)
	}
	if _, err := r.engine.typeOf(s); err != nil {
		return err
	}
	if r.cancels[s.ID] != nil || !s.Status.Complete() && s.Status != pipeline.NotStarted {
		return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is %s: only a stage that has ended can be restarted.", s.Name, s.Status)
	}
	refs := r.index().top
	for _, ref := range s.RequisiteStageRefIDs {
		if up := refs[ref]; up != nil && up.Status.Halt() {
			return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' comes after '%s', which ended %s: restart '%s'.", s.Name, up.Name, up.Status, up.Name)
		}
	}
	return nil
}

// top returns the top-level stage that a stage belongs to, or nil.
func (r *run) top(id string) *pipeline.Stage {
	s := r.exec.Stage(id)
	for s != nil && s.ParentStageID != "" {
		s = r.exec.Stage(s.ParentStageID)
	}
	return s
}

// restart resets a top-level stage and everything complete behind it, so that
// the schedulers start them again (reference: orca section 3.11).
func (r *run) restart(ctx workflow.Context, in RestartInput) {
	s := r.top(in.StageID)
	r.replacePreconditions(in.Preconditions)
	details := pipeline.Map{"restartedBy": in.User, "restartTime": int64(r.now(ctx))}
	if exception := s.Context["exception"]; exception != nil {
		details["previousException"] = exception
	}
	if in.Attach {
		s.Context["_skipPipelineRestart"] = true
	}
	behind := r.completeBehind(s)
	r.reset(s, in.User, details)
	s.Context["restartDetails"] = map[string]any(details)
	for _, d := range behind {
		r.resetBehind(d, in.User)
	}
	clear(r.halted)
	for _, other := range r.members(group{}) {
		if other.Status.Halt() {
			r.halted[other.ID] = true
		}
	}
	r.moved()
	r.log.Info("a stage was restarted", "stage", s.Name, "user", in.User, "attempt", s.Attempt)
}

// replacePreconditions gives checkPreconditions stages the lists that came with
// the restart, by refId.
func (r *run) replacePreconditions(lists map[string][]any) {
	for _, s := range r.exec.Stages {
		list, present := lists[s.RefID]
		if _, has := s.Context["preconditions"]; present && has && s.Type == "checkPreconditions" {
			s.Context["preconditions"] = list
		}
	}
}

// completeBehind lists the complete stages downstream of s, at any distance.
func (r *run) completeBehind(s *pipeline.Stage) []*pipeline.Stage {
	reached := map[string]bool{s.RefID: true}
	var out []*pipeline.Stage
	// Each round reaches at least one more stage, or is the last.
	for grown := true; grown; {
		grown = false
		for _, d := range r.members(group{}) {
			if !reached[d.RefID] && slices.ContainsFunc(d.RequisiteStageRefIDs, func(ref string) bool { return reached[ref] }) {
				reached[d.RefID], grown = true, true
				if d.Status.Complete() {
					out = append(out, d)
				}
			}
		}
	}
	return out
}

// resetBehind resets a stage behind the restarted one. What its type keeps of the
// earlier run stands beside what earlier restarts left.
func (r *run) resetBehind(s *pipeline.Stage, user string) {
	details := pipeline.Map{}
	r.reset(s, user, details)
	if len(details) == 0 {
		return
	}
	kept := s.Context.Map("restartDetails").Clone()
	if kept == nil {
		kept = pipeline.Map{}
	}
	for _, k := range slices.Sorted(maps.Keys(details)) {
		kept[k] = details[k]
	}
	s.Context["restartDetails"] = map[string]any(kept)
}

// reset takes a stage back to NOT_STARTED, keeping what its run did as an
// earlier attempt. Context and outputs stay, but for what its type forgets.
func (r *run) reset(s *pipeline.Stage, user string, details pipeline.Map) {
	if s.Status == pipeline.NotStarted {
		return
	}
	s.PreviousAttempts = append(slices.Clone(s.PreviousAttempts), pipeline.StageAttempt{
		Attempt: s.Attempt, Status: s.Status, StartTime: s.StartTime, EndTime: s.EndTime,
		Exception: s.Context.Map("exception").Clone(), Tasks: s.Tasks, RestartedBy: user,
	})
	if n := len(s.PreviousAttempts); n > pipeline.MaxAttempts {
		s.PreviousAttempts = s.PreviousAttempts[n-pipeline.MaxAttempts:]
	}
	s.Attempt++
	s.Status, s.StartTime, s.EndTime, s.ScheduledTime = pipeline.NotStarted, 0, 0, 0
	s.Tasks = []*pipeline.Task{}
	s.Context = maps.Clone(s.Context)
	for _, key := range []string{"exception", "attempts", "cleanUpException", "onFailureException", "beforeStagePlanningFailed", "afterStagePlanningFailed", "manualSkip", "skipReason"} {
		delete(s.Context, key)
	}
	if kind, err := r.engine.typeOf(s); err == nil {
		if k, ok := kind.(Restarter); ok {
			k.PrepareRestart(s, details)
		}
	}
	r.setStages(slices.DeleteFunc(r.exec.Stages, func(c *pipeline.Stage) bool { return r.descends(c, s) }))
}
