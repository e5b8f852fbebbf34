package s3store

import (
	"context"
	"errors"
	"strings"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// Pipelines implements front50.Reader.
func (s *Store) Pipelines(ctx context.Context, application string) ([]pipeline.Pipeline, error) {
	if err := s.peek(ctx, s.pipelines); err != nil {
		return nil, err
	}
	return front50.ListPipelines(s.cachedPipelines(), application), nil
}

// FindPipeline implements front50.Reader.
func (s *Store) FindPipeline(ctx context.Context, application, nameOrID string) (pipeline.Pipeline, error) {
	if err := s.peek(ctx, s.pipelines); err != nil {
		return nil, err
	}
	return front50.FindPipeline(s.cachedPipelines(), application, nameOrID)
}

// cachedPipelines returns the documents in memory, which must not be changed.
func (s *Store) cachedPipelines() []pipeline.Pipeline {
	objects := s.pipelines.all()
	out := make([]pipeline.Pipeline, 0, len(objects))
	for _, o := range objects {
		if o.doc != nil {
			out = append(out, pipeline.Pipeline(o.doc))
		}
	}
	return out
}

// Pipeline implements front50.Reader.
func (s *Store) Pipeline(ctx context.Context, id string) (pipeline.Pipeline, error) {
	if !front50.Storable(id) {
		return nil, front50.PipelineNotFound(id)
	}
	o, err := s.pipelines.read(ctx, s.pipelineKey(id))
	if err != nil {
		return nil, err
	}
	if o == nil || o.doc == nil {
		return nil, front50.PipelineNotFound(id)
	}
	return pipeline.Pipeline(o.doc.Clone()), nil
}

func (s *Store) pipelineKey(id string) string {
	return s.pipelines.key(front50.PipelineKey(id), pipelineFile)
}

// SavePipeline implements front50.Writer.
func (s *Store) SavePipeline(ctx context.Context, p pipeline.Pipeline, o front50.SaveOptions) (pipeline.Pipeline, error) {
	if err := front50.CheckPipeline(p); err != nil {
		return nil, err
	}
	release, err := s.lockPipeline(ctx, p.ID(), p.Application())
	if err != nil {
		return nil, err
	}
	defer release()
	// Names taken by other processes count as far as they are announced.
	if err := s.pipelines.fresh(ctx); err != nil {
		return nil, err
	}
	if err := s.checkTemplate(ctx, p); err != nil {
		return nil, err
	}
	for range attempts {
		saved, err := s.savePipeline(ctx, p, o)
		if !errors.Is(err, errChanged) {
			return saved, err
		}
	}
	return nil, pipeline.Errorf(pipeline.CodeConflict, "The pipeline %s is being changed by others all the time: load it again and repeat the change.", p.Name())
}

func (s *Store) savePipeline(ctx context.Context, p pipeline.Pipeline, o front50.SaveOptions) (pipeline.Pipeline, error) {
	var (
		stored pipeline.Pipeline
		must   condition
	)
	if p.ID() != "" {
		object, err := s.pipelines.fetch(ctx, s.pipelineKey(p.ID()))
		if err != nil {
			return nil, err
		}
		if object != nil {
			stored = pipeline.Pipeline(object.doc)
		}
		if object != nil && o.StaleCheck {
			must = condition{etag: object.etag}
		}
	}
	doc, err := s.rules.Pipeline(stored, p, s.cachedPipelines(), o)
	if pipeline.CodeOf(err) == pipeline.CodeInvalid && s.freeName(ctx, p) {
		doc, err = s.rules.Pipeline(stored, p, s.cachedPipelines(), o)
	}
	if err != nil {
		return nil, err
	}
	body, err := encode(pipeline.Map(doc))
	if err != nil {
		return nil, err
	}
	key := s.pipelineKey(doc.ID())
	etag, err := s.bucket.put(ctx, key, body, must)
	if errors.Is(err, errNotFound) {
		return nil, errChanged // deleted since it was read
	}
	if err != nil {
		return nil, err
	}
	s.pipelines.wrote(key, &object{id: front50.PipelineKey(doc.ID()), file: pipelineFile, etag: etag, doc: pipeline.Map(doc)})
	s.mark(ctx, s.pipelines)
	return doc.Clone(), nil
}

// freeName asks the bucket for the pipelines that have the name of one to save, and
// reports whether any is gone: no marker tells of others' deletions.
func (s *Store) freeName(ctx context.Context, p pipeline.Pipeline) (gone bool) {
	for key, o := range s.pipelines.all() {
		other := pipeline.Pipeline(o.doc)
		if o.doc == nil || front50.ApplicationKey(other.Application()) != front50.ApplicationKey(p.Application()) || !strings.EqualFold(other.Name(), p.Name()) {
			continue
		}
		there, err := s.pipelines.fetch(ctx, key)
		gone = gone || err == nil && there == nil
	}
	return gone
}

// lockPipeline locks a configuration, the application it goes to and the one it
// is in, so that names are checked and taken in one step.
func (s *Store) lockPipeline(ctx context.Context, id, application string) (release func(), err error) {
	unlock := func() {}
	applications := []string{"application " + front50.ApplicationKey(application)}
	if id != "" {
		if unlock, err = s.locks.acquire(ctx, "pipeline "+front50.PipelineKey(id)); err != nil {
			return nil, err
		}
		if o := s.pipelines.cached(s.pipelineKey(id)); o != nil && o.doc != nil {
			applications = append(applications, "application "+front50.ApplicationKey(pipeline.Pipeline(o.doc).Application()))
		}
	}
	unlockAll, err := s.locks.acquire(ctx, applications...)
	if err != nil {
		unlock()
		return nil, err
	}
	return func() { unlockAll(); unlock() }, nil
}

// DeletePipeline implements front50.Writer.
func (s *Store) DeletePipeline(ctx context.Context, id string, _ front50.Author) error {
	if !front50.Storable(id) {
		return front50.PipelineNotFound(id)
	}
	release, err := s.locks.acquire(ctx, "pipeline "+front50.PipelineKey(id))
	if err != nil {
		return err
	}
	defer release()
	key := s.pipelineKey(id)
	o, err := s.pipelines.fetch(ctx, key)
	if err != nil {
		return err
	}
	if o == nil {
		return front50.PipelineNotFound(id)
	}
	// What belongs to it goes first, so that a deletion cut short can be repeated.
	if err := s.deleteManaged(ctx, front50.PipelineKey(id)); err != nil {
		return err
	}
	if err := s.bucket.remove(ctx, key); err != nil {
		return err
	}
	s.pipelines.wrote(key, nil)
	return nil
}
