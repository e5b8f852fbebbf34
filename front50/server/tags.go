package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

func (s *Server) tagRoutes(g *gin.Engine) {
	g.GET("/v2/tags", s.route(s.listTags))
	g.POST("/v2/tags", s.route(s.postDocument(front50.KindEntityTags)))
	g.POST("/v2/tags/batchUpdate", s.route(s.batchDocuments(front50.KindEntityTags)))
	g.POST("/v2/tags/batchDelete", s.route(s.deleteManyTags))
	g.GET("/v2/tags/*id", s.route(s.getTags))
	g.DELETE("/v2/tags/*id", s.route(s.deleteTags))
}

// listTags answers those of some IDs, or those whose ID begins with a prefix.
func (s *Server) listTags(c *gin.Context) error {
	prefix, given := c.GetQuery("prefix")
	ids := csv(c, "ids")
	if !given && len(ids) == 0 {
		return pipeline.Errorf(pipeline.CodeInvalid, "Either 'prefix' or 'ids' parameter is required.")
	}
	all, err := s.store.Documents(c.Request.Context(), front50.KindEntityTags)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[front50.KindEntityTags.Key(id)] = true
	}
	found := all[:0]
	for _, doc := range all {
		key := front50.KindEntityTags.Key(doc.String("id"))
		if wanted[key] || len(ids) == 0 && strings.HasPrefix(key, strings.ToLower(prefix)) {
			found = append(found, doc)
		}
	}
	return answer(c, http.StatusOK, found)
}

// tagsID is what of the path is an ID, which may hold slashes.
func tagsID(c *gin.Context) string { return strings.TrimPrefix(c.Param("id"), "/") }

func (s *Server) getTags(c *gin.Context) error {
	doc, err := s.store.Document(c.Request.Context(), front50.KindEntityTags, tagsID(c))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, doc)
}

func (s *Server) deleteTags(c *gin.Context) error {
	if err := s.dropTags(c, tagsID(c)); err != nil {
		return err
	}
	return empty(c, http.StatusNoContent)
}

// dropTags deletes the tags of an ID; missing ones are a success.
func (s *Server) dropTags(c *gin.Context, id string) error {
	err := s.store.DeleteDocument(c.Request.Context(), front50.KindEntityTags, id, author(c))
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return err
	}
	return nil
}

func (s *Server) deleteManyTags(c *gin.Context) error {
	v, err := httpjson.ReadValue(c.Writer, c.Request, s.limit)
	if err != nil {
		return err
	}
	list, isList := v.([]any)
	if !isList {
		return pipeline.Errorf(pipeline.CodeInvalid, "The request body is not a list: send [\"id\", \"id\"].")
	}
	for _, e := range list {
		id, isText := e.(string)
		if !isText {
			return pipeline.Errorf(pipeline.CodeInvalid, "The list of ids holds what is not text: send [\"id\", \"id\"].")
		}
		if err := s.dropTags(c, id); err != nil {
			return err
		}
	}
	return done(c)
}
