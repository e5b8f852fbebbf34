package s3store

import (
	"context"
	"errors"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// Documents implements front50.Documents.
func (s *Store) Documents(ctx context.Context, k *front50.Kind) ([]pipeline.Map, error) {
	g := s.kinds[k]
	if err := s.peek(ctx, g); err != nil {
		return nil, err
	}
	return k.ListDocuments(g.documents()), nil
}

// documents returns the documents in memory, which must not be changed.
func (g *group) documents() []pipeline.Map {
	objects := g.all()
	out := make([]pipeline.Map, 0, len(objects))
	for _, o := range objects {
		if o.doc != nil {
			out = append(out, o.doc)
		}
	}
	return out
}

// Document implements front50.Documents.
func (s *Store) Document(ctx context.Context, k *front50.Kind, id string) (pipeline.Map, error) {
	if !k.Storable(id) {
		return nil, k.NotFound(id)
	}
	g := s.kinds[k]
	if s.bucket.down.Load() && g.loaded.Load() && g.cached(g.documentKey(id)) == nil {
		return nil, s.Health(ctx) // nobody is asked while it is known that nobody answers
	}
	o, err := g.read(ctx, g.documentKey(id))
	if err != nil {
		return nil, err
	}
	if o == nil || o.doc == nil {
		return nil, k.NotFound(id)
	}
	return o.doc.Clone(), nil
}

func (g *group) documentKey(id string) string { return g.key(g.kind.Key(id), g.kind.File) }

// DocumentHistory implements front50.Documents.
func (s *Store) DocumentHistory(ctx context.Context, k *front50.Kind, id string, limit int) ([]pipeline.Map, error) {
	if !k.Storable(id) {
		return nil, k.NotFound(id)
	}
	g := s.kinds[k]
	docs, err := s.history(ctx, g, g.documentKey(id), limit)
	if err == nil && len(docs) == 0 {
		err = k.NotFound(id)
	}
	return docs, err
}

// SaveDocument implements front50.Documents. Every write is computed from what the
// bucket holds and written only over that.
func (s *Store) SaveDocument(ctx context.Context, k *front50.Kind, doc pipeline.Map, o front50.DocumentOptions) (pipeline.Map, error) {
	if err := k.Check(doc); err != nil {
		return nil, err
	}
	release, err := s.locks.acquire(ctx, s.documentLock(k, k.ID(doc)))
	if err != nil {
		return nil, err
	}
	defer release()
	if k.Unique() {
		// Names taken by other processes count as far as they are announced.
		if err := s.kinds[k].fresh(ctx); err != nil {
			return nil, err
		}
	}
	for range attempts {
		saved, err := s.saveDocument(ctx, k, doc, o)
		if !errors.Is(err, errChanged) {
			return saved, err
		}
	}
	return nil, pipeline.Errorf(pipeline.CodeConflict, "The %s %s is being changed by others all the time: load it again and repeat the change.", k.Name, k.ID(doc))
}

// documentLock is the key of the lock for a write: of the whole kind where names are
// unique, so that they are checked and taken in one step.
func (s *Store) documentLock(k *front50.Kind, id string) string {
	if k.Unique() {
		return k.Name
	}
	return k.Name + " " + k.Key(id)
}

func (s *Store) saveDocument(ctx context.Context, k *front50.Kind, given pipeline.Map, o front50.DocumentOptions) (pipeline.Map, error) {
	var (
		g      = s.kinds[k]
		stored pipeline.Map
		must   = condition{absent: true}
	)
	if id := k.ID(given); id != "" {
		object, err := g.fetch(ctx, g.documentKey(id))
		if err != nil {
			return nil, err
		}
		if object != nil {
			stored, must = object.doc, condition{etag: object.etag}
		}
	}
	doc, err := s.rules.Document(k, stored, given, g.documents(), o)
	if err != nil {
		return nil, err
	}
	if err := s.putDocument(ctx, k, doc, must); err != nil {
		return nil, err
	}
	s.mark(ctx, g)
	return doc.Clone(), nil
}

// putDocument writes a document, which must not be changed any more.
func (s *Store) putDocument(ctx context.Context, k *front50.Kind, doc pipeline.Map, must condition) error {
	body, err := encode(doc)
	if err != nil {
		return err
	}
	g, id := s.kinds[k], k.ID(doc)
	etag, err := s.bucket.put(ctx, g.documentKey(id), body, must)
	if errors.Is(err, errNotFound) {
		return errChanged // deleted since it was read
	}
	if err != nil {
		return err
	}
	g.wrote(g.documentKey(id), &object{id: k.Key(id), file: k.File, etag: etag, doc: doc})
	return nil
}

// DeleteDocument implements front50.Documents.
func (s *Store) DeleteDocument(ctx context.Context, k *front50.Kind, id string, _ front50.Author) error {
	if !k.Storable(id) {
		return k.NotFound(id)
	}
	release, err := s.locks.acquire(ctx, s.documentLock(k, id))
	if err != nil {
		return err
	}
	defer release()
	g := s.kinds[k]
	o, err := g.fetch(ctx, g.documentKey(id))
	if err != nil {
		return err
	}
	if o == nil {
		return k.NotFound(id)
	}
	return s.removeDocument(ctx, k, id)
}

func (s *Store) removeDocument(ctx context.Context, k *front50.Kind, id string) error {
	g := s.kinds[k]
	if err := s.bucket.remove(ctx, g.documentKey(id)); err != nil {
		return err
	}
	g.wrote(g.documentKey(id), nil)
	return nil
}
