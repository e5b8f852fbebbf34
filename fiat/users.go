package fiat

import (
	"context"

	"github.com/gennaker/gennaker/pipeline"
)

// User is what is kept of a person's last sign-in: an execution that runs on the
// person's behalf is authorized by it hours later, by another process.
type User struct {
	// Name is the user's name as it was at the sign-in.
	Name string `json:"name"`
	// Roles are in the form of [Role].
	Roles []string `json:"roles"`
	// Source is Spinnaker's word for where the roles come from: EXTERNAL or LDAP.
	Source string `json:"source"`
	// At is the time of the sign-in that brought these roles.
	At pipeline.Millis `json:"at"`
}

// Users keeps the roles that people signed in with. It outlives Redis and
// sign-out, so that executions go on with the roles of those who started them.
//
// Errors: not_found, unavailable.
type Users interface {
	// SignedIn keeps the roles of a user in place of what was known. One whose roles
	// are as they were is not written again.
	SignedIn(ctx context.Context, u User) error
	// User returns what is known of a user, whose name compares without regard to
	// case; not_found for one who never signed in.
	User(ctx context.Context, name string) (User, error)
}

// Roles tells the roles of a user.
type Roles interface {
	// Roles returns the roles of a user in any form; none for one who is not known.
	// Errors: unavailable, when it cannot be told now.
	Roles(ctx context.Context, user string) ([]string, error)
}
