package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func (s *Server) notificationRoutes(g *gin.Engine) {
	g.GET("/notifications", s.route(s.listDocuments(front50.KindNotification)))
	g.POST("/notifications/batchUpdate", s.route(s.importNotifications))
	g.GET("/notifications/global", s.route(s.getGlobalNotifications))
	g.POST("/notifications/global", s.route(s.saveGlobalNotifications))
	g.GET("/notifications/:type/:name", s.route(s.getNotifications))
	g.POST("/notifications/:type/:name", s.route(s.saveNotifications))
	g.DELETE("/notifications/:type/:name", s.route(s.deleteNotifications))
}

func (s *Server) getGlobalNotifications(c *gin.Context) error {
	return s.notifications(c, front50.LevelGlobal, front50.GlobalNotifications)
}

func (s *Server) getNotifications(c *gin.Context) error {
	return s.notifications(c, c.Param("type"), c.Param("name"))
}

// notifications answers what is stored, an empty object when there is nothing.
func (s *Server) notifications(c *gin.Context, level, name string) error {
	doc, err := front50.Notifications(c.Request.Context(), s.store, level, name)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, doc)
}

func (s *Server) saveGlobalNotifications(c *gin.Context) error {
	return s.keepNotifications(c, front50.LevelGlobal, front50.GlobalNotifications)
}

func (s *Server) saveNotifications(c *gin.Context) error {
	return s.keepNotifications(c, c.Param("type"), c.Param("name"))
}

func (s *Server) keepNotifications(c *gin.Context, level, name string) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	if _, err := front50.SaveNotifications(c.Request.Context(), s.store, level, name, body, front50.DocumentOptions{By: author(c)}); err != nil {
		return err
	}
	return done(c)
}

func (s *Server) deleteNotifications(c *gin.Context) error {
	if _, err := front50.NotificationLevel(c.Param("type")); err != nil {
		return err
	}
	err := s.store.DeleteDocument(c.Request.Context(), front50.KindNotification, c.Param("name"), author(c))
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return err
	}
	return done(c)
}

// importNotifications saves the notifications of many applications; it stops at the
// first that is refused.
func (s *Server) importNotifications(c *gin.Context) error {
	docs, err := s.bodies(c)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if doc.String("application") == "" {
			return pipeline.Errorf(pipeline.CodeInvalid, "One of the notifications names no application: set application.")
		}
		if _, err := s.store.SaveDocument(c.Request.Context(), front50.KindNotification, doc, front50.DocumentOptions{By: author(c)}); err != nil {
			return err
		}
	}
	return done(c)
}
