package gate_test

import (
	"context"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// accountList are accounts that nobody serves.
type accountList []gate.Account

func (a accountList) Accounts(context.Context) ([]gate.Account, error) { return a, nil }

func (a accountList) Account(_ context.Context, name string) (gate.Account, error) {
	for _, account := range a {
		if account.Name == name {
			return account, nil
		}
	}
	return gate.Account{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no account %q.", name)
}

func (a accountList) Health(_ context.Context, name string) (gate.AccountHealth, error) {
	for _, account := range a {
		if account.Name == name {
			return gate.AccountHealth{Account: name, Status: gate.AccountUnserved, Queue: "clouddriver." + name, MissingPermissions: []string{}, Workers: []gate.AccountWorker{}, Refused: []gate.RefusedWorker{}}, nil
		}
	}
	return gate.AccountHealth{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no account %q.", name)
}

// accountsNamed are accounts of which only the names are known.
func accountsNamed(names ...string) accountList {
	out := make(accountList, len(names))
	for i, name := range names {
		out[i].Name = name
	}
	return out
}
