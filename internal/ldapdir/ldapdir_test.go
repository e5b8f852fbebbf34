package ldapdir_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/ldapdir"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// fill puts people and groups into a directory.
func fill(t *testing.T, s *testkit.LDAPServer) {
	t.Helper()
	c, err := ldap.DialURL("ldap://" + s.Address)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.NoError(t, c.Bind(s.Manager, s.Password))
	add := func(dn string, attributes ...[]string) {
		r := ldap.NewAddRequest(dn, nil)
		for _, a := range attributes {
			r.Attribute(a[0], a[1:])
		}
		require.NoError(t, c.Add(r), dn)
	}
	add(s.Base, []string{"objectClass", "dcObject", "organization"}, []string{"dc", "example"}, []string{"o", "Example"})
	for _, ou := range []string{"people", "groups"} {
		add("ou="+ou+","+s.Base, []string{"objectClass", "organizationalUnit"}, []string{"ou", ou})
	}
	for _, p := range [][]string{{"ines", "Inès", "Ö", "ines@example.com"}, {"omar", "Omar", "P", "omar@example.com"}, {`o'd, (x)*\`, "O", "D", "od@example.com"}} {
		add("uid="+ldap.EscapeDN(p[0])+",ou=people,"+s.Base, []string{"objectClass", "inetOrgPerson"}, []string{"uid", p[0]}, []string{"cn", p[1]},
			[]string{"givenName", p[1]}, []string{"sn", p[2]}, []string{"mail", p[3]}, []string{"userPassword", p[0] + "!"})
	}
	group := func(cn string, members ...string) {
		list := []string{"uniqueMember"}
		for _, m := range members {
			list = append(list, "uid="+ldap.EscapeDN(m)+",ou=people,"+s.Base)
		}
		add("cn="+cn+",ou=groups,"+s.Base, []string{"objectClass", "groupOfUniqueNames"}, []string{"cn", cn}, list)
	}
	group("ROLE_SRE", "ines", "omar")
	group("Shop", "ines", `o'd, (x)*\`)
}

func code(err error) pipeline.Code { return pipeline.CodeOf(err) }

func TestDirectory(t *testing.T) {
	t.Parallel()
	s := testkit.LDAP(t)
	fill(t, s)
	manager := ldapdir.Config{
		URL: "ldap://" + s.Address + "/" + s.Base, ManagerDN: s.Manager, ManagerPassword: "file:" + s.PasswordFile,
		GroupSearchBase: "ou=groups", Timeout: time.Minute,
	}
	pattern, search, secure, started := manager, manager, manager, manager
	pattern.UserDNPattern = "uid={0},ou=people"
	search.UserSearchBase, search.UserSearchFilter = "ou=people", "(|(uid={0})(mail={0}))"
	secure.UserDNPattern, secure.URL, secure.CAFile = "uid={0},ou=people", "ldaps://"+s.SecureAddress+"/"+s.Base, s.CAFile
	started.UserDNPattern, started.StartTLS, started.CAFile = "uid={0},ou=people", true, s.CAFile
	for name, config := range map[string]ldapdir.Config{"pattern": pattern, "search": search, "ldaps": secure, "StartTLS": started} {
		t.Run(name, func(t *testing.T) {
			d, err := ldapdir.Open(t.Context(), config)
			require.NoError(t, err)
			p, err := d.Check(t.Context(), "ines", "ines!")
			require.NoError(t, err)
			require.ElementsMatch(t, []string{"sre", "shop"}, p.Roles)
			p.Roles = nil
			require.Equal(t, ldapdir.Person{Email: "ines@example.com", FirstName: "Inès", LastName: "Ö"}, p)
			odd, err := d.Check(t.Context(), `o'd, (x)*\`, `o'd, (x)*\!`)
			require.NoError(t, err)
			require.Equal(t, []string{"shop"}, odd.Roles)

			// What is special to LDAP is a name like any other, and nobody's.
			for _, user := range []string{"", "nobody", "*", "ines)(uid=*", "ines)(|(uid=*", "ines,ou=people", "ines\x00", "omar,ou=people," + s.Base + ",x=", "(uid=ines)"} {
				_, err := d.Check(t.Context(), user, "ines!")
				require.Equal(t, pipeline.CodeUnauthenticated, code(err), "%q: %v", user, err)
				roles, err := d.Roles(t.Context(), user)
				require.NoError(t, err)
				require.Empty(t, roles, "%q", user)
			}
			for _, password := range []string{"", "omar!", "ines", "*"} {
				_, err := d.Check(t.Context(), "ines", password)
				require.Equal(t, pipeline.CodeUnauthenticated, code(err), "%q: %v", password, err)
			}
			roles, err := d.Roles(t.Context(), "ines")
			require.NoError(t, err)
			require.ElementsMatch(t, []string{"sre", "shop"}, roles)
		})
	}

	noGroups := pattern
	noGroups.ManagerDN, noGroups.ManagerPassword, noGroups.GroupSearchBase = "", "", ""
	d, err := ldapdir.Open(t.Context(), noGroups)
	require.NoError(t, err)
	require.False(t, d.Answers())
	p, err := d.Check(t.Context(), "omar", "omar!")
	require.NoError(t, err)
	require.Equal(t, "omar@example.com", p.Email)

	untrusted := secure
	untrusted.CAFile = ""
	d, err = ldapdir.Open(t.Context(), untrusted)
	require.NoError(t, err)
	_, err = d.Check(t.Context(), "ines", "ines!")
	require.Equal(t, pipeline.CodeUnavailable, code(err), "%v: a certificate that is not known gets no password", err)

	// What cannot be told is neither a wrong password nor "no roles".
	d, err = ldapdir.Open(t.Context(), search)
	require.NoError(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = d.Check(gone, "ines", "ines!")
	require.Error(t, err)
	require.NotEqual(t, pipeline.CodeUnauthenticated, code(err))
	s.Kill()
	_, err = d.Check(t.Context(), "ines", "ines!")
	require.Equal(t, pipeline.CodeUnavailable, code(err), "%v", err)
	_, err = d.Roles(t.Context(), "ines")
	require.Equal(t, pipeline.CodeUnavailable, code(err), "%v", err)
	s.Restart(t)
	_, err = d.Check(t.Context(), "ines", "ines!")
	require.NoError(t, err)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	good := ldapdir.Config{URL: "ldap://x/dc=x", UserDNPattern: "uid={0}"}
	_, err := ldapdir.Open(t.Context(), good)
	require.NoError(t, err)
	for want, change := range map[string]func(*ldapdir.Config){
		"url":                   func(c *ldapdir.Config) { c.URL = "http://x" },
		"no distinguished name": func(c *ldapdir.Config) { c.GroupSearchBase = "groups" },
		"either":                func(c *ldapdir.Config) { c.UserSearchFilter = "(uid={0})" },
		"lacks {0}":             func(c *ldapdir.Config) { c.UserDNPattern = "uid=x" },
		"user-search-filter":    func(c *ldapdir.Config) { c.UserDNPattern, c.UserSearchFilter = "", "(uid={0}" },
		"start-tls":             func(c *ldapdir.Config) { c.URL, c.StartTLS = "ldaps://x", true },
		"manager-password":      func(c *ldapdir.Config) { c.ManagerDN = "cn=m" },
		"by reference":          func(c *ldapdir.Config) { c.ManagerDN, c.ManagerPassword = "cn=m", "hunter2" },
		"ca-file":               func(c *ldapdir.Config) { c.CAFile = "/nowhere" },
	} {
		c := good
		change(&c)
		_, err := ldapdir.Open(t.Context(), c)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
