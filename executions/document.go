package executions

import (
	"context"

	"golang.org/x/sync/semaphore"

	"github.com/gennaker/gennaker/pipeline"
)

// Bounds of the documents that readers hold at once.
const (
	// documentLoads is how many are on their way from the model.
	documentLoads = 16
	// documentBytes is how many packed bytes readers hold together. What is
	// packed takes a fifth to a hundredth of its JSON.
	documentBytes = 256 << 20
	// smallDocument is the size up to which a document counts for nothing.
	smallDocument = 64 << 10
)

// gauge bounds the memory of documents.
type gauge struct {
	loads *semaphore.Weighted
	bytes *semaphore.Weighted
}

func newGauge() gauge {
	return gauge{semaphore.NewWeighted(documentLoads), semaphore.NewWeighted(documentBytes)}
}

// Document hands the newest known state of an execution to use, as [Service.Get]
// knows it and, where the model holds it, packed. Readers of large executions
// share a bound of memory while use runs.
//
// Errors: not_found, unavailable; throttled, when too much is being read at
// once; and those of use.
func (s *Service) Document(ctx context.Context, id string, use func(Document) error) error {
	d, held, err := s.hold(ctx, id)
	if err != nil {
		return err
	}
	defer s.gauge.bytes.Release(held)
	return use(d)
}

// hold reads a document and counts its bytes.
func (s *Service) hold(ctx context.Context, id string) (Document, int64, error) {
	d, err := s.read(ctx, id, func(ctx context.Context, id string) (Document, error) {
		d, err := s.packed(ctx, id)
		if err == nil {
			return d, nil
		}
		if d, ok := s.letGo(ctx, id); ok {
			return d, nil
		}
		return Document{}, err
	})
	if err != nil {
		return d, 0, err
	}
	if d.Packed == "" {
		// The model was told what the owners said, and has it packed by now.
		if again, err := s.packed(ctx, id); err == nil && again.Sequence == d.Sequence && again.Final == d.Final {
			d = again
		}
	}
	held := int64(len(d.Packed))
	if held <= smallDocument {
		return d, 0, nil
	}
	held = min(held, documentBytes)
	if !s.gauge.bytes.TryAcquire(held) {
		return d, 0, pipeline.Errorf(pipeline.CodeThrottled, "Too many large executions are being read at once: try again in a moment.")
	}
	return d, held, nil
}

// packed reads a document from the model.
func (s *Service) packed(ctx context.Context, id string) (Document, error) {
	if err := s.gauge.loads.Acquire(ctx, 1); err != nil {
		return Document{}, pipeline.Wrap(pipeline.CodeUnavailable, err, "Too many executions are being read at once: try again in a moment.")
	}
	defer s.gauge.loads.Release(1)
	return s.model.Document(ctx, id)
}

// letGo returns a large execution that the model does not hold as the archive
// keeps it; false leaves the answer to settle. A workflow that answers may know
// better than the archive, and what is small had better be in the model.
func (s *Service) letGo(ctx context.Context, id string) (Document, bool) {
	d, err := s.archive.Document(ctx, id)
	if err != nil || len(d.Packed) <= smallDocument {
		return Document{}, false
	}
	_, err = s.load(ctx, id)
	return d, err != nil
}
