package front50

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// ReorderPipelines gives configurations of one application the places that
// indices names by ID (reference: front50 section 5). All are looked at before
// one is written; what has its place already is not written, so the same call may
// be made again.
//
// Errors: unprocessable without an application or without indices, invalid for a
// configuration of another application, and those of [Writer.SavePipeline].
func ReorderPipelines(ctx context.Context, store Store, application string, indices map[string]int, by Author) error {
	return reorder(application, indices, "Pipeline", reordered{
		read: func(id string) (pipeline.Pipeline, error) { return store.Pipeline(ctx, id) },
		save: func(p pipeline.Pipeline) error {
			_, err := store.SavePipeline(ctx, p, SaveOptions{By: by, StaleCheck: true, MustExist: true})
			return err
		},
	})
}

// reordered is how the documents that get places are read and saved. Somebody
// else's change since the reading must not be undone by a save.
type reordered struct {
	read func(id string) (pipeline.Pipeline, error)
	save func(pipeline.Pipeline) error
}

func reorder(application string, indices map[string]int, noun string, documents reordered) error {
	if strings.TrimSpace(application) == "" || indices == nil {
		return pipeline.Errorf(pipeline.CodeUnprocessable, "A reorder requires application and idsToIndices fields: set both.")
	}
	ids := slices.Sorted(maps.Keys(indices))
	moved := make([]pipeline.Pipeline, len(ids))
	for i, id := range ids {
		p, err := documents.read(id)
		if err != nil {
			return err
		}
		if ApplicationKey(p.Application()) != ApplicationKey(application) {
			return pipeline.Errorf(pipeline.CodeInvalid, "%s with id %s does not belong to application %s: send the ids of its own.", noun, id, application)
		}
		moved[i] = p
	}
	for i, p := range moved {
		index := indices[ids[i]]
		if now, has := p.Index(); has && now == index {
			continue
		}
		p["index"] = int64(index)
		if err := documents.save(p); err != nil {
			return err
		}
	}
	return nil
}
