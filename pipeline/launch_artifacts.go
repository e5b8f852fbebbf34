package pipeline

import "slices"

// The keys of a trigger under which Spinnaker keeps expected artifacts, beside
// resolvedExpectedArtifacts.
const (
	expectedIDsKey = "expectedArtifactIds"
	expectedKey    = "expectedArtifacts"
)

// NeedsPrior lists the expected artifacts that the launch cannot resolve without
// the artifacts of the configuration's latest execution: they allow those, and
// nothing that came with the start matches them. Fetching them costs a search, so
// callers ask first, and may leave out of Prior what matches none of the list.
func (l Launch) NeedsPrior(config Pipeline) []ExpectedArtifact {
	expected, candidates, err := l.artifacts(config, l.Trigger)
	if err != nil {
		return nil // NewExecution tells
	}
	work := maxMatchWork
	return slices.DeleteFunc(expected, func(x ExpectedArtifact) bool {
		return !x.UsePriorArtifact || slices.ContainsFunc(candidates, newArtifactMatcher(x, &work).matches)
	})
}

// resolveArtifacts resolves the configuration's expected artifacts into the
// trigger (reference: orca section 5, "At pipeline start").
func (l Launch) resolveArtifacts(config Pipeline, t *Trigger) error {
	expected, candidates, err := l.artifacts(config, *t)
	if err != nil {
		return err
	}
	resolution, err := artifactSearch{current: candidates, prior: l.Prior, unique: true}.resolve(expected)
	if err != nil {
		// What came with the start is shown on the failed execution.
		resolution = ArtifactResolution{}
	}
	t.Artifacts = DistinctArtifacts(slices.Concat(candidates, resolution.Artifacts))
	t.ResolvedExpectedArtifacts = resolution.Expected
	t.Other = t.Other.Clone()
	if ids := l.expectedIDs(*t); len(ids) > 0 {
		t.setOther(expectedIDsKey, anyList(ids))
	}
	if _, sent := t.Other[expectedKey]; sent || len(expected) > 0 {
		value, convErr := ToValue(resolution.Expected)
		if convErr != nil {
			return Wrap(CodeInvalid, convErr, "The expected artifacts of pipeline '%s' cannot be written: %s.", config.Name(), convErr)
		}
		if value == nil {
			value = []any{}
		}
		t.setOther(expectedKey, value)
	}
	return err
}

// artifacts returns the expected artifacts that this start has to resolve, and
// among which artifacts they are looked for first.
func (l Launch) artifacts(config Pipeline, t Trigger) ([]ExpectedArtifact, []Artifact, error) {
	wrong := func(err error) error {
		return Wrap(CodeInvalid, err, "The artifacts of pipeline '%s' cannot be read: %s", config.Name(), MessageOf(err))
	}
	all, err := ParseExpectedArtifacts(Map(config).List("expectedArtifacts"))
	if err != nil {
		return nil, nil, wrong(err)
	}
	received, err := ParseArtifacts(Map(config).List("receivedArtifacts"))
	if err != nil {
		return nil, nil, wrong(err)
	}
	if err := boundArtifacts(len(all), len(received)+len(l.Received)+len(t.Artifacts)); err != nil {
		return nil, nil, err
	}
	ids := l.expectedIDs(t)
	expected := slices.DeleteFunc(all, func(x ExpectedArtifact) bool {
		return !slices.Contains(ids, x.ID) && !x.UseDefaultArtifact && !x.UsePriorArtifact
	})
	return expected, DistinctArtifacts(slices.Concat(l.Received, received, t.Artifacts)), nil
}

// expectedIDs lists the expected artifacts that the start must bring, each once.
func (l Launch) expectedIDs(t Trigger) []string {
	return distinct(slices.Concat(t.Other.Strings(expectedIDsKey), l.ExpectedArtifactIDs))
}

func distinct(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			out = append(out, s)
		}
		seen[s] = true
	}
	return out
}

// ExpectedFrom lists the IDs of the expected artifacts that a start by a
// pipeline must bring: those that the pipeline triggers on the parent's
// configuration name, and every one that a received artifact matches
// (reference: orca section 5, "For a pipeline started by a pipeline").
func (p Pipeline) ExpectedFrom(parentConfigID string, received []Artifact) ([]string, error) {
	var out []string
	for _, e := range Map(p).List("triggers") {
		if t := AsMap(e); t.String("type") == "pipeline" && t.String("pipeline") == parentConfigID && parentConfigID != "" {
			out = append(out, t.Strings(expectedIDsKey)...)
		}
	}
	expected, err := ParseExpectedArtifacts(Map(p).List("expectedArtifacts"))
	if err != nil {
		return nil, Wrap(CodeInvalid, err, "The artifacts of pipeline '%s' cannot be read: %s", p.Name(), MessageOf(err))
	}
	if err := boundArtifacts(len(expected), len(received)); err != nil {
		return nil, err
	}
	work := maxMatchWork
	for _, x := range expected {
		if slices.ContainsFunc(received, newArtifactMatcher(x, &work).matches) {
			out = append(out, x.ID)
		}
	}
	return distinct(out), nil
}

// setOther sets a key that [Trigger] has no field for.
func (t *Trigger) setOther(key string, value any) {
	if t.Other == nil {
		t.Other = Map{}
	}
	t.Other[key] = value
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
