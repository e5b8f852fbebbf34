package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
)

// strategyRoutes holds everything under /strategies. What stands first in the path is
// an application here and an ID there: id.
func (s *Server) strategyRoutes(g *gin.Engine) {
	g.GET("/strategies", s.route(s.listStrategies))
	g.POST("/strategies", s.route(s.saveStrategy))
	g.POST("/strategies/batchUpdate", s.route(s.batchDocuments(front50.KindStrategy)))
	g.GET("/strategies/:id", s.route(s.listStrategies))
	g.PUT("/strategies/:id", s.route(s.putDocument(front50.KindStrategy)))
	g.GET("/strategies/:id/history", s.route(s.documentHistory(front50.KindStrategy)))
	g.DELETE("/strategies/:id/:name", s.route(s.deleteStrategy))
	g.POST("/actions/strategies/reorder", s.route(s.reorderStrategies))
}

func (s *Server) listStrategies(c *gin.Context) error {
	all, err := front50.Strategies(c.Request.Context(), s.store, c.Param("id"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, all)
}

// saveStrategy creates a strategy, or with an ID replaces it.
func (s *Server) saveStrategy(c *gin.Context) error {
	stale, err := isTrue(c, front50.QueryStaleCheck)
	if err != nil {
		return err
	}
	return s.saveDocument(c, front50.KindStrategy, front50.DocumentOptions{By: author(c), StaleCheck: stale})
}

func (s *Server) deleteStrategy(c *gin.Context) error {
	p, err := front50.FindStrategy(c.Request.Context(), s.store, c.Param("id"), c.Param("name"))
	if err != nil {
		return err
	}
	if err := s.store.DeleteDocument(c.Request.Context(), front50.KindStrategy, p.ID(), author(c)); err != nil {
		return err
	}
	return done(c)
}

func (s *Server) reorderStrategies(c *gin.Context) error {
	r, err := s.order(c)
	if err != nil {
		return err
	}
	if err := front50.ReorderStrategies(c.Request.Context(), s.store, r.Application, r.IDsToIndices, author(c)); err != nil {
		return err
	}
	return empty(c, http.StatusOK)
}
