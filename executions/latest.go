package executions

import (
	"cmp"
	"context"
	"slices"

	"github.com/gennaker/gennaker/pipeline"
)

// Reader reads executions; [Service] is one. Answers are shared: they are read
// and never changed.
type Reader interface {
	// Get returns the newest known state; not_found, unavailable.
	Get(ctx context.Context, id string) (Record, error)
	// List returns matching executions in the order of [Compare]; unavailable.
	List(ctx context.Context, q Query) ([]*pipeline.Execution, error)
}

var _ Reader = (*Service)(nil)

// latestDepth is how many executions of a configuration, by build time, are
// looked at for those that started last. The orders differ where executions
// waited for their turn or were restarted.
const latestDepth = 50

// Latest returns the executions of a pipeline configuration that started last,
// at most limit of them and whole, the newest first; those that have not started
// come last, and of equal ones the higher ID first (reference: orca section 5).
// No statuses are all statuses.
//
// Errors: unavailable.
func Latest(ctx context.Context, r Reader, configID string, statuses []pipeline.Status, limit int) ([]*pipeline.Execution, error) {
	if configID == "" || limit <= 0 {
		return nil, nil
	}
	found, err := r.List(ctx, Query{
		Type: pipeline.TypePipeline, PipelineConfigIDs: []string{configID}, Statuses: statuses, Limit: latestDepth, Summary: true,
	})
	if err != nil {
		return nil, err
	}
	found = slices.Clone(found)
	slices.SortFunc(found, func(a, b *pipeline.Execution) int {
		return cmp.Or(cmp.Compare(b.StartTime, a.StartTime), cmp.Compare(b.ID, a.ID))
	})
	var out []*pipeline.Execution
	for _, e := range found {
		if len(out) == limit {
			break
		}
		whole, err := r.Get(ctx, e.ID)
		if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
			continue // deleted since
		}
		if err != nil {
			return nil, err
		}
		out = append(out, whole.Execution)
	}
	return out, nil
}
