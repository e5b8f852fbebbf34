package gate

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// Identity is who sends a request.
type Identity struct {
	Principal fiat.Principal
	// Ambient is set when a browser sends by itself what the caller was known by, a
	// cookie or a certificate: then a page of anybody could be what sends the request.
	Ambient bool
}

// SignIn finds out who calls (reference: front50 section 7).
//
// Errors of all methods: unauthenticated; throttled after too many failures;
// unavailable when it cannot be told now; forbidden, invalid, conflict and not_found
// where a method says so.
type SignIn interface {
	// Identify returns who sends a request. It may end a cookie that is over.
	Identify(w http.ResponseWriter, r *http.Request) (Identity, error)
	// Challenge sets what a refused client needs to know, and returns the path at
	// which a browser signs in, "" when it cannot.
	Challenge(h http.Header, r *http.Request) string
	// Login answers GET and POST /login, Authorize sends a browser to the provider,
	// Callback takes it back, Logout ends the session and returns where to go.
	Login(w http.ResponseWriter, r *http.Request) error
	Authorize(w http.ResponseWriter, r *http.Request, provider string) error
	Callback(w http.ResponseWriter, r *http.Request, provider string) error
	Logout(w http.ResponseWriter, r *http.Request) (string, error)
	// DeleteSessions ends all sessions.
	DeleteSessions(ctx context.Context) error
	// ForgetRoles makes sources of roles be asked anew.
	ForgetRoles()

	// TokenLimits tells how long API tokens may live, in days, of people and of
	// service accounts; false when there are none.
	TokenLimits() (user, serviceAccount int, enabled bool)
	// MayMint reports whether a caller may make tokens.
	MayMint(m Minter) bool
	// ListTokens lists those that a caller sees, MintToken makes one and returns its
	// text, RevokeToken ends one; forbidden, invalid, conflict, not_found.
	ListTokens(ctx context.Context, m Minter) ([]fiat.Token, error)
	MintToken(ctx context.Context, m Minter, in TokenRequest) (fiat.Token, string, error)
	RevokeToken(ctx context.Context, m Minter, id string) error
}

// Minter is a caller as the rules about API tokens see one.
type Minter struct {
	Principal fiat.Principal
	Roles     []string
	Admin     bool
}

// signInAttempt is a sign-in that was tried by a request.
type signInAttempt struct {
	user, mode string
	in         bool
}

type attemptKey struct{}

// Tried tells the audit log who tried to sign in by a request, and whether it was
// let in. A [SignIn] calls it with the request's context; the name may be anything
// that somebody typed.
func Tried(ctx context.Context, name, mode string, in bool) {
	const longest = 250
	if a, ok := ctx.Value(attemptKey{}).(*signInAttempt); ok {
		*a = signInAttempt{name[:min(len(name), longest)], mode, in}
	}
}

// openPaths are what Spinnaker's Gate answers without login besides what routes
// say of themselves, and the ways to sign in (reference: gate section 1).
func openPath(method, path string) bool {
	switch path {
	case "/error", "/favicon.ico", "/login", "/auth/logout":
		return true
	}
	within := func(folder string) bool { return strings.HasPrefix(path, folder) }
	if within("/oauth2/authorization/") || within("/login/oauth2/code/") || within("/plugins/deck/") {
		return true
	}
	return method == http.MethodPost && (within("/webhooks/") || within("/notifications/callbacks/") || within("/managed/notifications/callbacks/"))
}

// open reports whether a request needs no login.
func (r *request) open() bool {
	return r.route.Auth.kind == openToAll || openPath(r.Request.Method, r.Request.URL.Path)
}

// identify finds out who calls, and refuses who has to be known and is not.
func (s *Server) identify(r *request) error {
	if s.signIn == nil {
		r.caller.known = true
		r.caller.Principal = r.caller.principal()
		return nil
	}
	who, err := s.signIn.Identify(r.Writer, r.Request)
	if err != nil {
		r.caller.fault = err
		if r.open() {
			return nil
		}
		return err
	}
	r.caller.known = true
	if who.Principal.Mode == modeNone && r.caller.User != anonymous {
		who.Principal = r.caller.principal() // a header that is trusted
	}
	r.caller.User, r.caller.Principal = who.Principal.Name, who.Principal
	if who.Ambient && !r.sameSite() {
		return errCrossSite(r.Request)
	}
	return nil
}

