package gate

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// authRoutes are those about who calls.
func authRoutes() []route {
	to := parameter{"to", "string", nil, "Where to go afterwards: a path of this API."}
	return []route{
		{Method: "GET", Path: "/", Summary: "Deck, for browsers; empty for others", Auth: authOpen, handle: getRoot},
		{Method: "GET", Path: "/login", Summary: "The page to sign in, or the way to the provider; with a bearer token or HTTP Basic a session begins (302)", Auth: authOpen, Query: []parameter{to}, Status: http.StatusFound, handle: getLogin},
		{Method: "POST", Path: "/login", Summary: "Sign in with the form's username and password", Auth: authOpen, Query: []parameter{to}, Status: http.StatusFound, handle: postLogin},
		{Method: "GET", Path: "/oauth2/authorization/{provider}", Summary: "To the provider that signs people in", Auth: authOpen, Query: []parameter{to}, Status: http.StatusFound, handle: authorizeAtProvider},
		{Method: "GET", Path: "/login/oauth2/code/{provider}", Summary: "Back from the provider; with a bearer token a session begins", Auth: authOpen, Query: []parameter{{"code", "string", nil, "The provider's."}, {"state", "string", nil, "That of the request to the provider."}}, Status: http.StatusFound, handle: comeBackFromProvider},
		{Method: "GET", Path: "/auth/user", Summary: "The caller; empty when nobody is signed in", Auth: authOpen, Response: user{}, Quiet: true, handle: getUser},
		{Method: "GET", Path: "/auth/rawUser", Summary: "The caller as the sign-in found out, without what permissions add", Auth: authLogin, Response: rawUser{}, handle: getRawUser},
		{Method: "GET", Path: "/auth/user/serviceAccounts", Summary: "Service accounts that the caller may run pipelines as", Auth: authLogin, Query: []parameter{{"application", "string", nil, "Only those that may execute this application."}}, Response: []string{}, handle: listServiceAccounts},
		{Method: "GET", Path: "/auth/logout", Summary: "End the session", Auth: authOpen, Status: http.StatusFound, handle: logout},
		{Method: "POST", Path: "/auth/logout", Summary: "End the session", Auth: authOpen, Status: http.StatusFound, handle: logout},
		{Method: "GET", Path: "/auth/loggedOut", Summary: "Where a logout ends", Auth: authOpen, Response: message{}, handle: getLoggedOut},
		{Method: "GET", Path: "/auth/redirect", Summary: "Sign in, then go to a page of Deck; 400 for any other address", Auth: authLogin, Query: []parameter{{"to", "string", nil, "The page; required."}}, Status: http.StatusFound, handle: redirectToDeck},
		{Method: "POST", Path: "/auth/roles/sync", Summary: "Ask the sources of roles anew", Auth: authAdmin, handle: syncRoles},
		{Method: "POST", Path: "/auth/deleteSessionCache", Summary: "End every session: everybody signs in again", Auth: authAdmin, handle: deleteSessions},
	}
}

// user is the caller as clients read it (reference: gate section 3).
type user struct {
	Email                              string      `json:"email"`
	Username                           string      `json:"username"`
	FirstName                          *string     `json:"firstName"`
	LastName                           *string     `json:"lastName"`
	Roles                              []string    `json:"roles"`
	AllowedAccounts                    []string    `json:"allowedAccounts"`
	Authorities                        []authority `json:"authorities"`
	AccountNonExpired                  bool        `json:"accountNonExpired"`
	AccountNonLocked                   bool        `json:"accountNonLocked"`
	CredentialsNonExpired              bool        `json:"credentialsNonExpired"`
	Enabled                            bool        `json:"enabled"`
	IsAdmin                            bool        `json:"isAdmin"`
	CanMintAPITokens                   bool        `json:"canMintApiTokens"`
	MaxUserTokenLifetimeDays           int         `json:"maxUserTokenLifetimeDays,omitempty"`
	MaxServiceAccountTokenLifetimeDays int         `json:"maxServiceAccountTokenLifetimeDays,omitempty"`
}

type authority struct {
	Authority string `json:"authority"`
}

// rawUser is the caller as the sign-in found out.
type rawUser struct {
	Email     string   `json:"email"`
	Username  string   `json:"username"`
	FirstName *string  `json:"firstName"`
	LastName  *string  `json:"lastName"`
	Roles     []string `json:"roles"`
	// Mode says how the caller signed in.
	Mode string `json:"mode"`
}

