package fiat_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// resources are what a test says there is.
type resources struct {
	applications map[string]fiat.Permissions
	services     map[string][]string
	fail         error
}

func (r resources) Application(_ context.Context, name string) (fiat.Permissions, bool, error) {
	p, known := r.applications[fiat.UserKey(name)]
	return p, known, r.fail
}

func (r resources) Applications(context.Context) (map[string]fiat.Permissions, error) {
	return r.applications, r.fail
}

func (r resources) ServiceAccount(_ context.Context, name string) ([]string, bool, error) {
	roles, known := r.services[fiat.UserKey(name)]
	return roles, known, r.fail
}

// roles are those of users by their source.
type roles map[string][]string

func (r roles) Roles(_ context.Context, user string) ([]string, error) {
	if user == "unlucky" {
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "The directory does not answer.")
	}
	return r[user], nil
}

var shop = resources{
	applications: map[string]fiat.Permissions{
		"open":   nil,
		"shop":   {fiat.Read: {"dev", "sre"}, fiat.Write: {"sre"}},
		"bank":   {fiat.Read: {"dev"}, fiat.Write: {"sre"}, fiat.Execute: {"ops"}},
		"broken": fiat.Closed(),
	},
	services: map[string][]string{"deployer@shop": {"sre"}, "both": {"sre", "dev"}, "free": {}},
}

func authorizer(t *testing.T, change func(*fiat.Config)) *fiat.Authorizer {
	t.Helper()
	c := fiat.DefaultConfig()
	c.AdminRoles = []string{"Root"}
	if change != nil {
		change(&c)
	}
	a, err := fiat.New(c, shop, roles{"dana": {"Dev"}, "sam": {"sre"}, "olaf": {"OPS "}, "rita": {"root"}})
	require.NoError(t, err)
	return a
}

func TestApplications(t *testing.T) {
	t.Parallel()
	type asks []struct {
		user, application string
		needs             fiat.Authorization
		want              pipeline.Code // "" is allowed
	}
	const denied = pipeline.CodeForbidden
	for name, tt := range map[string]struct {
		change func(*fiat.Config)
		asks   asks
	}{
		"as it is by default": {nil, asks{
			{"dana", "SHOP", fiat.Read, ""}, {"dana", "shop", fiat.Write, denied}, {"dana", "shop", fiat.Execute, ""},
			{"sam", "shop", fiat.Write, ""}, {"olaf", "shop", fiat.Read, denied}, {"anonymous", "shop", fiat.Read, denied},
			{"anonymous", "open", fiat.Write, ""}, {"dana", "bank", fiat.Execute, denied}, {"olaf", "bank", fiat.Execute, ""}, {"olaf", "bank", fiat.Read, denied},
			{"rita", "bank", fiat.Write, ""}, {"rita", "broken", fiat.Write, ""}, {"sam", "broken", fiat.Read, denied},
			{"anonymous", "unknown", fiat.Write, ""}, {"anonymous", "new", fiat.Create, ""},
			{"deployer@shop", "shop", fiat.Write, ""}, {"deployer@shop", "bank", fiat.Execute, denied},
			{"unlucky", "open", fiat.Read, pipeline.CodeUnavailable},
		}},
		"EXECUTE falls back to WRITE": {func(c *fiat.Config) { c.ExecuteFallback = "WRITE" }, asks{
			{"dana", "shop", fiat.Execute, denied}, {"sam", "shop", fiat.Execute, ""},
		}},
		"not enforced": {func(c *fiat.Config) { c.Enabled = false }, asks{
			{"anonymous", "bank", fiat.Write, ""}, {"anonymous", "broken", fiat.Read, ""},
		}},
		"creation is restricted": {func(c *fiat.Config) {
			c.RestrictApplicationCreation, c.ApplicationCreators = true, []string{"shop*=dev", "bank*=sre", "*-lab = OPS"}
		}, asks{
			{"dana", "shop2", fiat.Create, ""}, {"sam", "shop2", fiat.Create, denied}, {"sam", "Bank-2", fiat.Create, ""}, {"olaf", "x-lab", fiat.Create, ""},
			{"olaf", "x", fiat.Create, denied}, {"rita", "x", fiat.Create, ""},
			{"dana", "shop2", fiat.Execute, ""}, {"dana", "other", fiat.Execute, pipeline.CodeNotFound},
		}},
		"unknown applications are closed": {func(c *fiat.Config) { c.UnknownApplications = false }, asks{
			{"dana", "gone", fiat.Read, pipeline.CodeNotFound}, {"rita", "gone", fiat.Read, ""}, {"dana", "new", fiat.Create, ""},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := authorizer(t, tt.change)
			for _, ask := range tt.asks {
				s, err := a.SubjectOf(t.Context(), ask.user)
				if err == nil {
					err = a.Application(t.Context(), s, ask.application, ask.needs)
				}
				what := ask.user + " " + string(ask.needs) + " " + ask.application
				if ask.want == "" {
					require.NoError(t, err, what)
				} else {
					require.Equal(t, ask.want, pipeline.CodeOf(err), "%s: %v", what, err)
				}
				if ask.want == "" || ask.want == denied {
					if ask.needs == fiat.Create {
						continue
					}
					may, err := a.Readable(t.Context(), s, ask.needs)
					require.NoError(t, err)
					require.Equal(t, ask.want == "", may(ask.application), "%s: in a list", what)
				}
			}
		})
	}
}

