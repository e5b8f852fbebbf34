package front50

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Documents keeps the documents of every [Kind]. IDs compare without regard to
// case. Documents returned belong to the caller.
//
// Errors: invalid (400), unprocessable (422), not_found, conflict, unavailable.
type Documents interface {
	// Documents lists every document of a kind, sorted by ID.
	Documents(ctx context.Context, k *Kind) ([]pipeline.Map, error)
	// Document returns one document; not_found when there is none.
	Document(ctx context.Context, k *Kind, id string) (pipeline.Map, error)
	// DocumentHistory returns versions of a document, newest first, at most limit
	// (0 is [DefaultHistory]). Versions outlive deletion where the store keeps
	// them; not_found when there are none.
	DocumentHistory(ctx context.Context, k *Kind, id string, limit int) ([]pipeline.Map, error)
	// SaveDocument creates or replaces a document and returns it as stored.
	SaveDocument(ctx context.Context, k *Kind, doc pipeline.Map, options DocumentOptions) (pipeline.Map, error)
	// DeleteDocument deletes a document; not_found when there is none.
	DeleteDocument(ctx context.Context, k *Kind, id string, by Author) error
}

// DocumentOptions qualifies SaveDocument. The zero value creates or replaces.
type DocumentOptions struct {
	By Author
	// StaleCheck refuses with invalid (400), telling who saved what when, when the
	// document names a time of its last write and the stored one was written at
	// another.
	StaleCheck bool
	// MustExist refuses with not_found when the ID is unknown, MustNotExist with
	// invalid (400) when it is known.
	MustExist    bool
	MustNotExist bool
}

// Document returns the document to store when given is written. Stored is the one
// with the same ID, nil when there is none; siblings are all of the kind, stored
// itself or not, and are looked at where names are unique. No argument is changed.
//
// Errors: unprocessable, invalid, not_found.
func (r Rules) Document(k *Kind, stored, given pipeline.Map, siblings []pipeline.Map, o DocumentOptions) (pipeline.Map, error) {
	if err := k.Check(given); err != nil {
		return nil, err
	}
	id := k.ID(given)
	switch {
	case stored == nil && o.MustExist:
		return nil, k.NotFound(id)
	case stored != nil && o.MustNotExist:
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "There is a %s with the id %s already: choose another id, or update it.", k.Name, id)
	}
	doc := k.Normal(given)
	if o.StaleCheck && stored != nil {
		if err := k.checkStale(stored, doc); err != nil {
			return nil, err
		}
	}
	if k == KindStrategy {
		if index := stored["index"]; index != nil && doc["index"] == nil {
			doc["index"] = index
		}
		cronIDs(pipeline.Pipeline(doc), id == "" || given.Bool(regenerateKey), r.newID)
	}
	if id == "" {
		id = r.newID()
		doc[k.idKey] = id
	}
	if k.clash != nil {
		for _, s := range siblings {
			if k.Key(k.ID(s)) == k.Key(id) {
				continue
			}
			if err := k.clash(s, doc); err != nil {
				return nil, err
			}
		}
	}
	now := r.stampBy(stored, k.modified)
	doc[k.modified] = k.timeValue(now)
	doc["lastModifiedBy"] = author(o.By)
	if k.created {
		switch created, has := stored.Int("createTs"); {
		case has:
			doc["createTs"] = k.timeValue(created)
		case stored == nil && text(doc["createTs"]) == "":
			doc["createTs"] = k.timeValue(now)
		}
	}
	if k == KindSnapshot && doc["timestamp"] == nil {
		doc["timestamp"] = now
	}
	return doc, nil
}

// timeValue is a time as documents of the kind hold it.
func (k *Kind) timeValue(ms int64) any {
	if k == KindStrategy {
		return text(ms)
	}
	return ms
}

