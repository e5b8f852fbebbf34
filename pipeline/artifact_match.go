package pipeline

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// Bounds of comparisons. Workflow code compares artifacts, and must come back
// within a second whatever the patterns are; Go's regular expressions take steps
// in proportion to the size of the compiled pattern and the length of the text.
const (
	maxMatchPattern = 4096    // bytes of a pattern
	maxMatchSize    = 10_000  // instructions of a compiled pattern
	maxMatchSteps   = 1 << 24 // instructions times bytes of text, for one field
	maxMatchWork    = 1 << 26 // the same, for all comparisons of one resolution
)

// The artifact types that stand for the same thing: a text that is held in the
// artifact itself, or in an artifact store.
const (
	embeddedBase64 = "embedded/base64"
	remoteBase64   = "remote/base64"
)

// Matches reports whether an artifact is what is expected: each of type, name,
// version, location and reference that the expectation sets must equal the
// artifact's or match all of it as a regular expression (reference: orca section
// 5). A field that is empty in the expectation matches anything; one that is
// empty in the artifact matches nothing else. Account, metadata, UUID and
// provenance are not looked at.
//
// A text that Go does not know as a pattern, or that is too large for one, is
// compared for equality alone.
func (x ExpectedArtifact) Matches(a Artifact) bool {
	work := maxMatchWork
	return newArtifactMatcher(x, &work).matches(a)
}

// MatchingArtifacts returns the artifacts that one of the expectations matches,
// in order. What cannot be compared in bounded time stays.
func MatchingArtifacts(expected []ExpectedArtifact, artifacts []Artifact) []Artifact {
	work := maxMatchWork
	matchers := make([]artifactMatcher, len(expected))
	for i, x := range expected {
		matchers[i] = newArtifactMatcher(x, &work)
	}
	out := []Artifact{}
	for _, a := range artifacts {
		if slices.ContainsFunc(matchers, func(m artifactMatcher) bool { return m.matches(a) }) || work < 0 {
			out = append(out, a)
		}
	}
	return out
}

// artifactMatcher is an expectation with its patterns compiled.
type artifactMatcher struct {
	kind, name, version, location, reference fieldMatcher
	// work is what may still be spent on patterns; below zero some field was not
	// compared.
	work *int
}

func newArtifactMatcher(x ExpectedArtifact, work *int) artifactMatcher {
	m := x.MatchArtifact
	if m == nil {
		m = &Artifact{}
	}
	return artifactMatcher{
		kind: newFieldMatcher(m.Type), name: newFieldMatcher(m.Name), version: newFieldMatcher(m.Version),
		location: newFieldMatcher(m.Location), reference: newFieldMatcher(m.Reference), work: work,
	}
}

func (m artifactMatcher) matches(a Artifact) bool {
	return m.matchesType(a.Type) && m.name.matches(a.Name, m.work) && m.version.matches(a.Version, m.work) &&
		m.location.matches(a.Location, m.work) && m.reference.matches(a.Reference, m.work)
}

func (m artifactMatcher) matchesType(t string) bool {
	return m.kind.matches(t, m.work) ||
		m.kind.text == embeddedBase64 && t == remoteBase64 || m.kind.text == remoteBase64 && t == embeddedBase64
}

// fieldMatcher is one field of an expectation.
type fieldMatcher struct {
	text string
	// pattern is nil when the text can only be compared for equality; size is
	// that of the compiled pattern.
	pattern *regexp.Regexp
	size    int
}

func newFieldMatcher(text string) fieldMatcher {
	m := fieldMatcher{text: text}
	if len(text) > maxMatchPattern || regexp.QuoteMeta(text) == text {
		return m
	}
	// The text alone must be a pattern: one with stray brackets would otherwise
	// change what the anchors hold.
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return m
	}
	compiled, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(compiled.Inst) > maxMatchSize {
		return m
	}
	if m.pattern, err = regexp.Compile(`\A(?:` + text + `)\z`); err == nil {
		m.size = len(compiled.Inst)
	}
	return m
}

func (m fieldMatcher) matches(text string, work *int) bool {
	steps := m.size * len(text)
	switch {
	case m.text == "" || m.text == text:
		return true
	case text == "" || m.pattern == nil || steps > maxMatchSteps:
		return false
	}
	if *work -= steps; *work < 0 {
		return false
	}
	return m.pattern.MatchString(text)
}

// maxShown is how much of one field of an artifact stands in a message.
const maxShown = 120

// String says what is expected, for messages: the name that people gave it, or
// else its ID, and the fields that must match.
func (x ExpectedArtifact) String() string {
	name := x.DisplayName
	if name == "" {
		name = x.ID
	}
	var match Artifact
	if x.MatchArtifact != nil {
		match = *x.MatchArtifact
	}
	switch fields := match.String(); {
	case name == "":
		return fields
	case fields == "{}":
		return "'" + clip(name) + "'"
	default:
		return "'" + clip(name) + "' " + fields
	}
}

// String lists the fields by which artifacts are told apart, for messages.
func (a Artifact) String() string {
	var parts []string
	for _, f := range []struct{ name, value string }{
		{"type", a.Type}, {"name", a.Name}, {"version", a.Version}, {"location", a.Location}, {"reference", a.Reference},
	} {
		if f.value != "" {
			parts = append(parts, f.name+": "+clip(f.value))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// clip shortens text for a message, at the border of a character.
func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}

// maxListed is how many artifacts one message lists.
const maxListed = 5

func listArtifacts(list []Artifact) string {
	parts := make([]string, 0, maxListed+1)
	for i, a := range list {
		if i == maxListed {
			parts = append(parts, "and "+strconv.Itoa(len(list)-maxListed)+" more")
			break
		}
		parts = append(parts, a.String())
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
