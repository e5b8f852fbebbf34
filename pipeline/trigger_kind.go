package pipeline

import (
	"maps"
	"slices"
)

// A trigger is of the first of these kinds whose keys it has, all of them set
// (reference: orca section 2.4). The kind decides which further keys clients
// find on every execution, set or not.
var triggerKinds = []struct {
	of       string // the type, for the one kind that is told by it
	keys     []string
	defaults Map
}{
	{keys: []string{"account", "repository", "tag"}}, // docker
	{of: "concourse", defaults: Map{"properties": map[string]any{}}},
	{keys: []string{"master", "job", "buildNumber"}, defaults: Map{"properties": map[string]any{}}},
	{keys: []string{"parentExecution"}}, // pipeline
	{keys: []string{"artifactorySearchName"}},
	{keys: []string{"nexusSearchName"}},
	{keys: []string{"source", "project", "branch", "slug", "hash"}, defaults: Map{"action": "undefined"}}, // git
	{keys: []string{"pluginId"}, defaults: Map{"description": "[no description]", "provider": "[no provider]"}},
}

// fillKind gives the trigger what every trigger of its kind has.
func (t *Trigger) fillKind() {
	for _, kind := range triggerKinds {
		if kind.of != "" && t.Type != kind.of || !t.has(kind.keys) {
			continue
		}
		t.fill(kind.defaults)
		return
	}
}

// has reports whether all keys are set. A pipeline's parent is carried as a
// reference.
func (t *Trigger) has(keys []string) bool {
	for _, k := range keys {
		if t.Other[k] == nil && (k != "parentExecution" || t.Parent == nil) {
			return false
		}
	}
	return true
}

// fill sets the keys that are missing.
func (t *Trigger) fill(defaults Map) {
	if len(defaults) == 0 {
		return
	}
	t.Other = t.Other.Clone()
	if t.Other == nil {
		t.Other = Map{}
	}
	for _, k := range slices.Sorted(maps.Keys(defaults)) {
		if t.Other[k] == nil {
			t.Other[k] = CloneValue(defaults[k])
		}
	}
}
