package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// pipelineRoutes holds everything under /pipelines. Gin wants one name for what
// stands first in the path, which is an application here and an ID there: key.
func (s *Server) pipelineRoutes(g *gin.Engine) {
	g.GET("/pipelines", s.route(s.listPipelines))
	g.POST("/pipelines", s.route(s.savePipeline))
	g.POST("/pipelines/batchUpdate", s.route(s.savePipelines))
	g.GET("/pipelines/triggeredBy/:id/:status", s.route(s.triggeredBy))
	g.GET("/pipelines/:key", s.route(s.listPipelinesOf))
	g.PUT("/pipelines/:key", s.route(s.updatePipeline))
	g.GET("/pipelines/:key/get", s.route(s.getPipeline))
	g.GET("/pipelines/:key/history", s.route(s.pipelineHistory))
	g.GET("/pipelines/:key/name/:name", s.route(s.namedPipeline))
	g.DELETE("/pipelines/:key/:name", s.route(s.deletePipeline))
	g.POST("/actions/pipelines/reorder", s.route(s.reorder))
}

func (s *Server) listPipelines(c *gin.Context) error {
	return s.list(c, "")
}

func (s *Server) listPipelinesOf(c *gin.Context) error {
	return s.list(c, c.Param("key"))
}

// list answers the configurations that pass every filter of the request.
func (s *Server) list(c *gin.Context, application string) error {
	keep, err := filter(c)
	if err != nil {
		return err
	}
	limit, err := number(c, "pipelineLimit", 0)
	if err != nil {
		return err
	}
	all, err := s.store.Pipelines(c.Request.Context(), application)
	if err != nil {
		return err
	}
	out := all[:0]
	for _, p := range all {
		if (limit == 0 || len(out) < limit) && keep(p) {
			out = append(out, p)
		}
	}
	return answer(c, http.StatusOK, out)
}

// filter reads the filters of a list.
func filter(c *gin.Context) (func(pipeline.Pipeline) bool, error) {
	enabled, err := flag(c, "enabledPipelines")
	if err != nil {
		return nil, err
	}
	triggers, err := flag(c, "enabledTriggers")
	if err != nil {
		return nil, err
	}
	types := csv(c, "triggerTypes")
	name := strings.ToLower(c.Query("pipelineNameFilter"))
	return func(p pipeline.Pipeline) bool {
		return (enabled == nil || *enabled != p.Disabled()) &&
			(name == "" || strings.Contains(strings.ToLower(p.Name()), name)) &&
			(triggers == nil && len(types) == 0 || anyTrigger(p, triggers, types))
	}, nil
}

// anyTrigger reports whether a trigger of the configuration is of one of the
// types (none: any) and enabled or not as asked (nil: either).
func anyTrigger(p pipeline.Pipeline, enabled *bool, types []string) bool {
	for _, e := range pipeline.Map(p).List("triggers") {
		t := pipeline.AsMap(e)
		if t == nil || enabled != nil && *enabled != t.Bool("enabled") {
			continue
		}
		if len(types) == 0 {
			return true
		}
		for _, wanted := range types {
			if strings.EqualFold(wanted, t.String("type")) {
				return true
			}
		}
	}
	return false
}

// triggeredBy answers the configurations that start when another one ends with
// the given status.
func (s *Server) triggeredBy(c *gin.Context) error {
	all, err := s.store.Pipelines(c.Request.Context(), "")
	if err != nil {
		return err
	}
	out := all[:0]
	for _, p := range all {
		if !p.Disabled() && startsAfter(p, c.Param("id"), c.Param("status")) {
			out = append(out, p)
		}
	}
	return answer(c, http.StatusOK, out)
}

func startsAfter(p pipeline.Pipeline, id, status string) bool {
	for _, e := range pipeline.Map(p).List("triggers") {
		t := pipeline.AsMap(e)
		if t == nil || !t.Bool("enabled") || t.String("type") != "pipeline" || t.String("pipeline") != id {
			continue
		}
		for _, wanted := range t.Strings("status") {
			if strings.EqualFold(wanted, status) {
				return true
			}
		}
	}
	return false
}

func (s *Server) getPipeline(c *gin.Context) error {
	p, err := s.store.Pipeline(c.Request.Context(), c.Param("key"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, p)
}

func (s *Server) pipelineHistory(c *gin.Context) error {
	limit, err := number(c, "limit", front50.DefaultHistory)
	if err != nil {
		return err
	}
	versions, err := s.store.PipelineHistory(c.Request.Context(), c.Param("key"), limit)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, versions)
}

func (s *Server) namedPipeline(c *gin.Context) error {
	p, err := s.named(c, c.Param("key"), c.Param("name"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, p)
}

// named finds a configuration by its name, without regard to case.
func (s *Server) named(c *gin.Context, application, name string) (pipeline.Pipeline, error) {
	all, err := s.store.Pipelines(c.Request.Context(), application)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if strings.EqualFold(p.Name(), strings.TrimSpace(name)) {
			return p, nil
		}
	}
	return nil, pipeline.Errorf(pipeline.CodeNotFound, "Pipeline not found (application: %s, name: %s)", application, name)
}

func (s *Server) savePipeline(c *gin.Context) error {
	return s.save(c, "")
}

// updatePipeline saves under the ID of the path, which must exist.
func (s *Server) updatePipeline(c *gin.Context) error {
	return s.save(c, c.Param("key"))
}

func (s *Server) save(c *gin.Context, id string) error {
	stale, err := isTrue(c, "staleCheck")
	if err != nil {
		return err
	}
	body, err := s.bodyUnder(c, id, "existing pipeline", front50.PipelineKey)
	if err != nil {
		return err
	}
	saved, err := s.store.SavePipeline(c.Request.Context(), pipeline.Pipeline(body), front50.SaveOptions{By: author(c), StaleCheck: stale, MustExist: id != ""})
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, saved)
}

// deletePipeline deletes a configuration by its name.
func (s *Server) deletePipeline(c *gin.Context) error {
	p, err := s.named(c, c.Param("key"), c.Param("name"))
	if err != nil {
		return err
	}
	if err := s.store.DeletePipeline(c.Request.Context(), p.ID(), author(c)); err != nil {
		return err
	}
	return done(c)
}
