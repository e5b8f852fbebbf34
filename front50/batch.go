package front50

import (
	"context"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// SavePipelines saves every configuration of a list that can be saved and tells of
// each that cannot why (reference: front50 section 4, batchUpdate). Save saves one.
//
// Errors: unavailable and internal, which are no fault of an item: the caller sends
// the list again.
func SavePipelines(ctx context.Context, docs []pipeline.Map, save func(pipeline.Pipeline) error) (BatchResult, error) {
	result := BatchResult{Successful: []string{}, Failed: []pipeline.Map{}}
	seen := map[string]bool{}
	for _, doc := range docs {
		p := pipeline.Pipeline(doc)
		err := twice(seen, p)
		if err == nil {
			err = save(p)
		}
		if err == nil {
			result.Successful = append(result.Successful, p.Name())
			continue
		}
		if code := pipeline.CodeOf(err); code == pipeline.CodeUnavailable || code == pipeline.CodeInternal || ctx.Err() != nil {
			return BatchResult{}, err
		}
		failed := doc.Clone()
		failed["errorMsg"] = strings.Join(append([]string{pipeline.MessageOf(err)}, pipeline.DetailsOf(err)...), "\n")
		result.Failed = append(result.Failed, failed)
	}
	result.SuccessfulCount, result.FailedCount = len(result.Successful), len(result.Failed)
	return result, nil
}

// twice refuses an ID that the list has held before.
func twice(seen map[string]bool, p pipeline.Pipeline) error {
	key := PipelineKey(p.ID())
	if key == "" {
		return nil
	}
	if seen[key] {
		return pipeline.Errorf(pipeline.CodeInvalid, "Duplicate pipeline id %s in the list: send each configuration once.", p.ID())
	}
	seen[key] = true
	return nil
}
