package client

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// Applications implements front50.Reader.
func (c *Client) Applications(ctx context.Context) ([]pipeline.Application, error) {
	apps := []pipeline.Application{}
	if err := c.get(ctx, front50.PathApplications, url.Values{"restricted": {"false"}}, &apps); err != nil {
		return nil, err
	}
	return front50.SortApplications(apps), nil
}

// Application implements front50.Reader.
func (c *Client) Application(ctx context.Context, name string) (pipeline.Application, error) {
	if front50.ApplicationKey(name) == "" {
		return nil, front50.ApplicationNotFound(name)
	}
	var app pipeline.Application
	if err := c.get(ctx, front50.PathApplication(name), nil, &app); err != nil {
		return nil, notFoundAs(err, front50.ApplicationNotFound(name))
	}
	return app, nil
}

// ApplicationHistory implements front50.Reader.
func (c *Client) ApplicationHistory(ctx context.Context, name string, limit int) ([]pipeline.Application, error) {
	if front50.ApplicationKey(name) == "" {
		return nil, front50.ApplicationNotFound(name)
	}
	var versions []pipeline.Application
	if err := c.get(ctx, front50.PathApplicationHistory(name), limited(limit), &versions); err != nil {
		return nil, notFoundAs(err, front50.ApplicationNotFound(name))
	}
	if len(versions) == 0 {
		return nil, front50.ApplicationNotFound(name)
	}
	return versions, nil
}

// Pipelines implements front50.Reader.
func (c *Client) Pipelines(ctx context.Context, application string) ([]pipeline.Pipeline, error) {
	path, query := front50.PathPipelines, url.Values{"restricted": {"false"}}
	if application = strings.TrimSpace(application); application != "" {
		path, query = front50.PathPipelinesOf(application), nil
	}
	all, err := c.list(ctx, path, query)
	if err != nil {
		return nil, err
	}
	return front50.ListPipelines(all, application), nil
}

func (c *Client) list(ctx context.Context, path string, query url.Values) ([]pipeline.Pipeline, error) {
	var all []pipeline.Pipeline
	if err := c.get(ctx, path, query, &all); err != nil {
		return nil, notFoundAs(err, pipeline.Errorf(pipeline.CodeUnavailable, "Front50 at %s does not list pipelines: is something else at its address?", c.base.Host))
	}
	return all, nil
}

// FindPipeline implements front50.Reader. A Front50 that does not know the filter
// answers with more, which does no harm.
func (c *Client) FindPipeline(ctx context.Context, application, nameOrID string) (pipeline.Pipeline, error) {
	if strings.TrimSpace(application) == "" || nameOrID == "" {
		return nil, front50.PipelineNotFoundIn(application, nameOrID)
	}
	some, err := c.list(ctx, front50.PathPipelinesOf(strings.TrimSpace(application)), url.Values{"pipelineNameFilter": {nameOrID}})
	if err != nil {
		return nil, err
	}
	if p, err := front50.FindPipeline(some, application, nameOrID); err == nil {
		return c.Pipeline(ctx, p.ID()) // the list's index is a place in the list
	}
	p, err := c.Pipeline(ctx, nameOrID)
	if err == nil && front50.ApplicationKey(p.Application()) != front50.ApplicationKey(application) || pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return nil, front50.PipelineNotFoundIn(application, nameOrID)
	}
	return p, err
}

// Pipeline implements front50.Reader.
func (c *Client) Pipeline(ctx context.Context, id string) (pipeline.Pipeline, error) {
	if id == "" {
		return nil, front50.PipelineNotFound(id)
	}
	var p pipeline.Pipeline
	if err := c.get(ctx, front50.PathPipeline(id), nil, &p); err != nil {
		return nil, notFoundAs(err, front50.PipelineNotFound(id))
	}
	return p, nil
}

// PipelineHistory implements front50.Reader.
func (c *Client) PipelineHistory(ctx context.Context, id string, limit int) ([]pipeline.Pipeline, error) {
	if id == "" {
		return nil, front50.PipelineNotFound(id)
	}
	var versions []pipeline.Pipeline
	if err := c.get(ctx, front50.PathPipelineHistory(id), limited(limit), &versions); err != nil {
		return nil, notFoundAs(err, front50.PipelineNotFound(id))
	}
	if len(versions) == 0 {
		return nil, front50.PipelineNotFound(id)
	}
	return versions, nil
}

func limited(limit int) url.Values {
	return url.Values{"limit": {strconv.Itoa(front50.HistoryLimit(limit))}}
}
