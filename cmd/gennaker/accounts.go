package main

import (
	"context"

	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/gate"
)

// gateAccounts shows the configured accounts to Gate.
type gateAccounts struct{ registry *clouddriver.Accounts }

var _ gate.Accounts = gateAccounts{}

// Accounts implements gate.Accounts.
func (g gateAccounts) Accounts(ctx context.Context) ([]gate.Account, error) {
	var out []gate.Account
	for _, name := range g.registry.Names() {
		d, err := g.registry.Describe(ctx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, gate.Account{
			Name: d.Name, Type: d.Type, CloudProvider: d.CloudProvider, Environment: d.Environment,
			AccountType: d.AccountType, Namespaces: d.Namespaces, SpinnakerKindMap: d.SpinnakerKindMap,
		})
	}
	return out, nil
}
