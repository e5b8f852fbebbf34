package fiat

import (
	"context"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Subject is a user with everything that decides what the user may do.
type Subject struct {
	Name string `json:"name"`
	// Roles are in the form of [RolesOf].
	Roles []string `json:"roles"`
	// Admin may do everything.
	Admin bool `json:"admin,omitempty"`
	// Scopes bound an API token; empty is no bound. They bind administrators too.
	Scopes []Authorization `json:"scopes,omitempty"`
	// Unchecked is set while permissions are not enforced: everything is allowed.
	Unchecked bool `json:"unchecked,omitempty"`
}

// Subjects tells what decides about a user whose name alone is known, such as the
// one of an execution.
type Subjects interface {
	// SubjectOf returns the user's roles as they are now. Errors: unavailable.
	SubjectOf(ctx context.Context, user string) (Subject, error)
}

// Scoped reports whether the scopes of the subject's token allow an
// authorization.
func (s Subject) Scoped(a Authorization) bool {
	return len(s.Scopes) == 0 || slices.Contains(s.Scopes, a)
}

// May refuses what the subject may not do with a resource that has these
// permissions. Noun and name tell people what it is, for example "account" and
// "prod".
//
// Errors: forbidden. Its message begins with Spinnaker's own words, since clients
// look for them (reference: gate section 1).
func (s Subject) May(a Authorization, noun, name string, p Permissions) error {
	switch {
	case !s.Scoped(a):
		return errScope(a)
	case s.Unchecked, s.Admin, p.Allow(a, s.Roles):
		return nil
	}
	return s.refused(a, noun, name, p)
}

func errScope(a Authorization) error {
	return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: the API token's scopes do not include %s. Use a token that has it.", a)
}

// refused says who lacks what, and what would help.
func (s Subject) refused(a Authorization, noun, name string, p Permissions) error {
	has := "has no roles"
	if len(s.Roles) > 0 {
		has = "has the roles " + strings.Join(s.Roles, ", ")
	}
	needs := "no role has that: an administrator can give it to one"
	if slices.Equal(p[a], []string{nobody}) {
		needs = "its permissions cannot be read: an administrator can set them again"
	} else if wanted := RolesOf(p[a]...); len(wanted) > 0 {
		needs = "that takes one of the roles " + strings.Join(wanted, ", ")
	}
	return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: %s on the %s '%s' is not allowed to the user '%s', who %s; %s.", a, noun, name, s.Name, has, needs)
}

// nobody is a role that nobody can have, since its name cannot be written.
const nobody = "\x00"

// Closed are the permissions of a resource whose own cannot be read: it must not
// seem open.
func Closed() Permissions {
	out := Permissions{}
	for _, a := range Authorizations() {
		out[a] = []string{nobody}
	}
	return out
}

// ReadPermissions reads the permissions of a document: an object of lists of
// roles. None are an empty map; what cannot be read is [Closed].
func ReadPermissions(v any) Permissions {
	if v == nil {
		return nil
	}
	m := pipeline.AsMap(v)
	if m == nil {
		return Closed()
	}
	out := Permissions{}
	for key, value := range m {
		list, isList := value.([]any)
		if !isList && value != nil {
			return Closed()
		}
		for _, e := range list {
			role, isText := e.(string)
			if !isText {
				return Closed()
			}
			a := Authorization(strings.ToUpper(strings.TrimSpace(key)))
			out[a] = append(out[a], role)
		}
	}
	return out
}
