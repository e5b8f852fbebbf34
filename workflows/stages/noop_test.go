package stages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestNoopExample(t *testing.T) {
	t.Parallel()
	e := runExample(t, workflowstest.NewWorld(), "noop.go", "Noop").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, pipeline.Skipped, stage(e).Status)
	require.Empty(t, stage(e).Tasks)
}

func TestNoopLetsOthersStart(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"noop"},{"type":"wait"}]}`).Done()
	require.Equal(t, map[string]pipeline.Status{"0": pipeline.Skipped, "1": pipeline.Succeeded}, workflowstest.Statuses(e))
}
