package executions

import (
	"context"
	"slices"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// How the model is filled and kept whole.
const (
	// fillPerConfig is how many finished executions of each configuration a
	// fill brings into the model; older ones are read from the archive.
	fillPerConfig = 30
	// fillPause is the least time between two fills of one application.
	fillPause = 2 * time.Second
	fillLimit = 2 * time.Minute
	// archiveCheck is how often the newest executions in the archive are
	// compared with the model, and archiveCheckDepth how many: what ran while
	// the model was away and its worker died is found by this.
	archiveCheck      = time.Minute
	archiveCheckDepth = 50
	// settleAllEvery is how often everything unfinished is compared with what
	// runs, in whichever application somebody reads.
	settleAllEvery = time.Minute
	reconcileLimit = 30 * time.Second
)

// covered returns the model's coverage of an application, after filling it
// from the owners when it is not complete. For "" it is always complete: who
// asks for all applications asks the archive too.
func (s *Service) covered(ctx context.Context, application string) (Coverage, error) {
	c, err := s.model.Coverage(ctx, application)
	if err != nil || c.Complete || application == "" {
		return Coverage{Complete: c.Complete || application == "", LetGo: c.LetGo}, err
	}
	s.turns.take(ctx, "fill "+application, fillPause, fillWait, fillLimit, func(ctx context.Context) {
		if err := s.fill(ctx, application); err != nil {
			s.logger.WarnContext(ctx, "the read model could not be filled, lists come from the owners",
				"application", application, "error", err)
		}
	})
	return s.model.Coverage(ctx, application)
}

// fill brings an application into the model: what runs, then what is archived.
// In this order nothing is missed, since a workflow is archived before it ends.
func (s *Service) fill(ctx context.Context, application string) error {
	running, err := s.running(ctx, application)
	if err != nil {
		return err
	}
	archived, err := s.archive.List(ctx, Query{Application: application, LimitPerConfig: fillPerConfig, Summary: true})
	if err != nil {
		return err
	}
	coverage := Coverage{Complete: true, LetGo: map[string]pipeline.Millis{}}
	counts := map[string]int{}
	for _, r := range archived {
		g := GroupOf(r.Execution)
		if counts[g]++; counts[g] == fillPerConfig {
			coverage.LetGo[g] = r.Execution.BuildTime
		}
	}
	if len(archived) >= MaxResults {
		coverage.LetGo[EveryGroup] = archived[len(archived)-1].Execution.BuildTime
	}
	if err := s.copyArchived(ctx, archived); err != nil {
		return err
	}
	if owner, ok := s.owner.(Interrupter); ok {
		interrupted, err := owner.Interrupted(ctx, application)
		if err != nil {
			return err
		}
		running = append(running, unsettled(archived, interrupted)...)
	}
	// A workflow that does not answer now is asked again by reconcile.
	each(running, func(id string) { s.settleQuietly(ctx, id) })
	return s.model.Cover(ctx, application, coverage)
}

// archivePause is the most that passes, as a rule, between an execution's place
// in the archive and the end of its workflow.
const archivePause = time.Minute

// unsettled returns the IDs of interrupted executions that are not archived, or
// were archived well before their workflow ended: they were restarted since.
func unsettled(archived []Record, interrupted []Interruption) []string {
	known := make(map[string]pipeline.Millis, len(archived))
	for _, r := range archived {
		known[r.Execution.ID] = r.PublishedAt
	}
	var out []string
	for _, i := range interrupted {
		if at, ok := known[i.ID]; !ok || i.At.Time().Sub(at.Time()) > archivePause {
			out = append(out, i.ID)
		}
	}
	return out
}

// copyArchived puts archived executions into the model, whole.
func (s *Service) copyArchived(ctx context.Context, archived []Record) error {
	failures := make(chan error, len(archived))
	each(archived, func(r Record) {
		full, err := s.archive.Load(ctx, r.Execution.ID)
		if err == nil {
			s.learn(full)
			_, err = s.model.Put(ctx, full)
		}
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound { // deleted since
			failures <- err
		}
	})
	close(failures)
	return <-failures // the first, or nil
}

// reconcile compares the model with the owners, at most every [StaleAfter] for
// an application: executions that started, ended or were terminated while
// nobody could tell the model are put right.
func (s *Service) reconcile(ctx context.Context, application string) {
	s.turns.take(ctx, "reconcile "+application, StaleAfter, freshenWait, reconcileLimit, func(ctx context.Context) {
		if err := s.reconcileRunning(ctx, application); err != nil {
			s.logger.WarnContext(ctx, "running workflows could not be listed, the read model answers unchecked",
				"application", application, "error", err)
		}
	})
	s.turns.take(ctx, "reconcile archive "+application, archiveCheck, freshenWait, reconcileLimit, func(ctx context.Context) {
		if err := s.reconcileArchived(ctx, application); err != nil {
			s.logger.WarnContext(ctx, "the archive could not be listed, the read model answers unchecked",
				"application", application, "error", err)
		}
	})
}

// settleAll settles what was ended from outside in applications that nobody
// looks at. It does not wait.
func (s *Service) settleAll(ctx context.Context) {
	s.turns.take(ctx, "settle all", settleAllEvery, 0, reconcileLimit, func(ctx context.Context) {
		if err := s.reconcileRunning(ctx, ""); err != nil {
			s.logger.DebugContext(ctx, "running workflows could not be compared with the read model", "error", err)
		}
	})
}

func (s *Service) reconcileRunning(ctx context.Context, application string) error {
	running, err := s.running(ctx, application)
	if err != nil {
		return err
	}
	records, err := s.model.List(ctx, Query{Application: application, Statuses: Unfinished(), Summary: true})
	if err != nil {
		return err
	}
	known := make(map[string]Record, len(records))
	for _, r := range records {
		known[r.Execution.ID] = r
	}
	var doubtful []string
	for _, id := range running {
		if _, ok := known[id]; ok {
			delete(known, id)
			continue
		}
		// Temporal's list is a moment late: an execution that just ended is
		// still on it.
		if r, err := s.model.Get(ctx, id); err != nil || s.age(r) >= StaleAfter {
			doubtful = append(doubtful, id)
		}
	}
	for id, r := range known {
		if s.stale(r.Execution.ID, r) {
			doubtful = append(doubtful, id)
		}
	}
	each(doubtful, func(id string) { s.settleQuietly(ctx, id) })
	return nil
}

func (s *Service) reconcileArchived(ctx context.Context, application string) error {
	archived, err := s.archive.List(ctx, Query{Application: application, Limit: archiveCheckDepth, Summary: true})
	if err != nil || len(archived) == 0 {
		return err
	}
	oldest := archived[len(archived)-1].Execution.BuildTime
	records, err := s.model.List(ctx, Query{Application: application, From: oldest, Summary: true})
	if err != nil {
		return err
	}
	return s.copyArchived(ctx, without(archived, records))
}

func (s *Service) settleQuietly(ctx context.Context, id string) {
	if _, err := s.settle(ctx, id); err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		s.logger.WarnContext(ctx, "the workflow of an execution does not answer", "execution", id, "error", err)
	}
}

