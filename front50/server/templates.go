package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

func (s *Server) templateRoutes(g *gin.Engine) {
	g.GET("/v2/pipelineTemplates", s.route(s.listTemplates))
	g.POST("/v2/pipelineTemplates", s.route(s.createTemplate))
	g.GET("/v2/pipelineTemplates/versions", s.route(s.templateVersions))
	g.GET("/v2/pipelineTemplates/:id", s.route(s.getTemplate))
	g.PUT("/v2/pipelineTemplates/:id", s.route(s.updateTemplate))
	g.DELETE("/v2/pipelineTemplates/:id", s.route(s.deleteTemplate))
	g.GET("/v2/pipelineTemplates/:id/dependentPipelines", s.route(s.templateDependents))
	// Templates of schema 1, which a bucket may hold, can be read.
	g.GET("/pipelineTemplates", s.route(s.listTemplates))
	g.GET("/pipelineTemplates/:id", s.route(s.getOldTemplate))
	g.GET("/pipelineTemplates/:id/dependentPipelines", s.route(s.oldTemplateDependents))
}

func (s *Server) listTemplates(c *gin.Context) error {
	all, err := s.store.Templates(c.Request.Context(), csv(c, "scopes"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, all)
}

// templateVersions answers the versions of each template of schema v2.
func (s *Server) templateVersions(c *gin.Context) error {
	all, err := s.store.Templates(c.Request.Context(), csv(c, "scopes"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, front50.TemplateVersions(all))
}

// version returns the version that the path and the query name.
func version(c *gin.Context) (string, error) {
	return front50.TemplateVersion(c.Param("id"), c.Query("tag"), c.Query("digest"))
}

// getTemplate answers one version, without what it is stored by.
func (s *Server) getTemplate(c *gin.Context) error {
	version, err := version(c)
	if err != nil {
		return err
	}
	t, err := s.store.Template(c.Request.Context(), version)
	if err != nil {
		return err
	}
	delete(t, "digest")
	delete(t, "tag")
	return answer(c, http.StatusOK, t)
}

func (s *Server) createTemplate(c *gin.Context) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	_, err = s.store.SaveTemplate(c.Request.Context(), templates.Template(body), front50.TemplateOptions{By: author(c), Tag: c.Query("tag"), MustNotExist: true})
	if err != nil {
		return err
	}
	return done(c)
}

// updateTemplate saves under the ID of the path, whether it exists or not.
func (s *Server) updateTemplate(c *gin.Context) error {
	body, err := s.bodyUnder(c, c.Param("id"), "template's", front50.TemplateKey)
	if err != nil {
		return err
	}
	saved, err := s.store.SaveTemplate(c.Request.Context(), templates.Template(body), front50.TemplateOptions{By: author(c), Tag: c.Query("tag")})
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, saved)
}

func (s *Server) deleteTemplate(c *gin.Context) error {
	version, err := version(c)
	if err != nil {
		return err
	}
	if err := s.store.DeleteTemplate(c.Request.Context(), version, author(c)); err != nil {
		return err
	}
	return done(c)
}

func (s *Server) templateDependents(c *gin.Context) error {
	all, err := s.store.Pipelines(c.Request.Context(), "")
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, front50.TemplateDependents(all, c.Param("id")))
}

func (s *Server) getOldTemplate(c *gin.Context) error {
	t, err := s.store.Template(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, t)
}

func (s *Server) oldTemplateDependents(c *gin.Context) error {
	all, err := s.store.Pipelines(c.Request.Context(), "")
	if err != nil {
		return err
	}
	found := all[:0]
	for _, p := range all {
		if pipeline.Map(p).String("schema") != templates.Schema && strings.EqualFold(front50.TemplateOf(p), c.Param("id")) {
			found = append(found, p)
		}
	}
	return answer(c, http.StatusOK, found)
}
