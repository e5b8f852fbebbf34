package clouddriver

import (
	"context"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/fiat"
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

// SetSubjects sets who knows what users may do. Without it nobody has any role, and
// accounts with permissions are closed.
func (a *Accounts) SetSubjects(known fiat.Subjects) {
	a.shared.mu.Lock()
	defer a.shared.mu.Unlock()
	a.shared.subjects = known
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

// authorize refuses an operation that the execution's user may not do. Errors:
// forbidden, unavailable.
func (a *account) authorize(ctx context.Context, scope activities.Scope, access Access) error {
	restrictions := fiat.Permissions{}
	for needs, roles := range a.Restrictions() {
		restrictions[fiat.Authorization(needs)] = roles
	}
	if !restrictions.Restricted() {
		return nil
	}
	a.shared.mu.RLock()
	known := a.shared.subjects
	a.shared.mu.RUnlock()
	subject := fiat.Subject{Name: scope.User}
	if known != nil {
		var err error
		if subject, err = known.SubjectOf(ctx, scope.User); err != nil {
			return pipeline.Wrap(pipeline.CodeUnavailable, err, "What the user '%s' may do cannot be told now: %s", scope.User, pipeline.MessageOf(err))
		}
	}
	return subject.May(fiat.Authorization(access), "account", a.Name, restrictions)
}
