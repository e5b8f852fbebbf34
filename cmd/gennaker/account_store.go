package main

import (
	"context"

	"github.com/gennaker/gennaker/accounts"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// accountStore checks accounts before they are stored.
type accountStore struct {
	store    accounts.Store
	registry *clouddriver.Accounts
}

var _ gate.StoredAccounts = accountStore{}

// accountStore returns Gate's way to the stored accounts, nil when accounts may
// not be stored.
func (o *opened) accountStore() gate.StoredAccounts {
	if o.stored == nil {
		return nil
	}
	return accountStore{store: o.stored, registry: o.accounts}
}

func (s accountStore) check(definition pipeline.Map) error {
	if kind := definition.String("type"); kind != clouddriver.Provider {
		return pipeline.Errorf(pipeline.CodeInvalid, "The account has the type %.60q: the only type is %q.", kind, clouddriver.Provider)
	}
	account, err := storable(definition)
	if err != nil {
		return err
	}
	if s.registry.Configured(account.Name) {
		return pipeline.Errorf(pipeline.CodeConflict, "The account %q comes from the configuration file: change it there, or choose another name.", account.Name)
	}
	return nil
}

// List implements gate.StoredAccounts.
func (s accountStore) List(ctx context.Context) ([]pipeline.Map, error) { return s.store.List(ctx) }

// Create implements gate.StoredAccounts.
func (s accountStore) Create(ctx context.Context, definition pipeline.Map, by string) error {
	if err := s.check(definition); err != nil {
		return err
	}
	return s.store.Create(ctx, definition, by)
}

// Save implements gate.StoredAccounts.
func (s accountStore) Save(ctx context.Context, definition pipeline.Map, by string) error {
	if err := s.check(definition); err != nil {
		return err
	}
	return s.store.Save(ctx, definition, by)
}

// Update implements gate.StoredAccounts.
func (s accountStore) Update(ctx context.Context, definition pipeline.Map, by string) error {
	if err := s.check(definition); err != nil {
		return err
	}
	return s.store.Update(ctx, definition, by)
}

// Delete implements gate.StoredAccounts.
func (s accountStore) Delete(ctx context.Context, name, by string) error {
	return s.store.Delete(ctx, name, by)
}
