package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func (s *Server) pluginRoutes(g *gin.Engine) {
	g.GET("/pluginInfo", s.route(s.listPlugins))
	g.POST("/pluginInfo", s.route(s.upsertPlugin))
	g.GET("/pluginInfo/:id", s.route(s.getDocument(front50.KindPluginInfo)))
	g.DELETE("/pluginInfo/:id", s.route(s.deleteDocument(front50.KindPluginInfo, http.StatusNoContent)))
	g.POST("/pluginInfo/:id/releases", s.route(s.putRelease(false)))
	g.PUT("/pluginInfo/:id/releases", s.route(s.putRelease(true)))
	g.PUT("/pluginInfo/:id/releases/:version", s.route(s.preferRelease))
	g.DELETE("/pluginInfo/:id/releases/:version", s.route(s.deleteRelease))
	g.PUT("/pluginVersions/:serverGroup", s.route(s.pinVersions))
}

// listPlugins answers all plugins, or those that a service is to install.
func (s *Server) listPlugins(c *gin.Context) error {
	all, err := s.store.Documents(c.Request.Context(), front50.KindPluginInfo)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, front50.PluginsFor(all, c.Query("service")))
}

func (s *Server) upsertPlugin(c *gin.Context) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	saved, err := front50.UpsertPlugin(c.Request.Context(), s.store, body, author(c))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, saved)
}

func (s *Server) putRelease(replace bool) func(*gin.Context) error {
	return func(c *gin.Context) error {
		release, err := s.body(c)
		if err != nil {
			return err
		}
		saved, err := front50.PutRelease(c.Request.Context(), s.store, c.Param("id"), release, replace, author(c))
		if err != nil {
			return err
		}
		return answer(c, http.StatusOK, saved)
	}
}

func (s *Server) preferRelease(c *gin.Context) error {
	preferred, err := flag(c, "preferred")
	if err != nil {
		return err
	}
	if preferred == nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "The parameter preferred is missing: set it to true or false.")
	}
	release, err := front50.PreferRelease(c.Request.Context(), s.store, c.Param("id"), c.Param("version"), *preferred, author(c))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, release)
}

func (s *Server) deleteRelease(c *gin.Context) error {
	if _, err := front50.DeleteRelease(c.Request.Context(), s.store, c.Param("id"), c.Param("version"), author(c)); err != nil {
		return err
	}
	return empty(c, http.StatusNoContent)
}

// pinVersions answers the releases of plugins that a server group of a service uses:
// those of the first call for it, whatever later ones name.
func (s *Server) pinVersions(c *gin.Context) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	service, location := c.Query("serviceName"), c.Query("location")
	if service == "" || location == "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "The parameters serviceName and location are required: set both.")
	}
	pinned, err := front50.PinPluginVersions(c.Request.Context(), s.store, service, location, c.Param("serverGroup"), body, author(c))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, pinned)
}
