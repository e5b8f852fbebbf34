package server

import (
	"net/http"

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
	result, err := front50.SavePipelines(c.Request.Context(), docs, func(p pipeline.Pipeline) error {
		_, err := s.store.SavePipeline(c.Request.Context(), p, front50.SaveOptions{By: author(c), StaleCheck: stale})
		return err
	})
	if err != nil {
		return err
	}
	return httpjson.Write(c.Writer, http.StatusOK, result)
}

// reorder sets the index of configurations of one application.
func (s *Server) reorder(c *gin.Context) error {
	r, err := s.order(c)
	if err != nil {
		return err
	}
	if err := front50.ReorderPipelines(c.Request.Context(), s.store, r.Application, r.IDsToIndices, author(c)); err != nil {
		return err
	}
	return done(c)
}

func (s *Server) order(c *gin.Context) (r front50.Reorder, err error) {
	body, err := s.body(c)
	if err != nil {
		return r, err
	}
	if err := pipeline.Bind(map[string]any(body), &r); err != nil {
		return r, pipeline.Errorf(pipeline.CodeInvalid, "The request body cannot be read (%s): send {\"application\": \"...\", \"idsToIndices\": {\"id\": 0}}.", err)
	}
	return r, nil
}
