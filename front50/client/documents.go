package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// Documents implements front50.Documents.
func (c *Client) Documents(ctx context.Context, k *front50.Kind) ([]pipeline.Map, error) {
	all := []pipeline.Map{}
	if err := c.get(ctx, front50.PathDocumentsOf(k), nil, &all); err != nil {
		return nil, notFoundAs(err, pipeline.Errorf(pipeline.CodeUnavailable, "Front50 at %s does not list documents of the group %s: is something else at its address, or a Spinnaker's?", c.base.Host, k.Group))
	}
	return k.ListDocuments(all), nil
}

// Document implements front50.Documents.
func (c *Client) Document(ctx context.Context, k *front50.Kind, id string) (pipeline.Map, error) {
	if !k.Storable(id) {
		return nil, k.NotFound(id)
	}
	var doc pipeline.Map
	if err := c.get(ctx, front50.PathDocument(k, id), nil, &doc); err != nil {
		return nil, notFoundAs(err, k.NotFound(id))
	}
	return doc, nil
}

// DocumentHistory implements front50.Documents.
func (c *Client) DocumentHistory(ctx context.Context, k *front50.Kind, id string, limit int) ([]pipeline.Map, error) {
	if !k.Storable(id) {
		return nil, k.NotFound(id)
	}
	var versions []pipeline.Map
	if err := c.get(ctx, front50.PathDocumentHistory(k, id), limited(limit), &versions); err != nil {
		return nil, notFoundAs(err, k.NotFound(id))
	}
	return versions, nil
}

// SaveDocument implements front50.Documents. A new document gets its ID here, so that
// sending it again cannot make a second one.
func (c *Client) SaveDocument(ctx context.Context, k *front50.Kind, doc pipeline.Map, o front50.DocumentOptions) (pipeline.Map, error) {
	if err := k.Check(doc); err != nil {
		return nil, err
	}
	doc = k.IdentifiedDocument(doc, uuid.NewString)
	r := request{method: http.MethodPost, path: front50.PathDocumentsOf(k), by: o.By, query: url.Values{}}
	for name, set := range map[string]bool{
		front50.QueryStaleCheck: o.StaleCheck, front50.QueryMustExist: o.MustExist, front50.QueryMustNotExist: o.MustNotExist,
	} {
		if set {
			r.query.Set(name, "true")
		}
	}
	var err error
	if r.body, err = pipeline.EncodeValue(map[string]any(doc)); err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The %s cannot be written as JSON: %s.", k.Name, err)
	}
	answer, err := c.do(ctx, r)
	if err != nil {
		if o.MustNotExist && answer.attempts > 1 && pipeline.CodeOf(err) == pipeline.CodeInvalid {
			// An earlier attempt of ours, whose answer was lost, may have created it.
			if saved, lookErr := c.Document(ctx, k, k.ID(doc)); lookErr == nil && k.SameContent(saved, doc) {
				return saved, nil
			}
		}
		if o.MustExist {
			err = notFoundAs(err, k.NotFound(k.ID(doc)))
		}
		return nil, err
	}
	var saved pipeline.Map
	return saved, decode(answer.body, &saved)
}

// DeleteDocument implements front50.Documents.
func (c *Client) DeleteDocument(ctx context.Context, k *front50.Kind, id string, by front50.Author) error {
	if !k.Storable(id) {
		return k.NotFound(id)
	}
	answer, err := c.do(ctx, request{method: http.MethodDelete, path: front50.PathDocument(k, id), by: by})
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		err = k.NotFound(id)
		if answer.attempts > 1 {
			err = nil // an attempt whose answer was lost deleted it
		}
	}
	return err
}
