package templates

import (
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Scheme begins a reference to a template that Front50 stores.
const Scheme = "spinnaker://"

// ArtifactType is the type of the artifact by which a pipeline names its
// template.
const ArtifactType = "front50/pipelineTemplate"

// digestMark stands between a template's ID and the digest of a version.
const digestMark = "@sha256:"

// forms is how references are written.
const forms = "write " + Scheme + "id, " + Scheme + "id:tag or " + Scheme + "id" + digestMark + "digest"

// Reference names a version of a template: the one saved under a tag, the one
// with a digest, or, with neither, the one that was saved without a tag.
type Reference struct {
	ID     string
	Tag    string
	Digest string
}

// ParseReference reads spinnaker://id, spinnaker://id:tag or
// spinnaker://id@sha256:digest. The scheme may be missing.
//
// Errors: invalid.
func ParseReference(text string) (Reference, error) {
	rest := strings.TrimSpace(text)
	if i := strings.Index(rest, "://"); i >= 0 {
		if !strings.EqualFold(rest[:i+3], Scheme) {
			return Reference{}, pipeline.Errorf(pipeline.CodeInvalid, "The template reference %q is not one of Front50's: %s.", text, forms)
		}
		rest = rest[i+3:]
	}
	var r Reference
	var found bool
	if r.ID, r.Digest, found = strings.Cut(rest, digestMark); !found {
		r.ID, r.Tag, found = strings.Cut(rest, ":")
	}
	if r.ID == "" || found && r.Tag == "" && r.Digest == "" || strings.ContainsAny(r.ID+r.Tag+r.Digest, "@:/") {
		return Reference{}, pipeline.Errorf(pipeline.CodeInvalid, "The template reference %q cannot be read: %s.", text, forms)
	}
	return r, nil
}

// Version returns the reference as Front50 names versions: id, id:tag or
// id@sha256:digest (reference: front50 section 1).
func (r Reference) Version() string {
	switch {
	case r.Digest != "":
		return r.ID + digestMark + r.Digest
	case r.Tag != "":
		return r.ID + ":" + r.Tag
	}
	return r.ID
}

// String returns the reference with its scheme.
func (r Reference) String() string { return Scheme + r.Version() }
