package executions

import (
	"context"
	"errors"
	"sync"

	"github.com/gennaker/gennaker/pipeline"
)

// Reasons of executions whose workflows ended without them.
const (
	// ReasonTerminated is for a workflow that was closed from outside.
	ReasonTerminated = "The workflow was ended outside Gennaker (terminated in Temporal)."
	// ReasonLost is for a workflow that Temporal does not know (any more).
	ReasonLost = "The workflow of this execution does not exist in Temporal."
)

// settle finds the true state of an execution with its owners and repairs the
// model and the archive where they differ. Callers at the same time share one
// answer; when ctx ends first the work goes on without them.
func (s *Service) settle(ctx context.Context, id string) (Record, error) {
	ended := s.turns.flight.DoChan("settle "+id, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		defer s.turns.end("settle " + id)
		r, err := s.ask(ctx, id)
		if err == nil {
			s.learn(r)
		}
		return r, err
	})
	select {
	case <-ctx.Done():
		return Record{}, pipeline.Wrap(pipeline.CodeUnavailable, ctx.Err(), "The execution %s could not be read in time: try again.", id)
	case result := <-ended:
		return result.Val.(Record), result.Err
	}
}

// ask decides between the workflow's word, the archive's and the model's.
func (s *Service) ask(ctx context.Context, id string) (Record, error) {
	var known *Record
	if r, err := s.model.Get(ctx, id); err == nil {
		if !r.Final && s.age(r) < StaleAfter {
			return r, nil // somebody else was here, or its workflow
		}
		known = &r
	}
	archived := sync.OnceValues(func() (Record, error) { return s.archive.Load(ctx, id) })
	if known == nil {
		go func() { _, _ = archived() }() // needed as a rule: begin while the workflow is asked
	}
	own, err := s.load(ctx, id)
	switch {
	case err == nil && !own.Closed:
		s.Put(ctx, own)
		return later(own, known), nil
	case err == nil:
		return s.close(ctx, id, &own, known, archived, ReasonTerminated)
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return s.close(ctx, id, nil, known, archived, ReasonLost)
	case known != nil:
		return Record{}, err
	}
	// The workflow cannot be asked. What the archive has is right unless the
	// execution was restarted, so it is shown and not kept.
	r, archiveErr := archived()
	r.unasked = true
	if archiveErr == nil || errors.Is(archiveErr, ErrDeleted) {
		return r, archiveErr
	}
	return Record{}, err
}

// close settles an execution whose workflow does not run. Own is the last state
// of its workflow, or nil.
func (s *Service) close(ctx context.Context, id string, own, known *Record, archived func() (Record, error), reason string) (Record, error) {
	// States above the sequence of the last true one come from workflow tasks
	// that were lost with their worker; the settled record must replace them.
	sequence := max(sequenceOf(own), sequenceOf(known))
	kept, err := archived()
	switch {
	case errors.Is(err, ErrDeleted):
		if err := s.model.Delete(ctx, id); err != nil {
			s.logger.WarnContext(ctx, "the read model keeps a deleted execution", "execution", id, "error", err)
		}
		return Record{}, err
	case err == nil && (own == nil || kept.Sequence >= own.Sequence):
		kept.Sequence = max(kept.Sequence, sequence)
		s.Put(ctx, kept)
		return kept, nil
	case own == nil && known == nil:
		return Record{}, err
	}
	last := own
	if last == nil || known != nil && known.Execution.Status.Complete() && !own.Execution.Status.Complete() && known.Sequence >= own.Sequence {
		last = known
	}
	r := Record{Execution: last.Execution, Sequence: sequence, PublishedAt: pipeline.ToMillis(s.now())}
	if !r.Execution.Status.Complete() {
		r.Execution = cancelled(r.Execution, reason, r.PublishedAt)
		r.Sequence++
	}
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		if own == nil {
			return Record{}, err
		}
		s.Put(ctx, r) // not final, so a later reader tries the archive again
		return r, nil
	}
	r.Final = true
	if err := s.archive.Save(ctx, r); err != nil {
		s.logger.WarnContext(ctx, "an execution could not be archived, the next reader tries again",
			"application", r.Execution.Application, "execution", id, "error", err)
		r.Final = false
	}
	s.Put(ctx, r)
	return r, nil
}

// cancelled returns a copy of e that ended at the given moment: what was under
// way is CANCELED, what had not begun stays so.
func cancelled(e *pipeline.Execution, reason string, at pipeline.Millis) *pipeline.Execution {
	out := e.Clone()
	out.Status, out.Canceled, out.CancellationReason, out.EndTime = pipeline.Canceled, true, reason, at
	for _, stage := range out.Stages {
		for _, task := range stage.Tasks {
			if underWay(task.Status) {
				task.Status, task.EndTime = pipeline.Canceled, at
			}
		}
		if underWay(stage.Status) {
			stage.Status, stage.EndTime = pipeline.Canceled, at
		}
	}
	return out
}

func underWay(s pipeline.Status) bool { return s != pipeline.NotStarted && !s.Complete() }

func sequenceOf(r *Record) int64 {
	if r == nil {
		return 0
	}
	return r.Sequence
}

// later returns the record with the higher sequence, and own among equals.
func later(own Record, known *Record) Record {
	if known != nil && known.Sequence > own.Sequence {
		return *known
	}
	return own
}
