package s3store

import (
	"context"
	"errors"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// Templates implements front50.Templates.
func (s *Store) Templates(ctx context.Context, scopes []string) ([]templates.Template, error) {
	if err := s.peek(ctx, s.templates); err != nil {
		return nil, err
	}
	objects := s.templates.all()
	all := make([]templates.Template, 0, len(objects))
	for _, o := range objects {
		if o.doc != nil {
			all = append(all, templates.Template(o.doc))
		}
	}
	return front50.ListTemplates(all, scopes), nil
}

// Template implements front50.Templates.
func (s *Store) Template(ctx context.Context, version string) (templates.Template, error) {
	if !front50.Storable(version) {
		return nil, front50.TemplateNotFound(version)
	}
	o, err := s.templates.read(ctx, s.templateKey(version))
	if err != nil {
		return nil, err
	}
	if o == nil || o.doc == nil {
		return nil, front50.TemplateNotFound(version)
	}
	return templates.Template(o.doc.Clone()), nil
}

func (s *Store) templateKey(version string) string {
	return s.templates.key(front50.TemplateKey(version), templateFile)
}

// checkTemplate refuses a configuration whose template is not stored.
func (s *Store) checkTemplate(ctx context.Context, p pipeline.Pipeline) error {
	version := front50.TemplateOf(p)
	if version == "" {
		return nil
	}
	_, err := s.Template(ctx, version)
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return front50.MissingTemplate(version)
	}
	return err
}

// SaveTemplate implements front50.Templates.
func (s *Store) SaveTemplate(ctx context.Context, t templates.Template, o front50.TemplateOptions) (templates.Template, error) {
	version, err := front50.SavedVersion(t, o)
	if err != nil {
		return nil, err
	}
	release, err := s.locks.acquire(ctx, "template "+front50.TemplateKey(t.ID()))
	if err != nil {
		return nil, err
	}
	defer release()
	stored, err := s.templates.fetch(ctx, s.templateKey(version))
	if err != nil {
		return nil, err
	}
	var known templates.Template
	if stored != nil {
		known = templates.Template(stored.doc)
	}
	writes, err := s.rules.Template(known, t, o)
	if err != nil {
		return nil, err
	}
	for i, w := range writes {
		must := condition{absent: w.Keep || o.MustNotExist && i == len(writes)-1}
		switch err := s.putTemplate(ctx, w, must); {
		case err == nil, errors.Is(err, errChanged) && w.Keep:
		case errors.Is(err, errChanged):
			return nil, front50.TemplateExists(version)
		default:
			return nil, err
		}
	}
	s.mark(ctx, s.templates)
	return writes[len(writes)-1].Document.Clone(), nil
}

func (s *Store) putTemplate(ctx context.Context, w front50.TemplateWrite, must condition) error {
	key := s.templateKey(w.Version)
	if w.Keep {
		// A store without conditional writes would write it again.
		if o, err := s.templates.fetch(ctx, key); err != nil || o != nil {
			return err
		}
	}
	body, err := encode(pipeline.Map(w.Document))
	if err != nil {
		return err
	}
	etag, err := s.bucket.put(ctx, key, body, must)
	if err != nil {
		return err
	}
	s.templates.wrote(key, &object{id: front50.TemplateKey(w.Version), file: templateFile, etag: etag, doc: pipeline.Map(w.Document)})
	return nil
}

// DeleteTemplate implements front50.Templates.
func (s *Store) DeleteTemplate(ctx context.Context, version string, _ front50.Author) error {
	if !front50.Storable(version) {
		return nil
	}
	if err := s.pipelines.fresh(ctx); err != nil {
		return err
	}
	if err := front50.CheckTemplateUnused(s.cachedPipelines(), version); err != nil {
		return err
	}
	key := s.templateKey(version)
	if err := s.bucket.remove(ctx, key); err != nil {
		return err
	}
	s.templates.wrote(key, nil)
	return nil
}
