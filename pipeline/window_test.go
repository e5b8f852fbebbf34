package pipeline_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

func window(t *testing.T, text string) (pipeline.ExecutionWindow, error) {
	t.Helper()
	var m pipeline.Map
	require.NoError(t, json.Unmarshal([]byte(text), &m))
	return pipeline.ParseExecutionWindow(m)
}

// 2026-11-24 is a Tuesday.
func TestExecutionWindowOpens(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/Los_Angeles")
	require.NoError(t, err)
	for _, tt := range []struct{ name, window, now, want string }{
		{"inside", `{"whitelist":[{"startHour":15,"startMin":0,"endHour":16,"endMin":0}]}`, "2026-11-24T15:30:10", "2026-11-24T15:30:10"},
		{"at its start", `{"whitelist":[{"startHour":15,"startMin":0,"endHour":16,"endMin":0}]}`, "2026-11-24T15:00:00", "2026-11-24T15:00:00"},
		{"the last minute is inside", `{"whitelist":[{"startHour":15,"startMin":0,"endHour":16,"endMin":0}]}`, "2026-11-24T16:00:59", "2026-11-24T16:00:59"},
		{"the minute after is not", `{"whitelist":[{"startHour":15,"startMin":0,"endHour":16,"endMin":0}]}`, "2026-11-24T16:01:00", "2026-11-25T15:00:00"},
		{"later today", `{"whitelist":[{"startHour":15,"startMin":20,"endHour":16}]}`, "2026-11-24T09:00:00", "2026-11-24T15:20:00"},
		{"the earlier of two", `{"whitelist":[{"startHour":20,"endHour":21},{"startHour":10,"endHour":11}]}`, "2026-11-24T09:00:00", "2026-11-24T10:00:00"},
		{"over midnight, before", `{"whitelist":[{"startHour":22,"endHour":5}]}`, "2026-11-24T23:10:00", "2026-11-24T23:10:00"},
		{"over midnight, after", `{"whitelist":[{"startHour":22,"endHour":5}]}`, "2026-11-24T04:10:00", "2026-11-24T04:10:00"},
		{"over midnight, outside", `{"whitelist":[{"startHour":22,"endHour":5}]}`, "2026-11-24T12:00:00", "2026-11-24T22:00:00"},
		{"days alone", `{"days":[4]}`, "2026-11-24T12:00:00", "2026-11-25T00:00:00"},
		{"today is a day", `{"days":[3]}`, "2026-11-24T23:59:30", "2026-11-24T23:59:30"},
		{"days and hours", `{"days":[1],"whitelist":[{"startHour":10,"endHour":12}]}`, "2026-11-24T11:00:00", "2026-11-29T10:00:00"},
		{"next week", `{"days":[3],"whitelist":[{"startHour":10,"endHour":12}]}`, "2026-11-24T13:00:00", "2026-12-01T10:00:00"},
		{"an hour that the clock skips", `{"days":[1],"whitelist":[{"startHour":2,"startMin":0,"endHour":2,"endMin":30}]}`, "2026-03-08T01:00:00", "2026-03-15T02:00:00"},
		{"a start that the clock skips", `{"whitelist":[{"startHour":2,"startMin":0,"endHour":4}]}`, "2026-03-08T01:00:00", "2026-03-08T03:00:00"},
		{"hours as text", `{"whitelist":[{"startHour":"15","startMin":"0","endHour":"16","endMin":"0"}]}`, "2026-11-24T14:00:00", "2026-11-24T15:00:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, err := window(t, tt.window)
			require.NoError(t, err)
			now, err := time.ParseInLocation("2006-01-02T15:04:05", tt.now, zone)
			require.NoError(t, err)
			got, ok := w.Next(now.UTC(), zone)
			require.True(t, ok)
			require.Equal(t, tt.want, got.In(zone).Format("2006-01-02T15:04:05"))
		})
	}
}

func TestExecutionWindowsThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`:                         "neither hours nor days",
		`{"days":[],"whitelist":[]}`: "neither hours nor days",
		`{"days":[0]}`:               "day 0 is no weekday",
		`{"days":["x"]}`:             "day x is no weekday",
		`{"whitelist":[{"startHour":24,"endHour":1}]}`:                                 "startHour 24",
		`{"whitelist":[{"endHour":1}]}`:                                                "startHour <nil>",
		`{"whitelist":["x"]}`:                                                          "no time of day",
		`{"whitelist":[{"startHour":5,"startMin":30,"endHour":5,"endMin":10}]}`:        "from 05:30 to 05:10 never opens",
		`{"days":[1],"jitter":{"enabled":true,"minDelay":9,"maxDelay":5}}`:             "jitter of 9 to 5",
		`{"days":[1],"jitter":{"enabled":true,"minDelay":-1,"maxDelay":5}}`:            "jitter of -1 to 5",
		`{"days":[1],"jitter":{"enabled":true,"minDelay":1,"maxDelay":"99999999999"}}`: "jitter of 1 to 99999999999",
	} {
		_, err := window(t, text)
		require.ErrorContains(t, err, want, text)
	}
}
