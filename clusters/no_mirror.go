package clusters

import (
	"context"

	"github.com/gennaker/gennaker/pipeline"
)

// NoMirror is the [MirrorWriter] of a worker that reaches no mirror, such as an
// agent in a private cluster. Nobody leads there: an account is watched from the
// first question to its owner until a while after the last.
type NoMirror struct{}

var _ MirrorWriter = NoMirror{}

// Turn implements [MirrorWriter]: no lease is held.
func (NoMirror) Turn(context.Context, string, []string, bool) (map[string]bool, error) {
	return map[string]bool{}, nil
}

// Release implements [MirrorWriter].
func (NoMirror) Release(context.Context, string, []string) error { return nil }

// Write implements [MirrorWriter]. It refuses, with the code conflict, as it does
// everybody without a lease.
func (NoMirror) Write(_ context.Context, account string, _ Writing) (bool, error) {
	return false, pipeline.Errorf(pipeline.CodeConflict, "What runs on account %q is not mirrored by this worker.", account)
}
