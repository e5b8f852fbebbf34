package gate

import (
	"net/http"
	"time"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// apiTokenRoutes are those of API tokens (reference: gate section 5).
func apiTokenRoutes() []route {
	return []route{
		{Method: "GET", Path: "/auth/apiTokens", Summary: "The caller's API tokens; administrators see those of service accounts too", Auth: authLogin, Response: []apiToken{}, handle: listAPITokens},
		{Method: "POST", Path: "/auth/apiTokens", Summary: "Make an API token, whose text is shown this once", Auth: authShared, Request: TokenRequest{}, Response: newAPIToken{}, Status: http.StatusCreated, handle: createAPIToken},
		{Method: "DELETE", Path: "/auth/apiTokens/{id}", Summary: "Revoke an API token", Auth: authShared, Status: http.StatusNoContent, handle: deleteAPIToken},
		{Method: "GET", Path: "/auth/apiTokens/admin/users", Summary: "The API tokens of all people", Auth: authAdmin, Response: []apiToken{}, handle: listAllAPITokens},
	}
}

// TokenRequest asks for an API token.
type TokenRequest struct {
	// Name has 1 to 64 characters.
	Name string `json:"name"`
	// PrincipalType is USER, which is the default, or SERVICE_ACCOUNT, and
	// PrincipalID then the service account.
	PrincipalType string `json:"principalType,omitempty"`
	PrincipalID   string `json:"principalId,omitempty"`
	// Scopes are some of READ, WRITE, EXECUTE and CREATE; none is everything.
	Scopes []fiat.Authorization `json:"scopes,omitempty"`
	// ExpiresAt is a moment by RFC 3339; none is as late as may be.
	ExpiresAt string `json:"expiresAt,omitempty"`
}

// apiToken is an API token as clients read it.
type apiToken struct {
	ID              string               `json:"id"`
	Name            string               `json:"name"`
	PrincipalType   string               `json:"principalType"`
	PrincipalID     string               `json:"principalId"`
	Scopes          []fiat.Authorization `json:"scopes"`
	CreatedByUserID string               `json:"createdByUserId"`
	CreatedAt       string               `json:"createdAt"`
	ExpiresAt       string               `json:"expiresAt"`
	LastUsedAt      string               `json:"lastUsedAt,omitempty"`
}

type newAPIToken struct {
	ID              string               `json:"id"`
	Name            string               `json:"name"`
	PrincipalType   string               `json:"principalType"`
	PrincipalID     string               `json:"principalId"`
	Scopes          []fiat.Authorization `json:"scopes"`
	CreatedByUserID string               `json:"createdByUserId"`
	CreatedAt       string               `json:"createdAt"`
	ExpiresAt       string               `json:"expiresAt"`
	Token           string               `json:"token"`
}

func apiTokenOf(t fiat.Token) apiToken {
	return apiToken{
		ID: t.ID, Name: t.Name, PrincipalType: t.PrincipalType, PrincipalID: t.PrincipalID, Scopes: append([]fiat.Authorization{}, t.Scopes...),
		CreatedByUserID: t.CreatedBy, CreatedAt: isoTime(t.CreatedAt), ExpiresAt: isoTime(t.ExpiresAt), LastUsedAt: isoTime(t.LastUsedAt),
	}
}

// isoTime writes a time as Spinnaker's tokens have it; "" for none.
func isoTime(m pipeline.Millis) string {
	if m == 0 {
		return ""
	}
	return m.Time().UTC().Format(time.RFC3339)
}

// minter is the caller as the rules about tokens see one.
func (r *request) minter() (Minter, error) {
	s, err := r.subject()
	return Minter{Principal: r.caller.Principal, Roles: s.Roles, Admin: s.Admin}, err
}

// tokens returns the sign-in, and the caller; not_found where there are no API
// tokens.
func (r *request) tokens() (SignIn, Minter, error) {
	s := r.server.signIn
	enabled := false
	if s != nil {
		_, _, enabled = s.TokenLimits()
	}
	if !enabled {
		return nil, Minter{}, pipeline.Errorf(pipeline.CodeNotFound, "There are no API tokens here: an operator can turn them on with auth-tokens-enabled.")
	}
	r.Header("Cache-Control", "no-store")
	m, err := r.minter()
	return s, m, err
}

func listAPITokens(r *request) error {
	return r.listTokens(func(t fiat.Token, m Minter) bool {
		if t.PrincipalType == fiat.PrincipalServiceAccount {
			return m.Admin
		}
		return fiat.UserKey(t.PrincipalID) == fiat.UserKey(m.Principal.Name)
	})
}

func listAllAPITokens(r *request) error {
	return r.listTokens(func(t fiat.Token, _ Minter) bool { return t.PrincipalType == fiat.PrincipalUser })
}

func (r *request) listTokens(show func(fiat.Token, Minter) bool) error {
	s, m, err := r.tokens()
	if err != nil {
		return err
	}
	all, err := s.ListTokens(r.ctx(), m)
	if err != nil {
		return err
	}
	out := []apiToken{}
	for _, t := range all {
		if show(t, m) {
			out = append(out, apiTokenOf(t))
		}
	}
	return r.answer(http.StatusOK, out)
}

func createAPIToken(r *request) error {
	s, m, err := r.tokens()
	if err != nil {
		return err
	}
	body, err := r.object(false)
	if err != nil {
		return err
	}
	in := TokenRequest{Name: body.String("name"), PrincipalType: body.String("principalType"), PrincipalID: body.String("principalId"), ExpiresAt: body.String("expiresAt")}
	for _, scope := range body.List("scopes") {
		text, ok := scope.(string)
		if !ok {
			return pipeline.Errorf(pipeline.CodeInvalid, "scopes holds %.50v: use READ, WRITE, EXECUTE and CREATE.", scope)
		}
		in.Scopes = append(in.Scopes, fiat.Authorization(text))
	}
	t, text, err := s.MintToken(r.ctx(), m, in)
	if err != nil {
		return err
	}
	r.server.log.InfoContext(r.ctx(), "an API token was made", "token", t.ID, "principal", t.PrincipalID, "user", r.caller.User, "request", r.id)
	a := apiTokenOf(t)
	return r.answer(http.StatusCreated, newAPIToken{
		ID: a.ID, Name: a.Name, PrincipalType: a.PrincipalType, PrincipalID: a.PrincipalID, Scopes: a.Scopes,
		CreatedByUserID: a.CreatedByUserID, CreatedAt: a.CreatedAt, ExpiresAt: a.ExpiresAt, Token: text,
	})
}

func deleteAPIToken(r *request) error {
	s, m, err := r.tokens()
	if err != nil {
		return err
	}
	if err := s.RevokeToken(r.ctx(), m, r.param("id")); err != nil {
		return err
	}
	r.server.log.InfoContext(r.ctx(), "an API token was revoked", "token", r.param("id"), "user", r.caller.User, "request", r.id)
	r.Writer.WriteHeader(http.StatusNoContent)
	r.Writer.WriteHeaderNow()
	return nil
}
