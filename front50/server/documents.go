package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// documentRoutes is Gennaker's own API, with which client.Client does for every kind
// what front50.Documents promises.
func (s *Server) documentRoutes(g *gin.Engine) {
	for _, k := range front50.Kinds() {
		path := front50.PathDocumentsOf(k)
		g.GET(path, s.route(s.listDocuments(k)))
		g.POST(path, s.route(s.postDocument(k)))
		g.GET(path+"/:id", s.route(s.getDocument(k)))
		g.DELETE(path+"/:id", s.route(s.removeDocument(k)))
		g.GET(path+"/:id/history", s.route(s.documentHistory(k)))
	}
}

func (s *Server) listDocuments(k *front50.Kind) func(*gin.Context) error {
	return func(c *gin.Context) error {
		all, err := s.store.Documents(c.Request.Context(), k)
		if err != nil {
			return err
		}
		return answer(c, http.StatusOK, all)
	}
}

func (s *Server) getDocument(k *front50.Kind) func(*gin.Context) error {
	return func(c *gin.Context) error {
		doc, err := s.store.Document(c.Request.Context(), k, c.Param("id"))
		if err != nil {
			return err
		}
		return answer(c, http.StatusOK, doc)
	}
}

func (s *Server) documentHistory(k *front50.Kind) func(*gin.Context) error {
	return func(c *gin.Context) error {
		limit, err := number(c, "limit", front50.DefaultHistory)
		if err != nil {
			return err
		}
		versions, err := s.store.DocumentHistory(c.Request.Context(), k, c.Param("id"), limit)
		if err != nil {
			return err
		}
		return answer(c, http.StatusOK, versions)
	}
}

// postDocument saves by the conditions that the query names.
func (s *Server) postDocument(k *front50.Kind) func(*gin.Context) error {
	return func(c *gin.Context) error {
		o := front50.DocumentOptions{By: author(c)}
		for name, set := range map[string]*bool{
			front50.QueryStaleCheck: &o.StaleCheck, front50.QueryMustExist: &o.MustExist, front50.QueryMustNotExist: &o.MustNotExist,
		} {
			given, err := isTrue(c, name)
			if err != nil {
				return err
			}
			*set = given
		}
		return s.saveDocument(c, k, o)
	}
}

// saveDocument saves the request's body and answers with it as stored.
func (s *Server) saveDocument(c *gin.Context, k *front50.Kind, o front50.DocumentOptions) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	saved, err := s.store.SaveDocument(c.Request.Context(), k, body, o)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, saved)
}

// putDocument replaces the document of the path.
func (s *Server) putDocument(k *front50.Kind) func(*gin.Context) error {
	return func(c *gin.Context) error {
		stale, err := isTrue(c, front50.QueryStaleCheck)
		if err != nil {
			return err
		}
		body, err := s.bodyUnder(c, c.Param("id"), k.Name, k.Key)
		if err != nil {
			return err
		}
		saved, err := s.store.SaveDocument(c.Request.Context(), k, body, front50.DocumentOptions{By: author(c), StaleCheck: stale, MustExist: true})
		if err != nil {
			return err
		}
		return answer(c, http.StatusOK, saved)
	}
}

// deleteDocument deletes the document of the path and answers without a body; a
// missing one is a success, as in Spinnaker.
func (s *Server) deleteDocument(k *front50.Kind, status int) func(*gin.Context) error {
	return func(c *gin.Context) error {
		err := s.store.DeleteDocument(c.Request.Context(), k, c.Param("id"), author(c))
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
			return err
		}
		return empty(c, status)
	}
}

// removeDocument deletes the document of the path, which must be there.
func (s *Server) removeDocument(k *front50.Kind) func(*gin.Context) error {
	return func(c *gin.Context) error {
		if err := s.store.DeleteDocument(c.Request.Context(), k, c.Param("id"), author(c)); err != nil {
			return err
		}
		return done(c)
	}
}

// batchDocuments saves every document of a list; it stops at the first that is
// refused.
func (s *Server) batchDocuments(k *front50.Kind) func(*gin.Context) error {
	return func(c *gin.Context) error {
		docs, err := s.bodies(c)
		if err != nil {
			return err
		}
		saved := make([]pipeline.Map, len(docs))
		for i, doc := range docs {
			if saved[i], err = s.store.SaveDocument(c.Request.Context(), k, doc, front50.DocumentOptions{By: author(c)}); err != nil {
				return err
			}
		}
		return answer(c, http.StatusOK, saved)
	}
}

// empty answers without a body.
func empty(c *gin.Context, status int) error {
	c.Status(status)
	c.Writer.WriteHeaderNow()
	return nil
}
