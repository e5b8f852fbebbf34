package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// races bounds how often a write is begun again because an application appeared
// or vanished between looking and writing.
const races = 5

// SaveApplication implements front50.Writer.
func (c *Client) SaveApplication(ctx context.Context, app pipeline.Application, by front50.Author) (previous, current pipeline.Application, err error) {
	return c.WriteApplication(ctx, app, front50.ApplicationOptions{By: by})
}

// WriteApplication implements front50.Writer. Spinnaker's API has one call for
// new applications and one for known ones, so the client looks first.
func (c *Client) WriteApplication(ctx context.Context, app pipeline.Application, o front50.ApplicationOptions) (previous, current pipeline.Application, err error) {
	if err := front50.CheckApplicationName(app); err != nil {
		return nil, nil, err
	}
	body, err := pipeline.EncodeValue(map[string]any(app))
	if err != nil {
		return nil, nil, pipeline.Errorf(pipeline.CodeInvalid, "The application cannot be written as JSON: %s.", err)
	}
	for range races {
		var done bool
		previous, current, done, err = c.writeApplication(ctx, app, body, o)
		if done || err != nil {
			return previous, current, err
		}
	}
	return nil, nil, pipeline.Errorf(pipeline.CodeConflict, "The application %s is being created and deleted by others: try again.", app.Name())
}

// writeApplication looks and writes once; done is false when the application
// appeared or vanished meanwhile.
func (c *Client) writeApplication(ctx context.Context, app pipeline.Application, body []byte, o front50.ApplicationOptions) (previous, current pipeline.Application, done bool, err error) {
	name := app.Name()
	previous, err = c.Application(ctx, name)
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return nil, nil, false, err
	}
	known := err == nil
	r := request{method: http.MethodPost, path: front50.PathApplications, body: body, by: o.By}
	switch {
	case !known && o.MustExist:
		return nil, nil, false, front50.ApplicationNotFound(name)
	case o.MustNotExist, !known:
	case o.Replace:
		r.method, r.path = http.MethodPut, front50.PathApplication(name)
	default:
		r.method, r.path = http.MethodPatch, front50.PathApplication(name)
	}
	answer, err := c.do(ctx, r)
	switch code := pipeline.CodeOf(err); {
	case err == nil:
		err = decode(answer.body, &current)
		return previous, current, err == nil, err
	case known && !o.MustNotExist && code == pipeline.CodeNotFound:
		return nil, nil, false, nil // deleted since the look
	case !known && code == pipeline.CodeInvalid && (!o.MustNotExist || answer.attempts > 1):
		return c.afterRefusedCreation(ctx, app, o, err)
	}
	return nil, nil, false, err
}

// afterRefusedCreation tells why a new application was refused: because its
// document is wrong, because somebody else was first, or because an earlier
// attempt of ours, whose answer was lost, had created it.
func (c *Client) afterRefusedCreation(ctx context.Context, app pipeline.Application, o front50.ApplicationOptions, refusal error) (previous, current pipeline.Application, done bool, err error) {
	found, err := c.Application(ctx, app.Name())
	switch {
	case pipeline.CodeOf(err) == pipeline.CodeNotFound && err != nil:
		return nil, nil, false, refusal
	case err != nil:
		return nil, nil, false, err
	case !o.MustNotExist:
		return nil, nil, false, nil // somebody else was first: merge into theirs
	case front50.Carries(found, app, o.By):
		return nil, found, true, nil
	}
	return nil, nil, false, refusal
}

// DeleteApplication implements front50.Writer.
func (c *Client) DeleteApplication(ctx context.Context, name string, by front50.Author) (pipeline.Application, error) {
	if !front50.Storable(front50.ApplicationKey(name)) {
		return nil, nil
	}
	previous, err := c.Application(ctx, name)
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return nil, err
	}
	// A missing one is deleted as well: its pipelines may be left.
	_, err = c.do(ctx, request{method: http.MethodDelete, path: front50.PathApplication(name), by: by})
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return nil, err
	}
	return previous, nil
}

// SavePipeline implements front50.Writer. A new configuration gets its ID here,
// so that sending it again cannot make a second one.
func (c *Client) SavePipeline(ctx context.Context, p pipeline.Pipeline, o front50.SaveOptions) (pipeline.Pipeline, error) {
	if err := front50.CheckPipeline(p); err != nil {
		return nil, err
	}
	r := request{method: http.MethodPost, path: front50.PathPipelines, by: o.By}
	if o.MustExist {
		if p.ID() == "" {
			return nil, front50.PipelineNotFound("")
		}
		r.method, r.path = http.MethodPut, front50.PathPipelinesOf(p.ID())
	}
	if o.StaleCheck {
		r.query = url.Values{"staleCheck": {"true"}}
	}
	var err error
	if r.body, err = pipeline.EncodeValue(map[string]any(front50.Identified(p, uuid.NewString))); err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The pipeline cannot be written as JSON: %s.", err)
	}
	answer, err := c.do(ctx, r)
	if err != nil {
		if o.MustExist {
			err = notFoundAs(err, front50.PipelineNotFound(p.ID()))
		}
		return nil, err
	}
	var saved pipeline.Pipeline
	if err := decode(answer.body, &saved); err != nil {
		return nil, err
	}
	return saved, nil
}

// DeletePipeline implements front50.Writer. Spinnaker's API deletes by name, so
// the client looks the name up first.
func (c *Client) DeletePipeline(ctx context.Context, id string, by front50.Author) error {
	p, err := c.Pipeline(ctx, id)
	if err != nil {
		return err
	}
	answer, err := c.do(ctx, request{method: http.MethodDelete, path: front50.PathPipelineNamed(p.Application(), p.Name()), by: by})
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		err = front50.PipelineNotFound(id)
		if answer.attempts > 1 {
			err = nil // an attempt whose answer was lost deleted it
		}
	}
	return err
}
