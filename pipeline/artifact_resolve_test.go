package pipeline

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// expect makes an expectation of a name.
func expect(id, name string) ExpectedArtifact {
	return ExpectedArtifact{ID: id, MatchArtifact: &Artifact{Name: name}}
}

func withPrior(x ExpectedArtifact) ExpectedArtifact {
	x.UsePriorArtifact = true
	return x
}

func withDefault(x ExpectedArtifact, name string) ExpectedArtifact {
	x.UseDefaultArtifact = true
	x.DefaultArtifact = &Artifact{Name: name}
	return x
}

func named(names ...string) []Artifact {
	out := []Artifact{}
	for _, n := range names {
		name, version, _ := strings.Cut(n, ":")
		out = append(out, Artifact{Name: name, Version: version})
	}
	return out
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		search   artifactSearch
		expected []ExpectedArtifact
		want     []string
		err      string
	}{
		{"nothing expected", artifactSearch{current: named("a")}, nil, []string{}, ""},
		{"found", artifactSearch{current: named("a", "b")}, []ExpectedArtifact{expect("1", "b"), expect("2", "a")}, []string{"b", "a"}, ""},
		{"one for two", artifactSearch{current: named("a")}, []ExpectedArtifact{expect("1", "a"), expect("2", "a|b")}, []string{"a"}, ""},
		{"unmatched", artifactSearch{current: named("a")}, []ExpectedArtifact{expect("1", "b")}, nil,
			"Unmatched expected artifact '1' {name: b} could not be resolved."},
		{"several", artifactSearch{current: named("a:1", "a:2"), unique: true}, []ExpectedArtifact{expect("1", "a")}, nil,
			"Expected artifact '1' {name: a} matches multiple artifacts [{name: a, version: 1}, {name: a, version: 2}]"},
		{"several, the first wins", artifactSearch{current: named("a:1", "a:2")}, []ExpectedArtifact{expect("1", "a")}, []string{"a:1"}, ""},
		{"many are not all listed", artifactSearch{current: named("a:1", "a:2", "a:3", "a:4", "a:5", "a:6", "a:7"), unique: true},
			[]ExpectedArtifact{expect("1", "a")}, nil, "{name: a, version: 5}, and 2 more]"},

		{"prior", artifactSearch{prior: named("a")}, []ExpectedArtifact{withPrior(expect("1", "a"))}, []string{"a"}, ""},
		{"prior that is not allowed", artifactSearch{prior: named("a")}, []ExpectedArtifact{expect("1", "a")}, nil, "Unmatched"},
		{"current before prior", artifactSearch{current: named("a:1"), prior: named("a:2")}, []ExpectedArtifact{withPrior(expect("1", "a"))}, []string{"a:1"}, ""},
		{"several prior", artifactSearch{prior: named("a:1", "a:2"), unique: true}, []ExpectedArtifact{withPrior(expect("1", "a"))}, nil, "matches multiple artifacts"},

		{"default", artifactSearch{current: named("b")}, []ExpectedArtifact{withDefault(expect("1", "a"), "d")}, []string{"d"}, ""},
		{"prior before default", artifactSearch{prior: named("a")}, []ExpectedArtifact{withDefault(withPrior(expect("1", "a")), "d")}, []string{"a"}, ""},
		{"default in place of prior", artifactSearch{}, []ExpectedArtifact{withDefault(withPrior(expect("1", "a")), "d")}, []string{"d"}, ""},
		{"several are an error for all the default", artifactSearch{current: named("a:1", "a:2"), unique: true},
			[]ExpectedArtifact{withDefault(expect("1", "a"), "d")}, nil, "matches multiple artifacts"},
		{"a default that is not there", artifactSearch{}, []ExpectedArtifact{{ID: "1", UseDefaultArtifact: true}}, nil, "Unmatched expected artifact '1'"},
		{"a default that is not to be used", artifactSearch{}, []ExpectedArtifact{{ID: "1", DefaultArtifact: &Artifact{Name: "d"}}}, nil, "Unmatched"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.search.resolve(tt.expected)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				require.Equal(t, CodeInvalid, CodeOf(err))
				require.ErrorIs(t, err, ErrUnresolved)
				return
			}
			require.NoError(t, err)
			require.Equal(t, named(tt.want...), got.Artifacts)
			require.Len(t, got.Expected, len(tt.expected))
			for i, x := range got.Expected {
				require.NotNil(t, x.BoundArtifact)
				require.Equal(t, tt.expected[i].ID, x.ID)
				require.Nil(t, tt.expected[i].BoundArtifact, "the caller's expectation stays as it was")
			}
		})
	}
}

