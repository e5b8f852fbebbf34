package clouddriver

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// rolesOf are the roles of users in a test.
type rolesOf map[string][]string

func (r rolesOf) SubjectOf(_ context.Context, user string) (fiat.Subject, error) {
	if user == "nobody-knows" {
		return fiat.Subject{}, pipeline.Errorf(pipeline.CodeUnavailable, "the file is away")
	}
	return fiat.Subject{Name: user, Roles: fiat.RolesOf(r[user]...), Admin: user == "root"}, nil
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	roles := rolesOf{"ines": {"SRE"}, "omar": {"shop"}}
	restricted := map[string][]string{"READ": {"shop", "sre"}, "WRITE": {"sre "}}
	for name, c := range map[string]struct {
		account Account
		roles   fiat.Subjects
		user    string
		access  Access
		code    pipeline.Code // "" when it is allowed
	}{
		"an open account":                          {Account{}, nil, "", Write, ""},
		"empty lists leave it open":                {Account{Permissions: map[string][]string{"READ": {}}}, nil, "", Write, ""},
		"closed without roles":                     {Account{Permissions: restricted}, nil, "ines", Write, pipeline.CodeForbidden},
		"closed to the anonymous":                  {Account{Permissions: restricted}, roles, "anonymous", Read, pipeline.CodeForbidden},
		"a role has it":                            {Account{Permissions: restricted}, roles, "ines", Write, ""},
		"one that may read":                        {Account{Permissions: restricted}, roles, "omar", Read, ""},
		"and may not write":                        {Account{Permissions: restricted}, roles, "omar", Write, pipeline.CodeForbidden},
		"an access without roles is nobody's":      {Account{Permissions: map[string][]string{"READ": {"sre"}}}, roles, "ines", Write, pipeline.CodeForbidden},
		"an administrator may":                     {Account{Permissions: restricted}, roles, "root", Write, ""},
		"groups stand for permissions":             {Account{RequiredGroupMembership: []string{"sre"}}, roles, "omar", Write, pipeline.CodeForbidden},
		"groups let in":                            {Account{RequiredGroupMembership: []string{"sre"}}, roles, "ines", Write, ""},
		"permissions go before groups":             {Account{Permissions: restricted, RequiredGroupMembership: []string{"shop"}}, roles, "omar", Write, pipeline.CodeForbidden},
		"roles that cannot be told are waited for": {Account{Permissions: restricted}, roles, "nobody-knows", Read, pipeline.CodeUnavailable},
	} {
		c.account.Name = "prod"
		accounts, err := NewAccounts([]Account{c.account})
		require.NoError(t, err, name)
		if c.roles != nil {
			accounts.SetSubjects(c.roles)
		}
		acc, err := accounts.find("prod")
		require.NoError(t, err, name)
		err = acc.authorize(t.Context(), activities.Scope{User: c.user}, c.access)
		if c.code == "" {
			require.NoError(t, err, name)
			continue
		}
		require.Error(t, err, name)
		require.Equal(t, c.code, pipeline.CodeOf(err), name)
	}
}

// No operation reaches the cluster for a user who may not use the account.
func TestOperationsNeedTheAccess(t *testing.T) {
	t.Parallel()
	accounts, err := NewAccounts([]Account{{Name: testAccount, KubeconfigFile: "/nowhere", Permissions: map[string][]string{"READ": {"shop"}, "WRITE": {"sre"}}}})
	require.NoError(t, err)
	accounts.SetSubjects(rolesOf{"omar": {"shop"}})
	c := New(accounts, discard())
	scope := activities.Scope{Execution: "e", User: "omar"}
	writes := map[string]func() error{
		"deploy": func() error {
			_, err := c.DeployManifest(t.Context(), activities.DeployManifestInput{Scope: scope, Account: testAccount})
			return err
		},
		"delete": func() error {
			_, err := c.DeleteManifest(t.Context(), activities.DeleteManifestInput{Scope: scope, Account: testAccount, ManifestName: "pod a"})
			return err
		},
		"cleanup": func() error {
			_, err := c.CleanupArtifacts(t.Context(), activities.CleanupArtifactsInput{Scope: scope, Account: testAccount})
			return err
		},
		"job": func() error {
			_, err := c.RunJob(t.Context(), activities.RunJobInput{Scope: scope, Account: testAccount, Manifest: pipeline.Map{"kind": "Job", "apiVersion": "batch/v1"}})
			return err
		},
	}
	for name, call := range writes {
		err := call()
		require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err), name)
		require.ErrorContains(t, err, "Access is denied: WRITE on the account 'test-account' is not allowed to the user 'omar', who has the roles shop; that takes one of the roles sre.", name)
	}
	_, err = c.AwaitStable(t.Context(), activities.AwaitStableInput{Scope: scope, Account: testAccount})
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "looking is allowed, and gets as far as the kubeconfig")
	scope.User = "anonymous"
	_, err = c.AwaitStable(t.Context(), activities.AwaitStableInput{Scope: scope, Account: testAccount})
	requireCode(t, err, pipeline.CodeForbidden)
}
