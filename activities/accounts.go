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
	// ListAccounts returns the names of all accounts.
	ListAccounts(context.Context, ListAccountsInput) (ListAccountsOutput, error)
}

// The calls.
var (
	// FindAccount looks an account up.
	FindAccount = Call[FindAccountInput, FindAccountOutput]{
		Name: "accounts.find", Local: true, Timeout: 10 * time.Second,
	}
	// ListAccounts lists the accounts.
	ListAccounts = Call[ListAccountsInput, ListAccountsOutput]{
		Name: "accounts.list", Local: true, Timeout: 10 * time.Second,
	}
)

// RegisterAccounts registers impl under the names of the calls.
func RegisterAccounts(r Registry, impl Accounts) {
	register(r, FindAccount, impl.FindAccount)
	register(r, ListAccounts, impl.ListAccounts)
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

// ListAccountsInput asks for all accounts.
type ListAccountsInput struct{}

// ListAccountsOutput holds their names, sorted.
type ListAccountsOutput struct {
	Accounts []string `json:"accounts"`
}
