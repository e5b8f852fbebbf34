package front50

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// Templates keeps pipeline templates. A template has versions, each a document
// of its own: one for each tag, one for each content by its digest, and one for
// no tag (reference: front50 section 4). Version is what names them:
// id, id:tag or id@sha256:digest, without regard to case.
//
// Errors: invalid (400), unprocessable (422), not_found, unavailable.
type Templates interface {
	// Templates lists every version of every template, sorted by version. With
	// scopes it lists those that one of them fits.
	Templates(ctx context.Context, scopes []string) ([]templates.Template, error)
	// Template returns one version; not_found when there is none.
	Template(ctx context.Context, version string) (templates.Template, error)
	// SaveTemplate writes a template under its tag, under the tag latest and under
	// its digest, and returns the first as stored.
	SaveTemplate(ctx context.Context, t templates.Template, options TemplateOptions) (templates.Template, error)
	// DeleteTemplate deletes one version; a missing one is a success. It refuses
	// with invalid (400) while a pipeline uses it.
	DeleteTemplate(ctx context.Context, version string, by Author) error
}

// TemplateOptions qualifies SaveTemplate.
type TemplateOptions struct {
	By Author
	// Tag is what to save under; "" is the document's own tag, or none.
	Tag string
	// MustNotExist refuses with invalid (400) when the version exists already.
	MustNotExist bool
}

// latestTag is the tag of whatever was saved last.
const latestTag = "latest"

// templateTags are the tags that there may be.
var templateTags = []string{latestTag, "stable", "unstable", "experimental", "test", "canary"}

// TemplateNotFound is the error for an unknown template or version.
func TemplateNotFound(version string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "Pipeline template not found (id: %s)", version)
}

// TemplateExists is the error for a version that is to be created and is there.
func TemplateExists(version string) error {
	return pipeline.Errorf(pipeline.CodeInvalid, "A pipeline template with the id %s already exists: update it, or choose another id.", version)
}

// TemplateKey returns the form of a version by which versions are told apart.
func TemplateKey(version string) string { return strings.ToLower(version) }

// TemplateVersion names a version by what a request says of it.
//
// Errors: invalid when it says both tag and digest.
func TemplateVersion(id, tag, digest string) (string, error) {
	if tag != "" && digest != "" {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "Cannot query pipeline by 'tag' and 'digest' simultaneously. Specify one of 'tag' or 'digest'.")
	}
	return templates.Reference{ID: id, Tag: tag, Digest: strings.TrimPrefix(digest, "sha256:")}.Version(), nil
}

// TemplateWrite is one document to store.
type TemplateWrite struct {
	Version  string
	Document templates.Template
	// Keep leaves a document alone that is there already: its content is the same.
	Keep bool
}

// Template returns the documents to store when given is saved, in the order in
// which to store them: the one that tells whether the template exists comes last,
// so that a save that broke off can be made again. Stored is that one as it is,
// nil when there is none. No argument is changed.
//
// Errors: unprocessable, invalid.
func (r Rules) Template(stored, given templates.Template, o TemplateOptions) ([]TemplateWrite, error) {
	version, err := SavedVersion(given, o)
	if err != nil {
		return nil, err
	}
	if stored != nil && o.MustNotExist {
		return nil, TemplateExists(version)
	}
	doc := given.Clone()
	doc["id"] = given.ID()
	for _, key := range []string{"tag", "digest", "lastModified", "createdAt"} {
		delete(doc, key)
	}
	doc["updateTs"] = r.stamp(pipeline.Map(stored))
	doc["lastModifiedBy"] = author(o.By)
	digest, err := TemplateDigest(doc)
	if err != nil {
		return nil, err
	}
	variant := func(reference templates.Reference, keep bool) TemplateWrite {
		d := doc.Clone()
		if reference.Tag != "" {
			d["tag"] = reference.Tag
		}
		if reference.Digest != "" {
			// A document by its digest was the latest when it was written.
			d["tag"], d["digest"] = latestTag, reference.Digest
		}
		return TemplateWrite{Version: reference.Version(), Document: d, Keep: keep}
	}
	reference := templates.Reference{ID: given.ID(), Tag: savedTag(given, o)}
	out := []TemplateWrite{variant(templates.Reference{ID: given.ID(), Digest: digest}, true)}
	if reference.Tag != latestTag {
		out = append(out, variant(templates.Reference{ID: given.ID(), Tag: latestTag}, false))
	}
	return append(out, variant(reference, false)), nil
}

// SavedVersion returns the version under which a template would be saved, or why
// it cannot be.
//
// Errors: unprocessable, invalid.
func SavedVersion(t templates.Template, o TemplateOptions) (string, error) {
	id, tag := t.ID(), savedTag(t, o)
	if id == "" {
		return "", pipeline.Errorf(pipeline.CodeUnprocessable, "A pipeline template requires an id: set id to text.")
	}
	if tag != "" && !slices.Contains(templateTags, tag) {
		known := strings.Join(templateTags, ", ")
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The provided tag %s is not supported. Pipeline template tag must be one of [%s]", tag, known)
	}
	if strings.ContainsAny(id, ":@") {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The template id %q holds ':' or '@', which stand before tags and digests: use others.", truncate(id, 80))
	}
	longest := templates.Reference{ID: id, Digest: strings.Repeat("0", 2*sha256.Size)}.Version()
	if err := CheckID(longest); err != nil {
		const format = "The template id %q cannot be stored: use at most %d characters without slashes, control characters or spaces around them."
		return "", pipeline.Errorf(pipeline.CodeInvalid, format, truncate(id, 80), maxID-len(longest)+len(id))
	}
	if err := t.Validate(); err != nil {
		return "", err
	}
	return templates.Reference{ID: id, Tag: tag}.Version(), nil
}

