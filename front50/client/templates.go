package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// Templates implements front50.Templates.
func (c *Client) Templates(ctx context.Context, scopes []string) ([]templates.Template, error) {
	var query url.Values
	if len(scopes) > 0 {
		query = url.Values{"scopes": scopes}
	}
	var all []templates.Template
	if err := c.get(ctx, front50.PathTemplates, query, &all); err != nil {
		return nil, notFoundAs(err, pipeline.Errorf(pipeline.CodeUnavailable, "Front50 at %s does not list templates: is something else at its address?", c.base.Host))
	}
	return front50.ListTemplates(all, nil), nil
}

// Template implements front50.Templates. Spinnaker's API leaves out what the
// version is stored by, so the client puts it back.
func (c *Client) Template(ctx context.Context, version string) (templates.Template, error) {
	reference, err := templates.ParseReference(version)
	if err != nil {
		return nil, front50.TemplateNotFound(version)
	}
	var t templates.Template
	if err := c.get(ctx, front50.PathTemplate(reference.ID), versionQuery(reference), &t); err != nil {
		return nil, notFoundAs(err, front50.TemplateNotFound(version))
	}
	switch {
	case t == nil:
		return nil, front50.TemplateNotFound(version)
	case reference.Digest != "":
		t["digest"], t["tag"] = reference.Digest, "latest"
	case reference.Tag != "":
		t["tag"] = reference.Tag
	}
	return t, nil
}

func versionQuery(r templates.Reference) url.Values {
	switch {
	case r.Digest != "":
		return url.Values{"digest": {r.Digest}}
	case r.Tag != "":
		return url.Values{"tag": {r.Tag}}
	}
	return nil
}

// SaveTemplate implements front50.Templates.
func (c *Client) SaveTemplate(ctx context.Context, t templates.Template, o front50.TemplateOptions) (templates.Template, error) {
	version, err := front50.SavedVersion(t, o)
	if err != nil {
		return nil, err
	}
	r := request{method: http.MethodPut, path: front50.PathTemplate(t.ID()), by: o.By}
	if o.MustNotExist {
		r.method, r.path = http.MethodPost, front50.PathTemplates
	}
	if o.Tag != "" {
		r.query = url.Values{"tag": {o.Tag}}
	}
	if r.body, err = pipeline.EncodeValue(map[string]any(t)); err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The template cannot be written as JSON: %s.", err)
	}
	answer, err := c.do(ctx, r)
	perhapsSaved := o.MustNotExist && answer.attempts > 1 && pipeline.CodeOf(err) == pipeline.CodeInvalid
	if err != nil && !perhapsSaved {
		return nil, err
	}
	saved, lost := c.Template(ctx, version)
	switch {
	case err != nil && (lost != nil || !front50.SameTemplate(saved, t)):
		return nil, err // somebody else's, not that of an attempt whose answer was lost
	case lost != nil:
		return nil, lost
	}
	return saved, nil
}

// DeleteTemplate implements front50.Templates.
func (c *Client) DeleteTemplate(ctx context.Context, version string, by front50.Author) error {
	reference, err := templates.ParseReference(version)
	if err != nil {
		return nil //nolint:nilerr // there can be no such template
	}
	_, err = c.do(ctx, request{method: http.MethodDelete, path: front50.PathTemplate(reference.ID), query: versionQuery(reference), by: by})
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return nil
	}
	return err
}
