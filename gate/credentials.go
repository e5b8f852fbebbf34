package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

func listCredentials(r *request) error {
	r.checked = true // every account is shown, with whether it is the caller's to use
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
		if out[i], err = r.credentials(a, expand); err != nil {
			return err
		}
	}
	return r.answer(http.StatusOK, out)
}

func getCredentials(r *request) error {
	r.checked = true // as in the list
	name := r.param("account")
	account, err := r.server.accounts.Account(r.ctx(), name)
	if pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return pipeline.Errorf(pipeline.CodeNotFound, "Account not found (name: %s)", name)
	}
	if err != nil {
		return err
	}
	out, err := r.credentials(account, true)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, out)
}

// credentials returns an account in the form that clients know (reference:
// gate section 3, clouddriver section 12). The caller is authorized who may
// deploy to it.
func (r *request) credentials(a Account, expand bool) (map[string]any, error) {
	authorized, err := r.mayAccount(a, fiat.Write)
	if err != nil {
		return nil, err
	}
	permissions := map[string]any{}
	for access, roles := range a.Permissions {
		permissions[access] = values(roles)
	}
	out := map[string]any{
		"name": a.Name, "accountId": nil, "type": a.Type,
		"requiredGroupMembership": values(a.RequiredGroupMembership), "permissions": permissions, "authorized": authorized,
	}
	if !expand {
		return out, nil
	}
	out["cloudProvider"] = a.CloudProvider
	out["accountType"] = a.AccountType
	out["environment"] = a.Environment
	out["primaryAccount"] = false
	out["challengeDestructiveActions"] = false
	out["namespaces"] = values(a.Namespaces)
	kinds := make(map[string]any, len(a.SpinnakerKindMap))
	for k, v := range a.SpinnakerKindMap {
		kinds[k] = v
	}
	out["spinnakerKindMap"] = kinds
	out["dockerRegistries"] = []any{}
	out["cacheThreads"] = max(a.CacheThreads, 1)
	out["cacheIntervalSeconds"] = nil
	if a.CacheIntervalSeconds != nil {
		out["cacheIntervalSeconds"] = *a.CacheIntervalSeconds
	}
	return out, nil
}

func values(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

// accountNames lists the accounts that the caller may deploy to.
func (r *request) accountNames() ([]string, error) {
	accounts, err := r.server.accounts.Accounts(r.ctx())
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(accounts))
	for _, a := range accounts {
		allowed, err := r.mayAccount(a, fiat.Write)
		if err != nil {
			return nil, err
		}
		if allowed {
			names = append(names, a.Name)
		}
	}
	return names, nil
}
