package configuration_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/configuration"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/stored"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/pipeline"
)

// ownName gives everybody the role of the own name.
type ownName struct{}

func (ownName) Roles(_ context.Context, user string) ([]string, error) { return []string{user}, nil }

// TestGuardedConfiguration: no stage does with what is stored what the execution's
// user may not do, whatever Gate let pass.
func TestGuardedConfiguration(t *testing.T) {
	t.Parallel()
	by := func(user string) activities.Scope {
		return activities.Scope{Application: "other", Execution: "01J", Stage: "s", Task: "t", User: user}
	}
	bank := pipeline.Pipeline{"id": "p", "name": "Pay", "application": "bank", "stages": []any{}}
	for name, call := range map[string]struct {
		do  func(activities.Configuration, activities.Scope) error
		may []string
	}{
		"run a child": {func(c activities.Configuration, s activities.Scope) error {
			_, err := c.ReadPipeline(t.Context(), activities.ReadPipelineInput{Scope: s, ID: "p"})
			return err
		}, []string{"operator"}},
		"read": {func(c activities.Configuration, s activities.Scope) error {
			_, err := c.ReadPipeline(t.Context(), activities.ReadPipelineInput{Scope: s, ID: "p", AsStored: true})
			return err
		}, []string{"reader", "writer"}},
		"find": {func(c activities.Configuration, s activities.Scope) error {
			_, err := c.FindPipeline(t.Context(), activities.FindPipelineInput{Scope: s, Application: "bank", Name: "Pay"})
			return err
		}, []string{"reader", "writer"}},
		"save": {func(c activities.Configuration, s activities.Scope) error {
			_, err := c.SavePipeline(t.Context(), activities.SavePipelineInput{Scope: s, Pipeline: bank})
			return err
		}, []string{"writer"}},
		"move it away": {func(c activities.Configuration, s activities.Scope) error {
			moved := bank.Clone()
			moved["application"] = "other"
			_, err := c.SavePipeline(t.Context(), activities.SavePipelineInput{Scope: s, Pipeline: moved})
			return err
		}, []string{"writer"}},
		"delete": {func(c activities.Configuration, s activities.Scope) error {
			_, err := c.DeletePipeline(t.Context(), activities.DeletePipelineInput{Scope: s, ID: "p"})
			return err
		}, []string{"writer"}},
		"reorder": {func(c activities.Configuration, s activities.Scope) error {
			_, err := c.ReorderPipelines(t.Context(), activities.ReorderPipelinesInput{Scope: s, Application: "bank", IDsToIndices: map[string]int{"p": 3}})
			return err
		}, []string{"writer"}},
		"change the application": {func(c activities.Configuration, s activities.Scope) error {
			_, err := c.UpsertApplication(t.Context(), activities.UpsertApplicationInput{Scope: s, Application: pipeline.Application{"name": "bank", "email": "x@y.z"}})
			return err
		}, []string{"writer"}},
		"delete the application": {func(c activities.Configuration, s activities.Scope) error {
			_, err := c.DeleteApplication(t.Context(), activities.DeleteApplicationInput{Scope: s, Name: "bank"})
			return err
		}, []string{"writer"}},
		"create one": {func(c activities.Configuration, s activities.Scope) error {
			_, err := c.UpsertApplication(t.Context(), activities.UpsertApplicationInput{Scope: s, Application: pipeline.Application{"name": "new", "email": "x@y.z"}})
			return err
		}, []string{"anonymous", "reader", "operator", "writer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, user := range []string{"anonymous", "reader", "operator", "writer", "root"} {
				store := memstore.New(nil)
				_, _, err := store.SaveApplication(t.Context(), pipeline.Application{"name": "bank", "email": "a@b.c", "permissions": map[string]any{
					"READ": []any{"reader", "writer"}, "WRITE": []any{"writer"}, "EXECUTE": []any{"operator"},
				}}, "")
				require.NoError(t, err)
				_, err = store.SavePipeline(t.Context(), bank, front50.SaveOptions{})
				require.NoError(t, err)
				config := fiat.DefaultConfig()
				config.AdminRoles = []string{"root"}
				authorizer, err := fiat.New(config, stored.New(store, nil), ownName{})
				require.NoError(t, err)
				err = call.do(configuration.New(store).Guard(authorizer), by(user))
				may := user == "root"
				for _, u := range call.may {
					may = may || u == user
				}
				if may {
					require.NoError(t, err, user)
					continue
				}
				require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err), "%s: %v", user, err)
				p, err := store.Pipeline(t.Context(), "p")
				require.NoError(t, err)
				require.Equal(t, "bank", p.Application(), "nothing was done")
			}
		})
	}
}

