// Package accounts is the door to cloud accounts that people store through Gate
// while everything runs (reference: clouddriver section 1, gate section 3). What
// an account's document may say is its provider's business; here it has a name
// and a type.
package accounts

import (
	"context"
	"regexp"

	"github.com/gennaker/gennaker/pipeline"
)

// Bounds of what is stored.
const (
	// MaxDocument is how large a document may be, in bytes of JSON.
	MaxDocument = 64 << 10
	// MaxAccounts is how many accounts are kept.
	MaxAccounts = 5000
)

// Store keeps account definitions. Documents returned belong to the caller.
//
// Errors: invalid, conflict, not_found, too_large, unavailable.
type Store interface {
	// List returns all definitions, sorted by name, as they were known a moment
	// ago.
	List(ctx context.Context) ([]pipeline.Map, error)
	// Create keeps a new definition; conflict when there is one of that name.
	Create(ctx context.Context, definition pipeline.Map, by string) error
	// Save creates or replaces a definition.
	Save(ctx context.Context, definition pipeline.Map, by string) error
	// Update replaces a definition; not_found when there is none.
	Update(ctx context.Context, definition pipeline.Map, by string) error
	// Delete removes a definition; not_found when there is none.
	Delete(ctx context.Context, name, by string) error
	// Changed returns a channel that is closed when the list changes. It is asked
	// for before the list.
	Changed() <-chan struct{}
}

var (
	names = regexp.MustCompile(`^[\pL\pN._@-]{1,200}$`)
	types = regexp.MustCompile(`^[A-Za-z0-9._-]{1,50}$`)
)

// Check returns the name of a definition that may be stored. Errors: invalid,
// too_large.
func Check(definition pipeline.Map) (string, error) {
	name := definition.String("name")
	if !names.MatchString(name) {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The account's name is %.100q: use letters, digits and - _ . @ , at most 200 of them.", name)
	}
	if kind := definition.String("type"); !types.MatchString(kind) {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The account %q has the type %.60q: set type, for example to kubernetes.", name, kind)
	}
	text, err := pipeline.EncodeValue(map[string]any(definition))
	if err != nil {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The account %q cannot be written as JSON: %s.", name, err)
	}
	if len(text) > MaxDocument {
		return "", pipeline.Errorf(pipeline.CodeTooLarge, "The account %q is %d bytes: at most %d can be stored.", name, len(text), MaxDocument)
	}
	return name, nil
}

// NotFound is the error for an account that is not stored.
func NotFound(name string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "There is no stored account named %.200q.", name)
}

// Exists is the error for an account that is stored already.
func Exists(name string) error {
	return pipeline.Errorf(pipeline.CodeConflict, "There is an account named %q already: choose another name, or update it.", name)
}
