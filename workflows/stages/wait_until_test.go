package stages_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestWaitUntilExample(t *testing.T) {
	t.Parallel()
	e := runExample(t, workflowstest.NewWorld(), "wait_until.go", "WaitUntil").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"waitUntil"}, taskNames(stage(e)))
	require.GreaterOrEqual(t, stage(e).EndTime, pipeline.Millis(1893495600000))
}

func TestWaitUntil(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		moment string
		waits  time.Duration
		fault  string
	}{
		{`null`, 0, ""},
		{`0`, 0, ""},
		{`-9223372036854775808`, 0, ""},
		{`NOW`, 0, ""},
		{`LATER`, time.Hour, ""},
		{`"LATER"`, time.Hour, ""},
		{`9223372036854775807`, 0, "more than ten years ahead"},
		{`"noon"`, 0, "The epochMillis of stage 'waitUntil' is noon: set it to milliseconds since 1970."},
		{`{}`, 0, "is {}: set it to milliseconds"},
	} {
		r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"waitUntil"}]}`)
		now := int64(r.Execution.BuildTime)
		text := strings.NewReplacer("LATER", strconv.FormatInt(now+time.Hour.Milliseconds(), 10), "NOW", strconv.FormatInt(now, 10)).Replace(tt.moment)
		value, err := pipeline.DecodeValue([]byte(text))
		require.NoError(t, err)
		r.Execution.Stages[0].Context["epochMillis"] = value
		e := r.Done()
		if tt.fault != "" {
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.fault, tt.moment)
			continue
		}
		require.Equal(t, pipeline.Succeeded, e.Status, tt.moment)
		require.InDelta(t, tt.waits.Milliseconds(), int64(stage(e).EndTime-stage(e).StartTime), 5, tt.moment)
		if tt.waits > 0 {
			require.InDelta(t, int64(stage(e).StartTime), stage(e).Context["startTime"], 1)
		}
	}
}
