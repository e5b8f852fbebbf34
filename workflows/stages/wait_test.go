package stages_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestWait(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		waitTime string
		ms       pipeline.Millis
		fault    string
	}{
		{`30`, 30_000, ""},
		{`"30"`, 30_000, ""},
		{`1.9`, 1_000, ""},
		{`0`, 0, ""},
		{`-5`, 0, ""},
		{`-9223372036854775808`, 0, ""},
		{`null`, 0, ""},
		{`"soon"`, 0, "The waitTime of stage 'wait' is soon: set it to a number of seconds."},
		{`[]`, 0, "set it to a number of seconds"},
		{`9223372036854775807`, 0, "use at most 315360000"},
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"wait","waitTime":`+tt.waitTime+`}]}`).Done()
		require.Equal(t, tt.ms, stage(e).EndTime-stage(e).StartTime, tt.waitTime)
		require.Equal(t, []string{"wait"}, taskNames(stage(e)))
		require.Empty(t, stage(e).Outputs)
		if tt.fault == "" {
			require.Equal(t, pipeline.Succeeded, e.Status)
			continue
		}
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "0")[0], tt.fault)
	}
}

func TestWaitExample(t *testing.T) {
	t.Parallel()
	e := runExample(t, workflowstest.NewWorld(), "wait.go", "Wait").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, pipeline.Millis(30_000), e.EndTime-e.StartTime)
}

func TestWaitSkip(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"wait","waitTime":600},{"type":"wait","waitTime":5}]}`)
	early := r.PatchAt(time.Second, "1", pipeline.Map{"skipRemainingWait": true})
	judged := r.PatchAt(time.Second, "0", pipeline.Map{"judgmentStatus": "continue"})
	comment := r.PatchAt(time.Second, "1", pipeline.Map{"comments": "soon"})
	skip := r.PatchAt(10*time.Second, "0", pipeline.Map{"skipRemainingWait": true})
	e := r.Done()
	early.Refused(t, pipeline.CodeConflict, "is NOT_STARTED, not waiting")
	judged.Refused(t, pipeline.CodeConflict, "is a wait and takes no judgment")
	comment.Took(t)
	skip.Took(t)
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, pipeline.Millis(15_000), e.EndTime-e.StartTime)
	require.Equal(t, true, stage(e).Context["skipRemainingWait"])
}
