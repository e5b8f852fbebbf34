package gate

import (
	"context"
	"net/http"

	"github.com/gennaker/gennaker/pipeline"
)

func listCredentials(r *request) error {
	expand, err := boolean(r.query, "expand", false)
	if err != nil {
		return err
	}
	accounts, err := r.server.accounts.Accounts(r.ctx())
	if err != nil {
		return err
	}
	out := make([]any, len(accounts))
	for i, a := range accounts {
		out[i] = credentials(a, expand)
	}
	return r.answer(http.StatusOK, out)
}

func getCredentials(r *request) error {
	accounts, err := r.server.accounts.Accounts(r.ctx())
	if err != nil {
		return err
	}
	name := r.param("account")
	for _, a := range accounts {
		if a.Name == name {
			return r.answer(http.StatusOK, credentials(a, true))
		}
	}
	return pipeline.Errorf(pipeline.CodeNotFound, "Account not found (name: %s)", name)
}

// credentials returns an account in the form that clients know (reference:
// gate section 3). No account is restricted.
func credentials(a Account, expand bool) map[string]any {
	out := map[string]any{
		"name": a.Name, "accountId": nil, "type": a.Type,
		"requiredGroupMembership": []any{}, "permissions": map[string]any{}, "authorized": true,
	}
	if !expand {
		return out
	}
	out["cloudProvider"] = a.CloudProvider
	out["accountType"] = a.AccountType
	out["environment"] = a.Environment
	out["primaryAccount"] = false
	out["challengeDestructiveActions"] = false
	namespaces := make([]any, len(a.Namespaces))
	for i, n := range a.Namespaces {
		namespaces[i] = n
	}
	out["namespaces"] = namespaces
	kinds := make(map[string]any, len(a.SpinnakerKindMap))
	for k, v := range a.SpinnakerKindMap {
		kinds[k] = v
	}
	out["spinnakerKindMap"] = kinds
	return out
}

// accountNames lists the accounts that a caller may use: all of them, as long
// as there are no permissions.
func (s *Server) accountNames(ctx context.Context) ([]string, error) {
	accounts, err := s.accounts.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(accounts))
	for i, a := range accounts {
		names[i] = a.Name
	}
	return names, nil
}
