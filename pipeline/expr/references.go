package expr

import (
	"encoding/base64"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// triggerMap is the map form of a trigger: its known fields, with all others
// flat beside them.
func triggerMap(t *pipeline.Trigger) mapping {
	m := newOrderedMap()
	for k, v := range goMap(t.Other).entries {
		m.put(k, v)
	}
	text := func(k, v string) {
		if v != "" {
			m.put(k, v)
		}
	}
	text("type", t.Type)
	text("correlationId", t.CorrelationID)
	text("user", t.User)
	m.put("parameters", notNil(t.Parameters))
	artifacts := make([]any, len(t.Artifacts))
	for i := range t.Artifacts {
		artifacts[i] = artifactMap(&t.Artifacts[i])
	}
	m.put("artifacts", artifacts)
	m.put("notifications", t.Notifications)
	m.put("rebake", t.Rebake)
	m.put("dryRun", t.DryRun)
	m.put("strategy", t.Strategy)
	expected := make([]any, len(t.ResolvedExpectedArtifacts))
	for i, e := range t.ResolvedExpectedArtifacts {
		row := map[string]any{"id": e.ID, "usePriorArtifact": e.UsePriorArtifact, "useDefaultArtifact": e.UseDefaultArtifact}
		for _, field := range []struct {
			key      string
			artifact *pipeline.Artifact
		}{{"matchArtifact", e.MatchArtifact}, {"defaultArtifact", e.DefaultArtifact}, {"boundArtifact", e.BoundArtifact}} {
			if field.artifact != nil {
				row[field.key] = artifactMap(field.artifact)
			}
		}
		expected[i] = row
	}
	m.put("resolvedExpectedArtifacts", expected)
	if _, known := m.lookup("parentExecution"); !known && t.Parent != nil {
		m.put("parentExecution", &parentExecution{*t.Parent})
	}
	return m
}

// artifactMap is an artifact as clients read it.
func artifactMap(a *pipeline.Artifact) map[string]any {
	m := map[string]any{"customKind": a.CustomKind, "metadata": notNil(a.Metadata)}
	for _, field := range [][2]string{
		{"type", a.Type}, {"name", a.Name}, {"version", a.Version}, {"location", a.Location}, {"reference", a.Reference},
		{"artifactAccount", a.ArtifactAccount}, {"provenance", a.Provenance}, {"uuid", a.UUID},
	} {
		if field[1] != "" {
			m[field[0]] = field[1]
		}
	}
	return m
}

// load completes a value that is only known by reference.
func (ev *evaluator) load(v any) (any, *Error) {
	p, ok := v.(*parentExecution)
	if !ok {
		return ev.current(v), nil
	}
	return ev.fetch(Request{Kind: FetchExecution, ID: p.ref.ExecutionID})
}

// isReference reports whether s is an artifact store's ref://application/hash.
func isReference(s string) bool {
	rest, ok := strings.CutPrefix(s, "ref://")
	if !ok {
		return false
	}
	app, hash, ok := strings.Cut(rest, "/")
	return ok && app != "" && hash != "" && !strings.Contains(hash, "/")
}

// readReference replaces a reference into the artifact store by what is stored
// there, as base64.
func (ev *evaluator) readReference(s string) (any, *Error) {
	if !ev.env.ArtifactStore || !isReference(s) {
		return s, nil
	}
	return ev.fetch(Request{Kind: FetchArtifact, Reference: s})
}

// readThrough reads a property of a stored map through its reference; handled is
// false for every other map.
func (ev *evaluator) readThrough(m mapping, name string) (v any, handled bool, err *Error) {
	if !ev.env.ArtifactStore {
		return nil, false, nil
	}
	kind, _ := m.lookup("type")
	ref, _ := m.lookup("reference")
	reference, ok := ref.(string)
	if !ok || !ev.env.expands(kind) {
		return nil, false, nil
	}
	if name == "reference" && isReference(reference) {
		return reference, true, nil
	}
	stored, err := ev.fetch(Request{Kind: FetchArtifact, Reference: reference})
	if err != nil {
		return nil, true, err
	}
	text, ok := stored.(string)
	if !ok {
		return nil, true, helperError("The artifact store answered nothing for " + reference)
	}
	raw, bad := base64.StdEncoding.DecodeString(text)
	if bad != nil {
		return nil, true, helperError("The artifact store's answer for " + reference + " is not base64")
	}
	doc, err := ev.parseJSON(string(raw))
	if err != nil {
		return nil, true, err
	}
	if stored, ok := asMapping(doc); ok {
		v, _ := stored.lookup(name)
		return normal(v), true, nil
	}
	return nil, true, nil
}

func (env *Env) expands(kind any) bool {
	if env.ExpandTypes == nil {
		return kind == "remote/map/base64"
	}
	for _, t := range env.ExpandTypes {
		if t == kind {
			return true
		}
	}
	return false
}
