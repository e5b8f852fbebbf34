package gate_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// reader signs everybody in as an administrator whose API token may only look.
type reader struct{}

func (reader) Identify(http.ResponseWriter, *http.Request) (gate.Identity, error) {
	return gate.Identity{Principal: fiat.Principal{Name: "admin", Mode: "token", TokenID: "t1", Scopes: []fiat.Authorization{fiat.Read}}}, nil
}

func (reader) Challenge(http.Header, *http.Request) string                { return "" }
func (reader) Login(http.ResponseWriter, *http.Request) error             { return errNotHere }
func (reader) Authorize(http.ResponseWriter, *http.Request, string) error { return errNotHere }
func (reader) Callback(http.ResponseWriter, *http.Request, string) error  { return errNotHere }
func (reader) Logout(http.ResponseWriter, *http.Request) (string, error)  { return "/", nil }
func (reader) DeleteSessions(context.Context) error                       { return nil }
func (reader) ForgetRoles()                                               {}
func (reader) TokenLimits() (user, serviceAccount int, enabled bool)      { return 90, 365, true }
func (reader) MayMint(gate.Minter) bool                                   { return true }
func (reader) RevokeToken(context.Context, gate.Minter, string) error     { return nil }

func (reader) ListTokens(context.Context, gate.Minter) ([]fiat.Token, error) {
	return []fiat.Token{}, nil
}

func (reader) MintToken(context.Context, gate.Minter, gate.TokenRequest) (fiat.Token, string, error) {
	return fiat.Token{}, "", nil
}

var errNotHere = pipeline.Errorf(pipeline.CodeNotFound, "There is none.")

// TestTokensThatOnlyLook: the scopes of a token bound every route of the table, an
// administrator's too.
func TestTokensThatOnlyLook(t *testing.T) {
	t.Parallel()
	for _, rule := range gate.Rules() {
		w := newMatrixWorldSignedIn(t, reader{})
		out := w.ask(rule, "admin")
		what := rule.Method + " " + matrixPath(rule) + ": " + out.Body.String()
		switch {
		case rule.Kind == "open" || rule.Needs == string(fiat.Read):
			assert.NotEqual(t, http.StatusForbidden, out.Code, what)
		default:
			assert.Equal(t, http.StatusForbidden, out.Code, what)
			assert.Contains(t, out.Body.String(), "scopes", what)
		}
		assert.Empty(t, w.engine.started, what)
		assert.Empty(t, w.engine.cancelled, what)
	}
}
