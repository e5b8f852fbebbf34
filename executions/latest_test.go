package executions_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// shelf is a reader of given executions, of which some cannot be had whole.
type shelf struct {
	records []executions.Record
	gone    string
	down    bool
}

func (s shelf) Get(_ context.Context, id string) (executions.Record, error) {
	for _, r := range s.records {
		if r.Execution.ID == id && id != s.gone {
			return r, nil
		}
	}
	return executions.Record{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no execution %s.", id)
}

func (s shelf) List(_ context.Context, q executions.Query) ([]*pipeline.Execution, error) {
	if s.down {
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "The store does not answer.")
	}
	var out []*pipeline.Execution
	for _, r := range q.Apply(s.records) {
		out = append(out, r.Execution)
	}
	return out, nil
}

func TestLatest(t *testing.T) {
	t.Parallel()
	var s shelf
	for _, e := range []pipeline.Execution{
		{ID: "a", BuildTime: 1, StartTime: 50, Status: pipeline.Succeeded},
		{ID: "b", BuildTime: 2, StartTime: 20, Status: pipeline.Terminal},
		{ID: "c", BuildTime: 3, StartTime: 20, Status: pipeline.Succeeded},
		{ID: "d", BuildTime: 4, Status: pipeline.NotStarted},
		{ID: "e", BuildTime: 5, StartTime: 30, Status: pipeline.Running},
		{ID: "other", BuildTime: 6, StartTime: 90, Status: pipeline.Succeeded, PipelineConfigID: "q"},
		{ID: "task", BuildTime: 6, StartTime: 90, Status: pipeline.Succeeded, Type: pipeline.TypeOrchestration},
	} {
		if e.PipelineConfigID == "" {
			e.PipelineConfigID = "p"
		}
		if e.Type == "" {
			e.Type = pipeline.TypePipeline
		}
		e.Stages = []*pipeline.Stage{{Outputs: pipeline.Map{"artifacts": []any{}}}}
		s.records = append(s.records, executions.Record{Execution: &e})
	}
	ids := func(statuses []pipeline.Status, limit int) []string {
		out, err := executions.Latest(t.Context(), s, "p", statuses, limit)
		require.NoError(t, err)
		list := []string{}
		for _, e := range out {
			list = append(list, e.ID)
			require.NotEmpty(t, e.Stages[0].Outputs, "executions come whole")
		}
		return list
	}
	require.Equal(t, []string{"a", "e", "c", "b", "d"}, ids(nil, 10))
	require.Equal(t, []string{"a"}, ids(nil, 1))
	require.Equal(t, []string{"c", "b"}, ids([]pipeline.Status{pipeline.Succeeded, pipeline.Terminal}, 3)[1:])
	require.Equal(t, []string{"d"}, ids([]pipeline.Status{pipeline.NotStarted}, 3))
	require.Empty(t, ids(nil, 0))
	s.gone = "a"
	require.Equal(t, []string{"e", "c"}, ids(nil, 2))

	none, err := executions.Latest(t.Context(), s, "", nil, 1)
	require.NoError(t, err)
	require.Empty(t, none)
	s.down = true
	_, err = executions.Latest(t.Context(), s, "p", nil, 1)
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
}