func TestTokensAreBoundByTheirScopes(t *testing.T) {
	t.Parallel()
	a := authorizer(t, nil)
	s, err := a.Subject(t.Context(), fiat.Principal{Name: "rita", Scopes: []fiat.Authorization{fiat.Read}})
	require.NoError(t, err)
	require.True(t, s.Admin)
	require.NoError(t, a.Application(t.Context(), s, "bank", fiat.Read))
	for name, err := range map[string]error{
		"write": a.Application(t.Context(), s, "open", fiat.Write), "execute": a.Application(t.Context(), s, "open", fiat.Execute),
		"create": a.Application(t.Context(), s, "new", fiat.Create), "administer": a.Administrator(s), "manage": a.Manager(s),
		"account": s.May(fiat.Write, "account", "prod", nil),
	} {
		require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err), name)
		require.ErrorContains(t, err, "scopes", name)
	}
	may, err := a.Readable(t.Context(), s, fiat.Write)
	require.NoError(t, err)
	require.False(t, may("open"))
}

func TestSignInBringsRoles(t *testing.T) {
	t.Parallel()
	a := authorizer(t, nil)
	s, err := a.Subject(t.Context(), fiat.Principal{Name: "dana", Roles: []string{"Claimed", "dev"}})
	require.NoError(t, err)
	require.Equal(t, []string{"claimed", "dev"}, s.Roles)
	s, err = a.Subject(t.Context(), fiat.Principal{Name: "Deployer@Shop", Roles: []string{"root"}})
	require.NoError(t, err)
	require.Equal(t, []string{"sre"}, s.Roles, "whoever has the name of a service account is one")
	require.False(t, s.Admin)
	s, err = a.Subject(t.Context(), fiat.Principal{})
	require.NoError(t, err)
	require.Equal(t, fiat.Anonymous, s.Name)
}

func TestRunAs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		user, account, application string
		any                        bool
		want                       string // "" is allowed
	}{
		"its role":                               {"sam", "deployer@shop", "shop", false, ""},
		"another's":                              {"dana", "deployer@shop", "shop", false, "takes one of the roles sre"},
		"an application that it may not execute": {"sam", "deployer@shop", "bank", false, "user 'deployer@shop'"},
		"not all of its roles":                   {"sam", "both", "shop", false, "service account 'both'"},
		"one of its roles, where that is enough": {"sam", "both", "shop", true, ""},
		"an administrator":                       {"rita", "deployer@shop", "shop", false, ""},
		"one of no role, which may do nothing":   {"dana", "free", "shop", false, "user 'free'"},
		"one of no role, in an open application": {"dana", "free", "open", false, ""},
		"one that is not there":                  {"rita", "nobody", "shop", false, "there is no service account 'nobody'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := authorizer(t, func(c *fiat.Config) { c.AnyMember = tt.any })
			s, err := a.SubjectOf(t.Context(), tt.user)
			require.NoError(t, err)
			err = a.RunAs(t.Context(), s, tt.account, tt.application)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// What cannot be read is never taken for open.
func TestReadPermissions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		document any
		want     fiat.Permissions
	}{
		"none":            {nil, nil},
		"empty":           {map[string]any{}, fiat.Permissions{}},
		"lists":           {map[string]any{"read": []any{"a"}, "WRITE": []any{}}, fiat.Permissions{fiat.Read: {"a"}}},
		"a null list":     {map[string]any{"READ": nil}, fiat.Permissions{}},
		"text":            {"unreadable", fiat.Closed()},
		"a list":          {[]any{"a"}, fiat.Closed()},
		"text for a list": {map[string]any{"READ": "a"}, fiat.Closed()},
		"no text in it":   {map[string]any{"READ": []any{int64(1)}}, fiat.Closed()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, fiat.ReadPermissions(tt.document))
		})
	}
	closed := fiat.Subject{Name: "eve", Roles: fiat.RolesOf("\x00")}
	require.Error(t, closed.May(fiat.Read, "application", "x", fiat.Closed()), "and nobody can have the role that it takes")
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*fiat.Config)
		want   string
	}{
		"default":        {func(*fiat.Config) {}, ""},
		"fallback":       {func(c *fiat.Config) { c.ExecuteFallback = "CREATE" }, "execute-fallback"},
		"no role":        {func(c *fiat.Config) { c.ApplicationCreators = []string{"a="} }, "pattern=role"},
		"no pattern":     {func(c *fiat.Config) { c.ApplicationCreators = []string{"=a"} }, "pattern=role"},
		"broken pattern": {func(c *fiat.Config) { c.ApplicationCreators = []string{"[=a"} }, "pattern=role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fiat.DefaultConfig()
			tt.change(&c)
			if tt.want == "" {
				require.NoError(t, c.Validate())
				return
			}
			require.ErrorContains(t, c.Validate(), tt.want)
		})
	}
}