// TestPermissionsGivenAwayOnce: a call that took its caller's permission and is
// repeated, since its answer was lost, is done and not refused.
func TestPermissionsGivenAwayOnce(t *testing.T) {
	t.Parallel()
	store := memstore.New(nil)
	authorizer, err := fiat.New(fiat.DefaultConfig(), stored.New(store, nil), ownName{})
	require.NoError(t, err)
	c := configuration.New(store).Guard(authorizer)
	in := activities.UpsertApplicationInput{Scope: activities.Scope{User: "eve"}, Application: pipeline.Application{"name": "shop", "email": "a@b.c", "permissions": map[string]any{"READ": []any{"dana"}, "WRITE": []any{"dana"}}}}
	for range 2 {
		_, err = c.UpsertApplication(t.Context(), in)
		require.NoError(t, err)
	}
	in.Application["email"] = "eve@b.c"
	_, err = c.UpsertApplication(t.Context(), in)
	require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err))
}

// Plugins are administrators'.
func TestGuardedPlugins(t *testing.T) {
	t.Parallel()
	store := memstore.New(nil)
	config := fiat.DefaultConfig()
	config.AdminRoles = []string{"admin"}
	permissions, err := fiat.New(config, stored.New(store, nil), ownName{})
	require.NoError(t, err)
	c := configuration.New(store).Guard(permissions)
	for _, user := range []string{"somebody", "admin"} {
		scope := activities.Scope{Execution: "01J", Stage: "s", Task: "t", User: user}
		_, upsertErr := c.UpsertPluginInfo(t.Context(), activities.UpsertPluginInfoInput{Scope: scope, PluginInfo: pipeline.Map{"id": "acme.hello"}})
		_, deleteErr := c.DeletePluginInfo(t.Context(), activities.DeletePluginInfoInput{Scope: scope, ID: "acme.hello"})
		for _, err := range []error{upsertErr, deleteErr} {
			if user == "admin" {
				require.NoError(t, err)
				continue
			}
			require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err), "%v", err)
		}
	}
}

// A stage that saves a pipeline makes the service account of the roles that the
// pipeline names, also when it is asked twice.
func TestGuardedManagedServiceAccounts(t *testing.T) {
	t.Parallel()
	store := memstore.New(nil)
	permissions, err := fiat.New(fiat.DefaultConfig(), stored.New(store, func(ctx context.Context, name string) (pipeline.Map, error) {
		return store.Document(ctx, front50.KindServiceAccount, name)
	}), ownName{})
	require.NoError(t, err)
	c := configuration.New(store).Guard(permissions)
	in := activities.SavePipelineInput{
		Scope:    activities.Scope{Execution: "01J", Stage: "s", Task: "t", User: "ann"},
		Pipeline: pipeline.Pipeline{"name": "Ship", "application": "shop", "stages": []any{}, "roles": []any{"ann"}, "triggers": []any{map[string]any{"type": "git"}}},
	}
	var id string
	for range 2 {
		out, err := c.SavePipeline(t.Context(), in)
		require.NoError(t, err)
		id = out.Pipeline.ID()
		account := id + pipeline.ManagedSuffix
		require.Equal(t, account, pipeline.AsMap(pipeline.Map(out.Pipeline).List("triggers")[0])["runAsUser"])
		doc, err := store.Document(t.Context(), front50.KindServiceAccount, account)
		require.NoError(t, err)
		require.Equal(t, []any{"ann"}, doc["memberOf"])
	}
	in.Scope.User, in.Pipeline["id"] = "eve", id
	_, err = c.SavePipeline(t.Context(), in)
	require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err), "%v", err)
}