// Check reports what makes a document unfit to be stored whatever else is.
//
// Errors: unprocessable, invalid.
func (k *Kind) Check(doc pipeline.Map) error {
	if doc == nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "The %s is not an object: send one.", k.Name)
	}
	if k.check != nil {
		if err := k.check(doc); err != nil {
			return err
		}
	}
	id := k.ID(doc)
	if id == "" {
		if !k.made {
			return pipeline.Errorf(pipeline.CodeUnprocessable, "A %s requires the field %s: set it to text.", k.Name, k.idKey)
		}
	} else if err := k.CheckID(id); err != nil {
		return err
	}
	return k.CheckKeys(k.Normal(doc))
}

// Normal returns a copy of a document in the form in which Front50 writes it.
func (k *Kind) Normal(given pipeline.Map) pipeline.Map {
	doc := given.Clone()
	if k == KindStrategy {
		doc = pipeline.Map(normalPipeline(pipeline.Pipeline(doc)))
		doc["strategy"] = true
		return doc
	}
	for _, key := range append([]string{"createdAt"}, k.dropped...) {
		delete(doc, key)
	}
	for key, v := range doc {
		if _, known := k.known[key]; v == nil && (known || key == k.idKey) {
			delete(doc, key)
		}
	}
	switch id := k.ID(doc); {
	case id == "":
		delete(doc, k.idKey)
	case k == KindNotification && id == GlobalNotifications:
		delete(doc, k.idKey)
	default:
		doc[k.idKey] = id
	}
	if k == KindServiceAccount {
		doc["memberOf"] = roles(doc["memberOf"])
	}
	return doc
}

// IdentifiedDocument returns a copy of a document that has no ID with one that
// newID gives; any other is returned as it is. A caller that may have to send a
// document twice does this first, so that both name the same one.
func (k *Kind) IdentifiedDocument(doc pipeline.Map, newID func() string) pipeline.Map {
	if doc == nil || !k.made || k.ID(doc) != "" {
		return doc
	}
	doc = doc.Clone()
	doc[k.idKey] = newID()
	if k == KindStrategy {
		delete(doc, regenerateKey)
		cronIDs(pipeline.Pipeline(doc), true, newID)
	}
	return doc
}

// checkStale is [checkStale] of pipelines for any kind.
func (k *Kind) checkStale(stored, doc pipeline.Map) error {
	submitted, current := text(doc[k.modified]), text(stored[k.modified])
	if submitted == "" || current == "" || submitted == current || k.SameContent(stored, doc) {
		return nil
	}
	return staleError(k.Name, k.modified, submitted, current, stored)
}

// SameContent reports whether two documents differ in nothing but the stamps of
// their last write.
func (k *Kind) SameContent(a, b pipeline.Map) bool {
	strip := func(m pipeline.Map) string {
		m = k.Normal(m)
		for _, key := range []string{k.modified, "createTs", "lastModifiedBy", "index"} {
			delete(m, key)
		}
		body, err := pipeline.EncodeValue(m)
		if err != nil {
			return ""
		}
		return string(body)
	}
	x, y := strip(a), strip(b)
	return x != "" && x == y
}

// staleError refuses a document that was read before the stored one was written.
func staleError(name, key, submitted, current string, stored pipeline.Map) error {
	by := stored.String("lastModifiedBy")
	if by == "" {
		by = "somebody"
	}
	at := ""
	if ms, ok := (pipeline.Map{"v": current}).Int("v"); ok {
		at = " at " + time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	const format = "The submitted %s is stale.  submitted %s %s does not match stored %s %s: %s saved it%s. Load the %s again and repeat the change."
	return pipeline.Errorf(pipeline.CodeInvalid, format, name, key, submitted, key, current, by, at, name)
}

// ListDocuments returns copies of documents, sorted by ID.
func (k *Kind) ListDocuments(all []pipeline.Map) []pipeline.Map {
	out := make([]pipeline.Map, len(all))
	for i, d := range all {
		out[i] = d.Clone()
	}
	slices.SortStableFunc(out, func(a, b pipeline.Map) int { return strings.Compare(k.Key(k.ID(a)), k.Key(k.ID(b))) })
	return out
}

func checkProject(doc pipeline.Map) error {
	if strings.TrimSpace(doc.String("name")) == "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "A project requires a name: set name to text.")
	}
	config, has := doc["config"]
	if !has || config == nil {
		return nil
	}
	m := pipeline.AsMap(config)
	if m == nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "The config of project '%s' is not an object: write {\"applications\": []}.", doc.String("name"))
	}
	for _, key := range []string{"applications", "clusters", "pipelineConfigs"} {
		if _, isList := m[key].([]any); !isList && m[key] != nil {
			return pipeline.Errorf(pipeline.CodeInvalid, "The config.%s of project '%s' is not a list: write [].", key, doc.String("name"))
		}
	}
	return nil
}

