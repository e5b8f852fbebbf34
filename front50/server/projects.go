package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func (s *Server) projectRoutes(g *gin.Engine) {
	g.GET("/v2/projects", s.route(s.listProjects))
	g.POST("/v2/projects", s.route(s.createProject))
	g.POST("/v2/projects/batchUpdate", s.route(s.importProjects))
	g.GET("/v2/projects/search", s.route(s.searchProjects))
	g.GET("/v2/projects/:id", s.route(s.getProject))
	g.PUT("/v2/projects/:id", s.route(s.putDocument(front50.KindProject)))
	g.DELETE("/v2/projects/:id", s.route(s.deleteDocument(front50.KindProject, http.StatusAccepted)))
	g.GET("/v2/projects/:id/history", s.route(s.documentHistory(front50.KindProject)))
}

// listProjects answers all projects, or those of which an attribute holds the text
// that a query parameter of its name gives; applications names some, separated by
// commas, that the project or one of its clusters has.
func (s *Server) listProjects(c *gin.Context) error {
	size, err := number(c, "pageSize", 0)
	if err != nil {
		return err
	}
	all, err := s.store.Documents(c.Request.Context(), front50.KindProject)
	if err != nil {
		return err
	}
	wanted := map[string]string{}
	for name, values := range c.Request.URL.Query() {
		if name != "pageSize" && name != "applications" && len(values) > 0 && values[0] != "" {
			wanted[name] = strings.ToLower(values[0])
		}
	}
	applications := csv(c, "applications")
	if len(wanted) > 0 || len(applications) > 0 {
		found := all[:0]
		for _, p := range all {
			if matches(p, wanted) || hasApplication(p, applications) {
				found = append(found, p)
			}
		}
		all = found
	}
	if size > 0 && size < len(all) {
		all = all[:size]
	}
	return answer(c, http.StatusOK, all)
}

// hasApplication reports whether the project or one of its clusters names an
// application that holds one of the texts.
func hasApplication(project pipeline.Map, texts []string) bool {
	config := project.Map("config")
	names := config.Strings("applications")
	for _, e := range config.List("clusters") {
		names = append(names, pipeline.AsMap(e).Strings("applications")...)
	}
	for _, name := range names {
		for _, text := range texts {
			if strings.Contains(strings.ToLower(name), strings.ToLower(text)) {
				return true
			}
		}
	}
	return false
}

// searchProjects answers the projects whose name, or one of whose applications,
// holds a text.
func (s *Server) searchProjects(c *gin.Context) error {
	q := strings.TrimSpace(c.Query("q"))
	if q == "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "The parameter q is missing: set it to a part of a name.")
	}
	all, err := s.store.Documents(c.Request.Context(), front50.KindProject)
	if err != nil {
		return err
	}
	found := all[:0]
	for _, p := range all {
		if strings.Contains(strings.ToLower(p.String("name")), strings.ToLower(q)) || hasApplication(p, []string{q}) {
			found = append(found, p)
		}
	}
	return answer(c, http.StatusOK, found)
}

func (s *Server) getProject(c *gin.Context) error {
	p, err := front50.FindProject(c.Request.Context(), s.store, c.Param("id"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, p)
}

// createProject creates a project; its name must be free.
func (s *Server) createProject(c *gin.Context) error {
	return s.saveDocument(c, front50.KindProject, front50.DocumentOptions{By: author(c), MustNotExist: true})
}

func (s *Server) importProjects(c *gin.Context) error {
	docs, err := s.bodies(c)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if _, err := s.store.SaveDocument(c.Request.Context(), front50.KindProject, doc, front50.DocumentOptions{By: author(c)}); err != nil {
			return err
		}
	}
	return empty(c, http.StatusAccepted)
}