func savedTag(t templates.Template, o TemplateOptions) string {
	if o.Tag != "" {
		return o.Tag
	}
	return t.Tag()
}

// TemplateDigest returns the digest of a template's content, whatever its tag
// and whoever wrote it: SHA-256, in hexadecimal, of its JSON with sorted keys
// and without any white space (reference: front50 section 4).
func TemplateDigest(t templates.Template) (string, error) {
	doc := t.Clone()
	for _, key := range []string{"digest", "updateTs", "lastModifiedBy"} {
		delete(doc, key)
	}
	doc["tag"] = latestTag // what Front50 calls any template while it counts
	body, err := pipeline.EncodeValue(map[string]any(doc))
	if err != nil {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The template cannot be written as JSON: %s.", err)
	}
	text := strings.Map(func(c rune) rune {
		if c < unicode.MaxASCII && unicode.IsSpace(c) {
			return -1
		}
		return c
	}, string(body))
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

// SameTemplate reports whether two templates differ in nothing but tags and the
// stamps of their last write.
func SameTemplate(a, b templates.Template) bool {
	x, err := TemplateDigest(a)
	if err != nil {
		return false
	}
	y, err := TemplateDigest(b)
	return err == nil && x == y
}

// ListTemplates returns copies of those templates that one of the scopes fits
// (none: all), in the order that [Templates] promises.
func ListTemplates(all []templates.Template, scopes []string) []templates.Template {
	out := make([]templates.Template, 0, len(all))
	for _, t := range all {
		if len(scopes) == 0 || inScope(t, scopes) {
			out = append(out, t.Clone())
		}
	}
	slices.SortStableFunc(out, func(a, b templates.Template) int {
		return strings.Compare(a.Reference().Version(), b.Reference().Version())
	})
	return out
}

// inScope reports whether one of the wanted scopes is one of the template's or
// is described by one of them, as a regular expression for the whole of it.
func inScope(t templates.Template, wanted []string) bool {
	for _, scope := range t.Scopes() {
		pattern, err := regexp.Compile(`^(?:` + scope + `)$`)
		for _, w := range wanted {
			if strings.EqualFold(w, scope) || err == nil && pattern.MatchString(w) {
				return true
			}
		}
	}
	return false
}

// TemplateOf returns the version of the stored template that a configuration is
// made from, "" when it is made from none or from one that only a start tells.
func TemplateOf(p pipeline.Pipeline) string {
	m := pipeline.Map(p)
	if m.String("type") != "templatedPipeline" {
		return ""
	}
	source := m.Map("template").String("reference")
	if m.String("schema") != templates.Schema {
		source = m.Map("config").Map("pipeline").Map("template").String("source")
	}
	version, found := strings.CutPrefix(source, templates.Scheme)
	if !found || strings.Contains(version, "${") {
		return ""
	}
	return version
}

// MissingTemplate is the error for a configuration whose template is not stored.
func MissingTemplate(version string) error {
	return pipeline.Errorf(pipeline.CodeInvalid, "Configured pipeline template not found: there is no %s. Save the template first, or correct the reference.", version)
}

// TemplateDependents returns those configurations that are made from a version
// of a template of schema v2; version without tag or digest is any of them.
func TemplateDependents(all []pipeline.Pipeline, version string) []pipeline.Pipeline {
	wanted, err := templates.ParseReference(version)
	if err != nil {
		return nil
	}
	var out []pipeline.Pipeline
	for _, p := range all {
		if pipeline.Map(p).String("schema") != templates.Schema {
			continue
		}
		used, err := templates.ParseReference(TemplateOf(p))
		if err != nil {
			continue
		}
		if wanted.Tag == "" && wanted.Digest == "" {
			used = templates.Reference{ID: used.ID}
		}
		if TemplateKey(used.Version()) == TemplateKey(wanted.Version()) {
			out = append(out, p)
		}
	}
	return out
}

// CheckTemplateUnused refuses the deletion of a version that configurations use.
//
// Errors: invalid.
func CheckTemplateUnused(all []pipeline.Pipeline, version string) error {
	dependents := TemplateDependents(all, version)
	if len(dependents) == 0 {
		return nil
	}
	ids := make([]string, len(dependents))
	for i, p := range dependents {
		ids[i] = p.ID()
	}
	slices.Sort(ids)
	return pipeline.Errorf(pipeline.CodeInvalid, "The following pipeline configs depend on this template: %s", strings.Join(ids, ", "))
}

// TemplateLoader returns a loader over a store, for templates.Resolve.
func TemplateLoader(ctx context.Context, s Templates) templates.Loader {
	return func(r templates.Reference) (templates.Template, error) { return s.Template(ctx, r.Version()) }
}

// TemplateVersions groups templates of schema v2 by their ID, as the API answers
// them; a list holds documents.
func TemplateVersions(all []templates.Template) map[string]any {
	out := map[string]any{}
	for _, t := range all {
		if t.Schema() != templates.Schema {
			continue
		}
		list, _ := out[t.ID()].([]any)
		out[t.ID()] = append(list, map[string]any(t))
	}
	return out
}
