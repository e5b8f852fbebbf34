package fiat

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Session is what is kept of a sign-in by a browser, or by a client that keeps
// cookies (reference: gate section 1, "Session").
type Session struct {
	Principal Principal `json:"principal"`
	// At is the time of the sign-in; a session ends at the latest its absolute
	// lifetime after it.
	At pipeline.Millis `json:"at"`
	// Provider is the OIDC registration that signed the caller in, and Hint what
	// names its session there at sign-out; empty in other modes.
	Provider string `json:"provider,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// Pending is a sign-in at another server on its way: what the answer is checked
// with.
type Pending struct {
	Provider string `json:"provider"`
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	// To is where the browser goes afterwards.
	To string `json:"to"`
}

// Sessions keeps sessions. IDs are 256 random bits of which only a hash is kept,
// so that whoever can read the store cannot take a session over. All may be lost
// at any moment: people sign in again.
//
// Errors: not_found, unavailable.
type Sessions interface {
	// Create keeps a session and returns its ID.
	Create(ctx context.Context, s Session) (string, error)
	// Session returns a session and keeps it alive; not_found for one that is over.
	Session(ctx context.Context, id string) (Session, error)
	// Delete ends a session; one that is not known is a success.
	Delete(ctx context.Context, id string) error
	// DeleteAll ends every session.
	DeleteAll(ctx context.Context) error
	// Hold keeps a sign-in that is on its way for some minutes and returns its ID.
	Hold(ctx context.Context, p Pending) (string, error)
	// Take returns what was held, once; not_found the second time.
	Take(ctx context.Context, id string) (Pending, error)
}

// Failures counts failed attempts to sign in, for all processes together.
//
// Errors: unavailable.
type Failures interface {
	// Failed counts a failure of each key and returns the counts, which are
	// forgotten when there is no failure for the time of window.
	Failed(ctx context.Context, window time.Duration, keys ...string) ([]int, error)
	// Block refuses a key for a time, and Blocked tells for how long the keys are
	// refused yet; zero is not.
	Block(ctx context.Context, key string, d time.Duration) error
	Blocked(ctx context.Context, keys ...string) (time.Duration, error)
	// Forget drops the counts of keys.
	Forget(ctx context.Context, keys ...string) error
}
