// Package fiat is the door to who may do what: people and the roles they hold,
// what roles may do with applications and accounts, and API tokens. It has
// Spinnaker's name for it (reference: front50 section 6).
package fiat

import (
	"slices"
	"strings"
	"unicode"
)

// Authorization is what a role may do with a resource.
type Authorization string

// The authorizations that there are.
const (
	Read    Authorization = "READ"
	Write   Authorization = "WRITE"
	Execute Authorization = "EXECUTE"
	Create  Authorization = "CREATE"
)

// Authorizations lists all of them, in the order in which Spinnaker writes them.
func Authorizations() []Authorization { return []Authorization{Read, Write, Execute, Create} }

// Anonymous is the name of a caller who is not known (reference: gate section 1).
const Anonymous = "anonymous"

// Permissions are the roles that have each authorization. A resource without any
// is open to everybody.
type Permissions map[Authorization][]string

// Restricted reports whether any role is named.
func (p Permissions) Restricted() bool {
	for _, roles := range p {
		if len(roles) > 0 {
			return true
		}
	}
	return false
}

// Allow reports whether one of the roles has the authorization. Roles compare
// without regard to case.
func (p Permissions) Allow(a Authorization, roles []string) bool {
	if !p.Restricted() {
		return true
	}
	return slices.ContainsFunc(p[a], func(wanted string) bool {
		wanted = Role(wanted)
		return wanted != "" && slices.Contains(roles, wanted)
	})
}

// Role returns the form of a role's name by which roles are told apart; empty for
// what is no name.
func Role(name string) string {
	if strings.ContainsFunc(name, unicode.IsControl) {
		return ""
	}
	return strings.Map(func(c rune) rune {
		if Confusing(c) {
			return c
		}
		return unicode.ToLower(c)
	}, strings.TrimSpace(name))
}

// Confusing reports whether a letter becomes another alphabet's in lower case: the
// Kelvin sign becomes k, İ becomes i. A name with one would be taken for somebody
// else's.
func Confusing(c rune) bool { return c > unicode.MaxASCII && unicode.ToLower(c) <= unicode.MaxASCII }

// RolesOf returns names in the form of [Role], sorted, each once, without empty ones.
func RolesOf(names ...string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		if n = Role(n); n != "" {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// UserKey returns the form of a user's name by which users are told apart.
func UserKey(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
