package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

func (r *run) isPaused() bool { return r.exec.Status == pipeline.Paused }

// pause holds the execution: what runs outside goes on, but its result waits,
// and nothing starts (reference: orca section 3.10).
func (r *run) pause(ctx workflow.Context, user string) {
	now := r.now(ctx)
	r.exec.Status = pipeline.Paused
	r.exec.Paused = &pipeline.PausedDetails{PausedBy: user, PauseTime: now, IsPaused: true}
	r.pauses = append(r.pauses, Pause{From: now})
	r.mark(pipeline.Running, pipeline.Paused)
	r.moved()
}

// endPause lets a paused execution end. Nobody has resumed it, and nothing says
// so: its last pause is shown as it began, as Orca leaves it.
func (r *run) endPause() {
	if !r.isPaused() {
		return
	}
	r.pauses[len(r.pauses)-1].To = r.now(r.ctx)
	r.exec.Status = pipeline.Running
	r.mark(pipeline.Paused, pipeline.Running)
}

// unpause lets a paused execution go on.
func (r *run) unpause(user string, now pipeline.Millis) {
	p := *r.exec.Paused
	p.IsPaused, p.ResumedBy, p.ResumeTime, p.PausedMs = false, user, now, int64(now-p.PauseTime)
	r.exec.Paused = &p
	r.pauses[len(r.pauses)-1].To = now
	r.exec.Status = pipeline.Running
	r.mark(pipeline.Paused, pipeline.Running)
	r.moved()
}

// mark turns stages and tasks of one status into another.
func (r *run) mark(from, to pipeline.Status) {
	for _, s := range r.exec.Stages {
		if s.Status != from {
			continue
		}
		s.Status = to
		for _, t := range s.Tasks {
			if t.Status == from {
				t.Status = to
			}
		}
	}
}

// pausedSince returns for how long the execution was paused in pauses that
// began at or after a moment.
func (r *run) pausedSince(from, now pipeline.Millis) pipeline.Millis {
	var sum pipeline.Millis
	for _, p := range r.pauses {
		if p.From < from {
			continue
		}
		to := p.To
		if to == 0 {
			to = now
		}
		sum += to - p.From
	}
	return sum
}

func (r *run) refuseUnless(status pipeline.Status, verb string) error {
	if err := r.refuseEnded(verb); err != nil {
		return err
	}
	if r.exec.Status != status {
		return pipeline.Errorf(pipeline.CodeConflict, "The execution %s is %s and cannot be %s: only one that is %s can.", r.exec.ID, r.exec.Status, verb, status)
	}
	return nil
}
