package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Templates writes the pipeline templates that Front50 stores. Errors are those
// of front50.Templates.
type Templates interface {
	SaveTemplate(context.Context, SaveTemplateInput) (SaveTemplateOutput, error)
	DeleteTemplate(context.Context, DeleteTemplateInput) (Done, error)
}

var (
	// SaveTemplate creates or replaces a version of a template.
	SaveTemplate = Call[SaveTemplateInput, SaveTemplateOutput]{Name: "front50.saveTemplate", Local: true, Timeout: 30 * time.Second}
	// DeleteTemplate deletes a version of a template; a missing one is a success.
	DeleteTemplate = Call[DeleteTemplateInput, Done]{Name: "front50.deleteTemplate", Local: true, Timeout: 30 * time.Second}
)

func registerTemplates(r Registry, impl Templates) {
	register(r, SaveTemplate, impl.SaveTemplate)
	register(r, DeleteTemplate, impl.DeleteTemplate)
}

// SaveTemplateInput holds the template to store.
type SaveTemplateInput struct {
	Scope    Scope        `json:"scope"`
	Template pipeline.Map `json:"template"`
	// Tag is what to save under; "" is the document's own, or none.
	Tag string `json:"tag,omitempty"`
	// Create refuses when the version exists already, unless it is the same.
	Create bool `json:"create,omitempty"`
}

// SaveTemplateOutput names what was stored.
type SaveTemplateOutput struct {
	// Version is id, id:tag or id@sha256:digest.
	Version string `json:"version"`
}

// DeleteTemplateInput names a version of a template; at most one of Tag and
// Digest is set.
type DeleteTemplateInput struct {
	Scope  Scope  `json:"scope"`
	ID     string `json:"id"`
	Tag    string `json:"tag,omitempty"`
	Digest string `json:"digest,omitempty"`
}
