package activities

import (
	"context"
	"time"
)

// Accounts answers which cloud accounts exist. It is served by the orca worker
// itself, so that a misspelt account fails at once instead of waiting for a
// worker that nobody runs.
type Accounts interface {
	// FindAccount returns not_found with the names of the known accounts.
	FindAccount(context.Context, FindAccountInput) (FindAccountOutput, error)
}

// FindAccount looks an account up.
var FindAccount = Call[FindAccountInput, FindAccountOutput]{
	Name: "accounts.find", Local: true, Timeout: 10 * time.Second,
}

// RegisterAccounts registers impl under the names of the calls.
func RegisterAccounts(r Registry, impl Accounts) {
	register(r, FindAccount, impl.FindAccount)
}

// FindAccountInput names an account.
type FindAccountInput struct {
	Account string `json:"account"`
}

// FindAccountOutput describes it.
type FindAccountOutput struct {
	Account       string `json:"account"`
	CloudProvider string `json:"cloudProvider"`
}
