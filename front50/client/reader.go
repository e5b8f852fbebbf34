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
	var all []pipeline.Pipeline
	if err := c.get(ctx, path, query, &all); err != nil {
		return nil, notFoundAs(err, pipeline.Errorf(pipeline.CodeUnavailable, "Front50 at %s does not list pipelines: is something else at its address?", c.base.Host))
	}
	return front50.ListPipelines(all, application), nil
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
