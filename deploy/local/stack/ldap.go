package stack

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

const (
	// LDAPBase is the base of the directory's names, LDAPManager the entry that may do everything, and SecretLDAPPassword
	// names its password.
	LDAPBase           = "dc=example,dc=com"
	LDAPManager        = "cn=manager," + LDAPBase
	SecretLDAPPassword = "ldap-password"
)

// LDAP is an LDAP server with an empty directory, for tests of signing in; the local stack does without.
func LDAP() Part {
	return Part{
		Name:    "ldap",
		Program: SlapdProgram.Name,
		Title:   "OpenLDAP",
		Ports:   []string{PortLDAP, PortLDAPS},
		Prepare: func(e *Env) error { return e.prepareLDAP() },
		Args: func(e *Env) ([]string, error) {
			data, err := e.Data("ldap")
			return []string{"-f", filepath.Join(data, "slapd.conf"), "-d", "0",
				"-h", "ldap://" + e.Address(PortLDAP) + "/ ldaps://" + e.Address(PortLDAPS) + "/"}, err
		},
		Ready: func(ctx context.Context, e *Env) error {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", e.Address(PortLDAPS))
			if err != nil {
				return err
			}
			return conn.Close()
		},
		URLs: func(e *Env) []URL { return []URL{{"OpenLDAP", "ldap://" + e.Address(PortLDAP) + "/" + LDAPBase}} },
	}
}

// LDAPAuthority returns the path of the authority of the server's certificate.
func (e *Env) LDAPAuthority() string { return e.pki().path("ca.crt") }

// prepareLDAP writes the server's configuration.
func (e *Env) prepareLDAP() error {
	data, err := e.Data("ldap")
	if err != nil {
		return err
	}
	if err := e.pki().ensure(); err != nil {
		return err
	}
	password, err := e.Secret(SecretLDAPPassword)
	if err != nil {
		return err
	}
	entries := filepath.Join(data, "entries")
	if err := os.MkdirAll(entries, 0o700); err != nil {
		return err
	}
	var b strings.Builder
	for _, schema := range []string{"core", "cosine", "inetorgperson"} {
		fmt.Fprintf(&b, "include /etc/ldap/schema/%s.schema\n", schema)
	}
	fmt.Fprintf(&b, "modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile %s\n", filepath.Join(data, "slapd.pid"))
	fmt.Fprintf(&b, "TLSCACertificateFile %s\nTLSCertificateFile %s\nTLSCertificateKeyFile %s\n", e.pki().path("ca.crt"), e.pki().path("server.crt"), e.pki().path("server.key"))
	fmt.Fprintf(&b, "database mdb\nmaxsize 67108864\nsuffix %q\nrootdn %q\nrootpw %q\ndirectory %s\n", LDAPBase, LDAPManager, password, entries)
	// As in a company: people sign in, the manager reads, nobody else sees anything.
	b.WriteString("access to attrs=userPassword by anonymous auth by * none\naccess to * by self read by * none\n")
	return os.WriteFile(filepath.Join(data, "slapd.conf"), []byte(b.String()), 0o600)
}
