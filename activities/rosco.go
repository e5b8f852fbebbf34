package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Rosco bakes manifests (reference: clouddriver section 15).
//
// Errors: failed, with the renderer's own words and the place in the template,
// for what cannot be rendered; too_large and timeout for a bake that goes beyond
// its bounds; invalid for options that make no sense; and those of [Artifacts]
// for what has to be fetched.
type Rosco interface {
	BakeManifest(context.Context, BakeManifestInput) (BakeManifestOutput, error)
}

// BakeManifest renders a chart or a kustomization.
var BakeManifest = Call[BakeManifestInput, BakeManifestOutput]{
	Name: "rosco.bakeManifest", Timeout: 15 * time.Minute, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
	Queue: func(BakeManifestInput) string { return RoscoQueue },
}

// RegisterRosco registers impl under the names of the calls.
func RegisterRosco(r Registry, impl Rosco) {
	register(r, BakeManifest, impl.BakeManifest)
}

// BakeManifestInput is one bake.
type BakeManifestInput struct {
	Scope Scope `json:"scope"`
	// Renderer is HELM2, HELM3, KUSTOMIZE, KUSTOMIZE4 or KUSTOMIZE5.
	Renderer string `json:"renderer"`
	// Artifacts are the template, and for Helm the values files in order.
	Artifacts []pipeline.Artifact `json:"artifacts"`
	// OutputArtifactName is the name of the artifact that comes out.
	OutputArtifactName string `json:"outputArtifactName,omitempty"`
	// OutputName is the release's name, Namespace its namespace; Helm only, like
	// all that follows but KustomizeFilePath.
	OutputName string `json:"outputName,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
	// Overrides beat the values files. With RawOverrides their values are read as
	// Helm's --set reads them, else each is text.
	Overrides    pipeline.Map `json:"overrides,omitempty"`
	RawOverrides bool         `json:"rawOverrides,omitempty"`
	IncludeCRDs  bool         `json:"includeCRDs,omitempty"`
	// APIVersions is a list with commas of API versions that the cluster has
	// besides the usual ones, KubeVersion its version.
	APIVersions string `json:"apiVersions,omitempty"`
	KubeVersion string `json:"kubeVersion,omitempty"`
	// HelmChartFilePath is the chart's folder in a template that holds more than
	// the chart; empty is its root.
	HelmChartFilePath string `json:"helmChartFilePath,omitempty"`
	// KustomizeFilePath is the kustomization file in a git repository.
	KustomizeFilePath string `json:"kustomizeFilePath,omitempty"`
}

// BakeManifestOutput is the artifact, of type embedded/base64.
type BakeManifestOutput struct {
	Artifact pipeline.Artifact `json:"artifact"`
}
