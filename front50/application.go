package front50

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// permissionsKey holds an application's permissions in the document that
// readers and writers exchange; rooms store them as an object of their own.
const permissionsKey = "permissions"

// namedKeys are the attributes whose null means "as it was" in a merge; null
// for any other key removes it.
var namedKeys = []string{"name", "description", "email", "createTs", "updateTs", "lastModifiedBy", "cloudProviders", permissionsKey}

// ApplicationNotFound is the error for an unknown application.
func ApplicationNotFound(name string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "Application not found (id: %s)", name)
}

// ApplicationKey returns the form of an application's name by which
// applications are told apart: trimmed and in lower case.
func ApplicationKey(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// NormalApplication brings a document to the form in which Front50 answers it,
// in place: name in upper case, cloudProviders as comma-separated text, time
// stamps as text. It returns app.
func NormalApplication(app pipeline.Application) pipeline.Application {
	app["name"] = strings.ToUpper(app.Name())
	if _, isList := app["cloudProviders"].([]any); isList {
		app["cloudProviders"] = strings.Join(app.CloudProviders(), ",")
	}
	for _, key := range []string{"createTs", "updateTs"} {
		if v, present := app[key]; present {
			if s := text(v); s != "" {
				app[key] = s
			} else {
				delete(app, key)
			}
		}
	}
	return app
}

// Application returns the document to store when given is written over stored
// (nil when there is none). Neither argument is changed. The result holds the
// permissions, if any, in normal form under "permissions".
//
// Errors: invalid, not_found.
func (r Rules) Application(stored, given pipeline.Application, o ApplicationOptions) (pipeline.Application, error) {
	if err := CheckApplicationName(given); err != nil {
		return nil, err
	}
	if stored == nil && o.MustExist {
		return nil, ApplicationNotFound(given.Name())
	}
	if stored != nil && o.MustNotExist {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "An application named %s exists already: choose another name, or update it.", stored.Name())
	}
	doc := merge(stored, given, o.Replace)
	// Provider rules are written for the lower-case names that Gate shows.
	doc["name"] = ApplicationKey(doc.Name())
	if err := doc.Validate(); err != nil {
		return nil, err
	}
	if given[permissionsKey] != nil {
		permissions, err := NormalPermissions(given[permissionsKey])
		if err != nil {
			return nil, err
		}
		doc[permissionsKey] = permissions
	}
	doc["updateTs"] = r.stamp(pipeline.Map(stored))
	doc["lastModifiedBy"] = author(o.By)
	switch created := text(stored["createTs"]); {
	case created != "":
		doc["createTs"] = created
	case text(doc["createTs"]) == "":
		doc["createTs"] = doc["updateTs"]
	}
	return NormalApplication(doc), nil
}

// CheckApplicationName reports why a document names no application that could
// be stored, or nil.
//
// Errors: invalid.
func CheckApplicationName(app pipeline.Application) error {
	if app.Name() == "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "An application requires a name: set name.")
	}
	return CheckID(ApplicationKey(app.Name()))
}

// merge lays given over a copy of stored.
func merge(stored, given pipeline.Application, replace bool) pipeline.Application {
	doc := pipeline.Application{}
	for k, v := range stored {
		if !replace || k == permissionsKey {
			doc[k] = pipeline.CloneValue(v)
		}
	}
	for k, v := range given {
		switch {
		case v != nil:
			doc[k] = pipeline.CloneValue(v)
		case !slices.Contains(namedKeys, k):
			delete(doc, k)
		}
	}
	return doc
}

// Carries reports whether the stored application is what a write of given by
// this author would have made of a new one: whoever lost the answer to such a
// write knows by it that the write took place.
func Carries(stored, given pipeline.Application, by Author) bool {
	want, err := NewRules(nil).Application(nil, given, ApplicationOptions{By: by})
	if err != nil {
		return false
	}
	if text(given["createTs"]) == "" {
		delete(want, "createTs")
	}
	delete(want, "updateTs")
	for key, value := range want {
		a, errA := pipeline.EncodeValue(value)
		b, errB := pipeline.EncodeValue(stored[key])
		if errA != nil || errB != nil || string(a) != string(b) {
			return false
		}
	}
	return true
}

