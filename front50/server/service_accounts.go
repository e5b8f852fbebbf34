package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func (s *Server) serviceAccountRoutes(g *gin.Engine) {
	k := front50.KindServiceAccount
	g.GET("/serviceAccounts", s.route(s.listDocuments(k)))
	g.GET("/serviceAccounts/tokenEligible", s.route(s.tokenEligible))
	g.POST("/serviceAccounts", s.route(s.postDocument(k)))
	g.DELETE("/serviceAccounts/:id", s.route(s.deleteDocument(k, http.StatusOK)))
}

// tokenEligible lists the accounts that are declared in configuration, of which there
// are none here.
func (s *Server) tokenEligible(c *gin.Context) error {
	return answer(c, http.StatusOK, []pipeline.Map{})
}
