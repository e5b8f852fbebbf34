package front50

import (
	"context"

	"github.com/gennaker/gennaker/pipeline"
)

// revisions bounds how often a change is made again because somebody else wrote
// the document meanwhile.
const revisions = 10

// ReviseDocument changes a document as change says and loses nobody's work: change
// gets what is stored, nil when there is nothing, and returns what to store, nil for
// nothing. It is called again when somebody else wrote meanwhile.
//
// Errors: those of change and of [Documents]; conflict.
func ReviseDocument(ctx context.Context, s Documents, k *Kind, id string, by Author, change func(stored pipeline.Map) (pipeline.Map, error)) (pipeline.Map, error) {
	stored, err := s.Document(ctx, k, id)
	for range revisions {
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
			return nil, err
		}
		doc, err := change(stored.Clone())
		if err != nil || doc == nil {
			return stored, err
		}
		o := DocumentOptions{By: by, MustNotExist: true}
		if stored != nil {
			o = DocumentOptions{By: by, MustExist: true, StaleCheck: true}
			doc[k.modified] = stored[k.modified]
		}
		saved, err := s.SaveDocument(ctx, k, doc, o)
		if err == nil {
			return saved, nil
		}
		// Whether the document is at fault or somebody was faster is told by a second look.
		again, lookErr := s.Document(ctx, k, id)
		if lookErr != nil && pipeline.CodeOf(lookErr) != pipeline.CodeNotFound {
			return nil, lookErr
		}
		if (again == nil) == (stored == nil) && text(again[k.modified]) == text(stored[k.modified]) {
			return nil, err
		}
		stored = again
	}
	return nil, pipeline.Errorf(pipeline.CodeConflict, "The %s %s is being changed by others all the time: try again.", k.Name, id)
}
