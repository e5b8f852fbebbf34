package front50

import (
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Kind describes a kind of documents that Front50 keeps beside applications,
// pipelines and templates: where the bucket holds them, what names one, which keys
// it may have, and how a write is stamped (reference: front50 sections 1, 2
// and 4). Rooms, server and client treat all kinds alike by it; two kinds are
// the same when they are the same pointer.
type Kind struct {
	// Name is what people call one such document: "project".
	Name string
	// Group is the folder in the bucket, File the name of the object that holds a
	// document.
	Group, File string
	// Lazy is set for kinds that are not loaded before somebody asks for them.
	Lazy bool

	// idKey is the key that holds the ID.
	idKey string
	// derived makes the ID from other keys.
	derived func(pipeline.Map) string
	// made is set when a document without an ID gets one.
	made bool
	// slashes is set when an ID may hold slashes.
	slashes bool
	// known are the keys that Spinnaker's class has; nil takes any.
	known shape
	// dropped are keys that Spinnaker's class passes over.
	dropped []string
	// modified is the key of the time of the last write, in milliseconds; created
	// tells whether createTs is kept beside it.
	modified string
	created  bool
	// check refuses what cannot be stored, whatever else is.
	check func(pipeline.Map) error
	// clash tells why two documents cannot both be stored; nil when they can.
	clash func(stored, given pipeline.Map) error
}

// GlobalNotifications is the ID of the notifications that hold for every
// application.
const GlobalNotifications = "__GLOBAL"

// The kinds.
var (
	KindProject = &Kind{
		Name: "project", Group: "projects", File: "project-metadata.json", idKey: "id", made: true, known: projectShape,
		dropped: []string{"lastModified"}, modified: "updateTs", created: true, check: checkProject, clash: sameProjectName,
	}
	// KindStrategy is deployment strategies: pipelines that have strategy set, and
	// follow the rules of pipelines.
	KindStrategy = &Kind{
		Name: "strategy", Group: "pipeline-strategies", File: "pipeline-strategy-metadata.json", idKey: "id", made: true,
		modified: "updateTs", created: true, check: func(m pipeline.Map) error { return CheckPipeline(pipeline.Pipeline(m)) },
		clash: sameStrategyName,
	}
	KindNotification = &Kind{
		Name: "notification", Group: "notifications", File: "notification-metadata.json", idKey: "application",
		derived: notificationID, modified: "lastModified",
	}
	KindServiceAccount = &Kind{
		Name: "service account", Group: "serviceAccounts", File: "serviceAccount-metadata.json", idKey: "name", known: serviceAccountShape,
		dropped: []string{"id"}, modified: "lastModified", check: checkServiceAccount,
	}
	KindSnapshot = &Kind{
		Name: "snapshot", Group: "snapshots", File: "snapshot.json", Lazy: true, idKey: "id", derived: snapshotID, known: snapshotShape,
		modified: "lastModified", check: checkSnapshot,
	}
	KindEntityTags = &Kind{
		Name: "entity tags", Group: "tags", File: "entity-tags-metadata.json", Lazy: true, idKey: "id", slashes: true, known: entityTagsShape,
		modified: "lastModified", check: checkEntityTags,
	}
	KindDelivery = &Kind{
		Name: "delivery config", Group: "delivery", File: "delivery-metadata.json", Lazy: true, idKey: "id", made: true,
		dropped: []string{"lastModified"}, modified: "updateTs", created: true, check: checkDelivery,
	}
	KindPluginInfo = &Kind{
		Name: "plugin info", Group: "pluginInfo", File: "plugin-info-metadata.json", idKey: "id", known: pluginInfoShape,
		modified: "lastModified", created: true, check: checkPluginInfo,
	}
	KindPluginVersions = &Kind{
		Name: "plugin versions", Group: "pluginVersions", File: "plugin-versions-metadata.json", Lazy: true, idKey: "id", known: pluginVersionsShape,
		modified: "lastModified", created: true,
	}
)

// Kinds lists every kind.
func Kinds() []*Kind {
	return []*Kind{
		KindProject, KindStrategy, KindNotification, KindServiceAccount, KindSnapshot, KindEntityTags, KindDelivery,
		KindPluginInfo, KindPluginVersions,
	}
}

// KindOf returns the kind that a group of the bucket holds, nil when there is none.
func KindOf(group string) *Kind {
	for _, k := range Kinds() {
		if k.Group == group {
			return k
		}
	}
	return nil
}

// ID returns the ID that a document has, "" when it has none.
func (k *Kind) ID(doc pipeline.Map) string {
	if k.derived != nil {
		return k.derived(doc)
	}
	return strings.TrimSpace(doc.String(k.idKey))
}

// Key returns the form of an ID by which documents are told apart: in lower case,
// as it stands in the key of the object.
func (k *Kind) Key(id string) string { return strings.ToLower(strings.TrimSpace(id)) }

// CheckID reports why a document of the kind cannot have this ID, or nil.
//
// Errors: invalid.
func (k *Kind) CheckID(id string) error {
	if !k.slashes {
		return CheckID(id)
	}
	if len(id) > maxID {
		return CheckID(id)
	}
	for part := range strings.SplitSeq(id, "/") {
		if err := CheckID(part); err != nil || part == "" {
			return pipeline.Errorf(pipeline.CodeInvalid, "The id %q cannot be stored: a part of it between slashes is empty, a dot, or has other than printed characters.", truncate(id, 80))
		}
	}
	return nil
}

// Storable reports whether there can be a document of this ID at all.
func (k *Kind) Storable(id string) bool {
	return strings.TrimSpace(id) != "" && k.CheckID(k.Key(id)) == nil
}

// Unique reports whether documents of the kind have names that no two may share.
func (k *Kind) Unique() bool { return k.clash != nil }

// NotFound is the error for an unknown document.
func (k *Kind) NotFound(id string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "%s not found (id: %s)", upperFirst(k.Name), id)
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func notificationID(doc pipeline.Map) string {
	if name := strings.TrimSpace(doc.String("application")); name != "" {
		return name
	}
	return GlobalNotifications
}

// snapshotID is made of the two names that a snapshot must have.
func snapshotID(doc pipeline.Map) string {
	application, account := strings.TrimSpace(doc.String("application")), strings.TrimSpace(doc.String("account"))
	if application == "" || account == "" {
		return ""
	}
	return application + "-" + account
}

// Settle brings a document that was loaded from the object with this key to the
// form in which it is answered, in place: its ID is that of the key, by which it is
// found again.
func (k *Kind) Settle(key string, doc pipeline.Map) {
	switch {
	case k == KindNotification && key == k.Key(GlobalNotifications):
		delete(doc, k.idKey)
	case k.Key(doc.String(k.idKey)) != key:
		doc[k.idKey] = key
	}
}

// ModifiedKey is the key of the time of the last write, in milliseconds since
// 1970; for strategies as text, as for pipelines.
func (k *Kind) ModifiedKey() string { return k.modified }

// SetModified sets the time of the last write.
func (k *Kind) SetModified(doc pipeline.Map, ms int64) { doc[k.modified] = k.timeValue(ms) }
