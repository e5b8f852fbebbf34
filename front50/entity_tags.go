package front50

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// entityIDPattern says how the ID of tags is made of what they tag.
const entityIDPattern = "{{cloudProvider}}:{{entityType}}:{{entityId}}:{{account}}:{{region}}"

// EntityTagsID returns the ID of the tags of an entity: its parts in lower case,
// with * for one that is not given.
//
// Errors: invalid when the reference lacks a provider, a type or an ID.
func EntityTagsID(ref pipeline.Map) (string, error) {
	parts := make([]string, 0, 5)
	for _, key := range []string{"cloudProvider", "entityType", "entityId", "account", "region"} {
		part := strings.TrimSpace(ref.String(key))
		if part == "" {
			if len(parts) < 3 {
				return "", pipeline.Errorf(pipeline.CodeInvalid, "The tags name no entity: set entityRef.%s.", key)
			}
			part = "*"
		}
		parts = append(parts, part)
	}
	return strings.ToLower(strings.Join(parts, ":")), nil
}

// UpsertEntityTags puts tags on an entity. Given has entityRef or id, and tags; with
// partial, tags of other names stay as they are, else they go. The same call made
// again changes nothing but the stamps.
//
// Errors: invalid and those of [Documents].
func UpsertEntityTags(ctx context.Context, s Documents, given pipeline.Map, partial bool, by Author) (pipeline.Map, error) {
	id := strings.TrimSpace(given.String("id"))
	if id == "" {
		var err error
		if id, err = EntityTagsID(given.Map("entityRef")); err != nil {
			return nil, err
		}
	}
	tags, err := entityTags(given)
	if err != nil {
		return nil, err
	}
	now := time.Now().UnixMilli()
	return ReviseDocument(ctx, s, KindEntityTags, id, by, func(doc pipeline.Map) (pipeline.Map, error) {
		if doc == nil {
			doc = pipeline.Map{"id": id, "idPattern": entityIDPattern, "version": "v1"}
		}
		if ref := given.Map("entityRef"); ref != nil {
			doc["entityRef"] = map[string]any(ref.Clone())
		}
		if !partial {
			keepTags(doc, func(name, namespace string) bool { return taggedAs(tags, name, namespace) })
		}
		for _, tag := range tags {
			putTag(doc, tag, now, author(by))
		}
		return doc, nil
	})
}

// RemoveEntityTags takes the tags of these names off; without names all. An entity
// without tags has no document; a missing one is a success.
func RemoveEntityTags(ctx context.Context, s Documents, id string, names []string, by Author) error {
	all := len(names) == 0
	_, err := ReviseDocument(ctx, s, KindEntityTags, id, by, func(doc pipeline.Map) (pipeline.Map, error) {
		if doc == nil || all {
			return nil, nil
		}
		keepTags(doc, func(name, _ string) bool { return !slices.Contains(names, name) })
		if all = len(doc.List("tags")) == 0; all {
			return nil, nil
		}
		return doc, nil
	})
	if err != nil || !all {
		return err
	}
	err = s.DeleteDocument(ctx, KindEntityTags, id, by)
	if pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return nil
	}
	return err
}

// entityTags returns the given tags with their value type, as Clouddriver sets it.
func entityTags(given pipeline.Map) ([]pipeline.Map, error) {
	var out []pipeline.Map
	for i, e := range given.List("tags") {
		tag := pipeline.AsMap(e).Clone()
		if strings.TrimSpace(tag.String("name")) == "" {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "Tag %d has no name: write {\"name\": \"...\", \"value\": ...}.", i+1)
		}
		if tag.String("namespace") == "" {
			tag["namespace"] = "default"
		}
		if tag.String("valueType") == "" {
			tag["valueType"] = "literal"
			switch tag["value"].(type) {
			case map[string]any, []any:
				tag["valueType"] = "object"
			}
		}
		if err := checkKeys("tag", entityTagsShape["tags"], tag); err != nil {
			return nil, err
		}
		out = append(out, tag)
	}
	return out, nil
}

func taggedAs(tags []pipeline.Map, name, namespace string) bool {
	return slices.ContainsFunc(tags, func(t pipeline.Map) bool {
		return t.String("name") == name && (namespace == "" || t.String("namespace") == namespace)
	})
}

// keepTags drops the tags that are not to be kept, and what is known of them.
func keepTags(doc pipeline.Map, keep func(name, namespace string) bool) {
	for _, key := range []string{"tags", "tagsMetadata"} {
		kept := []any{}
		for _, e := range doc.List(key) {
			if m := pipeline.AsMap(e); keep(m.String("name"), m.String("namespace")) {
				kept = append(kept, e)
			}
		}
		doc[key] = kept
	}
}

// putTag sets a tag over the one of its name and namespace.
func putTag(doc pipeline.Map, tag pipeline.Map, now int64, by string) {
	put := func(key string, value pipeline.Map, same func(pipeline.Map) bool) pipeline.Map {
		list := slices.Clone(doc.List(key))
		at := slices.IndexFunc(list, func(e any) bool { return same(pipeline.AsMap(e)) })
		if at < 0 {
			doc[key] = append(list, any(map[string]any(value)))
			return nil
		}
		old := pipeline.AsMap(list[at])
		list[at] = map[string]any(value)
		doc[key] = list
		return old
	}
	name, namespace := tag.String("name"), tag.String("namespace")
	put("tags", tag, func(m pipeline.Map) bool {
		known := m.String("namespace")
		return m.String("name") == name && (known == namespace || known == "" && namespace == "default")
	})
	about := pipeline.Map{"name": name, "created": now, "createdBy": by, "lastModified": now, "lastModifiedBy": by}
	if old := put("tagsMetadata", about, func(m pipeline.Map) bool { return m.String("name") == name }); old != nil {
		for _, key := range []string{"created", "createdBy"} {
			if old[key] != nil {
				about[key] = old[key]
			}
		}
	}
}
