package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStatuses(t *testing.T) {
	t.Parallel()
	type row struct{ complete, halt, successful, failure, downstream bool }
	want := map[Status]row{
		NotStarted: {}, Running: {}, Paused: {}, Suspended: {}, Buffered: {}, Redirect: {},
		Succeeded:      {complete: true, successful: true, downstream: true},
		Skipped:        {complete: true, successful: true, downstream: true},
		FailedContinue: {complete: true, failure: true, downstream: true},
		Terminal:       {complete: true, halt: true, failure: true},
		Canceled:       {complete: true, halt: true},
		Stopped:        {complete: true, halt: true, successful: true, failure: true},
	}
	require.Len(t, Statuses(), len(want))
	for _, s := range Statuses() {
		require.Contains(t, want, s)
		require.True(t, s.Valid())
		got := row{s.Complete(), s.Halt(), s.Successful(), s.Failure(), s.LetsDownstreamStart()}
		require.Equal(t, want[s], got, s)
	}
	for _, s := range []Status{"", "running", "SUCCESS"} {
		require.False(t, s.Valid())
		require.False(t, s.Complete())
	}
}

func TestMillis(t *testing.T) {
	t.Parallel()
	require.Zero(t, ToMillis(time.Time{}))
	require.True(t, Millis(0).Time().IsZero())
	now := time.Date(2024, 6, 26, 10, 0, 0, 123_456_789, time.FixedZone("x", 3600))
	require.Equal(t, Millis(now.UnixMilli()), ToMillis(now))
	require.True(t, ToMillis(now).Time().Equal(now.Truncate(time.Millisecond)))
	require.Equal(t, time.UTC, ToMillis(now).Time().Location())
}
