package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// sight is what a stage sees of its execution.
type sight struct {
	exec  *pipeline.Execution
	stage *pipeline.Stage
	// ancestors are the stage itself and those upstream, nearest first.
	ancestors []*pipeline.Stage
}

func (t *TaskRun) sight() sight {
	return sight{exec: t.run.exec, stage: t.Stage, ancestors: t.run.ancestors(t.Stage)}
}

// Artifacts lists what the stage sees (reference: orca section 4, "Get all K"):
// its own context's artifacts, those that it and the stages upstream left,
// nearest first, and those of the trigger. The error, invalid, names what cannot
// be read.
func (t *TaskRun) Artifacts() ([]pipeline.Artifact, error) { return t.sight().artifacts() }

func (s sight) artifacts() ([]pipeline.Artifact, error) {
	var out []pipeline.Artifact
	for _, v := range s.all("artifacts") {
		list, _ := v.([]any)
		artifacts, err := pipeline.ParseArtifacts(list)
		if err != nil {
			return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "An artifact that the stage '%s' sees cannot be read: %s", s.stage.Name, pipeline.MessageOf(err))
		}
		out = append(out, artifacts...)
	}
	return append(out, s.exec.Trigger.Artifacts...), nil
}

// ResolvedArtifacts lists the expected artifacts that were resolved where the
// stage sees them, in the order of [TaskRun.Artifacts].
func (t *TaskRun) ResolvedArtifacts() ([]pipeline.ExpectedArtifact, error) {
	return t.sight().resolved()
}

func (s sight) resolved() ([]pipeline.ExpectedArtifact, error) {
	var out []pipeline.ExpectedArtifact
	for _, v := range s.all("resolvedExpectedArtifacts") {
		list, _ := v.([]any)
		expected, err := pipeline.ParseExpectedArtifacts(list)
		if err != nil {
			return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "An expected artifact that the stage '%s' sees cannot be read: %s", s.stage.Name, pipeline.MessageOf(err))
		}
		out = append(out, expected...)
	}
	return append(out, s.exec.Trigger.ResolvedExpectedArtifacts...), nil
}

// all collects the values under a key: the stage's own context first, then the
// outputs of the stage and of those upstream, nearest first.
func (s sight) all(key string) []any {
	var out []any
	if v, present := s.stage.Context[key]; present {
		out = append(out, v)
	}
	for _, a := range s.ancestors {
		if v, present := a.Outputs[key]; present {
			out = append(out, v)
		}
	}
	return out
}

// BoundArtifact returns the artifact that a stage uses: the one that the
// expected artifact with the ID was resolved to, its account that of the
// expectation when it has none; without an ID the inline one. The expressions in
// it are evaluated, and those that fail stay text. It returns nil when there is
// no such artifact (reference: orca section 5, "In a stage").
//
// The error is that of [TaskRun.Evaluate], or invalid for what cannot be read.
func (t *TaskRun) BoundArtifact(ctx workflow.Context, id string, inline *pipeline.Artifact) (*pipeline.Artifact, error) {
	artifact := inline
	if id != "" {
		var err error
		if artifact, err = t.sight().resolvedTo(id); err != nil {
			return nil, err
		}
	}
	if artifact == nil {
		return nil, nil
	}
	value, err := pipeline.ToValue(*artifact)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "An artifact of stage '%s' cannot be written: %s.", t.Stage.Name, err)
	}
	if holdsExpression(value) {
		if value, _, err = t.Evaluate(ctx, value); err != nil {
			return nil, err
		}
	}
	var out pipeline.Artifact
	if err := pipeline.Bind(value, &out); err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "An artifact of stage '%s' cannot be read once its expressions are evaluated: %s.", t.Stage.Name, err)
	}
	return &out, nil
}

// resolvedTo finds what the expected artifact with an ID was resolved to, or
// nil. The nearest expectation of that ID counts, resolved or not.
func (s sight) resolvedTo(id string) (*pipeline.Artifact, error) {
	resolved, err := s.resolved()
	if err != nil {
		return nil, err
	}
	for _, x := range resolved {
		if x.ID != id {
			continue
		}
		if x.BoundArtifact == nil {
			return nil, nil
		}
		out := x.BoundArtifact.Clone()
		if out.ArtifactAccount == "" && x.MatchArtifact != nil {
			out.ArtifactAccount = x.MatchArtifact.ArtifactAccount
		}
		return &out, nil
	}
	return nil, nil
}

// BindProducedArtifacts is the task that finds what a stage was expected to
// produce among the artifacts that it sees, and leaves it under artifacts and
// resolvedExpectedArtifacts (reference: orca section 5, "Produced artifacts").
// Without expectedArtifacts it does nothing; an expectation that nothing meets
// fails the stage.
func BindProducedArtifacts() Task {
	return Task{Name: "bindProducedArtifacts", Run: func(_ workflow.Context, t *TaskRun) (Outcome, error) {
		expected, err := pipeline.ParseExpectedArtifacts(t.Stage.Context.List("expectedArtifacts"))
		if err != nil {
			return Outcome{}, pipeline.Wrap(pipeline.CodeInvalid, err, "The expectedArtifacts of stage '%s' cannot be read: %s", t.Stage.Name, pipeline.MessageOf(err))
		}
		if len(expected) == 0 {
			return Outcome{}, nil
		}
		artifacts, err := t.Artifacts()
		if err != nil {
			return Outcome{}, err
		}
		values, err := BoundValues(expected, artifacts)
		return Outcome{Context: values, Outputs: values.Clone()}, err
	}}
}

// BoundValues resolves expected artifacts among others, as
// [pipeline.BindArtifacts] does, into the keys that stages leave: artifacts and
// resolvedExpectedArtifacts.
func BoundValues(expected []pipeline.ExpectedArtifact, artifacts []pipeline.Artifact) (pipeline.Map, error) {
	resolution, err := pipeline.BindArtifacts(expected, artifacts)
	if err != nil {
		return nil, err
	}
	found, err := pipeline.ToValue(resolution.Artifacts)
	if err != nil {
		return nil, err
	}
	resolved, err := pipeline.ToValue(resolution.Expected)
	return pipeline.Map{"artifacts": found, "resolvedExpectedArtifacts": resolved}, err
}
