package s3store_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// layout is what a Spinnaker's Front50 finds in a group, written down from the
// reference (front50 sections 1 and 2) and not from the code that is tested.
type layout struct {
	file string
	// id says which ID a document has.
	id func(pipeline.Map) string
	// known are the keys of a class that refuses others; nested ones by their path.
	known map[string]string
	// stamp is the key of the last write's time; text whether it is text.
	stamp string
	text  bool
	// required keys are always written.
	required string
}

func byKey(key string) func(pipeline.Map) string {
	return func(m pipeline.Map) string { return m.String(key) }
}

var layouts = map[string][]layout{
	"applications": {
		{file: "application-metadata.json", id: byKey("name"), stamp: "updateTs", text: true, required: "name email updateTs lastModifiedBy"},
		{file: "application-permission.json", id: byKey("name"), known: map[string]string{"": "name lastModified lastModifiedBy permissions requiredGroupMembership"}, stamp: "lastModified"},
	},
	"pipelines":           {{file: "pipeline-metadata.json", id: byKey("id"), stamp: "updateTs", text: true, required: "id name application schema triggers"}},
	"pipeline-strategies": {{file: "pipeline-strategy-metadata.json", id: byKey("id"), stamp: "updateTs", text: true, required: "id name application schema triggers strategy"}},
	"pipeline-templates": {{file: "pipeline-template-metadata.json", stamp: "updateTs", text: true, required: "id schema metadata", id: func(m pipeline.Map) string {
		switch {
		case m.String("digest") != "":
			return m.String("id") + "@sha256:" + m.String("digest")
		case m.String("tag") != "":
			return m.String("id") + ":" + m.String("tag")
		}
		return m.String("id")
	}}},
	"projects": {{file: "project-metadata.json", id: byKey("id"), stamp: "updateTs", required: "id name", known: map[string]string{
		"": "id name email config createTs updateTs lastModifiedBy", "config": "applications clusters pipelineConfigs",
		"config.clusters": "account stack detail applications", "config.pipelineConfigs": "application pipelineConfigId",
	}}},
	"notifications": {{file: "notification-metadata.json", stamp: "lastModified", id: func(m pipeline.Map) string {
		if m["application"] == nil {
			return "__GLOBAL"
		}
		return m.String("application")
	}}},
	"serviceAccounts": {{file: "serviceAccount-metadata.json", id: byKey("name"), stamp: "lastModified", required: "name memberOf", known: map[string]string{"": "name memberOf lastModified lastModifiedBy"}}},
	"snapshots": {{file: "snapshot.json", stamp: "lastModified", required: "application account timestamp", known: map[string]string{"": "id application account infrastructure configLang timestamp lastModified lastModifiedBy"},
		id: func(m pipeline.Map) string { return m.String("application") + "-" + m.String("account") }}},
	"tags": {{file: "entity-tags-metadata.json", id: byKey("id"), stamp: "lastModified", required: "id", known: map[string]string{
		"": "id idPattern version tags tagsMetadata entityRef lastModified lastModifiedBy", "tags": "name namespace category value valueType",
		"tagsMetadata": "name created createdBy lastModified lastModifiedBy",
	}}},
	"delivery": {{file: "delivery-metadata.json", id: byKey("id"), stamp: "updateTs", required: "id application"}},
	"pluginInfo": {{file: "plugin-info-metadata.json", id: byKey("id"), stamp: "lastModified", required: "id releases", known: map[string]string{
		"": "id description provider releases repository homepage createTs lastModified lastModifiedBy", "repository": "type url",
		"releases": "version date requires url sha512sum preferred lastModified lastModifiedBy remoteExtensions",
	}}},
	"pluginVersions": {{file: "plugin-versions-metadata.json", id: byKey("id"), stamp: "lastModified", required: "id", known: map[string]string{"": "id serverGroupName location pluginVersions createTs lastModified lastModifiedBy"}}},
}

// binaries are no documents.
var binaries = regexp.MustCompile(`^plugins/[^/]+/[0-9.]+\.zip$`)

// faultsOf tells what is wrong with an object of a bucket in Spinnaker's layout.
func faultsOf(root, key, body string) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, key+": "+fmt.Sprintf(format, args...)) }
	rest, found := strings.CutPrefix(key, root+"/")
	if !found {
		fault("is outside of the root folder")
		return faults
	}
	if binaries.MatchString(rest) {
		return nil
	}
	group, rest, _ := strings.Cut(rest, "/")
	kinds := layouts[group]
	if kinds == nil {
		fault("is in a group that Spinnaker does not know")
		return faults
	}
	if rest == "last-modified.json" {
		if !marker.MatchString(body) {
			fault("is no change marker: %s", body)
		}
		return faults
	}
	var l layout
	id := ""
	for _, k := range kinds {
		if cut, found := strings.CutSuffix(rest, "/"+k.file); found {
			l, id = k, cut
		}
	}
	if l.file == "" || id == "" {
		fault("is no object that Spinnaker knows")
		return faults
	}
	if id != strings.ToLower(id) {
		fault("has an ID that is not in lower case")
	}
	var doc pipeline.Map
	if err := doc.UnmarshalJSON([]byte(body)); err != nil || doc == nil {
		fault("is no JSON object: %v", err)
		return faults
	}
	if own := strings.ToLower(l.id(doc)); own != id {
		fault("holds the document of %q", own)
	}
	faults = append(faults, l.documentFaults(key, doc)...)
	return faults
}

