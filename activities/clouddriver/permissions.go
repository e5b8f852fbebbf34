package clouddriver

import (
	"context"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// Access is what a user may do with an account (reference: clouddriver section
// 1).
type Access string

// The kinds of access. Operations that change a cluster need WRITE, those that
// only look need READ. No operation of an account needs EXECUTE; it is kept and
// shown.
const (
	Read    Access = "READ"
	Write   Access = "WRITE"
	Execute Access = "EXECUTE"
)

var accesses = []string{string(Read), string(Write), string(Execute)}

// Roles knows the roles of users.
type Roles interface {
	// Roles returns the roles of a user, none for one who is not known. Errors:
	// unavailable, when it cannot be told now.
	Roles(ctx context.Context, user string) ([]string, error)
}

// SetRoles sets who knows the roles of users. Without it nobody has any, and
// accounts with permissions are closed.
func (a *Accounts) SetRoles(r Roles) {
	a.shared.mu.Lock()
	defer a.shared.mu.Unlock()
	a.shared.roles = r
}

// Restrictions returns the roles for each access; none when the account is
// open. requiredGroupMembership counts where permissions are not set.
func (a Account) Restrictions() map[string][]string {
	out := map[string][]string{}
	for access, roles := range a.Permissions {
		if len(roles) > 0 {
			out[access] = roles
		}
	}
	if len(out) == 0 && len(a.RequiredGroupMembership) > 0 {
		for _, access := range accesses {
			out[access] = a.RequiredGroupMembership
		}
	}
	return out
}

// Allows reports whether one of the roles has the access under the
// restrictions of an account. Without any restriction everybody has; with one,
// nobody has an access for which no role is named. Roles compare without regard
// to case.
func Allows(restrictions map[string][]string, access Access, roles []string) bool {
	if len(restrictions) == 0 {
		return true
	}
	return slices.ContainsFunc(restrictions[string(access)], func(wanted string) bool {
		return slices.ContainsFunc(roles, func(has string) bool { return strings.EqualFold(strings.TrimSpace(has), strings.TrimSpace(wanted)) })
	})
}

// authorize refuses an operation that the execution's user may not do. Errors:
// forbidden, unavailable.
func (a *account) authorize(ctx context.Context, scope activities.Scope, access Access) error {
	restrictions := a.Restrictions()
	if len(restrictions) == 0 {
		return nil
	}
	a.shared.mu.RLock()
	known := a.shared.roles
	a.shared.mu.RUnlock()
	var roles []string
	if known != nil {
		var err error
		if roles, err = known.Roles(ctx, scope.User); err != nil {
			return pipeline.Wrap(pipeline.CodeUnavailable, err, "The roles of user %q cannot be told: %s.", scope.User, err)
		}
	}
	if Allows(restrictions, access, roles) {
		return nil
	}
	has, needs := "no roles", "no role has it"
	if len(roles) > 0 {
		has = "the roles " + strings.Join(roles, ", ")
	}
	if wanted := restrictions[string(access)]; len(wanted) > 0 {
		needs = "it takes one of the roles " + strings.Join(wanted, ", ")
	}
	return pipeline.Errorf(pipeline.CodeForbidden, "The user %q may not %s account %q: %s, and the user has %s. Roles come from account-roles-file.",
		scope.User, access, a.Name, needs, has)
}
