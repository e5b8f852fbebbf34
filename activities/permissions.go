package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/fiat"
)

// Permissions tells what decides about a user, for workers that reach nothing but
// Temporal and their clusters. Errors: unavailable.
type Permissions interface {
	FindSubject(context.Context, FindSubjectInput) (fiat.Subject, error)
}

// FindSubject asks for a user's roles as they are now. It is an activity of its
// own, without a workflow, on the queue of the orca workers.
var FindSubject = Call[FindSubjectInput, fiat.Subject]{Name: "fiat.findSubject", Timeout: 10 * time.Second, QueueTimeout: 10 * time.Second}

// RegisterPermissions registers impl under the name of the call.
func RegisterPermissions(r Registry, impl Permissions) { register(r, FindSubject, impl.FindSubject) }

// FindSubjectInput names a user.
type FindSubjectInput struct {
	User string `json:"user"`
}
