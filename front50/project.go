package front50

import (
	"context"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// FindProject returns the project of a name, without regard to case, else of an
// ID.
//
// Errors: not_found, unavailable.
func FindProject(ctx context.Context, s Documents, nameOrID string) (pipeline.Map, error) {
	all, err := s.Documents(ctx, KindProject)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if strings.EqualFold(strings.TrimSpace(p.String("name")), strings.TrimSpace(nameOrID)) {
			return p, nil
		}
	}
	for _, p := range all {
		if KindProject.Key(p.String("id")) == KindProject.Key(nameOrID) {
			return p, nil
		}
	}
	return nil, KindProject.NotFound(nameOrID)
}

// LeaveProject takes an application out of a project's document, in place. It
// reports whether the project had it, and whether it has none left, upon which the
// project is deleted (reference: front50 section 4).
func (r Rules) LeaveProject(doc pipeline.Map, application string, by Author) (left, empty bool) {
	config := doc.Map("config")
	before := config.List("applications")
	after := make([]any, 0, len(before))
	for _, e := range before {
		if name, isText := e.(string); !isText || ApplicationKey(name) != ApplicationKey(application) {
			after = append(after, e)
		}
	}
	if len(after) == len(before) {
		return false, false
	}
	config["applications"] = after
	doc["updateTs"], doc["lastModifiedBy"] = r.stampBy(doc, "updateTs"), author(by)
	return true, len(after) == 0
}
