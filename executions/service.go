package executions

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/pipeline"
)

// Bounds of a [Service]'s questions to owners.
const (
	// ownerCalls is how many workflows are asked at once.
	ownerCalls = 8
	// ownerTimeout bounds one question to one workflow.
	ownerTimeout = 5 * time.Second
	// settleTimeout bounds the whole repair of one execution.
	settleTimeout = 20 * time.Second
)

// Service answers readers: from the read model while it is there, from the
// owners when it is not, and it repairs the model on the way. Its answers are
// shared: nobody may change them.
type Service struct {
	model   ReadModel
	archive Archive
	owner   Owner
	logger  *slog.Logger
	now     func() time.Time

	turns *turns
	gauge gauge
	// asking holds a token for each question to a workflow.
	asking chan struct{}

	mu sync.Mutex
	// recent holds what workflows answered lately, for lists while the model is
	// away; homes the application of each pipeline configuration seen.
	recent map[string]answer
	homes  map[string]string

	// away is what the model last answered to watches that ask whether it is
	// there.
	away struct {
		sync.Mutex
		asked time.Time
		err   error
	}
}

type answer struct {
	record Record
	at     time.Time
}

// NewService composes the three. A nil clock is time.Now.
func NewService(model ReadModel, archive Archive, owner Owner, logger *slog.Logger, clock func() time.Time) *Service {
	if clock == nil {
		clock = time.Now
	}
	return &Service{
		model: model, archive: archive, owner: owner, logger: logger, now: clock,
		turns:  newTurns(clock),
		gauge:  newGauge(),
		asking: make(chan struct{}, ownerCalls),
		recent: map[string]answer{},
		homes:  map[string]string{},
	}
}

// Get returns an execution: from the model, whose unfinished records are
// checked with their workflow once they are older than [StaleAfter], else from
// its workflow or the archive.
//
// Errors: not_found, unavailable.
func (s *Service) Get(ctx context.Context, id string) (Record, error) {
	d, err := s.read(ctx, id, func(ctx context.Context, id string) (Document, error) {
		r, err := s.model.Get(ctx, id)
		if err != nil {
			return Document{}, err
		}
		return documentOf(r), nil
	})
	return d.Record, err
}

// read is [Service.Get] in the form that known reads from the model.
func (s *Service) read(ctx context.Context, id string, known func(context.Context, string) (Document, error)) (Document, error) {
	d, err := known(ctx, id)
	if err != nil {
		return s.settled(ctx, id)
	}
	if !s.stale(id, d.Record) {
		if d.Final {
			// An end is final until somebody restarts a stage. A model that was away
			// then still holds it: from time to time what runs is compared with it.
			s.settleAll(ctx)
		} else if s.age(d.Record) >= StaleAfter {
			// It was checked since it was read, or a moment before.
			if again, err := known(ctx, id); err == nil {
				return again, nil
			}
		}
		return d, nil
	}
	bounded, cancel := context.WithTimeout(ctx, freshenWait)
	defer cancel()
	settled, err := s.settled(bounded, id)
	if err == nil || pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return settled, err
	}
	s.logger.WarnContext(ctx, "the workflow of an execution does not answer, its last known state is shown",
		"application", d.Application, "execution", id, "error", err)
	return d, nil
}

// settled is settle for readers of documents.
func (s *Service) settled(ctx context.Context, id string) (Document, error) {
	r, err := s.settle(ctx, id)
	if err != nil {
		return Document{Record: r}, err
	}
	return documentOf(r), nil
}

// Put offers a state to the read model: the initial one from Gate, or one that
// an update of the workflow answered with. It is a courtesy to readers, so a
// model that is away is no error.
func (s *Service) Put(ctx context.Context, r Record) {
	if _, err := s.model.Put(ctx, r); err != nil {
		s.logger.DebugContext(ctx, "the read model does not take a state of an execution",
			"application", r.Execution.Application, "execution", r.Execution.ID, "error", err)
	}
}

// Delete removes a finished execution for good.
//
// Errors: not_found; conflict while it runs or is being archived; unavailable
// when the read model or the archive does not answer, since the execution would
// come back from it.
func (s *Service) Delete(ctx context.Context, id string) error {
	r, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	if status := r.Execution.Status; !status.Complete() {
		return pipeline.Errorf(pipeline.CodeConflict,
			"The execution %s is %s and cannot be deleted: cancel it first.", id, status)
	}
	if !r.Final {
		// Its end is known a moment before it is archived. Deleted in between, it
		// would be archived after all.
		own, err := s.load(ctx, id)
		if err == nil && !own.Closed {
			return pipeline.Errorf(pipeline.CodeConflict, "The execution %s has just ended and is being archived: delete it in a moment.", id)
		}
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
			return err
		}
	}
	// Both must answer before either forgets.
	if _, err := s.model.Get(ctx, id); err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return err
	}
	if err := s.archive.Delete(ctx, id); err != nil {
		return err
	}
	return s.model.Delete(ctx, id)
}

// stale reports whether the record of an execution must be checked with its
// owner.
func (s *Service) stale(id string, r Record) bool {
	return !r.Final && s.age(r) >= StaleAfter && !s.turns.recent("settle "+id, StaleAfter)
}

func (s *Service) age(r Record) time.Duration { return s.now().Sub(r.PublishedAt.Time()) }

// load asks the workflow.
func (s *Service) load(ctx context.Context, id string) (Record, error) {
	select {
	case s.asking <- struct{}{}:
	case <-ctx.Done():
		return Record{}, pipeline.Wrap(pipeline.CodeUnavailable, ctx.Err(), "Too many workflows are being asked for their state: try again.")
	}
	defer func() { <-s.asking }()
	ctx, cancel := context.WithTimeout(ctx, ownerTimeout)
	defer cancel()
	r, err := s.owner.Load(ctx, id)
	if err != nil {
		return Record{}, err
	}
	r.PublishedAt = pipeline.ToMillis(s.now())
	s.remember(r)
	return r, nil
}

// each calls fn for every item, several at once. Failures are fn's to deal with.
func each[T any](items []T, fn func(T)) {
	var g errgroup.Group
	g.SetLimit(ownerCalls)
	for _, item := range items {
		g.Go(func() error { fn(item); return nil })
	}
	_ = g.Wait() // never fails
}

// maxRemembered bounds each memory of a service.
const maxRemembered = 20_000

func (s *Service) remember(r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.recent) >= maxRemembered {
		clear(s.recent)
	}
	s.recent[r.Execution.ID] = answer{r, s.now()}
}

func (s *Service) remembered(id string, notOlder time.Duration) (Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.recent[id]
	if !ok || s.now().Sub(a.at) > notOlder {
		return Record{}, false
	}
	return a.record, true
}
