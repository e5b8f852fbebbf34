package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// Server is the gateway.
type Server struct {
	config     Config
	engine     Engine
	front50    front50.Store
	executions Executions
	accounts   Accounts
	clusters   Clusters // nil where nothing is known of clusters
	live       Live
	plans      Plans // nil where nothing can be tried
	// permissions decides who may do what; accountPermissions is nil while everybody
	// may read every account.
	permissions        *fiat.Authorizer
	accountPermissions func(ctx context.Context, account string) (permissions map[string][]string, known bool)
	// audited keeps the audit log; nil keeps it in the log alone.
	audited   fiat.Audit
	stored    StoredAccounts // nil when accounts may not be stored
	fetcher   activities.Fetch
	artifacts Artifacts // nil when there are none
	webhooks  []pipeline.PreconfiguredWebhook
	checks    []Check
	version   string
	now       func() time.Time
	log       *slog.Logger
	cors      cors
	codec     http.Handler // nil when it is not offered
	// codecOrigins are those of pages that may call the codec.
	codecOrigins []string
	signIn       SignIn // nil when nobody has to sign in
	handler      http.Handler
	streams      *streams
	hub          *hub
	metrics      meters
	tracer       trace.Tracer // nil traces nothing
	limits       RateLimiter  // nil limits nobody
	proxies      proxies
	// certificates are nil without TLS, clientCertificates without a listener for
	// clients that have one.
	certificates, clientCertificates *certificates
	// draining is set once the server is to stop.
	draining atomic.Bool
	// document is the OpenAPI document, made on first use.
	document func() ([]byte, error)
}

var releaseMode = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

// New returns a server. It opens nothing and calls nothing.
func New(d Dependencies, c Config) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("gate configuration: %w", err)
	}
	for name, missing := range map[string]bool{
		"Engine": d.Engine == nil, "Front50": d.Front50 == nil, "Executions": d.Executions == nil, "Accounts": d.Accounts == nil,
	} {
		if missing {
			return nil, fmt.Errorf("gate needs %s", name)
		}
	}
	s := &Server{
		config: c, engine: d.Engine, front50: d.Front50, executions: d.Executions, accounts: d.Accounts, stored: d.StoredAccounts, fetcher: d.Fetcher, artifacts: d.Artifacts,
		clusters: d.Clusters, live: d.Live, plans: d.Plans, permissions: d.Permissions, accountPermissions: d.AccountPermissions, audited: d.Audit, webhooks: d.Webhooks,
		checks: d.Checks, version: d.Version, now: d.Now, log: d.Logger,
		cors: newCORS(c), codec: d.Codec, codecOrigins: origins(c.CodecOrigins), streams: newStreams(c.MaxStreams), signIn: d.SignIn, document: sync.OnceValues(OpenAPI),
	}
	if s.permissions == nil {
		s.permissions = fiat.Unchecked()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if err := s.prepareEdge(d); err != nil {
		return nil, err
	}
	s.handler = s.newHandler()
	return s, nil
}

// prepareEdge makes what stands between clients and handlers.
func (s *Server) prepareEdge(d Dependencies) (err error) {
	s.tracer, s.limits = d.Tracer, d.RateLimiter
	s.hub = newHub(s.executions, s.log)
	if s.proxies, err = newProxies(s.config.TrustedProxies); err != nil {
		return err
	}
	if s.metrics, err = newMeters(d.Metrics); err != nil {
		return err
	}
	if s.certificates, err = newCertificates(s.config, s.config.clientAuth(), s.log); err != nil {
		return err
	}
	if s.config.APIAddress != "" {
		s.clientCertificates, err = newCertificates(s.config, tls.RequireAndVerifyClientCert, s.log)
	}
	return err
}

// Handler serves the API.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) newHandler() http.Handler {
	releaseMode()
	g := gin.New()
	// Segments are matched escaped and decoded by us: gin's own decoding reads a
	// plus sign as a space.
	g.UseEscapedPath = true
	g.UnescapePathValues = false
	g.RedirectTrailingSlash = false
	g.RedirectFixedPath = false
	g.HandleMethodNotAllowed = true
	g.ForwardedByClientIP = false
	for _, m := range mounts(routes()) {
		g.Handle(m.route.Method, m.ginPath(), s.serve(m))
		if m.route.Method == http.MethodGet && !m.route.Stream {
			g.Handle(http.MethodHead, m.ginPath(), s.serve(m))
		}
	}
	for _, m := range s.codecRoutes() {
		g.Handle(m.route.Method, m.ginPath(), s.serve(m))
	}
	g.NoRoute(s.serve(refusing(pipeline.CodeNotFound, "There is nothing at %s %s.")))
	g.NoMethod(s.serve(refusing(pipeline.CodeNotAllowed, "The method %s is not supported at %s.")))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.codec != nil && isCodec(r.URL.Path) {
			s.allowCodec(w.Header(), r.Header.Get("Origin"))
		} else {
			s.cors.write(w.Header(), r.Header.Get("Origin"))
		}
		secure(w.Header(), r.TLS != nil)
		w.Header().Set("Content-Security-Policy", apiPolicy)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusOK)
			return
		}
		g.ServeHTTP(w, trimSlashes(r))
	})
}

