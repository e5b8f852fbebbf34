package redismodel

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/pipeline"
)

// What is remembered of a short form is only that form: a change shows in the next
// list, and a whole form is nobody's memory.
func TestRememberedSummariesAreTheLatest(t *testing.T) {
	t.Parallel()
	m := openAt(t, Config{Address: EmbeddedAddress})
	e := executionstest.Execution("shop", "E1", pipeline.Running, 1_700_000_000_000)
	list := func(summary bool) *pipeline.Execution {
		found, err := m.List(t.Context(), executions.Query{Application: "shop", Summary: summary})
		require.NoError(t, err)
		require.Len(t, found, 1)
		return found[0].Execution
	}
	for i, status := range []pipeline.Status{pipeline.Running, pipeline.Paused, pipeline.Running, pipeline.Succeeded} {
		next := *e
		next.Status = status
		_, err := m.Put(t.Context(), executions.Record{Execution: &next, Sequence: int64(i + 1), PublishedAt: e.BuildTime, Final: status.Complete()})
		require.NoError(t, err)
		first := list(true)
		require.Equal(t, status, first.Status)
		require.Same(t, first, list(true), "it is decoded once")
		require.NotSame(t, first, list(false))
		require.NotEmpty(t, list(false).Stages[0].Context)
	}

	var s summaries
	s.put("large", strings.Repeat("x", maxSummary+1), e)
	require.Empty(t, s.byID)
	for i := range maxSummaries + 1 {
		s.put(string(rune(i)), "text", e)
	}
	require.Len(t, s.byID, 1, "it is bounded")
}