func sameProjectName(stored, given pipeline.Map) error {
	if !strings.EqualFold(strings.TrimSpace(stored.String("name")), strings.TrimSpace(given.String("name"))) {
		return nil
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "A Project named '%s' already exists (id: %s): choose another name, or save under that id.", stored.String("name"), stored.String("id"))
}

func sameStrategyName(stored, given pipeline.Map) error {
	a, b := pipeline.Pipeline(stored), pipeline.Pipeline(given)
	if !strings.EqualFold(a.Name(), b.Name()) || ApplicationKey(a.Application()) != ApplicationKey(b.Application()) {
		return nil
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "A strategy with name %s already exists in application %s (id: %s): choose another name, or save under that id.", a.Name(), a.Application(), a.ID())
}

func checkServiceAccount(doc pipeline.Map) error {
	switch list := doc["memberOf"].(type) {
	case nil:
	case []any:
		for _, e := range list {
			if role, isText := e.(string); !isText || strings.TrimSpace(role) == "" {
				return pipeline.Errorf(pipeline.CodeInvalid, "The memberOf of a service account holds a role that is not text: use the names of roles.")
			}
		}
	default:
		return pipeline.Errorf(pipeline.CodeInvalid, "The memberOf of a service account is not a list: write [\"role\"].")
	}
	return nil
}

// roles returns a list of roles as it is stored: trimmed and in lower case.
func roles(v any) []any {
	list, _ := v.([]any)
	out := make([]any, 0, len(list))
	for _, e := range list {
		role, _ := e.(string)
		out = append(out, strings.ToLower(strings.TrimSpace(role)))
	}
	return out
}

func checkSnapshot(doc pipeline.Map) error {
	if snapshotID(doc) == "" {
		return pipeline.Errorf(pipeline.CodeUnprocessable, "A snapshot requires application and account fields: set both.")
	}
	return nil
}

func checkEntityTags(doc pipeline.Map) error {
	for _, key := range []string{"tags", "tagsMetadata"} {
		if _, isList := doc[key].([]any); !isList && doc[key] != nil {
			return pipeline.Errorf(pipeline.CodeInvalid, "The %s of entity tags are not a list: write [].", key)
		}
	}
	return nil
}

func checkDelivery(doc pipeline.Map) error {
	if strings.TrimSpace(doc.String("application")) == "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "A delivery config requires an application: set application to its name.")
	}
	return nil
}

var (
	pluginID      = regexp.MustCompile(`^[^./\s]+\.[^/\s]+$`)
	pluginVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[a-zA-Z0-9]+)?$`)
)

func checkPluginInfo(doc pipeline.Map) error {
	if id := doc.String("id"); id != "" && !pluginID.MatchString(id) {
		return pipeline.Errorf(pipeline.CodeInvalid, "Plugin Info must have a '{namespace}.{id}' canonical format: the id is %q.", truncate(id, 80))
	}
	for _, e := range doc.List("releases") {
		if version := pipeline.AsMap(e).String("version"); !pluginVersion.MatchString(version) {
			return pipeline.Errorf(pipeline.CodeInvalid, "The release %q has no version of the form 1.2.3: give it one.", truncate(version, 80))
		}
	}
	return nil
}