// TestScopesHoldWithoutPermissions: what a token may be used for does not depend on
// whether permissions are enforced.
func TestScopesHoldWithoutPermissions(t *testing.T) {
	t.Parallel()
	a := fiat.Unchecked()
	s, err := a.Subject(t.Context(), fiat.Principal{Name: "ines", Scopes: []fiat.Authorization{fiat.Read}})
	require.NoError(t, err)
	for _, wanted := range fiat.Authorizations() {
		err := a.Application(t.Context(), s, "shop", wanted)
		if wanted == fiat.Read {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err), wanted)
	}
}

func TestManagedServiceAccounts(t *testing.T) {
	t.Parallel()
	there := resources{applications: shop.applications, services: map[string][]string{
		"mine@managed-service-account": {"sre", "dev"}, "roles-x@shared-managed-service-account": {"dev"}, "deployer@shop": {"sre"},
	}}
	const own = "p-1@managed-service-account"
	triggers := func(accounts ...string) []any {
		out := []any{}
		for _, account := range accounts {
			trigger := map[string]any{"type": "git"}
			if account != "" {
				trigger["runAsUser"] = account
			}
			out = append(out, trigger)
		}
		return out
	}
	for name, c := range map[string]struct {
		user     []string
		app      string
		pipeline pipeline.Pipeline
		runAs    []string // of the triggers, after
		memberOf []string // that the account gets, nil where it stays as it is
		code     pipeline.Code
		says     string
	}{
		"none":                      {pipeline: pipeline.Pipeline{"id": "P-1"}, runAs: []string{"", "deployer@shop", "old@managed-service-account"}},
		"new":                       {user: []string{"sre", "dev"}, pipeline: pipeline.Pipeline{"id": "P-1", "roles": []any{"SRE", " dev ", "sre"}}, runAs: []string{own, "deployer@shop", own}, memberOf: []string{"SRE", "dev"}},
		"emptied":                   {pipeline: pipeline.Pipeline{"id": "P-1", "roles": []any{}}, runAs: []string{"", "deployer@shop", ""}},
		"unchanged":                 {user: []string{"sre", "dev"}, pipeline: pipeline.Pipeline{"id": "mine", "roles": []any{"Dev", "SRE"}}, runAs: []string{"mine@managed-service-account", "deployer@shop", "mine@managed-service-account"}, memberOf: []string{"Dev", "SRE"}},
		"unchanged, lacking a role": {user: []string{"sre"}, pipeline: pipeline.Pipeline{"id": "mine", "roles": []any{"dev", "sre"}}, code: pipeline.CodeForbidden, says: "dev"},
		"lacking a role":            {user: []string{"dev"}, pipeline: pipeline.Pipeline{"id": "P-1", "roles": []any{"dev", "sre"}}, code: pipeline.CodeForbidden, says: "sre"},
		"an administrator":          {user: []string{"root"}, pipeline: pipeline.Pipeline{"id": "P-1", "roles": []any{"dev"}}, runAs: []string{own, "deployer@shop", own}, memberOf: []string{"dev"}},
		"roles that may not run it": {user: []string{"dev"}, app: "bank", pipeline: pipeline.Pipeline{"id": "P-1", "roles": []any{"dev"}}, code: pipeline.CodeForbidden, says: "EXECUTE"},
		"a shared one":              {user: []string{"dev"}, pipeline: pipeline.Pipeline{"id": "P-1", "roles": []any{"dev"}, "serviceAccount": "roles-x@shared-managed-service-account"}, runAs: []string{"roles-x@shared-managed-service-account", "deployer@shop", "roles-x@shared-managed-service-account"}},
		"a shared one of others":    {user: []string{"sre"}, pipeline: pipeline.Pipeline{"id": "P-1", "roles": []any{"sre"}, "serviceAccount": "roles-x@shared-managed-service-account"}, runAs: []string{own, "deployer@shop", own}, memberOf: []string{"sre"}},
		"another pipeline's":        {user: []string{"dev"}, pipeline: pipeline.Pipeline{"id": "P-1", "roles": []any{"dev"}, "serviceAccount": "mine@managed-service-account"}, runAs: []string{own, "deployer@shop", own}, memberOf: []string{"dev"}},
		"not a managed one":         {user: []string{"sre"}, pipeline: pipeline.Pipeline{"id": "P-1", "roles": []any{"sre"}, "serviceAccount": "deployer@shop"}, code: pipeline.CodeInvalid, says: "serviceAccount"},
		"no list":                   {pipeline: pipeline.Pipeline{"id": "P-1", "roles": "dev"}, code: pipeline.CodeInvalid, says: "list of names"},
		"no names":                  {pipeline: pipeline.Pipeline{"id": "P-1", "roles": []any{" "}}, code: pipeline.CodeInvalid, says: "list of names"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := fiat.DefaultConfig()
			config.AdminRoles = []string{"root"}
			a, err := fiat.New(config, there, nil)
			require.NoError(t, err)
			subject, err := a.Subject(t.Context(), fiat.Principal{Name: "ann", Roles: c.user})
			require.NoError(t, err)
			given := c.pipeline
			given["application"] = "shop"
			if c.app != "" {
				given["application"] = c.app
			}
			given["triggers"] = triggers("", "deployer@shop", "old@managed-service-account")
			m, err := a.Manage(t.Context(), subject, given)
			if c.code != "" {
				require.Equal(t, c.code, pipeline.CodeOf(err), "%v", err)
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			nobody, err := a.Subject(t.Context(), fiat.Principal{})
			require.NoError(t, err)
			kept, err := a.Manage(t.Context(), nobody, given)
			require.NoError(t, err)
			require.Equal(t, fiat.Managed{Pipeline: given}, kept, "nobody has roles to give")
			require.Equal(t, triggers(c.runAs...), m.Pipeline["triggers"])
			require.Equal(t, triggers("", "deployer@shop", "old@managed-service-account"), given["triggers"], "the argument is not changed")
			require.Equal(t, c.memberOf, m.Roles)
			if c.memberOf == nil {
				return
			}

			open := fiat.Unchecked()
			unchecked, err := open.Subject(t.Context(), fiat.Principal{Name: "ann"})
			require.NoError(t, err)
			m, err = open.Manage(t.Context(), unchecked, given)
			require.NoError(t, err)
			require.Equal(t, given, m.Pipeline, "nothing is made while nothing is enforced")
		})
	}
}