// running lists the IDs of the workflows of an application that run. Callers at the
// same time share one answer, since Temporal's lists are slow, and slower when many
// ask: without this, the readers of a busy application could keep the model from
// ever being filled. When ctx ends first the work goes on without the caller.
func (s *Service) running(ctx context.Context, application string) ([]string, error) {
	ended := s.turns.flight.DoChan("running "+application, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reconcileLimit)
		defer cancel()
		return s.owner.Running(ctx, application)
	})
	select {
	case <-ctx.Done():
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, ctx.Err(), "The running executions could not be listed in time: try again.")
	case result := <-ended:
		ids, _ := result.Val.([]string)
		return slices.Clone(ids), result.Err
	}
}

// ownersMemory is how long a workflow's answer serves further lists while the
// model is away.
const ownersMemory = 2 * time.Second

// listFromOwners answers without the model: what runs from the workflows, what
// ended from the archive.
func (s *Service) listFromOwners(ctx context.Context, q Query, applications []string) ([]Record, error) {
	var ids []string
	for _, application := range applications {
		running, err := s.running(ctx, application)
		if err != nil {
			return nil, err
		}
		ids = append(ids, running...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	running, silent, err := s.loadAll(ctx, ids)
	if err != nil {
		return nil, err
	}
	if q.unfinishedOnly() {
		return q.Apply(running), nil
	}
	archived, err := s.archive.List(ctx, q)
	if err != nil {
		return nil, err
	}
	// What runs and does not answer is shown by nobody, least of all with the
	// end that it had before a restart.
	archived = slices.DeleteFunc(without(archived, running), func(r Record) bool { return silent[r.Execution.ID] })
	return q.Apply(append(running, archived...)), nil
}

// loadAll asks workflows for their states. Those that do not answer are left
// out and named; when none answers that is an error.
func (s *Service) loadAll(ctx context.Context, ids []string) (out []Record, silent map[string]bool, err error) {
	type outcome struct {
		id     string
		record Record
		err    error
	}
	outcomes := make(chan outcome, len(ids))
	each(ids, func(id string) {
		o := outcome{id: id}
		var known bool
		if o.record, known = s.remembered(id, ownersMemory); !known || o.record.Closed { // it may have been restarted since
			o.record, o.err = s.settle(ctx, id)
		}
		outcomes <- o
	})
	close(outcomes)
	silent = map[string]bool{}
	for o := range outcomes {
		switch {
		case o.err == nil && o.record.unasked:
			silent[o.id] = true
		case o.err == nil:
			out = append(out, o.record)
		case pipeline.CodeOf(o.err) != pipeline.CodeNotFound:
			s.logger.WarnContext(ctx, "a running execution is missing from a list, its workflow does not answer", "execution", o.id, "error", o.err)
			silent[o.id], err = true, o.err
		}
	}
	if len(out) == 0 && err != nil {
		return nil, nil, err
	}
	return out, silent, nil
}