// identifyAgain refuses a caller who is not known any more: one whose session ended,
// whose token was revoked. While that cannot be told, the caller stays.
func (r *request) identifyAgain() error {
	if r.server.signIn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.ctx(), r.server.config.RequestTimeout)
	defer cancel()
	who, err := r.server.signIn.Identify(silent{}, r.Request.WithContext(ctx))
	switch {
	case err != nil && pipeline.CodeOf(err) == pipeline.CodeUnavailable, err == nil && who.Principal.Mode == modeNone:
		return nil
	case err != nil:
		return err
	case fiat.UserKey(who.Principal.Name) != fiat.UserKey(r.caller.Principal.Name):
		return pipeline.Errorf(pipeline.CodeUnauthenticated, "The caller is another one by now: connect again.")
	}
	r.caller.Principal = who.Principal
	return nil
}

// silent takes what is said to a client that can be told nothing any more.
type silent struct{}

func (silent) Header() http.Header            { return http.Header{} }
func (silent) Write(text []byte) (int, error) { return len(text), nil }
func (silent) WriteHeader(int)                {}

// modeNone is the mode of callers who are known by nothing.
const modeNone = "none"

// sameSite reports whether a request that changes something comes from a page of
// this site, or of one that may call the API. Browsers always say where such a
// request comes from; clients that say nothing are no browsers.
func (r *request) sameSite() bool {
	switch r.Request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	origin := r.GetHeader("Origin")
	if origin == "" {
		switch r.GetHeader("Sec-Fetch-Site") {
		case "", "same-origin", "none":
			return true
		}
		return false
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false // "null" of a page without an origin among them
	}
	if strings.EqualFold(u.Host, r.Request.Host) || r.server.cors.allows(origin) {
		return true
	}
	return isCodec(r.Request.URL.Path) && r.server.allowsCodec(origin)
}

func errCrossSite(r *http.Request) error {
	return pipeline.Errorf(pipeline.CodeForbidden,
		"The page at %.200q may not call this API with a person's session: an operator can allow it with gate-allowed-origins.", r.Header.Get("Origin"))
}

// challenge answers a caller who is not known: a browser that opens a page is
// sent to sign in, everybody else is told.
func (r *request) challenge(err error) {
	h := r.Writer.Header()
	login := r.server.signIn.Challenge(h, r.Request)
	if login == "" || !r.opensPage() {
		r.fail(err)
		return
	}
	to := r.Request.URL.EscapedPath()
	if r.Request.URL.RawQuery != "" {
		to += "?" + r.Request.URL.RawQuery
	}
	r.redirect(Relative(r.Request, login+"?"+url.Values{"to": {to}}.Encode()))
}

// opensPage reports whether a person's browser opens an address, not a script.
func (r *request) opensPage() bool {
	if r.Request.Method != http.MethodGet && r.Request.Method != http.MethodHead {
		return false
	}
	mode := r.GetHeader("Sec-Fetch-Mode")
	return strings.Contains(r.GetHeader("Accept"), "text/html") && (mode == "" || mode == "navigate")
}

// redirect answers 302.
func (r *request) redirect(to string) { Redirect(r.Writer, to) }

// Redirect answers 302 to an address.
func Redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusFound)
}

// Relative returns the address of a path of the API, seen from a request's own
// address. It holds under whatever prefix a proxy offers the API.
func Relative(r *http.Request, path string) string {
	depth := strings.Count(r.URL.EscapedPath(), "/") - 1
	own, _, _ := strings.Cut(r.RequestURI, "?")
	if strings.HasSuffix(own, "/") && !strings.HasSuffix(r.URL.EscapedPath(), "/") {
		depth++ // a slash at the end that was taken off
	}
	up := "./"
	if depth > 0 {
		up = strings.Repeat("../", depth)
	}
	return up + strings.TrimPrefix(path, "/")
}

// LocalPath returns a path of this API to go to after a sign-in, "/" for whatever
// leads elsewhere.
func LocalPath(to string) string {
	const limit = 4096
	if len(to) > limit || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsFunc(to, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
		return "/"
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, "\\") {
		return "/"
	}
	return u.RequestURI()
}
