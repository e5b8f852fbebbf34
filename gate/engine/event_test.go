package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// TestEventsAreKeptOnce: an event is a workflow of its own, and the same delivery
// is one event.
func TestEventsAreKeptOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := workflows.Event{ID: "d-1", Type: "git", Source: "github", Payload: pipeline.Map{"ref": "refs/heads/main"}}
	for range 2 {
		require.NoError(t, r.Accept(t.Context(), e))
	}
	run := r.client.GetWorkflow(t.Context(), "event.github.d-1", "")
	var out workflows.EventResult
	require.NoError(t, run.Get(t.Context(), &out))
	require.Equal(t, workflows.EventResult{}, out)
	first := run.GetRunID()
	require.NoError(t, r.Accept(t.Context(), e), "also after its end")
	require.Equal(t, first, r.client.GetWorkflow(t.Context(), "event.github.d-1", "").GetRunID())
}
