package signin

import (
	"context"
	"net/http"
	"time"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// sessionCookie is Spinnaker's name for it (reference: gate section 1).
	sessionCookie = "SESSION"
	// pendingCookie binds a sign-in at a provider to the browser that began it.
	pendingCookie = "GENNAKER_LOGIN"
	// idLength is that of 256 bits in base64 without padding.
	idLength = 43
)

// cookie returns the ID in a cookie, false when there is none of the right form.
func cookie(r *http.Request, name string) (string, bool) {
	c, err := r.Cookie(name)
	if err != nil || !isID(c.Value) {
		return "", false
	}
	return c.Value, true
}

func isID(text string) bool {
	if len(text) != idLength {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

func (s *SignIn) setCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.config.secure(r)}
	if age != 0 {
		c.MaxAge = int(age.Seconds())
	}
	http.SetCookie(w, c)
}

func (s *SignIn) dropCookie(w http.ResponseWriter, r *http.Request, name string) {
	s.setCookie(w, r, name, "", -time.Second)
}

// bySession finds a caller by the session's cookie.
func (s *SignIn) bySession(w http.ResponseWriter, r *http.Request) (fiat.Principal, bool, error) {
	id, ok := cookie(r, sessionCookie)
	if !ok || s.config.Mode == ModeNone || s.d.Sessions == nil {
		return fiat.Principal{}, false, nil
	}
	session, err := s.d.Sessions.Session(r.Context(), id)
	switch {
	case pipeline.CodeOf(err) == pipeline.CodeNotFound, err == nil && session.Principal.Mode != s.config.Mode:
		s.dropCookie(w, r, sessionCookie)
		return fiat.Principal{}, false, nil
	case err != nil:
		return fiat.Principal{}, false, pipeline.Wrap(pipeline.CodeUnavailable, err,
			"Sessions cannot be read now, since Redis does not answer: try again. API tokens and HTTP Basic work meanwhile.")
	}
	p := session.Principal
	if s.users != nil {
		// The file tells about its users at once: one who is gone is signed out.
		if p, ok = s.users.principal(p.Name); !ok {
			s.dropCookie(w, r, sessionCookie)
			return fiat.Principal{}, false, s.d.Sessions.Delete(r.Context(), id)
		}
		if err := s.keep(r.Context(), p); err != nil {
			return p, false, err
		}
	}
	return p, true, nil
}

// begin begins a session. It has an ID of its own, whatever the browser showed, and
// that one's session ends.
func (s *SignIn) begin(w http.ResponseWriter, r *http.Request, session fiat.Session) error {
	if s.d.Sessions == nil || s.config.Mode == ModeNone {
		return nil
	}
	if err := s.keepNow(r.Context(), session.Principal); err != nil {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "The sign-in cannot be kept now: %s", pipeline.MessageOf(err))
	}
	session.At = pipeline.ToMillis(s.now())
	id, err := s.d.Sessions.Create(r.Context(), session)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "Nobody can sign in now, since Redis, which keeps sessions, does not answer: try again. API tokens and HTTP Basic work meanwhile.")
	}
	if old, ok := cookie(r, sessionCookie); ok {
		if err := s.d.Sessions.Delete(r.Context(), old); err != nil {
			s.log.WarnContext(r.Context(), "the session before a sign-in could not be ended", "error", err)
		}
	}
	s.setCookie(w, r, sessionCookie, id, 0)
	gate.Tried(r.Context(), session.Principal.Name, session.Principal.Mode, true)
	s.log.InfoContext(r.Context(), "somebody signed in", "user", session.Principal.Name, "mode", session.Principal.Mode, "address", s.address(r))
	return nil
}

// Logout implements [gate.SignIn].
func (s *SignIn) Logout(w http.ResponseWriter, r *http.Request) (string, error) {
	id, ok := cookie(r, sessionCookie)
	if !ok || s.d.Sessions == nil {
		return "", nil
	}
	s.dropCookie(w, r, sessionCookie)
	to := ""
	session, err := s.d.Sessions.Session(r.Context(), id)
	switch {
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return "", nil
	case err == nil && s.oidc != nil:
		to = s.oidc.logout(r.Context(), session.Hint)
	}
	if err == nil {
		err = s.d.Sessions.Delete(r.Context(), id)
	}
	if err != nil {
		return "", pipeline.Wrap(pipeline.CodeUnavailable, err, "The session cannot be ended now, since Redis does not answer: it ends by itself, or try again.")
	}
	return to, nil
}

// DeleteSessions implements [gate.SignIn].
func (s *SignIn) DeleteSessions(ctx context.Context) error {
	if s.d.Sessions == nil {
		return nil
	}
	return s.d.Sessions.DeleteAll(ctx)
}

// Login implements [gate.SignIn].
func (s *SignIn) Login(w http.ResponseWriter, r *http.Request) error {
	to := gate.LocalPath(r.URL.Query().Get("to"))
	if r.Method == http.MethodPost {
		return s.postLogin(w, r)
	}
	// spin shows a token here and goes on with the session (reference: gate section 6).
	who, found, err := s.shown(r)
	switch {
	case err != nil:
		return err
	case found && who.Principal.Mode != modeToken:
		if err := s.begin(w, r, fiat.Session{Principal: who.Principal}); err != nil {
			return err
		}
		gate.Redirect(w, gate.Relative(r, to))
		return nil
	case s.passwords != nil:
		s.page(w, r, http.StatusOK, pageData{To: to})
		return nil
	case s.oidc != nil:
		return s.Authorize(w, r, s.config.OIDC.ID)
	}
	if _, found, err := s.ambient(w, r); err != nil || !found && s.config.Mode != ModeNone {
		return errFirst(err, errUnknown())
	}
	gate.Redirect(w, gate.Relative(r, to))
	return nil
}

func errFirst(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// maxForm bounds the form, in bytes.
const maxForm = 64 << 10

func (s *SignIn) postLogin(w http.ResponseWriter, r *http.Request) error {
	if s.passwords == nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "Nobody signs in with a password here: the mode is %s.", s.config.Mode)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "The form cannot be read: send username and password as application/x-www-form-urlencoded.")
	}
	to := gate.LocalPath(r.Form.Get("to"))
	username := r.PostForm.Get("username")
	p, err := s.check(r, username, r.PostForm.Get("password"))
	if err == nil {
		err = s.begin(w, r, fiat.Session{Principal: p})
	}
	if err != nil && wantsPage(r) {
		status := http.StatusServiceUnavailable
		switch pipeline.CodeOf(err) {
		case pipeline.CodeUnauthenticated:
			status = http.StatusUnauthorized
		case pipeline.CodeThrottled:
			status = http.StatusTooManyRequests
		}
		s.page(w, r, status, pageData{To: to, Username: username, Fault: pipeline.MessageOf(err)})
		return nil
	}
	if err != nil {
		return err
	}
	gate.Redirect(w, gate.Relative(r, to))
	return nil
}
