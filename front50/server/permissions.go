package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func (s *Server) permissionRoutes(g *gin.Engine) {
	g.GET("/permissions/applications", s.route(s.listPermissions))
	g.POST("/permissions/applications", s.route(s.putPermission))
	g.GET("/permissions/applications/:name", s.route(s.getPermission))
	g.PUT("/permissions/applications/:name", s.route(s.putPermission))
	g.DELETE("/permissions/applications/:name", s.route(s.deletePermission))
}

// listPermissions answers the permissions of every application, empty ones for
// those that are not restricted.
func (s *Server) listPermissions(c *gin.Context) error {
	apps, err := s.store.Applications(c.Request.Context())
	if err != nil {
		return err
	}
	out := make([]pipeline.Map, len(apps))
	for i, a := range apps {
		out[i] = permissionOf(a)
	}
	return answer(c, http.StatusOK, out)
}

func permissionOf(a pipeline.Application) pipeline.Map {
	permissions, has := a["permissions"]
	if !has {
		permissions = map[string]any{}
	}
	modified, _ := pipeline.Map(a).Int("updateTs")
	return pipeline.Map{
		"name": a["name"], "permissions": permissions, "lastModified": modified, "lastModifiedBy": a["lastModifiedBy"],
	}
}

func (s *Server) getPermission(c *gin.Context) error {
	app, err := s.store.Application(c.Request.Context(), c.Param("name"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, permissionOf(app))
}

// putPermission replaces the permissions of an application that exists.
func (s *Server) putPermission(c *gin.Context) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	name := c.Param("name")
	if name == "" {
		name = body.String("name")
	}
	if given := body.String("name"); given != "" && front50.ApplicationKey(given) != front50.ApplicationKey(name) {
		return pipeline.Errorf(pipeline.CodeInvalid, "The application in the path is %s, in the body %s: use the same name.", name, given)
	}
	permissions := body["permissions"]
	if permissions == nil {
		permissions = map[string]any{}
	}
	return s.setPermission(c, name, permissions)
}

// deletePermission opens an application to everyone.
func (s *Server) deletePermission(c *gin.Context) error {
	return s.setPermission(c, c.Param("name"), map[string]any{})
}

func (s *Server) setPermission(c *gin.Context, name string, permissions any) error {
	_, app, err := s.store.WriteApplication(c.Request.Context(),
		pipeline.Application{"name": name, "permissions": permissions},
		front50.ApplicationOptions{By: author(c), MustExist: true})
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, permissionOf(app))
}
