package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

// savePipelines saves every configuration of a list that can be saved and tells
// of each that cannot why.
func (s *Server) savePipelines(c *gin.Context) error {
	stale, err := isTrue(c, "staleCheck")
	if err != nil {
		return err
	}
	docs, err := s.bodies(c)
	if err != nil {
		return err
	}
	result := front50.BatchResult{Successful: []string{}, Failed: []pipeline.Map{}}
	seen := map[string]bool{}
	for _, doc := range docs {
		p := pipeline.Pipeline(doc)
		err := twice(seen, p)
		if err == nil {
			_, err = s.store.SavePipeline(c.Request.Context(), p, front50.SaveOptions{By: author(c), StaleCheck: stale})
		}
		if err == nil {
			result.Successful = append(result.Successful, p.Name())
			continue
		}
		if code := pipeline.CodeOf(err); code == pipeline.CodeUnavailable || code == pipeline.CodeInternal {
			return err // no fault of the item: the caller sends the list again
		}
		failed := doc.Clone()
		failed["errorMsg"] = strings.Join(append([]string{pipeline.MessageOf(err)}, pipeline.DetailsOf(err)...), "\n")
		result.Failed = append(result.Failed, failed)
	}
	result.SuccessfulCount, result.FailedCount = len(result.Successful), len(result.Failed)
	return httpjson.Write(c.Writer, http.StatusOK, result)
}

// twice refuses an ID that the list has held before.
func twice(seen map[string]bool, p pipeline.Pipeline) error {
	key := front50.PipelineKey(p.ID())
	if key == "" {
		return nil
	}
	if seen[key] {
		return pipeline.Errorf(pipeline.CodeInvalid, "Duplicate pipeline id %s in the list: send each configuration once.", p.ID())
	}
	seen[key] = true
	return nil
}

// reorder sets the index of configurations of one application.
func (s *Server) reorder(c *gin.Context) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	var r front50.Reorder
	if err := pipeline.Bind(map[string]any(body), &r); err != nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "The request body cannot be read (%s): send {\"application\": \"...\", \"idsToIndices\": {\"id\": 0}}.", err)
	}
	if err := front50.ReorderPipelines(c.Request.Context(), s.store, r.Application, r.IDsToIndices, author(c)); err != nil {
		return err
	}
	return done(c)
}
