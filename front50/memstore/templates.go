package memstore

import (
	"context"
	"maps"
	"slices"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// Templates implements front50.Templates.
func (s *Store) Templates(ctx context.Context, scopes []string) ([]templates.Template, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return front50.ListTemplates(slices.Collect(maps.Values(s.templates)), scopes), nil
}

// Template implements front50.Templates.
func (s *Store) Template(ctx context.Context, version string) (templates.Template, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, ok := s.templates[front50.TemplateKey(version)]
	if !ok {
		return nil, front50.TemplateNotFound(version)
	}
	return t.Clone(), nil
}

// SaveTemplate implements front50.Templates.
func (s *Store) SaveTemplate(ctx context.Context, t templates.Template, o front50.TemplateOptions) (templates.Template, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	version, err := front50.SavedVersion(t, o)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	writes, err := s.rules.Template(s.templates[front50.TemplateKey(version)], t, o)
	if err != nil {
		return nil, err
	}
	var saved templates.Template
	for _, w := range writes {
		key := front50.TemplateKey(w.Version)
		if !w.Keep || s.templates[key] == nil {
			s.templates[key] = w.Document
		}
		saved = s.templates[key]
	}
	return saved.Clone(), nil
}

// DeleteTemplate implements front50.Templates.
func (s *Store) DeleteTemplate(ctx context.Context, version string, _ front50.Author) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := front50.CheckTemplateUnused(s.all(), version); err != nil {
		return err
	}
	delete(s.templates, front50.TemplateKey(version))
	return nil
}
