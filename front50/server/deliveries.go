package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func (s *Server) deliveryRoutes(g *gin.Engine) {
	k := front50.KindDelivery
	g.GET("/deliveries", s.route(s.listDocuments(k)))
	g.POST("/deliveries", s.route(s.postDocument(k)))
	g.GET("/deliveries/:id", s.route(s.getDocument(k)))
	g.PUT("/deliveries/:id", s.route(s.upsertDelivery))
	g.GET("/applications/:application/deliveries", s.route(s.deliveriesOf))
	g.DELETE("/applications/:application/deliveries/:id", s.route(s.deleteDelivery))
}

// upsertDelivery saves under the ID of the path, whether it exists or not.
func (s *Server) upsertDelivery(c *gin.Context) error {
	body, err := s.bodyUnder(c, c.Param("id"), "delivery config", front50.KindDelivery.Key)
	if err != nil {
		return err
	}
	saved, err := s.store.SaveDocument(c.Request.Context(), front50.KindDelivery, body, front50.DocumentOptions{By: author(c)})
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, saved)
}

func (s *Server) deliveriesOf(c *gin.Context) error {
	all, err := s.store.Documents(c.Request.Context(), front50.KindDelivery)
	if err != nil {
		return err
	}
	found := all[:0]
	for _, d := range all {
		if strings.EqualFold(d.String("application"), c.Param("application")) {
			found = append(found, d)
		}
	}
	return answer(c, http.StatusOK, found)
}

func (s *Server) deleteDelivery(c *gin.Context) error {
	doc, err := s.store.Document(c.Request.Context(), front50.KindDelivery, c.Param("id"))
	if err != nil {
		return err
	}
	if !strings.EqualFold(doc.String("application"), c.Param("application")) {
		return pipeline.Errorf(pipeline.CodeInvalid, "No config with id %s found in application %s: it belongs to another.", c.Param("id"), c.Param("application"))
	}
	if err := s.store.DeleteDocument(c.Request.Context(), front50.KindDelivery, c.Param("id"), author(c)); err != nil {
		return err
	}
	return done(c)
}
