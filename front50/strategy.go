package front50

import (
	"context"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Strategies returns the deployment strategies of an application ("" for all) in
// the order and form in which [Reader] lists pipelines.
func Strategies(ctx context.Context, s Documents, application string) ([]pipeline.Pipeline, error) {
	all, err := s.Documents(ctx, KindStrategy)
	if err != nil {
		return nil, err
	}
	out := make([]pipeline.Pipeline, len(all))
	for i, d := range all {
		out[i] = pipeline.Pipeline(d)
	}
	return ListPipelines(out, application), nil
}

// FindStrategy returns the strategy of an application that has this name, without
// regard to case.
//
// Errors: not_found, unavailable.
func FindStrategy(ctx context.Context, s Documents, application, name string) (pipeline.Pipeline, error) {
	all, err := Strategies(ctx, s, application)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if strings.EqualFold(p.Name(), strings.TrimSpace(name)) && strings.TrimSpace(application) != "" {
			return p, nil
		}
	}
	return nil, pipeline.Errorf(pipeline.CodeNotFound, "Strategy not found (application: %s, name: %s)", application, name)
}

// ReorderStrategies is [ReorderPipelines] for deployment strategies.
func ReorderStrategies(ctx context.Context, store Documents, application string, indices map[string]int, by Author) error {
	return reorder(application, indices, "Strategy", reordered{
		read: func(id string) (pipeline.Pipeline, error) {
			doc, err := store.Document(ctx, KindStrategy, id)
			return pipeline.Pipeline(doc), err
		},
		save: func(p pipeline.Pipeline) error {
			_, err := store.SaveDocument(ctx, KindStrategy, pipeline.Map(p), DocumentOptions{By: by, StaleCheck: true, MustExist: true})
			return err
		},
	})
}
