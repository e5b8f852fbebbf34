package memstore

import (
	"context"
	"maps"
	"slices"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// documents is what is stored of one kind, by key.
type documents struct {
	current map[string]pipeline.Map
	// history holds every version written, oldest first.
	history map[string][]pipeline.Map
}

// of returns the documents of a kind; the caller holds mu.
func (s *Store) of(k *front50.Kind) *documents {
	d := s.documents[k]
	if d == nil {
		d = &documents{current: map[string]pipeline.Map{}, history: map[string][]pipeline.Map{}}
		s.documents[k] = d
	}
	return d
}

// Documents implements front50.Documents.
func (s *Store) Documents(ctx context.Context, k *front50.Kind) ([]pipeline.Map, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return k.ListDocuments(slices.Collect(maps.Values(s.of(k).current))), nil
}

// Document implements front50.Documents.
func (s *Store) Document(ctx context.Context, k *front50.Kind, id string) (pipeline.Map, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	doc, ok := s.of(k).current[k.Key(id)]
	if !ok {
		return nil, k.NotFound(id)
	}
	return doc.Clone(), nil
}

// DocumentHistory implements front50.Documents.
func (s *Store) DocumentHistory(ctx context.Context, k *front50.Kind, id string, limit int) ([]pipeline.Map, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := newest(s.of(k).history[k.Key(id)], limit)
	if len(out) == 0 {
		return nil, k.NotFound(id)
	}
	return out, nil
}

// SaveDocument implements front50.Documents.
func (s *Store) SaveDocument(ctx context.Context, k *front50.Kind, doc pipeline.Map, o front50.DocumentOptions) (pipeline.Map, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.of(k)
	saved, err := s.rules.Document(k, all.current[k.Key(k.ID(doc))], doc, slices.Collect(maps.Values(all.current)), o)
	if err != nil {
		return nil, err
	}
	s.keep(k, saved)
	return saved.Clone(), nil
}

// keep stores a document; the caller holds mu.
func (s *Store) keep(k *front50.Kind, doc pipeline.Map) {
	all, key := s.of(k), k.Key(k.ID(doc))
	all.current[key] = doc
	all.history[key] = append(all.history[key], doc)
}

// DeleteDocument implements front50.Documents.
func (s *Store) DeleteDocument(ctx context.Context, k *front50.Kind, id string, _ front50.Author) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.of(k)
	if _, ok := all.current[k.Key(id)]; !ok {
		return k.NotFound(id)
	}
	delete(all.current, k.Key(id))
	return nil
}

// deleteLeftovers deletes what else belongs to an application; the caller holds mu.
func (s *Store) deleteLeftovers(application string, by front50.Author) {
	delete(s.of(front50.KindNotification).current, application)
	strategies := s.of(front50.KindStrategy).current
	for key, doc := range strategies {
		if front50.ApplicationKey(pipeline.Pipeline(doc).Application()) == application {
			delete(strategies, key)
		}
	}
	projects := s.of(front50.KindProject).current
	for key, doc := range projects {
		doc = doc.Clone()
		switch left, empty := s.rules.LeaveProject(doc, application, by); {
		case empty:
			delete(projects, key)
		case left:
			s.keep(front50.KindProject, doc)
		}
	}
}

// deleteManaged deletes the service account that was made for a pipeline; the
// caller holds mu.
func (s *Store) deleteManaged(pipelineKey string) {
	delete(s.of(front50.KindServiceAccount).current, pipelineKey+pipeline.ManagedSuffix)
}
