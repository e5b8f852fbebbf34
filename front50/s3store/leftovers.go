package s3store

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// deleteLeftovers deletes what else Spinnaker keeps for an application: its
// strategies, its notifications, and its place in projects; a project left
// without applications goes as well (reference: front50 section 4).
func (s *Store) deleteLeftovers(ctx context.Context, id string, by front50.Author) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return s.removeDocument(ctx, front50.KindNotification, id) })
	all.Go(func() error {
		_, err := s.each(ctx, front50.KindStrategy, func(doc pipeline.Map) change {
			if front50.ApplicationKey(doc.String("application")) == id {
				return deleted
			}
			return kept
		})
		return err
	})
	all.Go(func() error {
		changed, err := s.each(ctx, front50.KindProject, func(doc pipeline.Map) change {
			switch left, empty := s.rules.LeaveProject(doc, id, by); {
			case empty:
				return deleted
			case left:
				return rewritten
			}
			return kept
		})
		if changed {
			s.mark(ctx, s.kinds[front50.KindProject])
		}
		return err
	})
	return all.Wait()
}

// deleteManaged deletes the service account that was made for a pipeline.
func (s *Store) deleteManaged(ctx context.Context, pipelineKey string) error {
	name := pipelineKey + pipeline.ManagedSuffix
	if !front50.KindServiceAccount.Storable(name) {
		return nil
	}
	return s.removeDocument(ctx, front50.KindServiceAccount, name)
}

// change is what becomes of a document.
type change int

const (
	kept change = iota
	rewritten
	deleted
)

// each rewrites or deletes every document of a kind as decide says, which may change
// it. It reports whether any was rewritten.
func (s *Store) each(ctx context.Context, k *front50.Kind, decide func(pipeline.Map) change) (changed bool, err error) {
	release, err := s.locks.acquire(ctx, s.documentLock(k, ""))
	if err != nil {
		return false, err
	}
	defer release()
	// What others have written counts, announced or not.
	if err := s.kinds[k].refresh(ctx); err != nil {
		return false, err
	}
	for key, o := range s.kinds[k].all() {
		if o.doc == nil {
			continue // not a document: nobody's
		}
		done, err := s.revise(ctx, k, key, o, decide)
		for errors.Is(err, errChanged) {
			if o, err = s.kinds[k].fetch(ctx, key); err == nil {
				done, err = s.revise(ctx, k, key, o, decide)
			}
		}
		if err != nil {
			return changed, err
		}
		changed = changed || done == rewritten
	}
	return changed, nil
}

// revise does to one document what decide says.
func (s *Store) revise(ctx context.Context, k *front50.Kind, key string, o *object, decide func(pipeline.Map) change) (change, error) {
	if o == nil || o.doc == nil {
		return kept, nil
	}
	doc := o.doc.Clone()
	switch decision := decide(doc); decision {
	case deleted:
		if err := s.bucket.remove(ctx, key); err != nil {
			return kept, err
		}
		s.kinds[k].wrote(key, nil)
		return deleted, nil
	case rewritten:
		return rewritten, s.putDocument(ctx, k, doc, condition{etag: o.etag})
	}
	return kept, nil
}
