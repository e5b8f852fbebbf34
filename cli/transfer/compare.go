package transfer

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/pipeline"
)

// stamps are what a store writes into each version of a document.
var stamps = []string{"updateTs", "createTs", "lastModifiedBy", "lastModified", "createdAt"}

// difference counts the lines that differ between two documents that were made
// comparable.
func difference(stored, wanted pipeline.Map) (added, removed int, err error) {
	diff, err := render.Diff("stored", "wanted", stored, wanted, false)
	if err != nil {
		return 0, 0, err
	}
	added, removed = render.CountDiff(diff)
	return added, removed, nil
}

// without returns a copy without some keys and without keys whose value is null,
// which stores leave out or write as they like.
func without(m pipeline.Map, keys ...string) pipeline.Map {
	out := m.Clone()
	for key, value := range out {
		if value == nil || slices.Contains(keys, key) {
			delete(out, key)
		}
	}
	return out
}

// comparablePipeline is a pipeline or strategy without what stores add: stamps,
// its place in lists, which depends on what else the destination has, and the
// values that are filled in.
func comparablePipeline(m pipeline.Map) pipeline.Map {
	out := without(m, append(stamps, "index")...)
	for key, value := range map[string]any{"schema": "1", "triggers": []any{}} {
		if _, given := out[key]; !given {
			out[key] = value
		}
	}
	out["application"] = strings.ToLower(out.String("application"))
	return out
}

// derived are attributes of applications that Gate adds from elsewhere.
var derived = []string{"accounts", "clusters", "name", "user"}

// comparableApplication is an application's attributes, without what is derived,
// and of the stored one only what the wanted one has: a save merges.
func comparableApplication(attributes, wanted pipeline.Map) pipeline.Map {
	out := without(attributes, append(stamps, derived...)...)
	for key := range out {
		if _, given := wanted[key]; !given || wanted[key] == nil {
			delete(out, key)
		}
	}
	for _, key := range []string{"cloudProviders"} {
		if _, given := out[key]; given {
			out[key] = words(out[key])
		}
	}
	if permissions := out.Map("permissions"); permissions != nil {
		if p := comparablePermissions(permissions); len(p) > 0 {
			out["permissions"] = map[string]any(p)
		} else {
			delete(out, "permissions")
		}
	}
	return out
}

// words returns a list, or a text of parts between commas, as one text, sorted.
func words(v any) string {
	var parts []string
	switch v := v.(type) {
	case string:
		parts = strings.Split(v, ",")
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				parts = append(parts, s)
			}
		}
	}
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// comparablePermissions is roles by access, sorted, without what is empty.
func comparablePermissions(m pipeline.Map) pipeline.Map {
	out := pipeline.Map{}
	for access := range m {
		roles := slices.Clone(m.Strings(access))
		if len(roles) == 0 {
			continue
		}
		for i := range roles {
			roles[i] = strings.ToLower(roles[i])
		}
		slices.Sort(roles)
		list := make([]any, len(roles))
		for i, r := range roles {
			list[i] = r
		}
		out[strings.ToUpper(access)] = list
	}
	return out
}
