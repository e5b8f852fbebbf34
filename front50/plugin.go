package front50

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// UpsertPlugin stores a plugin's information. Releases that are stored stay; a given
// one must be new, and is not preferred, which is set by a call of its own. A
// release that is stored exactly as it is given is no fault, so that the same call
// may be made again.
//
// Errors: invalid and those of [Documents].
func UpsertPlugin(ctx context.Context, s Documents, given pipeline.Map, by Author) (pipeline.Map, error) {
	if err := KindPluginInfo.Check(given); err != nil {
		return nil, err
	}
	return ReviseDocument(ctx, s, KindPluginInfo, given.String("id"), by, func(stored pipeline.Map) (pipeline.Map, error) {
		doc := given.Clone()
		releases := stored.List("releases")
		for _, e := range given.List("releases") {
			release := pipeline.AsMap(e).Clone()
			if stored != nil {
				release["preferred"] = false
			}
			version := release.String("version")
			at := releaseAt(releases, version)
			switch {
			case at < 0:
				releases = append(releases, any(map[string]any(release)))
			case !sameRelease(pipeline.AsMap(releases[at]), release):
				return nil, pipeline.Errorf(pipeline.CodeInvalid, "Cannot update an existing release: %s. Give the change a version of its own.", version)
			}
		}
		doc["releases"] = append([]any{}, releases...)
		return doc, nil
	})
}

func releaseAt(releases []any, version string) int {
	return slices.IndexFunc(releases, func(e any) bool { return pipeline.AsMap(e).String("version") == version })
}

// sameRelease compares what the author of a release gives.
func sameRelease(a, b pipeline.Map) bool {
	for _, key := range []string{"date", "requires", "url", "sha512sum"} {
		if a.String(key) != b.String(key) {
			return false
		}
	}
	return true
}

// PutRelease adds a release to a plugin, or with replace sets it over the stored one
// of its version. One that is preferred is the only one.
//
// Errors: not_found, invalid.
func PutRelease(ctx context.Context, s Documents, id string, release pipeline.Map, replace bool, by Author) (pipeline.Map, error) {
	version := release.String("version")
	return revisePlugin(ctx, s, id, by, func(doc pipeline.Map) error {
		releases := slices.Clone(doc.List("releases"))
		at := releaseAt(releases, version)
		switch {
		case replace && at < 0:
			return releaseNotFound(id, version)
		case !replace && at >= 0:
			return pipeline.Errorf(pipeline.CodeInvalid, "The plugin %s has a release %s already: give the new one another version.", id, version)
		case at >= 0:
			releases = slices.Delete(releases, at, at+1)
		}
		given := release.Clone()
		given["lastModified"], given["lastModifiedBy"] = instant(), author(by)
		doc["releases"] = append(releases, any(map[string]any(given)))
		if given.Bool("preferred") {
			prefer(doc, version, by)
		}
		return nil
	})
}

// PreferRelease makes a release the preferred one, or with preferred false takes
// that from it.
//
// Errors: not_found, invalid.
func PreferRelease(ctx context.Context, s Documents, id, version string, preferred bool, by Author) (pipeline.Map, error) {
	doc, err := revisePlugin(ctx, s, id, by, func(doc pipeline.Map) error {
		at := releaseAt(doc.List("releases"), version)
		switch {
		case at < 0:
			return releaseNotFound(id, version)
		case preferred:
			prefer(doc, version, by)
		case pipeline.AsMap(doc.List("releases")[at]).Bool("preferred"):
			prefer(doc, "", by)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	at := releaseAt(doc.List("releases"), version)
	if at < 0 {
		return nil, releaseNotFound(id, version)
	}
	return pipeline.AsMap(doc.List("releases")[at]), nil
}

// DeleteRelease takes a release out of a plugin; a missing one is a success.
//
// Errors: not_found for the plugin.
func DeleteRelease(ctx context.Context, s Documents, id, version string, by Author) (pipeline.Map, error) {
	return revisePlugin(ctx, s, id, by, func(doc pipeline.Map) error {
		if at := releaseAt(doc.List("releases"), version); at >= 0 {
			doc["releases"] = slices.Delete(slices.Clone(doc.List("releases")), at, at+1)
		}
		return nil
	})
}

func revisePlugin(ctx context.Context, s Documents, id string, by Author, change func(pipeline.Map) error) (pipeline.Map, error) {
	return ReviseDocument(ctx, s, KindPluginInfo, id, by, func(doc pipeline.Map) (pipeline.Map, error) {
		if doc == nil {
			return nil, KindPluginInfo.NotFound(id)
		}
		return doc, change(doc)
	})
}

func releaseNotFound(id, version string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "Plugin %s with release %s version not found.", id, version)
}

func instant() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

// prefer makes the release of a version the only preferred one; none for "".
func prefer(doc pipeline.Map, version string, by Author) {
	for _, e := range doc.List("releases") {
		release := pipeline.AsMap(e)
		if preferred := release.String("version") == version; release != nil && preferred != release.Bool("preferred") {
			release["preferred"], release["lastModified"], release["lastModifiedBy"] = preferred, instant(), author(by)
		}
	}
}

// PluginsFor returns those plugins of which a release requires the service; all for
// "".
func PluginsFor(all []pipeline.Map, service string) []pipeline.Map {
	if service == "" {
		return all
	}
	out := []pipeline.Map{}
	for _, p := range all {
		if slices.ContainsFunc(p.List("releases"), func(e any) bool { return requires(pipeline.AsMap(e).String("requires"), service) }) {
			out = append(out, p)
		}
	}
	return out
}

// requires reports whether "orca>=1.0.0,deck>=2.0.0" names a service.
func requires(all, service string) bool {
	for one := range strings.SplitSeq(all, ",") {
		if at := strings.IndexAny(one, "<>="); at > 0 && strings.EqualFold(strings.TrimSpace(one[:at]), service) {
			return true
		}
	}
	return false
}

// PinPluginVersions stores which versions of plugins a server group of a service
// uses, unless that is stored already, and returns the releases by the plugin's ID;
// what is not there is left out.
//
// Errors: those of [Documents].
func PinPluginVersions(ctx context.Context, s Documents, service, location, serverGroup string, versions pipeline.Map, by Author) (pipeline.Map, error) {
	id := service + "-" + location + "-" + serverGroup
	doc, err := ReviseDocument(ctx, s, KindPluginVersions, id, by, func(stored pipeline.Map) (pipeline.Map, error) {
		if stored != nil {
			return nil, nil
		}
		return pipeline.Map{"id": id, "location": location, "serverGroupName": serverGroup, "pluginVersions": map[string]any(versions.Clone())}, nil
	})
	if err != nil {
		return nil, err
	}
	out := pipeline.Map{}
	pinned := doc.Map("pluginVersions")
	for plugin := range pinned {
		info, err := s.Document(ctx, KindPluginInfo, plugin)
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
			return nil, err
		}
		if at := releaseAt(info.List("releases"), pinned.String(plugin)); at >= 0 {
			out[plugin] = info.List("releases")[at]
		}
	}
	return out, nil
}
