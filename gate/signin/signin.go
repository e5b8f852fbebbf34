// Package signin finds out who calls Gate: the modes of signing in, sessions and
// API tokens (reference: front50 section 7).
package signin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// Passwords checks a user's name and password.
//
// Errors: unauthenticated, the same for a wrong name and a wrong password;
// unavailable.
type Passwords interface {
	Check(ctx context.Context, username, password string) (fiat.Principal, error)
}

// Dependencies are what sign-in calls.
type Dependencies struct {
	Sessions fiat.Sessions
	// Failures counts wrong passwords for all processes; nil counts this one's alone.
	Failures fiat.Failures
	Tokens   fiat.Tokens
	// Users keeps the roles of sign-ins; nil keeps none.
	Users fiat.Users
	// Directory checks passwords in mode ldap.
	Directory Passwords
	// ForgetRoles makes sources of roles be asked anew; nil has none.
	ForgetRoles func()
	// MayUse tells whether a service account may have tokens; nil takes all names.
	ServiceAccount func(ctx context.Context, name string) (bool, error)
	// DeckURL is where people go after a sign-in.
	DeckURL string
	// Client calls providers; nil is one with a time limit.
	Client *http.Client
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger is where odd things are told; nil is slog.Default.
	Logger *slog.Logger
}

// SignIn is a [gate.SignIn].
type SignIn struct {
	d         Dependencies
	config    Config
	proxies   []netip.Prefix
	passwords Passwords // nil in modes without
	users     *userFile // nil in modes without
	oidc      *provider
	iap       *iap
	x509      *certificates
	guard     *guard
	now       func() time.Time
	log       *slog.Logger

	mu   sync.Mutex
	kept map[string]signedIn
}

// signedIn is what was kept of a caller's roles lately.
type signedIn struct {
	roles string
	at    time.Time
}

var _ gate.SignIn = (*SignIn)(nil)

const (
	// keepAgain is how often the roles of a caller are kept who signs in with every
	// request and has the same ones.
	keepAgain = time.Minute
	// maxKept bounds the callers in memory.
	maxKept = 10_000
	// maxName bounds a user's name, in bytes.
	maxName = 250
	// callTimeout bounds a call of a provider.
	callTimeout = 10 * time.Second
)

