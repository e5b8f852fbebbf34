package artifacts

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// embedded are artifacts that carry their content.
type embedded struct{}

func (embedded) fetch(_ context.Context, a pipeline.Artifact) ([]byte, error) {
	if strings.HasPrefix(a.Reference, "ref://") {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The artifact '%s' is a reference to Spinnaker's artifact store, which this installation does not have.", titleOf(a))
	}
	// Both alphabets, with and without the padding and line ends that people leave.
	text := strings.TrimRight(strings.NewReplacer("\n", "", "\r", "", " ", "", "-", "+", "_", "/").Replace(a.Reference), "=")
	content, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The reference of the artifact '%s' is not base64.", titleOf(a))
	}
	return content, nil
}

// notFetched are artifacts that are only bound.
type notFetched struct{}

func (notFetched) fetch(_ context.Context, a pipeline.Artifact) ([]byte, error) {
	return nil, pipeline.Errorf(pipeline.CodeInvalid, "Artifacts of type '%s' are bound to manifests and have no content that could be fetched: choose another artifact than '%s'.", a.Type, titleOf(a))
}

// pipelineTemplates are those of Front50.
type pipelineTemplates struct{ templates Templates }

func (p pipelineTemplates) fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	id, isTemplate := strings.CutPrefix(a.Reference, "spinnaker://")
	if !isTemplate || id == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The reference '%s' names no pipeline template: write spinnaker:// and its ID.", cut(safeURL(a.Reference)))
	}
	if p.templates == nil {
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "Pipeline templates are not available here.")
	}
	t, err := p.templates.Template(ctx, id)
	if err != nil {
		return nil, err
	}
	return pipeline.EncodeValue(map[string]any(t))
}
