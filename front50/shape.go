package front50

import (
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// shape is the keys that an object of a bucket may have. Spinnaker's classes for
// these refuse a document with any other key, so that one too many would take the
// document, and the list it is in, from a Spinnaker that shares the bucket
// (reference: front50 sections 1 and 2). Under a key stands the shape of what it
// holds, of the elements for a list; nil is anything.
type shape map[string]shape

func keys(names string) shape {
	out := shape{}
	for name := range strings.FieldsSeq(names) {
		out[name] = nil
	}
	return out
}

// with adds keys whose objects have a shape of their own.
func (s shape) with(inner map[string]shape) shape {
	out := maps.Clone(s)
	maps.Copy(out, inner)
	return out
}

var (
	projectShape = keys("id name email createTs updateTs lastModifiedBy").with(map[string]shape{
		"config": keys("applications").with(map[string]shape{
			"clusters":        keys("account stack detail applications"),
			"pipelineConfigs": keys("application pipelineConfigId"),
		}),
	})
	serviceAccountShape = keys("name memberOf lastModified lastModifiedBy")
	snapshotShape       = keys("id application account infrastructure configLang timestamp lastModified lastModifiedBy")
	entityTagsShape     = keys("id idPattern version entityRef lastModified lastModifiedBy").with(map[string]shape{
		"tags":         keys("name namespace category value valueType"),
		"tagsMetadata": keys("name created createdBy lastModified lastModifiedBy"),
	})
	pluginInfoShape = keys("id description provider homepage createTs lastModified lastModifiedBy").with(map[string]shape{
		"releases":   keys("version date requires url sha512sum preferred lastModified lastModifiedBy remoteExtensions"),
		"repository": keys("type url"),
	})
	pluginVersionsShape = keys("id serverGroupName location pluginVersions createTs lastModified lastModifiedBy")
	permissionShape     = keys("name lastModified lastModifiedBy permissions")
)

// unknown returns the path of the first key, in alphabetical order, that a value
// has and the shape has not; "" when there is none.
func (s shape) unknown(path string, v any) string {
	if s == nil {
		return ""
	}
	if list, isList := v.([]any); isList {
		for _, e := range list {
			if found := s.unknown(path, e); found != "" {
				return found
			}
		}
		return ""
	}
	m := pipeline.AsMap(v)
	for _, key := range slices.Sorted(maps.Keys(map[string]any(m))) {
		at := key
		if path != "" {
			at = path + "." + key
		}
		inner, known := s[key]
		if !known {
			return at
		}
		if found := inner.unknown(at, m[key]); found != "" {
			return found
		}
	}
	return ""
}

// CheckKeys reports the first key of a document that Spinnaker's class does not
// have, or nil.
//
// Errors: invalid.
func (k *Kind) CheckKeys(doc pipeline.Map) error { return checkKeys(k.Name, k.known, doc) }

// CheckPermissionKeys is CheckKeys for the permission object of an application.
func CheckPermissionKeys(doc pipeline.Map) error {
	return checkKeys("permission", permissionShape, doc)
}

func checkKeys(name string, known shape, doc pipeline.Map) error {
	if key := known.unknown("", map[string]any(doc)); key != "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "The %s holds the key %q, which Spinnaker does not know and would refuse to read: remove it.", name, truncate(key, 120))
	}
	return nil
}
