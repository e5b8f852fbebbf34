package configuration

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// resolve returns the configuration that starts: without a template.
func (c *Configuration) resolve(ctx context.Context, p pipeline.Pipeline, in activities.ReadPipelineInput) (pipeline.Pipeline, error) {
	r, err := templates.Resolve(p, templates.Options{
		Load: front50.TemplateLoader(ctx, c.store), Now: time.Now(),
		Trigger: pipeline.Trigger{Type: "pipeline", User: in.Scope.User, Parameters: in.Parameters},
	})
	return r.Pipeline, err
}

// SaveTemplate implements activities.Templates. A template that is to be created
// and is there with the same content is taken for what an earlier call saved,
// whose answer was lost.
func (c *Configuration) SaveTemplate(ctx context.Context, in activities.SaveTemplateInput) (activities.SaveTemplateOutput, error) {
	t := templates.Template(in.Template)
	o := front50.TemplateOptions{By: author(in.Scope), Tag: in.Tag, MustNotExist: in.Create}
	saved, err := c.store.SaveTemplate(ctx, t, o)
	if err != nil && in.Create && pipeline.CodeOf(err) == pipeline.CodeInvalid {
		if found := c.sameTemplate(ctx, t, o); found != nil {
			saved, err = found, nil
		}
	}
	return activities.SaveTemplateOutput{Version: saved.Reference().Version()}, err
}

// sameTemplate returns the stored version if it has the content that was to be
// saved, nil otherwise.
func (c *Configuration) sameTemplate(ctx context.Context, t templates.Template, o front50.TemplateOptions) templates.Template {
	version, err := front50.SavedVersion(t, o)
	if err != nil {
		return nil
	}
	found, err := c.store.Template(ctx, version)
	if err != nil || !front50.SameTemplate(found, t) {
		return nil
	}
	return found
}

// DeleteTemplate implements activities.Templates.
func (c *Configuration) DeleteTemplate(ctx context.Context, in activities.DeleteTemplateInput) (activities.Done, error) {
	version, err := front50.TemplateVersion(in.ID, in.Tag, in.Digest)
	if err == nil {
		err = c.store.DeleteTemplate(ctx, version, author(in.Scope))
	}
	return activities.Done{}, err
}

var _ activities.Templates = (*Configuration)(nil)
