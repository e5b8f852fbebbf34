package server

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func (s *Server) snapshotRoutes(g *gin.Engine) {
	k := front50.KindSnapshot
	g.POST("/snapshots", s.route(s.createSnapshot))
	g.GET("/snapshots/:id", s.route(s.getDocument(k)))
	g.GET("/snapshots/:id/history", s.route(s.documentHistory(k)))
	g.GET("/snapshots/:id/:timestamp", s.route(s.snapshotAt))
}

// createSnapshot stores the newest snapshot of an application in an account; earlier
// ones are its history.
func (s *Server) createSnapshot(c *gin.Context) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	if _, err := s.store.SaveDocument(c.Request.Context(), front50.KindSnapshot, body, front50.DocumentOptions{By: author(c)}); err != nil {
		return err
	}
	return done(c)
}

// snapshotAt answers the version that was taken at a moment.
func (s *Server) snapshotAt(c *gin.Context) error {
	at, err := strconv.ParseInt(c.Param("timestamp"), 10, 64)
	if err != nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "The timestamp is %q: use milliseconds since 1970.", c.Param("timestamp"))
	}
	limit, err := number(c, "limit", front50.DefaultHistory)
	if err != nil {
		return err
	}
	versions, err := s.store.DocumentHistory(c.Request.Context(), front50.KindSnapshot, c.Param("id"), limit)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if taken, ok := v.Int("timestamp"); ok && taken == at {
			return answer(c, http.StatusOK, v)
		}
	}
	return pipeline.Errorf(pipeline.CodeNotFound, "Snapshot not found (id: %s, timestamp: %d)", c.Param("id"), at)
}
