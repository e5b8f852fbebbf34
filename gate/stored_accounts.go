package gate

import (
	"context"
	"net/http"

	"github.com/gennaker/gennaker/pipeline"
)

// storage returns the stored accounts, or why there are none (reference: gate
// section 3).
func (r *request) storage() (StoredAccounts, error) {
	if r.server.stored == nil {
		return nil, pipeline.Errorf(pipeline.CodeForbidden,
			"Accounts cannot be stored here: add them to the configuration file, or set account-storage-enabled on Gate and the workers.")
	}
	return r.server.stored, nil
}

func listStoredAccounts(r *request) error {
	stored, err := r.storage()
	if err != nil {
		return err
	}
	limit, err := integer(r.query, "limit", 100)
	if err != nil {
		return err
	}
	all, err := stored.List(r.ctx())
	if err != nil {
		return err
	}
	out := []any{}
	from := r.text("startingAccountName")
	for _, d := range all {
		if d.String("type") == r.param("type") && d.String("name") >= from && len(out) < limit {
			out = append(out, map[string]any(d))
		}
	}
	return r.answer(http.StatusOK, out)
}

func createStoredAccount(r *request) error { return r.store(StoredAccounts.Create) }

func saveStoredAccount(r *request) error { return r.store(StoredAccounts.Save) }

func updateStoredAccount(r *request) error { return r.store(StoredAccounts.Update) }

// store reads a definition, keeps it and answers with it.
func (r *request) store(keep func(StoredAccounts, context.Context, pipeline.Map, string) error) error {
	stored, err := r.storage()
	if err != nil {
		return err
	}
	definition, err := r.object(false)
	if err != nil {
		return err
	}
	if name := r.param("account"); name != "" && name != definition.String("name") {
		return pipeline.Errorf(pipeline.CodeInvalid, "The path names the account %q and the body %q: name the same.", name, definition.String("name"))
	}
	if err := keep(stored, r.ctx(), definition, r.caller.User); err != nil {
		return err
	}
	return r.answer(http.StatusOK, map[string]any(definition))
}

func deleteStoredAccount(r *request) error {
	stored, err := r.storage()
	if err != nil {
		return err
	}
	if err := stored.Delete(r.ctx(), r.param("account"), r.caller.User); err != nil {
		return err
	}
	return r.done()
}
