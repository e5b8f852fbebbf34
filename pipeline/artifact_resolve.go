package pipeline

import (
	"errors"
	"slices"
)

// Bounds on the artifacts of one start or stage.
const (
	// MaxExpectedArtifacts is the most artifacts that one pipeline or stage may
	// expect.
	MaxExpectedArtifacts = 500
	// MaxArtifacts is the most artifacts among which the expected ones are looked
	// for.
	MaxArtifacts = 10_000
)

// ErrUnresolved is in the chain of the error about an expected artifact that
// nothing, or more than one thing, resolves.
var ErrUnresolved = errors.New("an expected artifact is not resolved")

// ArtifactResolution is what expected artifacts were resolved to.
type ArtifactResolution struct {
	// Artifacts are the distinct artifacts found, in the order of the
	// expectations.
	Artifacts []Artifact
	// Expected are the expectations, each with its BoundArtifact.
	Expected []ExpectedArtifact
}

// BindArtifacts finds what a stage was expected to produce among the artifacts
// that it sees, nearest first: of several that match the first is taken, and
// default artifacts stand in for what is missing (reference: orca section 5,
// "Produced artifacts"). The error is invalid with [ErrUnresolved], or too_large.
func BindArtifacts(expected []ExpectedArtifact, artifacts []Artifact) (ArtifactResolution, error) {
	return artifactSearch{current: artifacts}.resolve(expected)
}

// artifactSearch is where expected artifacts are looked for.
type artifactSearch struct {
	// current are looked at first, prior ones for expectations that allow it.
	current, prior []Artifact
	// unique makes it an error that several artifacts match one expectation.
	unique bool
}

func (s artifactSearch) resolve(expected []ExpectedArtifact) (ArtifactResolution, error) {
	out := ArtifactResolution{Artifacts: []Artifact{}, Expected: []ExpectedArtifact{}}
	if err := boundArtifacts(len(expected), max(len(s.current), len(s.prior))); err != nil {
		return out, err
	}
	work := maxMatchWork
	for _, x := range expected {
		found, err := s.find(x, newArtifactMatcher(x, &work))
		switch {
		case work < 0:
			return out, Errorf(CodeTooLarge, "Comparing the expected artifact %s takes too long: expect fewer artifacts, or use simpler patterns.", x)
		case err != nil:
			return out, err
		case found == nil:
			return out, Wrap(CodeInvalid, ErrUnresolved, "Unmatched expected artifact %s could not be resolved.", x)
		}
		bound := found.Clone()
		x.BoundArtifact = &bound
		out.Expected = append(out.Expected, x)
		out.Artifacts = append(out.Artifacts, found.Clone())
	}
	out.Artifacts = DistinctArtifacts(out.Artifacts)
	return out, nil
}

// find returns what one expectation resolves to, or nil.
func (s artifactSearch) find(x ExpectedArtifact, m artifactMatcher) (*Artifact, error) {
	found, err := s.only(x, m, s.current)
	if err == nil && found == nil && x.UsePriorArtifact {
		found, err = s.only(x, m, s.prior)
	}
	if err == nil && found == nil && x.UseDefaultArtifact {
		found = x.DefaultArtifact
	}
	return found, err
}

// only returns the artifact that matches, or nil when none does.
func (s artifactSearch) only(x ExpectedArtifact, m artifactMatcher, artifacts []Artifact) (*Artifact, error) {
	var matching []Artifact
	for _, a := range artifacts {
		if m.matches(a) {
			matching = append(matching, a)
			if !s.unique {
				break
			}
		}
	}
	switch len(matching) {
	case 0:
		return nil, nil
	case 1:
		return &matching[0], nil
	}
	return nil, Wrap(CodeInvalid, ErrUnresolved, "Expected artifact %s matches multiple artifacts %s", x, listArtifacts(matching))
}

func boundArtifacts(expected, artifacts int) error {
	switch {
	case expected > MaxExpectedArtifacts:
		return Errorf(CodeTooLarge, "%d artifacts are expected: at most %d can be.", expected, MaxExpectedArtifacts)
	case artifacts > MaxArtifacts:
		return Errorf(CodeTooLarge, "Expected artifacts would be looked for among %d artifacts: at most %d can be.", artifacts, MaxArtifacts)
	}
	return nil
}

// DistinctArtifacts returns the artifacts without repetitions, in order. Two are
// the same when all their fields are.
func DistinctArtifacts(list []Artifact) []Artifact {
	out := make([]Artifact, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, a := range list {
		text, err := EncodeValue(a)
		if err == nil && seen[string(text)] {
			continue
		}
		seen[string(text)] = err == nil
		out = append(out, a)
	}
	return out
}

// ParseArtifacts reads a list of artifacts; null elements are passed over. The
// error, invalid, tells which element cannot be read.
func ParseArtifacts(list []any) ([]Artifact, error) {
	out := make([]Artifact, 0, len(list))
	for i, e := range list {
		if e == nil {
			continue
		}
		var a Artifact
		if AsMap(e) == nil {
			return nil, Errorf(CodeInvalid, "Artifact %d is %s: write it as an object.", i+1, kindOf(e))
		}
		if err := Bind(e, &a); err != nil {
			return nil, Wrap(CodeInvalid, err, "Artifact %d cannot be read: %s.", i+1, err)
		}
		out = append(out, a)
	}
	return out, nil
}

// ParseExpectedArtifacts is [ParseArtifacts] for expected artifacts.
func ParseExpectedArtifacts(list []any) ([]ExpectedArtifact, error) {
	out := make([]ExpectedArtifact, 0, len(list))
	for i, e := range list {
		if e == nil {
			continue
		}
		var x ExpectedArtifact
		if AsMap(e) == nil {
			return nil, Errorf(CodeInvalid, "Expected artifact %d is %s: write it as an object.", i+1, kindOf(e))
		}
		if err := Bind(e, &x); err != nil {
			return nil, Wrap(CodeInvalid, err, "Expected artifact %d cannot be read: %s.", i+1, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// Artifacts lists what the execution's stages left and then what its trigger
// brought, later stages first (reference: orca section 5). The top-level stage
// with the refId butNot is left out; "" leaves none out. The error, invalid, is
// about outputs that cannot be read.
func (e *Execution) Artifacts(butNot string) ([]Artifact, error) {
	var out []Artifact
	for _, s := range topological(e.Stages) {
		if butNot != "" && s.RefID == butNot {
			continue
		}
		list, err := ParseArtifacts(s.Outputs.List("artifacts"))
		if err != nil {
			return nil, Wrap(CodeInvalid, err, "The artifacts of stage '%s' of execution %s cannot be read: %s", s.Name, e.ID, MessageOf(err))
		}
		out = append(out, list...)
	}
	slices.Reverse(out)
	return append(out, e.Trigger.Artifacts...), nil
}

// topological lists the top-level stages so that each follows its requisites,
// else in their order. Stages that no order suits come last.
func topological(stages []*Stage) []*Stage {
	var left, out []*Stage
	for _, s := range stages {
		if s.ParentStageID == "" {
			left = append(left, s)
		}
	}
	listed := map[string]bool{}
	for len(left) > 0 {
		var next, later []*Stage
		for _, s := range left {
			if slices.ContainsFunc(s.RequisiteStageRefIDs, func(ref string) bool { return !listed[ref] }) {
				later = append(later, s)
			} else {
				next = append(next, s)
			}
		}
		if len(next) == 0 {
			return append(out, later...)
		}
		for _, s := range next {
			listed[s.RefID] = true
		}
		out, left = append(out, next...), later
	}
	return out
}
