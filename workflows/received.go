package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// Receiver is implemented by stage types that keep in their context what others
// answered. Received lists the top-level keys whose values are not the
// pipeline's: the engine evaluates no expression in them, since whoever answers
// would decide what is read from the execution and where it is sent. It reads the
// context and changes nothing.
type Receiver interface {
	Received(stage *pipeline.Stage) []string
}

// told are the keys under which the engine keeps the words of others: errors of
// calls.
var told = []string{"attempts", "cleanUpException", "exception", "onFailureException", "restartDetails"}

// answersAreData marks runs that leave received text alone; older ones evaluated
// it, and what they fetched for that stands in their histories.
const answersAreData = "answersAreData"

// received lists the keys of a stage's context that are left as they are,
// because others wrote them, and hold what looks like an expression.
func (r *run) received(ctx workflow.Context, s *pipeline.Stage) []string {
	keys := slices.Clone(told)
	if kind, err := r.engine.typeOf(s); err == nil {
		if k, ok := kind.(Receiver); ok {
			keys = append(keys, k.Received(s)...)
		}
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return !holdsExpression(s.Context[key]) })
	if len(keys) == 0 || workflow.GetVersion(ctx, answersAreData, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return nil
	}
	return keys
}