// authorizations are the keys of a permissions object.
var authorizations = []string{"READ", "WRITE", "EXECUTE", "CREATE"}

// NormalPermissions returns permissions as they are stored: an object of
// authorization to roles, roles trimmed and in lower case, empty lists left out
// (reference: front50 section 2).
//
// Errors: invalid.
func NormalPermissions(v any) (map[string]any, error) {
	given := pipeline.AsMap(v)
	if given == nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The permissions are not an object: write {\"READ\": [\"role\"], \"WRITE\": [\"role\"]}.")
	}
	out := map[string]any{}
	for key, value := range given {
		authorization := strings.ToUpper(strings.TrimSpace(key))
		if !slices.Contains(authorizations, authorization) {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The permissions name the authorization %q: use %s.", truncate(key, 80), strings.Join(authorizations, ", "))
		}
		list, isList := value.([]any)
		if !isList && value != nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The permission %s is not a list of roles: write {\"%s\": [\"role\"]}.", authorization, authorization)
		}
		roles := make([]any, 0, len(list))
		for _, e := range list {
			role, isText := e.(string)
			if role = strings.ToLower(strings.TrimSpace(role)); !isText || role == "" {
				return nil, pipeline.Errorf(pipeline.CodeInvalid, "The permission %s holds a role that is not text: use the names of roles.", authorization)
			}
			if !slices.Contains(roles, any(role)) {
				roles = append(roles, role)
			}
		}
		if len(roles) > 0 {
			out[authorization] = roles
		}
	}
	return out, nil
}

// SplitPermissions takes the permissions out of a document, in place, and
// returns them as the permission object that Front50 keeps beside the
// application, or nil when the document holds none.
func SplitPermissions(app pipeline.Application) pipeline.Map {
	permissions, present := app[permissionsKey]
	delete(app, permissionsKey)
	if !present || permissions == nil {
		return nil
	}
	modified, _ := strconv.ParseInt(text(app["updateTs"]), 10, 64) // written by the rules above: always a number
	return pipeline.Map{
		"name":           app["name"],
		permissionsKey:   permissions,
		"lastModified":   modified,
		"lastModifiedBy": app["lastModifiedBy"],
	}
}

// JoinPermissions puts the permissions of a permission object (nil when there
// is none) into the document, in place, and returns it. A document's own
// permissions never count.
func JoinPermissions(app pipeline.Application, object pipeline.Map) pipeline.Application {
	delete(app, permissionsKey)
	if object == nil {
		return app
	}
	if old := object.Strings("requiredGroupMembership"); len(old) > 0 && object.Map(permissionsKey) == nil {
		roles := make([]any, len(old))
		for i, role := range old {
			roles[i] = strings.ToLower(strings.TrimSpace(role))
		}
		app[permissionsKey] = map[string]any{"READ": roles, "WRITE": slices.Clone(roles)}
		return app
	}
	if permissions, err := NormalPermissions(object[permissionsKey]); err == nil {
		app[permissionsKey] = permissions
		return app
	}
	// Unreadable permissions are answered as they are: whoever checks them must
	// refuse, and never take them for unrestricted.
	app[permissionsKey] = pipeline.CloneValue(object[permissionsKey])
	return app
}

// SortApplications sorts by name without regard to case, in place, and returns
// the list.
func SortApplications(apps []pipeline.Application) []pipeline.Application {
	slices.SortStableFunc(apps, func(a, b pipeline.Application) int {
		return strings.Compare(ApplicationKey(a.Name()), ApplicationKey(b.Name()))
	})
	return apps
}
