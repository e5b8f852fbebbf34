// Package server is the HTTP face of Front50: Spinnaker's API for everything that
// it keeps, over a front50.Store (reference: front50 section 5), and Gennaker's own
// for documents of every kind.
package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// Options qualifies [New]. The zero value works.
type Options struct {
	// Log takes what clients are not told; nil is slog.Default.
	Log *slog.Logger
	// BodyLimit is the largest request body in bytes; 0 is
	// httpjson.DefaultBodyLimit.
	BodyLimit int64
}

// Server answers Front50's API.
type Server struct {
	store   front50.Store
	log     *slog.Logger
	limit   int64
	handler http.Handler
}

// releaseMode keeps Gin from printing its routes; the mode is Gin's global.
var releaseMode = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

// New returns a server over store.
func New(store front50.Store, o Options) *Server {
	s := &Server{store: store, log: o.Log, limit: o.BodyLimit}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.limit <= 0 {
		s.limit = httpjson.DefaultBodyLimit
	}
	releaseMode()
	g := gin.New()
	// Names of pipelines hold spaces and slashes: routes match the escaped path,
	// and values are unescaped after that.
	g.UseRawPath = true
	g.UnescapePathValues = true
	g.RedirectTrailingSlash = false
	g.HandleMethodNotAllowed = true
	g.Use(s.recover)
	g.NoRoute(s.route(func(c *gin.Context) error {
		return pipeline.Errorf(pipeline.CodeNotFound, "Front50 has no %s.", c.Request.URL.Path)
	}))
	g.NoMethod(s.route(func(c *gin.Context) error {
		return pipeline.Errorf(pipeline.CodeNotAllowed, "Front50 does not offer %s %s.", c.Request.Method, c.Request.URL.Path)
	}))
	s.applicationRoutes(g)
	s.permissionRoutes(g)
	s.pipelineRoutes(g)
	s.templateRoutes(g)
	s.documentRoutes(g)
	s.projectRoutes(g)
	s.strategyRoutes(g)
	s.notificationRoutes(g)
	s.serviceAccountRoutes(g)
	s.snapshotRoutes(g)
	s.tagRoutes(g)
	s.deliveryRoutes(g)
	s.pluginRoutes(g)
	s.adminRoutes(g)
	g.GET(front50.PathHealth, s.route(s.health))
	s.handler = tidyPaths(g)
	return s
}

// Handler returns the API. It is safe for concurrent use.
func (s *Server) Handler() http.Handler { return s.handler }

// route turns a handler that returns its error into one of Gin's. The one place
// where errors are answered logs those whose cause clients are not told.
func (s *Server) route(h func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		err := h(c)
		if err == nil {
			return
		}
		if c.Request.Context().Err() != nil {
			return // the client went away
		}
		switch pipeline.CodeOf(err) {
		case pipeline.CodeInternal:
			s.log.Error("a request failed", "method", c.Request.Method, "path", c.Request.URL.Path, "error", err)
		case pipeline.CodeUnavailable:
			s.log.Warn("a request could not be served", "method", c.Request.Method, "path", c.Request.URL.Path, "error", err)
		}
		httpjson.WriteError(c.Writer, err)
	}
}

// recover answers a panic as an internal error and goes on.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("a request panicked", "method", c.Request.Method, "path", c.Request.URL.Path, "error", fmt.Sprint(r), "stack", string(debug.Stack()))
			if !c.Writer.Written() {
				httpjson.WriteError(c.Writer, pipeline.Errorf(pipeline.CodeInternal, "panic"))
			}
			c.Abort()
		}
	}()
	c.Next()
}

// author returns who makes the request.
func author(c *gin.Context) front50.Author {
	return front50.Author(c.GetHeader(front50.UserHeader))
}

// answer writes a value of the types of pipeline.Map, or a document.
func answer(c *gin.Context, status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	c.Data(status, "application/json", body)
	return nil
}

// done answers 200 without a body.
func done(c *gin.Context) error {
	c.Status(http.StatusOK)
	return nil
}

// encode writes documents directly: lists of them are too long to be copied
// first.
func encode(v any) ([]byte, error) {
	switch v := v.(type) {
	case pipeline.Map:
		return pipeline.EncodeValue(map[string]any(v))
	case pipeline.Application:
		return pipeline.EncodeValue(map[string]any(v))
	case pipeline.Pipeline:
		return pipeline.EncodeValue(map[string]any(v))
	case templates.Template:
		return pipeline.EncodeValue(map[string]any(v))
	case []pipeline.Application:
		return encodeList(v)
	case []pipeline.Pipeline:
		return encodeList(v)
	case []templates.Template:
		return encodeList(v)
	case []pipeline.Map:
		return encodeList(v)
	}
	return pipeline.EncodeValue(v)
}

func encodeList[T ~map[string]any](list []T) ([]byte, error) {
	out := []byte{'['}
	var err error
	for i, e := range list {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = pipeline.AppendValue(out, map[string]any(e)); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

// healthy is what a store may tell about what stands behind it.
type healthy interface {
	Health(ctx context.Context) error
}

// health is UP as long as the server can answer reads; what stands behind the
// store is told beside it.
func (s *Server) health(c *gin.Context) error {
	storage := map[string]any{"status": "UP"}
	if h, ok := s.store.(healthy); ok {
		if err := h.Health(c.Request.Context()); err != nil {
			storage = map[string]any{"status": "DOWN", "details": map[string]any{"error": pipeline.MessageOf(err)}}
		}
	}
	return answer(c, http.StatusOK, map[string]any{"status": "UP", "components": map[string]any{"storage": storage}})
}

// tidyPaths accepts paths that end in a slash, as Spinnaker does, and keeps a plus
// sign in a path what it is: routes would read it as a space.
func tidyPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := r.URL.EscapedPath()
		ends := len(r.URL.Path) > 1 && strings.HasSuffix(escaped, "/")
		if ends || strings.Contains(escaped, "+") {
			u := *r.URL
			if ends {
				u.Path, escaped = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(escaped, "/")
			}
			u.RawPath = strings.ReplaceAll(escaped, "+", "%2B")
			r = r.Clone(r.Context())
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}
