// Package archive is the room that ends every execution: it puts the finished
// execution into the archive and, as final, into the read model.
package archive

import (
	"context"
	"log/slog"
	"time"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// showAfter is how long readers wait for the archive before they see the end
// that it has not taken yet.
const showAfter = 300 * time.Millisecond

var _ activities.Archive = (*Archive)(nil)

// Archive implements [activities.Archive].
type Archive struct {
	archive executions.Archive
	model   executions.ReadModel
	logger  *slog.Logger
}

// New composes the two.
func New(archive executions.Archive, model executions.ReadModel, logger *slog.Logger) *Archive {
	return &Archive{archive: archive, model: model, logger: logger}
}

// ArchiveExecution implements [activities.Archive]. A read model that is away
// is no failure: readers find the execution in the archive.
//
// Errors: invalid, for an execution that has not ended; unavailable, when the
// object store does not answer: the caller tries again until it does, since an
// execution that is not archived is lost with Temporal's retention.
func (a *Archive) ArchiveExecution(ctx context.Context, in activities.ArchiveExecutionInput) (activities.Done, error) {
	e := in.Execution
	switch {
	case e == nil || e.ID == "":
		return activities.Done{}, pipeline.Errorf(pipeline.CodeInvalid, "There is no execution to archive.")
	case !e.Status.Complete():
		return activities.Done{}, pipeline.Errorf(pipeline.CodeInvalid, "The execution %s is %s: only finished executions are archived.", e.ID, e.Status)
	}
	r, err := executions.Record{Execution: e, Sequence: in.Sequence, PublishedAt: pipeline.ToMillis(time.Now())}.Pack()
	if err != nil {
		return activities.Done{}, err
	}
	late := time.AfterFunc(showAfter, func() { a.show(ctx, r) })
	err = a.archive.Save(ctx, r)
	if err != nil {
		return activities.Done{}, err
	}
	late.Stop()
	r.Final = true
	a.show(ctx, r)
	return activities.Done{}, nil
}

// show tells the read model.
func (a *Archive) show(ctx context.Context, r executions.Record) {
	if _, err := a.model.Put(ctx, r); err != nil {
		a.logger.WarnContext(ctx, "the read model does not take a finished execution; readers find it at its owner",
			"application", r.Execution.Application, "execution", r.Execution.ID, "error", err)
	}
}

// FindEnd implements [activities.Archive].
func (a *Archive) FindEnd(ctx context.Context, in activities.FindEndInput) (activities.FindEndOutput, error) {
	r, err := a.archive.Load(ctx, in.Execution)
	switch {
	case err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return activities.FindEndOutput{}, nil
	case err != nil:
		return activities.FindEndOutput{}, err
	}
	return activities.FindEndOutput{Status: in.End(r.Execution, r.Sequence)}, nil
}
