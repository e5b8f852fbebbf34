// Package memstore keeps configuration in memory: for tests, and as the
// reference model of what front50.Store promises.
package memstore

import (
	"context"
	"sync"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// Store is a front50.Store in memory. It is safe for concurrent use; every
// write is atomic.
type Store struct {
	rules front50.Rules

	mu           sync.RWMutex
	applications map[string]pipeline.Application
	pipelines    map[string]pipeline.Pipeline
	templates    map[string]templates.Template
	documents    map[*front50.Kind]*documents
	// The histories hold every version written, oldest first.
	applicationHistory map[string][]pipeline.Application
	pipelineHistory    map[string][]pipeline.Pipeline
}

// New returns an empty store that stamps documents by clock; nil is the real
// time.
func New(clock front50.Clock) *Store {
	return &Store{
		rules:              front50.NewRules(clock),
		applications:       map[string]pipeline.Application{},
		pipelines:          map[string]pipeline.Pipeline{},
		templates:          map[string]templates.Template{},
		documents:          map[*front50.Kind]*documents{},
		applicationHistory: map[string][]pipeline.Application{},
		pipelineHistory:    map[string][]pipeline.Pipeline{},
	}
}

// Applications implements front50.Reader.
func (s *Store) Applications(ctx context.Context) ([]pipeline.Application, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]pipeline.Application, 0, len(s.applications))
	for _, a := range s.applications {
		out = append(out, a.Clone())
	}
	return front50.SortApplications(out), nil
}

// Application implements front50.Reader.
func (s *Store) Application(ctx context.Context, name string) (pipeline.Application, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.applications[front50.ApplicationKey(name)]
	if !ok {
		return nil, front50.ApplicationNotFound(name)
	}
	return a.Clone(), nil
}

// ApplicationHistory implements front50.Reader.
func (s *Store) ApplicationHistory(ctx context.Context, name string, limit int) ([]pipeline.Application, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := newest(s.applicationHistory[front50.ApplicationKey(name)], limit)
	if len(out) == 0 {
		return nil, front50.ApplicationNotFound(name)
	}
	return out, nil
}

// Pipelines implements front50.Reader.
func (s *Store) Pipelines(ctx context.Context, application string) ([]pipeline.Pipeline, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return front50.ListPipelines(s.all(), application), nil
}

// FindPipeline implements front50.Reader.
func (s *Store) FindPipeline(ctx context.Context, application, nameOrID string) (pipeline.Pipeline, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return front50.FindPipeline(s.all(), application, nameOrID)
}

// Pipeline implements front50.Reader.
func (s *Store) Pipeline(ctx context.Context, id string) (pipeline.Pipeline, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.pipelines[front50.PipelineKey(id)]
	if !ok {
		return nil, front50.PipelineNotFound(id)
	}
	return p.Clone(), nil
}

// PipelineHistory implements front50.Reader.
func (s *Store) PipelineHistory(ctx context.Context, id string, limit int) ([]pipeline.Pipeline, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := newest(s.pipelineHistory[front50.PipelineKey(id)], limit)
	if len(out) == 0 {
		return nil, front50.PipelineNotFound(id)
	}
	return out, nil
}

// SaveApplication implements front50.Writer.
func (s *Store) SaveApplication(ctx context.Context, app pipeline.Application, by front50.Author) (previous, current pipeline.Application, err error) {
	return s.WriteApplication(ctx, app, front50.ApplicationOptions{By: by})
}

// WriteApplication implements front50.Writer.
func (s *Store) WriteApplication(ctx context.Context, app pipeline.Application, o front50.ApplicationOptions) (previous, current pipeline.Application, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := front50.ApplicationKey(app.Name())
	previous = s.applications[key]
	current, err = s.rules.Application(previous, app, o)
	if err != nil {
		return nil, nil, err
	}
	s.applications[key] = current
	s.applicationHistory[key] = append(s.applicationHistory[key], current)
	return previous.Clone(), current.Clone(), nil
}

// DeleteApplication implements front50.Writer.
func (s *Store) DeleteApplication(ctx context.Context, name string, by front50.Author) (pipeline.Application, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := front50.ApplicationKey(name)
	for id, p := range s.pipelines {
		if front50.ApplicationKey(p.Application()) == key {
			delete(s.pipelines, id)
			s.deleteManaged(id)
		}
	}
	s.deleteLeftovers(key, by)
	previous := s.applications[key]
	delete(s.applications, key)
	return previous.Clone(), nil
}

// SavePipeline implements front50.Writer.
func (s *Store) SavePipeline(ctx context.Context, p pipeline.Pipeline, o front50.SaveOptions) (pipeline.Pipeline, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var stored pipeline.Pipeline
	if p.ID() != "" {
		stored = s.pipelines[front50.PipelineKey(p.ID())]
	}
	doc, err := s.rules.Pipeline(stored, p, s.all(), o)
	if err != nil {
		return nil, err
	}
	if version := front50.TemplateOf(doc); version != "" && s.templates[front50.TemplateKey(version)] == nil {
		return nil, front50.MissingTemplate(version)
	}
	key := front50.PipelineKey(doc.ID())
	s.pipelines[key] = doc
	s.pipelineHistory[key] = append(s.pipelineHistory[key], doc)
	return doc.Clone(), nil
}

// DeletePipeline implements front50.Writer.
func (s *Store) DeletePipeline(ctx context.Context, id string, _ front50.Author) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := front50.PipelineKey(id)
	if _, ok := s.pipelines[key]; !ok {
		return front50.PipelineNotFound(id)
	}
	delete(s.pipelines, key)
	s.deleteManaged(key)
	return nil
}

// all returns the configurations without copying them; the caller holds mu.
func (s *Store) all() []pipeline.Pipeline {
	out := make([]pipeline.Pipeline, 0, len(s.pipelines))
	for _, p := range s.pipelines {
		out = append(out, p)
	}
	return out
}

// newest returns copies of the last versions, newest first.
func newest[T interface{ Clone() T }](versions []T, limit int) []T {
	limit = min(front50.HistoryLimit(limit), len(versions))
	out := make([]T, 0, limit)
	for i := range limit {
		out = append(out, versions[len(versions)-1-i].Clone())
	}
	return out
}

var _ front50.Store = (*Store)(nil)
