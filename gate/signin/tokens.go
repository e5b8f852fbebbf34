package signin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// tokenHeader is how spin sends a token (reference: gate section 6).
const tokenHeader = "X-Spinnaker-Token"

// byToken finds a caller by an API token. A token that is wrong is refused,
// whatever else the request shows.
func (s *SignIn) byToken(r *http.Request) (fiat.Principal, bool, error) {
	text := strings.TrimSpace(r.Header.Get(tokenHeader))
	if text == "" {
		scheme, value := authorization(r)
		if scheme != "bearer" || !strings.HasPrefix(value, fiat.TokenPrefix) {
			return fiat.Principal{}, false, nil
		}
		text = value
	}
	if !s.config.Tokens.Enabled {
		return fiat.Principal{}, false, pipeline.Errorf(pipeline.CodeUnauthenticated, "API tokens are not taken here: an operator can turn them on with auth-tokens-enabled.")
	}
	id, ok := fiat.ParseToken(text)
	if !ok {
		return fiat.Principal{}, false, errToken()
	}
	t, err := s.d.Tokens.Token(r.Context(), id)
	if pipeline.CodeOf(err) == pipeline.CodeNotFound || err == nil && !t.Shows(text) {
		return fiat.Principal{}, false, errToken()
	}
	if err != nil {
		return fiat.Principal{}, false, err
	}
	if !s.now().Before(t.ExpiresAt.Time()) {
		return fiat.Principal{}, false, pipeline.Errorf(pipeline.CodeUnauthenticated, "The API token %q ended on %s: make another one.", t.Name, t.ExpiresAt.Time().UTC().Format(time.DateOnly))
	}
	if err := s.stillThere(r.Context(), t); err != nil {
		return fiat.Principal{}, false, err
	}
	s.d.Tokens.Used(r.Context(), id)
	return fiat.Principal{Name: t.PrincipalID, Mode: modeToken, TokenID: t.ID, Scopes: t.Scopes}, true, nil
}

// stillThere refuses the token of a user who is gone from the file of users, and of a
// service account that is deleted, whose name could be somebody else's by now. What
// the file says of a user's roles counts for the user's tokens too.
func (s *SignIn) stillThere(ctx context.Context, t fiat.Token) error {
	gone := pipeline.Errorf(pipeline.CodeUnauthenticated, "The API token %q is that of %.100q, who is gone.", t.Name, t.PrincipalID)
	switch {
	case t.PrincipalType == fiat.PrincipalServiceAccount && s.d.ServiceAccount != nil:
		exists, err := s.d.ServiceAccount(ctx, t.PrincipalID)
		if err == nil && !exists {
			return gone
		}
		return err
	case t.PrincipalType == fiat.PrincipalUser && s.users != nil:
		p, ok := s.users.principal(t.PrincipalID)
		if ok {
			return s.keep(ctx, p)
		}
		if s.x509 == nil { // people with certificates are in no file
			return gone
		}
	}
	return nil
}

func errToken() error {
	return pipeline.Errorf(pipeline.CodeUnauthenticated, "The API token is not known: it was revoked, or is not written in full.")
}

// TokenLimits implements [gate.SignIn].
func (s *SignIn) TokenLimits() (user, serviceAccount int, enabled bool) {
	if !s.config.Tokens.Enabled || s.d.Tokens == nil {
		return 0, 0, false
	}
	return s.config.Tokens.MaxUserDays, s.config.Tokens.MaxServiceAccountDays, true
}

// MayMint implements [gate.SignIn]. A token makes no tokens: one that leaked would
// live on in them.
func (s *SignIn) MayMint(m gate.Minter) bool {
	if m.Principal.Mode == modeToken || fiat.UserKey(m.Principal.Name) == fiat.Anonymous {
		return false
	}
	return m.Admin || slices.ContainsFunc(fiat.RolesOf(s.config.Tokens.MintingRoles...), func(role string) bool { return slices.Contains(m.Roles, role) })
}

// ListTokens implements [gate.SignIn].
func (s *SignIn) ListTokens(ctx context.Context, m gate.Minter) ([]fiat.Token, error) {
	all, err := s.d.Tokens.List(ctx)
	if err != nil || m.Admin {
		return all, err
	}
	return slices.DeleteFunc(all, func(t fiat.Token) bool { return !owns(m, t) }), nil
}

func owns(m gate.Minter, t fiat.Token) bool {
	return t.PrincipalType == fiat.PrincipalUser && fiat.UserKey(t.PrincipalID) == fiat.UserKey(m.Principal.Name)
}

const (
	// maxTokenName bounds a token's name, in characters.
	maxTokenName = 64
	day          = 24 * time.Hour
)

// MintToken implements [gate.SignIn] (reference: gate section 5).
func (s *SignIn) MintToken(ctx context.Context, m gate.Minter, in gate.TokenRequest) (fiat.Token, string, error) {
	t, err := s.minted(ctx, m, in)
	if err != nil {
		return fiat.Token{}, "", err
	}
	text, hash := fiat.NewToken(t.ID)
	t.Hash = hash
	if err := s.d.Tokens.Create(ctx, t); err != nil {
		return fiat.Token{}, "", err
	}
	return t, text, nil
}

