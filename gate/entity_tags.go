package gate

import (
	"net/http"
	"strings"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// defaultTags is how many entities' tags a list holds unless it asks for others.
const defaultTags = 100

// entityTagRoutes is what people write on what runs.
func entityTagRoutes() []route {
	filters := []parameter{
		{"cloudProvider", "string", nil, "Only tags of this provider's entities."}, {"application", "string", nil, "Only tags of this application's entities."},
		{"entityType", "string", nil, "Only tags of entities of this type."}, {"entityId", "list", nil, "Only tags of these entities."},
		{"idPrefix", "string", nil, "Only tags whose ID begins with this; a * at its end is passed over."},
		{"account", "string", nil, "Only tags of entities in this account."}, {"region", "string", nil, "Only tags of entities in this region."},
		{"namespace", "string", nil, "Only tags of this namespace."}, {"maxResults", "integer", defaultTags, "At most so many entities."},
	}
	create := []parameter{
		{"entityId", "string", nil, "What is tagged; required."}, {"entityType", "string", nil, "Its type; required."},
		{"account", "string", nil, "Its account; required."}, {"region", "string", nil, "Its region; required."},
		{"cloudProvider", "string", nil, "Its provider; required."}, {"application", "string", nil, "The application of the task; absent is the one that the entity's name tells."},
		{"isPartial", "boolean", true, "False takes off the tags of other names."},
	}
	return []route{
		{Method: "GET", Path: "/tags", Summary: "Tags of entities", Auth: authLogin, Query: filters, Response: []pipeline.Map{}, handle: listTags},
		{Method: "GET", Path: "/tags/{id}", Summary: "Tags of one entity, by their ID", Auth: authLogin, Response: pipeline.Map{}, handle: getTags},
		{Method: "POST", Path: "/tags", Summary: "Start a task that puts tags on an entity", Auth: authShared, Query: create, Request: []pipeline.Map{}, Response: ref{}, Status: http.StatusAccepted, handle: postTags},
		{Method: "DELETE", Path: "/tags/{id}/{tag}", Summary: "Start a task that takes tags off an entity, several with commas between", Auth: authShared, Response: ref{}, Status: http.StatusAccepted, handle: deleteTags},
	}
}

func listTags(r *request) error {
	limit, err := integer(r.query, "maxResults", defaultTags)
	if err != nil {
		return err
	}
	all, err := r.server.front50.Documents(r.ctx(), front50.KindEntityTags)
	if err != nil {
		return err
	}
	found := []pipeline.Map{}
	for _, doc := range all {
		if len(found) < limit && r.wantsTags(doc) {
			found = append(found, doc)
		}
	}
	return r.answer(http.StatusOK, objects(found))
}

// wantsTags applies the filters of the query.
func (r *request) wantsTags(doc pipeline.Map) bool {
	about := doc.Map("entityRef")
	for _, name := range []string{"cloudProvider", "application", "entityType", "account", "region"} {
		if wanted := r.text(name); wanted != "" && !strings.EqualFold(wanted, about.String(name)) {
			return false
		}
	}
	if ids := list(r.query, "entityId"); len(ids) > 0 && !containsFold(ids, about.String("entityId")) {
		return false
	}
	prefix := strings.TrimSuffix(strings.ToLower(r.text("idPrefix")), "*")
	if !strings.HasPrefix(strings.ToLower(doc.String("id")), prefix) {
		return false
	}
	namespace := r.text("namespace")
	if namespace == "" {
		return true
	}
	for _, e := range doc.List("tags") {
		if strings.EqualFold(pipeline.AsMap(e).String("namespace"), namespace) {
			return true
		}
	}
	return false
}

func containsFold(list []string, wanted string) bool {
	for _, e := range list {
		if strings.EqualFold(e, wanted) {
			return true
		}
	}
	return false
}

func getTags(r *request) error {
	doc, err := r.server.front50.Document(r.ctx(), front50.KindEntityTags, r.param("id"))
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, doc)
}

func postTags(r *request) error {
	about := map[string]any{}
	for _, name := range []string{"entityId", "entityType", "account", "region", "cloudProvider"} {
		value := r.text(name)
		if value == "" {
			return pipeline.Errorf(pipeline.CodeInvalid, "Required request parameter '%s' is not present: set it.", name)
		}
		about[name] = value
	}
	partial, err := boolean(r.query, "isPartial", true)
	if err != nil {
		return err
	}
	tags, err := r.objectsOf("tags", 1000)
	if err != nil {
		return err
	}
	id := r.text("entityId")
	application := r.text("application")
	if application == "" {
		application = applicationOf(id)
	}
	if application, err = r.labelled(application); err != nil {
		return err
	}
	return r.startTask(http.StatusAccepted, application, "Updating Tags on '"+id+"'", pipeline.Map{
		"type": "upsertEntityTags", "entityRef": about, "isPartial": partial, "tags": objects(tags),
	})
}

func deleteTags(r *request) error {
	id := r.param("id")
	doc, err := r.server.front50.Document(r.ctx(), front50.KindEntityTags, id)
	if err != nil {
		return err
	}
	names := []any{}
	for name := range strings.SplitSeq(r.param("tag"), ",") {
		names = append(names, name)
	}
	application, err := r.labelled(applicationOf(doc.Map("entityRef").String("entityId")))
	if err != nil {
		return err
	}
	return r.startTask(http.StatusAccepted, application, "Deleting Tags on '"+id+"'", pipeline.Map{"type": "deleteEntityTags", "id": id, "tags": names})
}

// applicationOf is the application that the name of an entity tells.
func applicationOf(entity string) string {
	_, name, found := strings.Cut(entity, " ") // "kind name" of Kubernetes
	if !found {
		name = entity
	}
	application, _, _ := strings.Cut(name, "-")
	if application == "" {
		return noApplication
	}
	return application
}