// The account of one pipeline is not lent to another, which would go on to get what
// its roles become.
func TestTriggersOfOtherPipelinesAccounts(t *testing.T) {
	t.Parallel()
	there := resources{applications: shop.applications, services: map[string][]string{"a@managed-service-account": {"sre"}, "deployer@shop": {"sre"}}}
	a, err := fiat.New(fiat.DefaultConfig(), there, nil)
	require.NoError(t, err)
	subject, err := a.Subject(t.Context(), fiat.Principal{Name: "ann", Roles: []string{"sre"}})
	require.NoError(t, err)
	running := func(id string, accounts ...string) pipeline.Pipeline {
		list := []any{}
		for _, account := range accounts {
			list = append(list, map[string]any{"runAsUser": account})
		}
		return pipeline.Pipeline{"id": id, "application": "shop", "triggers": list}
	}
	const account = "a@managed-service-account"
	require.NoError(t, a.Triggers(t.Context(), subject, running("A", account, "deployer@shop"), nil, ""), "its own")
	for _, name := range []string{account, "A@Managed-Service-Account", " " + account} {
		err = a.Triggers(t.Context(), subject, running("b", name), running("b", "deployer@shop"), "")
		require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "another pipeline")
	}
	require.NoError(t, a.Triggers(t.Context(), subject, running("b", account), running("b", account), ""), "it had it before")
	other, err := a.Subject(t.Context(), fiat.Principal{Name: "eve", Roles: []string{"dev"}})
	require.NoError(t, err)
	require.Error(t, a.Triggers(t.Context(), other, running("b", account), running("b", account), ""), "and still takes the roles")
}
