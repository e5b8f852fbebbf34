package history_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/history"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// shelf is a reader of given executions.
type shelf []*pipeline.Execution

func (s shelf) Get(_ context.Context, id string) (executions.Record, error) {
	for _, e := range s {
		if e.ID == id {
			return executions.Record{Execution: e}, nil
		}
	}
	if id == "away" {
		return executions.Record{}, pipeline.Errorf(pipeline.CodeUnavailable, "The store does not answer.")
	}
	return executions.Record{}, pipeline.Errorf(pipeline.CodeNotFound, "Nobody knows %s.", id)
}

func (s shelf) List(_ context.Context, q executions.Query) ([]*pipeline.Execution, error) {
	if len(q.PipelineConfigIDs) == 1 && q.PipelineConfigIDs[0] == "away" {
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "The store does not answer.")
	}
	var records []executions.Record
	for _, e := range s {
		records = append(records, executions.Record{Execution: e})
	}
	var out []*pipeline.Execution
	for _, r := range q.Apply(records) {
		out = append(out, r.Execution)
	}
	return out, nil
}

// execution is a run of pipeline "p" whose stage "1" left the named artifacts.
func execution(id string, start pipeline.Millis, status pipeline.Status, names ...any) *pipeline.Execution {
	var artifacts []any
	for _, n := range names {
		artifacts = append(artifacts, map[string]any{"name": n})
	}
	return &pipeline.Execution{
		Type: pipeline.TypePipeline, ID: id, Application: "shop", Name: "Build", PipelineConfigID: "p", BuildTime: start, StartTime: start, EndTime: start + 5,
		Status: status, Stages: []*pipeline.Stage{{RefID: "1", Name: "Bake", Outputs: pipeline.Map{"artifacts": artifacts}}},
		Trigger: pipeline.Trigger{Artifacts: []pipeline.Artifact{{Name: "from trigger"}}},
	}
}

func names(artifacts []pipeline.Artifact) []string {
	out := []string{}
	for _, a := range artifacts {
		out = append(out, a.Name)
	}
	return out
}

func TestLatestExecutions(t *testing.T) {
	t.Parallel()
	h := history.New(shelf{
		execution("a", 10, pipeline.Succeeded, "old"),
		execution("b", 30, pipeline.Terminal, "x", "y"),
		execution("c", 20, pipeline.Succeeded, "z"),
	})
	out, err := h.LatestExecutions(t.Context(), activities.LatestExecutionsInput{ConfigID: "p"})
	require.NoError(t, err)
	require.Equal(t, []activities.PriorExecution{{
		ID: "b", Application: "shop", Name: "Build", Status: pipeline.Terminal, BuildTime: 30, StartTime: 30, EndTime: 35,
		Artifacts: []pipeline.Artifact{{Name: "y"}, {Name: "x"}, {Name: "from trigger"}},
	}}, out.Executions)

	for _, tt := range []struct {
		name string
		in   activities.LatestExecutionsInput
		want [][]string
	}{
		{"by status", activities.LatestExecutionsInput{Statuses: []pipeline.Status{pipeline.Succeeded}}, [][]string{{"z", "from trigger"}}},
		{"two", activities.LatestExecutionsInput{Limit: 2}, [][]string{{"y", "x", "from trigger"}, {"z", "from trigger"}}},
		{"more than there are", activities.LatestExecutionsInput{Limit: 1000, Statuses: []pipeline.Status{pipeline.Terminal}}, [][]string{{"y", "x", "from trigger"}}},
		{"none", activities.LatestExecutionsInput{Statuses: []pipeline.Status{pipeline.Running}}, [][]string{}},
		{"without a stage", activities.LatestExecutionsInput{ButNotStage: "1"}, [][]string{{"from trigger"}}},
		{"only what is expected", activities.LatestExecutionsInput{Matching: []pipeline.ExpectedArtifact{{MatchArtifact: &pipeline.Artifact{Name: "[xz]"}}}}, [][]string{{"x"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.in.ConfigID = "p"
			out, err := h.LatestExecutions(t.Context(), tt.in)
			require.NoError(t, err)
			got := [][]string{}
			for _, e := range out.Executions {
				got = append(got, names(e.Artifacts))
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestLatestExecutionsRefuses(t *testing.T) {
	t.Parallel()
	h := history.New(shelf{
		execution("a", 10, pipeline.Succeeded, strings.Repeat("x", activities.MaxHistory)),
		execution("b", 10, pipeline.Terminal, []any{}),
	})
	for _, tt := range []struct {
		name string
		in   activities.LatestExecutionsInput
		code pipeline.Code
		want string
	}{
		{"no pipeline", activities.LatestExecutionsInput{}, pipeline.CodeInvalid, "name its configuration's ID"},
		{"away", activities.LatestExecutionsInput{ConfigID: "away"}, pipeline.CodeUnavailable, "does not answer"},
		{"too large", activities.LatestExecutionsInput{ConfigID: "p", Statuses: []pipeline.Status{pipeline.Succeeded}}, pipeline.CodeTooLarge, "a stage reads at most 1048576"},
		{"broken", activities.LatestExecutionsInput{ConfigID: "p", Statuses: []pipeline.Status{pipeline.Terminal}}, pipeline.CodeInvalid, "The artifacts of stage 'Bake' of execution b cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := h.LatestExecutions(t.Context(), tt.in)
			require.Equal(t, tt.code, pipeline.CodeOf(err))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestLoadExecution(t *testing.T) {
	t.Parallel()
	large := execution("large", 1, pipeline.Succeeded, strings.Repeat("x", activities.MaxHistory))
	e := execution("a", 10, pipeline.Succeeded, "x")
	h := history.New(shelf{e, large})
	out, err := h.LoadExecution(t.Context(), activities.LoadExecutionInput{ID: "a"})
	require.NoError(t, err)
	require.Equal(t, e, out.Execution)
	out, err = h.LoadExecution(t.Context(), activities.LoadExecutionInput{ID: "large", Summary: true})
	require.NoError(t, err)
	require.Empty(t, out.Execution.Stages[0].Outputs)

	for id, want := range map[string]pipeline.Code{"large": pipeline.CodeTooLarge, "gone": pipeline.CodeNotFound, "away": pipeline.CodeUnavailable} {
		_, err := h.LoadExecution(t.Context(), activities.LoadExecutionInput{ID: id})
		require.Equal(t, want, pipeline.CodeOf(err), id)
	}
}
