package workflowstest

import (
	"context"
	"encoding/base64"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// FetchManifests implements activities.Artifacts: every artifact holds one
// ConfigMap, named for it.
func (w *World) FetchManifests(ctx context.Context, in activities.FetchArtifactInput) (activities.FetchManifestsOutput, error) {
	return ask(ctx, w, activities.FetchManifests, in, func() (activities.FetchManifestsOutput, error) {
		return activities.FetchManifestsOutput{Manifests: []pipeline.Map{{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": in.Artifact.Name},
		}}}, nil
	})
}

// FetchArtifact implements activities.Artifacts: every artifact holds its
// reference.
func (w *World) FetchArtifact(ctx context.Context, in activities.FetchArtifactInput) (activities.FetchArtifactOutput, error) {
	return ask(ctx, w, activities.FetchArtifact, in, func() (activities.FetchArtifactOutput, error) {
		return activities.FetchArtifactOutput{Content: []byte(in.Artifact.Reference)}, nil
	})
}

// BakeManifest implements activities.Rosco: what comes out is the renderer's
// name.
func (w *World) BakeManifest(ctx context.Context, in activities.BakeManifestInput) (activities.BakeManifestOutput, error) {
	return ask(ctx, w, activities.BakeManifest, in, func() (activities.BakeManifestOutput, error) {
		return activities.BakeManifestOutput{Artifact: pipeline.Artifact{
			Type: "embedded/base64", Name: in.OutputArtifactName, ArtifactAccount: activities.EmbeddedAccount,
			Reference: base64.StdEncoding.EncodeToString([]byte(in.Renderer)),
		}}, nil
	})
}
