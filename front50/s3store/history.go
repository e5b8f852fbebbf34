package s3store

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// PipelineHistory implements front50.Reader. It needs the object store: versions
// are not kept in memory.
func (s *Store) PipelineHistory(ctx context.Context, id string, limit int) ([]pipeline.Pipeline, error) {
	if !front50.Storable(id) {
		return nil, front50.PipelineNotFound(id)
	}
	docs, err := s.history(ctx, s.pipelines, s.pipelineKey(id), limit)
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, front50.PipelineNotFound(id)
	}
	out := make([]pipeline.Pipeline, len(docs))
	for i, d := range docs {
		out[i] = pipeline.Pipeline(d)
	}
	return out, nil
}

// ApplicationHistory implements front50.Reader. Permissions, which have a
// history of their own, are left out.
func (s *Store) ApplicationHistory(ctx context.Context, name string, limit int) ([]pipeline.Application, error) {
	key := front50.ApplicationKey(name)
	if !front50.Storable(key) {
		return nil, front50.ApplicationNotFound(name)
	}
	docs, err := s.history(ctx, s.applications, s.applications.key(key, applicationFile), limit)
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, front50.ApplicationNotFound(name)
	}
	out := make([]pipeline.Application, len(docs))
	for i, d := range docs {
		out[i] = front50.JoinPermissions(pipeline.Application(d), nil)
	}
	return out, nil
}

// history loads the versions of one object, newest first.
func (s *Store) history(ctx context.Context, g *group, key string, limit int) ([]pipeline.Map, error) {
	versions, err := s.bucket.versions(ctx, key, front50.HistoryLimit(limit))
	if err != nil {
		return nil, err
	}
	docs := make([]pipeline.Map, len(versions))
	loads, loading := errgroup.WithContext(ctx)
	loads.SetLimit(parallel)
	for i, v := range versions {
		loads.Go(func() error {
			content, err := s.bucket.get(loading, key, "", v.version)
			if errors.Is(err, errNotFound) {
				return nil // removed for good since the listing
			}
			if err == nil {
				docs[i] = g.decode(key, content).doc
			}
			return err
		})
	}
	if err := loads.Wait(); err != nil {
		return nil, err
	}
	out := docs[:0]
	for _, d := range docs {
		if d != nil {
			out = append(out, d)
		}
	}
	return out, nil
}