func TestResolveIsBounded(t *testing.T) {
	t.Parallel()
	_, err := BindArtifacts(make([]ExpectedArtifact, MaxExpectedArtifacts+1), nil)
	require.Equal(t, CodeTooLarge, CodeOf(err))
	require.ErrorContains(t, err, "501 artifacts are expected: at most 500 can be.")
	_, err = BindArtifacts([]ExpectedArtifact{{}}, make([]Artifact, MaxArtifacts+1))
	require.Equal(t, CodeTooLarge, CodeOf(err))

	// Patterns that are allowed one by one come to an end together.
	artifacts := make([]Artifact, 200)
	for i := range artifacts {
		artifacts[i] = Artifact{Name: strings.Repeat("a", 1<<20) + strconv.Itoa(i)}
	}
	_, err = BindArtifacts([]ExpectedArtifact{expect("1", "(a|aa)*b")}, artifacts)
	require.Equal(t, CodeTooLarge, CodeOf(err))
	require.ErrorContains(t, err, "Comparing the expected artifact '1' {name: (a|aa)*b} takes too long")
}

func TestDistinctArtifacts(t *testing.T) {
	t.Parallel()
	a := Artifact{Name: "a", Metadata: Map{"x": int64(1), "y": []any{"z"}}}
	same := Artifact{Name: "a", Metadata: Map{"y": []any{"z"}, "x": int64(1)}}
	other := Artifact{Name: "a", Metadata: Map{"x": int64(2)}}
	require.Equal(t, []Artifact{other, a}, DistinctArtifacts([]Artifact{other, a, same, other}))
	require.Equal(t, []Artifact{}, DistinctArtifacts(nil))
}

func TestParseArtifacts(t *testing.T) {
	t.Parallel()
	got, err := ParseArtifacts([]any{map[string]any{"name": "a", "kind": "old", "colour": "red"}, nil})
	require.NoError(t, err)
	require.Equal(t, []Artifact{{Name: "a", Metadata: Map{"colour": "red"}}}, got)
	_, err = ParseArtifacts([]any{map[string]any{}, "text"})
	require.EqualError(t, err, "Artifact 2 is a string: write it as an object.")
	_, err = ParseArtifacts([]any{map[string]any{"name": []any{}}})
	require.ErrorContains(t, err, "Artifact 1 cannot be read")
	require.Equal(t, CodeInvalid, CodeOf(err))

	expected, err := ParseExpectedArtifacts([]any{nil, map[string]any{"id": "1", "usePriorArtifact": "true", "unknown": int64(1), "matchArtifact": map[string]any{"type": "x"}}})
	require.NoError(t, err)
	require.Equal(t, []ExpectedArtifact{{ID: "1", UsePriorArtifact: true, MatchArtifact: &Artifact{Type: "x"}}}, expected)
	_, err = ParseExpectedArtifacts([]any{int64(1)})
	require.EqualError(t, err, "Expected artifact 1 is a number: write it as an object.")
}

func TestExecutionArtifacts(t *testing.T) {
	t.Parallel()
	stage := func(ref string, names []string, requires ...string) *Stage {
		s := &Stage{RefID: ref, Name: ref, RequisiteStageRefIDs: requires, Outputs: Map{}}
		if names != nil {
			v, err := ToValue(named(names...))
			require.NoError(t, err)
			s.Outputs["artifacts"] = v
		}
		return s
	}
	e := &Execution{ID: "E", Stages: []*Stage{
		stage("3", []string{"third:1", "third:2"}, "2"),
		stage("1", []string{"first"}),
		stage("2", nil, "1"),
		stage("other", []string{"aside"}),
		{RefID: "1>1", ParentStageID: "S", Outputs: Map{"artifacts": []any{map[string]any{"name": "synthetic"}}}},
	}, Trigger: Trigger{Artifacts: named("trigger:1", "trigger:2")}}
	got, err := e.Artifacts("")
	require.NoError(t, err)
	require.Equal(t, named("third:2", "third:1", "aside", "first", "trigger:1", "trigger:2"), got)
	got, err = e.Artifacts("3")
	require.NoError(t, err)
	require.Equal(t, named("aside", "first", "trigger:1", "trigger:2"), got)

	e.Stages[3].RequisiteStageRefIDs = []string{"gone"}
	got, err = e.Artifacts("")
	require.NoError(t, err)
	require.Equal(t, named("aside", "third:2", "third:1", "first", "trigger:1", "trigger:2"), got)

	e.Stages[1].Outputs["artifacts"] = []any{"x"}
	_, err = e.Artifacts("")
	require.ErrorContains(t, err, "The artifacts of stage '1' of execution E cannot be read: Artifact 1 is a string")
}