// minted checks a request and returns the token without its hash.
func (s *SignIn) minted(ctx context.Context, m gate.Minter, in gate.TokenRequest) (fiat.Token, error) {
	invalid := func(format string, args ...any) (fiat.Token, error) {
		return fiat.Token{}, pipeline.Errorf(pipeline.CodeInvalid, format, args...)
	}
	now := s.now().Truncate(time.Second)
	t := fiat.Token{Name: strings.TrimSpace(in.Name), CreatedBy: m.Principal.Name, CreatedAt: pipeline.ToMillis(now), PrincipalType: strings.ToUpper(in.PrincipalType)}
	if t.Name == "" || utf8.RuneCountInString(t.Name) > maxTokenName || !utf8.ValidString(t.Name) || strings.ContainsFunc(t.Name, unicode.IsControl) {
		return invalid("The token's name has 1 to %d characters, none of them a control character.", maxTokenName)
	}
	days := s.config.Tokens.MaxUserDays
	switch t.PrincipalType {
	case "", fiat.PrincipalUser:
		t.PrincipalType, t.PrincipalID = fiat.PrincipalUser, m.Principal.Name
		if in.PrincipalID != "" && fiat.UserKey(in.PrincipalID) != fiat.UserKey(m.Principal.Name) {
			return invalid("Nobody makes a token for somebody else: leave principalId out, or use a service account.")
		}
		if !s.MayMint(m) {
			return fiat.Token{}, s.errMint(m)
		}
	case fiat.PrincipalServiceAccount:
		t.PrincipalID, days = strings.TrimSpace(in.PrincipalID), s.config.Tokens.MaxServiceAccountDays
		if !m.Admin || !s.MayMint(m) {
			return fiat.Token{}, pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: administrators alone make tokens of service accounts.")
		}
		if err := s.serviceAccount(ctx, t.PrincipalID); err != nil {
			return fiat.Token{}, err
		}
	default:
		return invalid("principalType is %.50q: use %s or %s.", in.PrincipalType, fiat.PrincipalUser, fiat.PrincipalServiceAccount)
	}
	for _, scope := range in.Scopes {
		if !slices.Contains(fiat.Authorizations(), scope) {
			return invalid("scopes holds %.50q: use READ, WRITE, EXECUTE and CREATE.", scope)
		}
	}
	for _, scope := range fiat.Authorizations() { // each once, in one order
		if slices.Contains(in.Scopes, scope) {
			t.Scopes = append(t.Scopes, scope)
		}
	}
	latest := now.Add(time.Duration(days) * day)
	ends := latest
	if in.ExpiresAt != "" {
		var err error
		if ends, err = time.Parse(time.RFC3339, in.ExpiresAt); err != nil {
			return invalid("expiresAt is %.50q: write a moment such as %s.", in.ExpiresAt, latest.UTC().Format(time.RFC3339))
		}
		// Clients take the last moment by their own clocks.
		if ends.After(latest.Add(time.Minute)) || !ends.After(now) {
			return invalid("expiresAt is %s: a token of a %s ends in the future and within %d days.", in.ExpiresAt, t.PrincipalType, days)
		}
	}
	t.ExpiresAt = pipeline.ToMillis(ends)
	t.ID = fiat.TokenID(t.PrincipalType, t.PrincipalID, t.Name)
	return t, nil
}

func (s *SignIn) errMint(m gate.Minter) error {
	switch {
	case m.Principal.Mode == modeToken:
		return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: an API token makes no API tokens. Sign in for it.")
	case fiat.UserKey(m.Principal.Name) == fiat.Anonymous:
		return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: who is not signed in has no API tokens.")
	case len(s.config.Tokens.MintingRoles) == 0:
		return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: administrators alone make API tokens. An operator can let others with auth-tokens-allowed-minting-roles.")
	}
	return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: API tokens are made by members of %s.", strings.Join(s.config.Tokens.MintingRoles, ", "))
}

func (s *SignIn) serviceAccount(ctx context.Context, name string) error {
	if _, err := named(fiat.Principal{Name: name}); err != nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "principalId has to name the service account of the token.")
	}
	if s.d.ServiceAccount == nil {
		return nil
	}
	exists, err := s.d.ServiceAccount(ctx, name)
	if err == nil && !exists {
		return pipeline.Errorf(pipeline.CodeInvalid, "There is no service account %.100q: create it first.", name)
	}
	return err
}

// RevokeToken implements [gate.SignIn].
func (s *SignIn) RevokeToken(ctx context.Context, m gate.Minter, id string) error {
	t, err := s.d.Tokens.Token(ctx, id)
	if err != nil {
		return err
	}
	if !m.Admin && !owns(m, t) {
		return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: this token is somebody else's.")
	}
	return s.d.Tokens.Delete(ctx, id)
}