func (l layout) documentFaults(key string, doc pipeline.Map) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, key+": "+fmt.Sprintf(format, args...)) }
	for name := range strings.FieldsSeq(l.required) {
		if doc[name] == nil {
			fault("lacks %s", name)
		}
	}
	if stamp, has := doc[l.stamp]; has {
		if _, isText := stamp.(string); isText != l.text {
			fault("%s is a %T", l.stamp, stamp)
		}
	}
	if l.file == "application-metadata.json" && doc["permissions"] != nil {
		fault("holds permissions, which are an object of their own")
	}
	if l.text && doc["lastModified"] != nil {
		fault("holds lastModified, which is never written")
	}
	for _, path := range slices.Sorted(maps.Keys(l.known)) {
		for _, inner := range under(doc, path) {
			for name := range inner {
				if !slices.Contains(strings.Fields(l.known[path]), name) {
					fault("holds %s.%s, which its class refuses", path, name)
				}
			}
		}
	}
	return faults
}

// under returns the objects at a path, of which a list has many.
func under(doc pipeline.Map, path string) []pipeline.Map {
	found := []pipeline.Map{doc}
	if path == "" {
		return found
	}
	for name := range strings.SplitSeq(path, ".") {
		var next []pipeline.Map
		for _, m := range found {
			if inner := m.Map(name); inner != nil {
				next = append(next, inner)
			}
			for _, e := range m.List(name) {
				next = append(next, pipeline.AsMap(e))
			}
		}
		found = next
	}
	return found
}

// requireWellFormed walks every object of the bucket.
func (h hand) requireWellFormed(root string) {
	h.t.Helper()
	var faults []string
	for _, key := range h.keys() {
		faults = append(faults, faultsOf(root, key, h.get(key))...)
	}
	require.Empty(h.t, faults)
}

// TestFaultsOf shows that the walk finds what it is for.
func TestFaultsOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ key, body, want string }{
		{"other/x", `{}`, "outside of the root"},
		{"front50/things/x/thing.json", `{}`, "group that Spinnaker does not know"},
		{"front50/projects/x/thing.json", `{}`, "no object that Spinnaker knows"},
		{"front50/projects/project-metadata.json", `{}`, "no object that Spinnaker knows"},
		{"front50/projects/last-modified.json", `{"lastModified":"1"}`, "no change marker"},
		{"front50/projects/X/project-metadata.json", `{"id":"X","name":"n"}`, "not in lower case"},
		{"front50/projects/x/project-metadata.json", `{"id":"y","name":"n"}`, `document of "y"`},
		{"front50/projects/x/project-metadata.json", `[]`, "no JSON object"},
		{"front50/projects/x/project-metadata.json", `{"id":"x"}`, "lacks name"},
		{"front50/projects/x/project-metadata.json", `{"id":"x","name":"n","updateTs":"1"}`, "updateTs is a string"},
		{"front50/projects/x/project-metadata.json", `{"id":"x","name":"n","lastModified":1}`, "which its class refuses"},
		{"front50/projects/x/project-metadata.json", `{"id":"x","name":"n","config":{"clusters":[{"region":"r"}]}}`, "config.clusters.region"},
		{"front50/pipelines/x/pipeline-metadata.json", `{"id":"x","name":"n","application":"a","schema":"1","triggers":[],"updateTs":1}`, "updateTs is a int64"},
		{"front50/pipelines/x/pipeline-metadata.json", `{"id":"x","name":"n","application":"a","triggers":[]}`, "lacks schema"},
		{"front50/applications/x/application-metadata.json", `{"name":"X","email":"e","updateTs":"1","lastModifiedBy":"a","permissions":{}}`, "holds permissions"},
		{"front50/pipelines/x/pipeline-metadata.json", `{"id":"x","name":"n","application":"a","schema":"1","triggers":[],"anything":{"else":1}}`, ""},
		{"front50/plugins/a.b/1.0.0.zip", `PK`, ""},
	} {
		faults := strings.Join(faultsOf("front50", tt.key, tt.body), "\n")
		if tt.want == "" {
			require.Empty(t, faults)
		}
		require.Contains(t, faults, tt.want)
	}
}
