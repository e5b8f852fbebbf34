package executions

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// How long a list waits for work that makes it better; the work goes on and the
// next list profits.
const (
	fillWait    = 2 * time.Second
	freshenWait = time.Second
)

// List returns matching executions in the order of [Compare]: from the model,
// or from workflows and archive while the model is away or does not hold the
// application yet.
//
// Errors: unavailable, when the model is away and so is an owner.
func (s *Service) List(ctx context.Context, q Query) ([]*pipeline.Execution, error) {
	records, err := s.list(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]*pipeline.Execution, len(records))
	for i, r := range records {
		out[i] = r.Execution
	}
	return out, nil
}

func (s *Service) list(ctx context.Context, q Query) ([]Record, error) {
	s.settleAll(ctx)
	applications, err := s.scope(ctx, q)
	if err != nil {
		return nil, err
	}
	letGo := map[string]pipeline.Millis{}
	for _, application := range applications {
		coverage, err := s.covered(ctx, application)
		if err != nil || !coverage.Complete {
			return s.listFromOwners(ctx, q, applications)
		}
		for group, at := range coverage.LetGo {
			letGo[group] = max(letGo[group], at)
		}
		s.reconcile(ctx, application)
	}
	records, err := s.model.List(ctx, q)
	if err != nil {
		return s.listFromOwners(ctx, q, applications)
	}
	records = s.freshen(ctx, q, records)
	if !s.reachesBeyond(q, records, letGo) {
		return records, nil
	}
	return s.addArchived(ctx, q, records)
}

// scope returns the applications that q looks at; "" is all of them.
func (s *Service) scope(ctx context.Context, q Query) ([]string, error) {
	switch {
	case q.Application != "":
		return []string{q.Application}, nil
	case len(q.PipelineConfigIDs) == 0:
		return []string{""}, nil
	}
	var out []string
	for _, id := range q.PipelineConfigIDs {
		home, err := s.home(ctx, id)
		if err != nil && !q.unfinishedOnly() {
			return nil, err
		}
		// A configuration without a home has never run, or runs for the first
		// time: asking for all that runs finds it.
		if !slices.Contains(out, home) {
			out = append(out, home)
		}
	}
	return out, nil
}

// home returns the application of a pipeline configuration, or "" while it has
// no execution that the model or the archive know.
func (s *Service) home(ctx context.Context, configID string) (string, error) {
	if home := s.knownHome(configID); home != "" {
		return home, nil
	}
	q := Query{PipelineConfigIDs: []string{configID}, Limit: 1, Summary: true}
	records, err := s.model.List(ctx, q)
	if err != nil || len(records) == 0 {
		if records, err = s.archive.List(ctx, q); err != nil {
			return "", err
		}
	}
	for _, r := range records {
		s.learn(r)
	}
	return s.knownHome(configID), nil
}

func (s *Service) knownHome(configID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.homes[configID]
}

// learn remembers where a pipeline configuration lives.
func (s *Service) learn(r Record) {
	if r.Execution.PipelineConfigID == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.homes) >= maxRemembered {
		clear(s.homes)
	}
	s.homes[r.Execution.PipelineConfigID] = r.Execution.Application
}

// freshen checks the stale records among those listed with their workflows and
// puts what it learned in their places.
func (s *Service) freshen(ctx context.Context, q Query, records []Record) []Record {
	var stale []Record
	for _, r := range records {
		if s.stale(r.Execution.ID, r) {
			stale = append(stale, r)
		}
	}
	if len(stale) == 0 {
		return records
	}
	ctx, cancel := context.WithTimeout(ctx, freshenWait)
	defer cancel()
	byID := s.check(ctx, stale)
	out := slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return byID[r.Execution.ID].gone })
	for i, r := range out {
		if c, ok := byID[r.Execution.ID]; ok {
			out[i] = c.record
		}
	}
	return q.Apply(out)
}

type checked struct {
	record Record
	gone   bool
}

// check settles records until ctx ends; those that were not reached are missing
// from the answer.
func (s *Service) check(ctx context.Context, records []Record) map[string]checked {
	var mu sync.Mutex
	out := map[string]checked{}
	each(records, func(r Record) {
		id := r.Execution.ID
		settled, err := s.settle(ctx, id)
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
			s.logger.WarnContext(ctx, "the workflow of an execution does not answer, its last known state is listed",
				"application", r.Execution.Application, "execution", id, "error", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		out[id] = checked{settled, err != nil}
	})
	return out
}

// reachesBeyond reports whether q may select finished executions that the model
// has let go.
func (s *Service) reachesBeyond(q Query, records []Record, letGo map[string]pipeline.Millis) bool {
	if q.unfinishedOnly() {
		return false
	}
	if q.Application == "" && len(q.PipelineConfigIDs) == 0 {
		return true // coverage is known by application only
	}
	if len(records) > 0 && len(records) >= q.Bound() {
		// The answer is full: only a group that let go something newer than
		// its last record could change it.
		last := records[len(records)-1].Execution.BuildTime
		letGo = newerThan(letGo, last)
	}
	groups := map[string][]Record{}
	for _, r := range records {
		g := GroupOf(r.Execution)
		groups[g] = append(groups[g], r)
	}
	for group, at := range letGo {
		if !q.touches(group) || q.From > at {
			continue
		}
		got := groups[group]
		if q.LimitPerConfig > 0 && len(got) >= q.LimitPerConfig && got[len(got)-1].Execution.BuildTime > at {
			continue
		}
		return true
	}
	return false
}

func newerThan(letGo map[string]pipeline.Millis, at pipeline.Millis) map[string]pipeline.Millis {
	out := map[string]pipeline.Millis{}
	for group, t := range letGo {
		if t >= at {
			out[group] = t
		}
	}
	return out
}

// touches reports whether q can select executions of a group ([Group]).
func (q Query) touches(group string) bool {
	if group == EveryGroup {
		return true
	}
	name, _, _ := strings.Cut(group, ":")
	kind := pipeline.ExecutionType(name)
	if q.Type != "" && q.Type != kind {
		return false
	}
	return len(q.PipelineConfigIDs) == 0 || slices.ContainsFunc(q.PipelineConfigIDs, func(id string) bool {
		return group == Group(kind, id, q.Application)
	})
}

// addArchived completes a list of the model with what only the archive has.
func (s *Service) addArchived(ctx context.Context, q Query, records []Record) ([]Record, error) {
	archived, err := s.archive.List(ctx, q)
	if err != nil {
		return nil, err
	}
	// A restarted execution is archived with its earlier end; what the model
	// knows to run is not among the finished ones.
	running, err := s.model.List(ctx, Query{Application: q.Application, PipelineConfigIDs: q.PipelineConfigIDs, Statuses: Unfinished(), Summary: true})
	if err != nil {
		return nil, err
	}
	return q.Apply(append(slices.Clone(records), without(archived, running)...)), nil
}

// without returns the records whose executions are not among others.
func without(records, others []Record) []Record {
	ids := make(map[string]bool, len(others))
	for _, r := range others {
		ids[r.Execution.ID] = true
	}
	return slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return ids[r.Execution.ID] })
}
