package artifacts

import (
	"context"
	"encoding/json"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/heartbeat"
	"github.com/gennaker/gennaker/internal/sandbox"
	"github.com/gennaker/gennaker/internal/yamldocs"
	"github.com/gennaker/gennaker/pipeline"
)

// parseTask reads a text of manifests in a process of its own.
const parseTask = "parseManifests"

// inProcess is how long a text may be, in bytes, to be read by the worker itself:
// a process of its own costs more than a short text can do harm.
const inProcess = 64 << 10

// Tasks are what the room has done in the sandbox.
func Tasks() map[string]sandbox.Task {
	return map[string]sandbox.Task{parseTask: func(input json.RawMessage) (any, error) {
		var text []byte
		if err := json.Unmarshal(input, &text); err != nil {
			return nil, err
		}
		docs, err := yamldocs.Parse(text, yamldocs.Defaults)
		if err != nil {
			return nil, err
		}
		return activities.JSON{Value: docs}, nil
	}}
}

// FetchManifests implements activities.Artifacts.
func (r *Artifacts) FetchManifests(ctx context.Context, in activities.FetchArtifactInput) (activities.FetchManifestsOutput, error) {
	defer heartbeat.Keep(ctx)()
	text, err := r.Fetch(ctx, in.Artifact)
	if err != nil {
		return activities.FetchManifestsOutput{}, err
	}
	docs, err := r.parse(ctx, text, in.Artifact)
	if err != nil {
		code := pipeline.CodeOf(err)
		if code != pipeline.CodeInvalid && code != pipeline.CodeTooLarge {
			return activities.FetchManifestsOutput{}, err
		}
		return activities.FetchManifestsOutput{}, pipeline.Wrap(code, err, "The manifests of the artifact '%s' cannot be used. %s", titleOf(in.Artifact), pipeline.MessageOf(err))
	}
	out := activities.FetchManifestsOutput{Manifests: []pipeline.Map{}}
	for i, d := range docs {
		if err := spread(&out.Manifests, d, i+1, in.Artifact); err != nil {
			return activities.FetchManifestsOutput{}, err
		}
	}
	return out, nil
}

func (r *Artifacts) parse(ctx context.Context, text []byte, a pipeline.Artifact) ([]any, error) {
	limits := yamldocs.Defaults
	limits.Bytes = activities.MaxManifestText
	if len(text) <= inProcess || len(text) > limits.Bytes {
		return yamldocs.Parse(text, limits)
	}
	var docs activities.JSON
	if err := r.sandbox.Run(ctx, parseTask, "Reading the manifests of the artifact '"+titleOf(a)+"'", text, &docs); err != nil {
		return nil, err
	}
	list, _ := docs.Value.([]any)
	return list, nil
}

// spread adds a document's manifests: a list is spread, nulls are dropped.
func spread(out *[]pipeline.Map, v any, document int, a pipeline.Artifact) error {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		for _, e := range v {
			if err := spread(out, e, document, a); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		*out = append(*out, v)
		return nil
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "Document %d of the artifact '%s' is no Kubernetes object: it holds %s. Write one object a document.", document, titleOf(a), pipeline.Excerpt(v))
}