// refusing answers what no route serves.
func refusing(code pipeline.Code, format string) mounted {
	return mounted{route: &route{Path: "/", Auth: authLogin, handle: func(r *request) error {
		return pipeline.Errorf(code, format, r.Request.Method, r.Request.URL.Path)
	}}}
}

// serve turns a route into a gin handler: it names the request, bounds its
// time, decodes its path, runs the handler, renders its error, survives its
// panic and writes the access log.
func (s *Server) serve(m mounted) gin.HandlerFunc {
	rt := m.route
	return func(c *gin.Context) {
		started := time.Now()
		r := &request{Context: c, server: s, route: rt, id: requestID(c.GetHeader("X-SPINNAKER-REQUEST-ID")), caller: s.callerOf(c.Request)}
		c.Header("X-SPINNAKER-REQUEST-ID", r.id)
		var span trace.Span
		c.Request, span = s.traced(c.Request, rt)
		defer endSpan(span, r)
		if !rt.Stream {
			ctx, cancel := context.WithTimeout(c.Request.Context(), s.config.RequestTimeout)
			defer cancel()
			c.Request = c.Request.WithContext(ctx)
		}
		var err error
		defer s.logAccess(r, started)
		defer func() { r.audit(err) }()
		defer s.recover(r)
		err = s.answer(r, m)
		if err != nil && !r.caller.known && pipeline.CodeOf(err) == pipeline.CodeUnauthenticated && s.signIn != nil && !r.open() {
			r.challenge(err)
			return
		}
		if err != nil {
			r.fail(err)
		}
	}
}

// answer lets the caller in, or not, and runs the handler.
func (s *Server) answer(r *request, m mounted) (err error) {
	if err = countQuery(r.Request.URL.RawQuery); err != nil {
		return err
	}
	r.query = r.Request.URL.Query()
	r.Request = r.Request.WithContext(context.WithValue(r.Request.Context(), attemptKey{}, &r.tried))
	if err = s.identify(r); err != nil {
		// Whoever guesses is slowed down by the address.
		r.caller.User = anonymous
		if limited := s.limit(r); limited != nil {
			return limited
		}
		return err
	}
	if r.values, err = m.values(r.Param); err != nil {
		return err
	}
	if err = s.limit(r); err != nil {
		return err
	}
	if err = r.authorize(); err != nil {
		return err
	}
	return m.route.handle(r)
}

// recover answers a panic with an opaque 500 and logs it with its stack.
func (s *Server) recover(r *request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v) //nolint:forbidigo // net/http's own way to drop a connection
	}
	r.fail(pipeline.Wrap(pipeline.CodeInternal, panicError(v), "a handler panicked"))
}

func (s *Server) logAccess(r *request, started time.Time) {
	s.metrics.count(r.route, r.Request.Method, r.Writer.Status(), started)
	level := slog.LevelInfo
	if r.route.Quiet {
		level = slog.LevelDebug
	}
	// The query stays out: people put reasons and expressions of their own there.
	attrs := []slog.Attr{
		slog.String("method", r.Request.Method), slog.String("route", r.route.Path), slog.Int("status", r.Writer.Status()),
		slog.Int("bytes", max(r.Writer.Size(), 0)), slog.Duration("took", time.Since(started)),
		slog.String("request", r.id), slog.String("user", r.caller.User), slog.String("origin", r.caller.Origin),
	}
	if application := r.values["application"]; application != "" {
		attrs = append(attrs, slog.String("application", application))
	}
	if execution := r.values["id"]; execution != "" {
		attrs = append(attrs, slog.String("execution", execution))
	}
	if span := trace.SpanContextFromContext(r.ctx()); span.HasTraceID() {
		attrs = append(attrs, slog.String("trace", span.TraceID().String()))
	}
	s.log.LogAttrs(r.ctx(), level, "request", attrs...)
}

// callerOf tells what requests themselves say of who calls. The header with the
// name is taken only where a proxy sets it.
func (s *Server) callerOf(r *http.Request) caller {
	c := caller{User: anonymous, Origin: "api"}
	if r.Header.Get("X-RateLimit-App") == "deck" {
		c.Origin = "deck"
	}
	if user := r.Header.Get("X-SPINNAKER-USER"); s.config.TrustUserHeader && printable(user, 250) {
		c.User = user
	}
	return c
}

// requestID keeps the ID that a client gave, or makes one.
func requestID(given string) string {
	if printable(given, 128) {
		return given
	}
	return uuid.NewString()
}

// printable reports whether s is ASCII text of 1 to limit characters.
func printable(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
