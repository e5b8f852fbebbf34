package signin

import (
	"context"
	"strings"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/internal/ldapdir"
)

// FromDirectory checks passwords by a directory. With asked the directory is a
// source of roles too; then those of the sign-in are left out, since they would
// live on in the session after the directory has taken them away.
func FromDirectory(d *ldapdir.Directory, asked bool) Passwords { return &ldapPasswords{d, asked} }

type ldapPasswords struct {
	directory *ldapdir.Directory
	asked     bool
}

// Check implements [Passwords].
func (l *ldapPasswords) Check(ctx context.Context, username, password string) (fiat.Principal, error) {
	username = strings.TrimSpace(username)
	person, err := l.directory.Check(ctx, username, password)
	if err != nil {
		return fiat.Principal{}, err
	}
	p := fiat.Principal{Name: username, Email: person.Email, FirstName: person.FirstName, LastName: person.LastName, Roles: person.Roles, Mode: ModeLDAP}
	if l.asked {
		p.Roles = nil
	}
	return named(p)
}