// getUser never refuses: Deck asks it to learn whether anybody is logged in.
func getUser(r *request) error {
	r.Header("Cache-Control", "no-store")
	if !r.caller.known {
		if pipeline.CodeOf(r.caller.fault) == pipeline.CodeUnavailable {
			return r.caller.fault // whether somebody is, cannot be told
		}
		return r.done()
	}
	accounts, err := r.accountNames()
	if err != nil {
		return err
	}
	raw := r.rawUser()
	out := user{
		Email: raw.Email, Username: raw.Username, FirstName: raw.FirstName, LastName: raw.LastName,
		AllowedAccounts: accounts, Authorities: []authority{},
		AccountNonExpired: true, AccountNonLocked: true, CredentialsNonExpired: true, Enabled: true,
	}
	m, err := r.minter()
	if err != nil {
		return err
	}
	out.Roles, out.IsAdmin = append([]string{}, m.Roles...), m.Admin
	for _, role := range out.Roles {
		out.Authorities = append(out.Authorities, authority{Authority: role})
	}
	if s := r.server.signIn; s != nil {
		var enabled bool
		if out.MaxUserTokenLifetimeDays, out.MaxServiceAccountTokenLifetimeDays, enabled = s.TokenLimits(); enabled {
			out.CanMintAPITokens = s.MayMint(m)
		}
	}
	return r.answer(http.StatusOK, out)
}

func (r *request) rawUser() rawUser {
	p := r.caller.Principal
	out := rawUser{Email: p.Email, Username: p.Name, FirstName: optional(p.FirstName), LastName: optional(p.LastName), Roles: append([]string{}, p.Roles...), Mode: p.Mode}
	if out.Email == "" {
		out.Email = p.Name
	}
	return out
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func getRawUser(r *request) error {
	r.Header("Cache-Control", "no-store")
	return r.answer(http.StatusOK, r.rawUser())
}

type message struct {
	Message string `json:"message"`
}

func getLoggedOut(r *request) error {
	return r.answer(http.StatusOK, message{Message: "You are logged out."})
}

// getRoot sends people to Deck. Clients that followed a sign-in here, as spin
// does, need not be able to reach it.
func getRoot(r *request) error {
	if r.opensPage() {
		r.redirect(r.server.config.DeckURL)
		return nil
	}
	return r.done()
}

func getLogin(r *request) error {
	if r.server.signIn == nil {
		r.redirect(Relative(r.Request, LocalPath(r.query.Get("to"))))
		return nil
	}
	return r.server.signIn.Login(r.Writer, r.Request)
}

func postLogin(r *request) error {
	if !r.sameSite() {
		return errCrossSite(r.Request) // or a page could sign people in as somebody else
	}
	return getLogin(r)
}

func authorizeAtProvider(r *request) error {
	if r.server.signIn == nil {
		return errNoProvider(r.param("provider"))
	}
	return r.server.signIn.Authorize(r.Writer, r.Request, r.param("provider"))
}

func comeBackFromProvider(r *request) error {
	if r.server.signIn == nil {
		return errNoProvider(r.param("provider"))
	}
	return r.server.signIn.Callback(r.Writer, r.Request, r.param("provider"))
}

func errNoProvider(name string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "There is no provider %.100q to sign in with: nobody has to sign in here.", name)
}

func logout(r *request) error {
	if !r.sameSite() {
		return errCrossSite(r.Request)
	}
	to := Relative(r.Request, "/auth/loggedOut")
	if r.server.signIn != nil {
		elsewhere, err := r.server.signIn.Logout(r.Writer, r.Request)
		if err != nil {
			return err
		}
		if elsewhere != "" {
			to = elsewhere
		}
	}
	r.redirect(to)
	return nil
}

// redirectToDeck is where Deck sends people to sign in (reference: gate section
// 8).
func redirectToDeck(r *request) error {
	to := r.query.Get("to")
	if !r.server.cors.leadsToDeck(to) {
		return pipeline.Errorf(pipeline.CodeInvalid, "Requested redirect address not recognized.")
	}
	r.redirect(to)
	return nil
}

// leadsToDeck reports whether an address is a page of Deck.
func (c cors) leadsToDeck(to string) bool {
	const limit = 8192
	if len(to) > limit || strings.ContainsFunc(to, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
		return false
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return false
	}
	if c.host != nil {
		return c.host.MatchString(u.Hostname())
	}
	return originOf(u) == c.deck
}

func syncRoles(r *request) error {
	if r.server.signIn != nil {
		r.server.signIn.ForgetRoles()
	}
	return r.done()
}

func deleteSessions(r *request) error {
	if r.server.signIn != nil {
		if err := r.server.signIn.DeleteSessions(r.ctx()); err != nil {
			return err
		}
		r.server.log.InfoContext(r.ctx(), "all sessions were ended", "user", r.caller.User, "request", r.id)
	}
	return r.done()
}
