package testkit

import (
	"path/filepath"
	"testing"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// LDAPServer is an LDAP server with an empty directory.
type LDAPServer struct {
	*Server
	// Address and SecureAddress are host:port, the latter with TLS from the start.
	Address, SecureAddress string
	// Base is the base of all names, Manager the entry that may do everything, and Password its password.
	Base, Manager, Password string
	// PasswordFile holds the password, CAFile the authority of the server's certificate.
	PasswordFile, CAFile string
}

// LDAP starts a server for t alone: it may be killed and restarted.
func LDAP(t testing.TB) *LDAPServer {
	t.Helper()
	s := own(t, stack.SlapdProgram, stack.LDAP())
	password, err := s.env.Secret(stack.SecretLDAPPassword)
	if err != nil {
		t.Fatal(err)
	}
	file, err := s.env.SecretFile(stack.SecretLDAPPassword)
	if err != nil {
		t.Fatal(err)
	}
	return &LDAPServer{
		Server: s, Address: s.env.Address(stack.PortLDAP), SecureAddress: s.env.Address(stack.PortLDAPS),
		Base: stack.LDAPBase, Manager: stack.LDAPManager, Password: password, PasswordFile: filepath.Clean(file), CAFile: s.env.LDAPAuthority(),
	}
}