// New returns the sign-in of a configuration. It reads the file of users, and
// calls no provider.
func New(ctx context.Context, d Dependencies, c Config) (*SignIn, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	s := &SignIn{d: d, config: c, now: d.Now, log: d.Logger, kept: map[string]signedIn{}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.d.Client == nil {
		s.d.Client = &http.Client{Timeout: callTimeout}
	}
	s.proxies, _ = networks(c.Proxies) // it was validated
	s.guard = newGuard(d.Failures, s.now, s.log)
	var err error
	switch c.Mode {
	case ModeBasic:
		if s.users, err = openUserFile(c.Basic.UsersFile, s.now); err != nil {
			return nil, err
		}
		s.passwords = s.users
	case ModeLDAP:
		if s.passwords = d.Directory; d.Directory == nil {
			return nil, errors.New("sign-in: auth-ldap-url is not set: mode ldap needs a directory")
		}
	case ModeOIDC:
		if s.oidc, err = newProvider(ctx, c, s.d.Client, s.now); err != nil {
			return nil, fmt.Errorf("sign-in: %w", err)
		}
	case ModeIAP:
		s.iap = newIAP(ctx, c.IAP, s.d.Client, s.now)
	}
	if c.X509.Enabled {
		s.x509 = newCertificates(c.X509)
	}
	return s, nil
}

// Err returns what is wrong with the files that people sign in with, nil for
// nothing.
func (s *SignIn) Err() error {
	if s.users == nil {
		return nil
	}
	return s.users.Err()
}

// errUnknown refuses a caller who shows nothing.
func errUnknown() error {
	return pipeline.Errorf(pipeline.CodeUnauthenticated, "Nobody is signed in: sign in at /login, or send an API token or what the sign-in of this Gate asks for.")
}

// Identify implements [gate.SignIn]. What a request shows is looked at in the order
// of how much it is meant: a token, an Authorization, what a proxy says, a
// certificate, a session.
func (s *SignIn) Identify(w http.ResponseWriter, r *http.Request) (gate.Identity, error) {
	who, found, err := s.shown(r)
	if err == nil && !found {
		who, found, err = s.ambient(w, r)
	}
	if err != nil {
		return gate.Identity{}, err
	}
	if !found && s.config.Mode == ModeNone {
		return gate.Identity{Principal: fiat.Principal{Name: fiat.Anonymous, Mode: ModeNone}}, nil
	}
	if !found {
		return gate.Identity{}, errUnknown()
	}
	return who, nil
}

// shown finds a caller by what the request shows on purpose.
func (s *SignIn) shown(r *http.Request) (gate.Identity, bool, error) {
	p, found, err := s.byToken(r)
	if found || err != nil {
		return gate.Identity{Principal: p}, found, err
	}
	scheme, value := authorization(r)
	switch {
	case scheme == "bearer" && s.oidc != nil:
		p, err = s.oidc.bearer(r.Context(), value)
	case scheme == "basic" && s.passwords != nil:
		user, password, ok := r.BasicAuth()
		if !ok {
			return gate.Identity{}, false, pipeline.Errorf(pipeline.CodeUnauthenticated, "The header Authorization is no HTTP Basic.")
		}
		p, err = s.check(r, user, password)
	default:
		return gate.Identity{}, false, nil
	}
	if err == nil {
		err = s.keep(r.Context(), p)
	}
	// A browser that knows a password sends it by itself.
	return gate.Identity{Principal: p, Ambient: scheme == "basic"}, err == nil, err
}

// ambient finds a caller by what browsers and proxies send by themselves.
func (s *SignIn) ambient(w http.ResponseWriter, r *http.Request) (gate.Identity, bool, error) {
	var p fiat.Principal
	var found bool
	var err error
	switch s.config.Mode {
	case ModeHeader:
		p, found, err = s.byHeader(r)
	case ModeIAP:
		p, found, err = s.iap.identify(r)
	}
	if err == nil && !found && s.x509 != nil {
		p, found, err = s.x509.identify(r)
	}
	if err == nil && found {
		err = s.keep(r.Context(), p)
	}
	if err == nil && !found {
		p, found, err = s.bySession(w, r)
	}
	return gate.Identity{Principal: p, Ambient: true}, found, err
}

// authorization splits the header Authorization.
func authorization(r *http.Request) (scheme, value string) {
	scheme, value, _ = strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.ToLower(scheme), strings.TrimSpace(value)
}

// keep keeps the roles of a caller for executions that run on later. A bucket that
// does not answer keeps nobody out who shows who they are with every request: it
// is tried again with the next.
func (s *SignIn) keep(ctx context.Context, p fiat.Principal) error {
	if s.d.Users == nil {
		return nil
	}
	roles := strings.Join(fiat.RolesOf(p.Roles...), "\n")
	key := fiat.UserKey(p.Name)
	s.mu.Lock()
	k, has := s.kept[key]
	s.mu.Unlock()
	if has && k.roles == roles && s.now().Sub(k.at) < keepAgain {
		return nil
	}
	if err := s.keepNow(ctx, p); err != nil {
		if ctx.Err() != nil {
			return err
		}
		s.log.WarnContext(ctx, "the roles of a caller could not be kept: executions go on with those of before", "user", p.Name, "error", err)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) >= maxKept {
		clear(s.kept)
	}
	s.kept[key] = signedIn{roles: roles, at: s.now()}
	return nil
}

func (s *SignIn) keepNow(ctx context.Context, p fiat.Principal) error {
	if s.d.Users == nil {
		return nil
	}
	source := "EXTERNAL"
	if p.Mode == ModeLDAP {
		source = "LDAP"
	}
	return s.d.Users.SignedIn(ctx, fiat.User{Name: p.Name, Roles: fiat.RolesOf(p.Roles...), Source: source, At: pipeline.ToMillis(s.now())})
}

// named refuses names that nobody may have.
func named(p fiat.Principal) (fiat.Principal, error) {
	p.Name = strings.TrimSpace(p.Name)
	odd := func(c rune) bool { return unicode.IsControl(c) || c == unicode.ReplacementChar || fiat.Confusing(c) }
	switch {
	case p.Name == "":
		return p, pipeline.Errorf(pipeline.CodeUnauthenticated, "The sign-in has no user's name.")
	case len(p.Name) > maxName || strings.ContainsFunc(p.Name, odd):
		return p, pipeline.Errorf(pipeline.CodeUnauthenticated, "The user's name is over %d bytes, or holds characters that no name has.", maxName)
	case fiat.UserKey(p.Name) == fiat.Anonymous:
		return p, pipeline.Errorf(pipeline.CodeUnauthenticated, "The name %q is kept for callers who are not known.", p.Name)
	}
	p.Roles = fiat.RolesOf(p.Roles...)
	return p, nil
}

// ForgetRoles implements [gate.SignIn].
func (s *SignIn) ForgetRoles() {
	if s.d.ForgetRoles != nil {
		s.d.ForgetRoles()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.kept)
}

// Challenge implements [gate.SignIn].
func (s *SignIn) Challenge(h http.Header, r *http.Request) string {
	script := r.Header.Get("Sec-Fetch-Mode") != "" && r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Origin") != ""
	switch {
	case s.passwords != nil:
		// A browser would ask for a password in a window of its own, over Deck's page.
		if !script {
			h.Add("WWW-Authenticate", `Basic realm="Gennaker", charset="UTF-8"`)
		}
		return "/login"
	case s.oidc != nil:
		h.Add("WWW-Authenticate", `Bearer realm="Gennaker"`)
		return "/oauth2/authorization/" + s.config.OIDC.ID
	}
	return ""
}

// address is a client's, for counting failures: the connection's other end, or
// while that is a proxy that is listed, the one that it names.
func (s *SignIn) address(r *http.Request) string {
	at, ok := peer(r)
	if !ok {
		return "unknown"
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && within(s.proxies, at); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = hop.Unmap().WithZone("")
	}
	if at.Is6() {
		const network = 64 // what one client has for itself
		return netip.PrefixFrom(at, network).Masked().String()
	}
	return at.String()
}

func peer(r *http.Request) (netip.Addr, bool) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	return at.Addr().Unmap().WithZone(""), err == nil
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// byHeader takes the caller's name from a proxy.
func (s *SignIn) byHeader(r *http.Request) (fiat.Principal, bool, error) {
	values := r.Header.Values(userHeader)
	if len(values) == 0 {
		return fiat.Principal{}, false, nil
	}
	at, ok := peer(r)
	if !ok || !within(s.proxies, at) {
		return fiat.Principal{}, false, pipeline.Errorf(pipeline.CodeUnauthenticated,
			"The header %s is taken from the proxies in auth-proxies alone, and %s is none.", userHeader, at)
	}
	if len(values) > 1 {
		return fiat.Principal{}, false, pipeline.Errorf(pipeline.CodeUnauthenticated, "The header %s is there more than once: the proxy has to take away what clients send.", userHeader)
	}
	p, err := named(fiat.Principal{Name: values[0], Mode: ModeHeader})
	return p, err == nil, err
}

const userHeader = "X-SPINNAKER-USER"

// publicPath returns an address of this Gate as browsers see it.
func (c Config) publicPath(path string) string {
	return strings.TrimSuffix(c.PublicURL, "/") + path
}

// secure reports whether cookies are for TLS alone.
func (c Config) secure(r *http.Request) bool {
	return c.SecureCookies || r.TLS != nil || strings.HasPrefix(c.PublicURL, "https://")
}

// origin is that of an address, for policies; "" for none.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
