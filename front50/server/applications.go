package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func (s *Server) applicationRoutes(g *gin.Engine) {
	g.GET("/v2/applications", s.route(s.listApplications))
	g.POST("/v2/applications", s.route(s.createApplication))
	g.POST("/v2/applications/batch/applications", s.route(s.importApplications))
	g.GET("/v2/applications/:name", s.route(s.getApplication))
	g.PATCH("/v2/applications/:name", s.route(s.updateApplication(false)))
	g.PUT("/v2/applications/:name", s.route(s.updateApplication(true)))
	g.DELETE("/v2/applications/:name", s.route(s.deleteApplication))
	g.GET("/v2/applications/:name/history", s.route(s.applicationHistory))
}

// listApplications answers all applications, or those of which an attribute
// holds the text that a query parameter of its name gives.
func (s *Server) listApplications(c *gin.Context) error {
	size, err := number(c, "pageSize", 0)
	if err != nil {
		return err
	}
	apps, err := s.store.Applications(c.Request.Context())
	if err != nil {
		return err
	}
	wanted := map[string]string{}
	for name, values := range c.Request.URL.Query() {
		if name != "pageSize" && name != "restricted" && len(values) > 0 && values[0] != "" {
			wanted[name] = strings.ToLower(values[0])
		}
	}
	if len(wanted) > 0 {
		found := apps[:0]
		for _, a := range apps {
			if matches(pipeline.Map(a), wanted) {
				found = append(found, a)
			}
		}
		apps = found
	}
	if size > 0 && size < len(apps) {
		apps = apps[:size]
	}
	return answer(c, http.StatusOK, apps)
}

// matches reports whether any attribute holds what is wanted of it.
func matches(app pipeline.Map, wanted map[string]string) bool {
	for name, text := range wanted {
		if v, has := app[name]; has && v != nil {
			s, isText := v.(string)
			if !isText {
				b, err := pipeline.EncodeValue(v)
				if err != nil {
					continue
				}
				s = string(b)
			}
			if strings.Contains(strings.ToLower(s), text) {
				return true
			}
		}
	}
	return false
}

func (s *Server) createApplication(c *gin.Context) error {
	app, err := s.body(c)
	if err != nil {
		return err
	}
	_, current, err := s.store.WriteApplication(c.Request.Context(), pipeline.Application(app), front50.ApplicationOptions{By: author(c), MustNotExist: true})
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, current)
}

// importApplications creates or replaces every application of a list. It stops
// at the first that is refused.
func (s *Server) importApplications(c *gin.Context) error {
	apps, err := s.bodies(c)
	if err != nil {
		return err
	}
	for _, app := range apps {
		if _, _, err := s.store.WriteApplication(c.Request.Context(), pipeline.Application(app), front50.ApplicationOptions{By: author(c), Replace: true}); err != nil {
			return err
		}
	}
	return done(c)
}

func (s *Server) getApplication(c *gin.Context) error {
	app, err := s.store.Application(c.Request.Context(), c.Param("name"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, app)
}

// updateApplication merges into the stored application, or replaces it.
func (s *Server) updateApplication(replace bool) func(*gin.Context) error {
	return func(c *gin.Context) error {
		body, err := s.body(c)
		if err != nil {
			return err
		}
		app, name := pipeline.Application(body), c.Param("name")
		if app.Name() == "" {
			app["name"] = name
		}
		if front50.ApplicationKey(app.Name()) != front50.ApplicationKey(name) {
			return pipeline.Errorf(pipeline.CodeInvalid, "The application in the path is %s, in the body %s: use the same name, since applications cannot be renamed.", name, app.Name())
		}
		_, current, err := s.store.WriteApplication(c.Request.Context(), app, front50.ApplicationOptions{By: author(c), MustExist: true, Replace: replace})
		if err != nil {
			return err
		}
		return answer(c, http.StatusOK, current)
	}
}

func (s *Server) deleteApplication(c *gin.Context) error {
	if _, err := s.store.DeleteApplication(c.Request.Context(), c.Param("name"), author(c)); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
	return nil
}

func (s *Server) applicationHistory(c *gin.Context) error {
	limit, err := number(c, "limit", front50.DefaultHistory)
	if err != nil {
		return err
	}
	versions, err := s.store.ApplicationHistory(c.Request.Context(), c.Param("name"), limit)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, versions)
}
