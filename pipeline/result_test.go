package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

func TestMergedOutputs(t *testing.T) {
	t.Parallel()
	e := &pipeline.Execution{Stages: []*pipeline.Stage{
		{Outputs: pipeline.Map{"a": int64(1), "list": []any{"x", map[string]any{"k": int64(1)}}, "mixed": []any{"x"}}},
		{Outputs: nil},
		{Outputs: pipeline.Map{"a": int64(2), "list": []any{map[string]any{"k": int64(1)}, "y"}, "mixed": "text"}},
	}}
	require.Equal(t, pipeline.Map{
		"a": int64(2), "list": []any{"x", map[string]any{"k": int64(1)}, "y"}, "mixed": "text",
	}, e.MergedOutputs())
	require.Len(t, e.Stages[0].Outputs["list"], 2)
	require.Equal(t, pipeline.Map{}, (&pipeline.Execution{}).MergedOutputs())
}

// Later in the graph wins, wherever the configuration lists a stage; synthetic
// stages go with their parent.
func TestMergedOutputsFollowTheGraph(t *testing.T) {
	t.Parallel()
	stage := func(ref, parent string, requires ...string) *pipeline.Stage {
		return &pipeline.Stage{ID: ref, RefID: ref, ParentStageID: parent, RequisiteStageRefIDs: requires, Outputs: pipeline.Map{"last": ref, "seen": []any{ref}}}
	}
	e := &pipeline.Execution{Stages: []*pipeline.Stage{
		stage("3<1", "3"), stage("3", "", "2"), stage("3>1", "3"), stage("1", ""), stage("2<1<1", "2<1"), stage("2<1", "2"), stage("2", "", "1"),
	}}
	require.Equal(t, pipeline.Map{"last": "3>1", "seen": []any{"1", "2<1<1", "2<1", "2", "3<1", "3", "3>1"}}, e.MergedOutputs())
}

func TestStageErrors(t *testing.T) {
	t.Parallel()
	s := &pipeline.Stage{Context: pipeline.Map{"exception": map[string]any{"details": map[string]any{"errors": []any{"a", int64(1), "b"}}}}}
	require.Equal(t, []string{"a", "b"}, s.Errors())
	require.Empty(t, (&pipeline.Stage{}).Errors())
}
