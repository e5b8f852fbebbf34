package ratelimit_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/internal/ratelimit"
	"github.com/gennaker/gennaker/internal/testkit"
)

func TestTake(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"embedded": redismodel.EmbeddedAddress, "a server": testkit.Redis(t).Address} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := redismodel.Open(t.Context(), redismodel.Config{Address: address}, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, m.Close()) })
			const patience = 10 * time.Second
			l := ratelimit.New(m, patience)
			// One token in a thousand seconds: no token comes back while the test runs.
			for i := range 5 {
				taken, err := l.Take(t.Context(), "a", 0.001, 5)
				require.NoError(t, err)
				require.True(t, taken.OK)
				require.Equal(t, 4-i, taken.Remaining)
			}
			taken, err := l.Take(t.Context(), "a", 0.001, 5)
			require.NoError(t, err)
			require.False(t, taken.OK)
			require.Zero(t, taken.Remaining)
			require.InDelta(t, 1000, taken.Next.Seconds(), 300)
			require.InDelta(t, 5000, taken.Full.Seconds(), 300)
			taken, err = l.Take(t.Context(), "b", 0.001, 5)
			require.NoError(t, err)
			require.True(t, taken.OK, "keys are apart")

			// With a fast rate the bucket fills up again.
			for range 3 {
				_, err = l.Take(t.Context(), "c", 1000, 1)
				require.NoError(t, err)
			}
			require.Eventually(t, func() bool {
				taken, err := l.Take(t.Context(), "c", 1000, 1)
				return err == nil && taken.OK
			}, patience, time.Millisecond)
		})
	}
}

// TestRedisThatHangs: nobody waits longer than he was told to.
func TestRedisThatHangs(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	m, err := redismodel.Open(t.Context(), redismodel.Config{Address: server.Address, Timeout: time.Minute}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	l := ratelimit.New(m, 50*time.Millisecond)
	require.Eventually(t, func() bool {
		_, err := l.Take(t.Context(), "a", 1, 1)
		return err == nil
	}, 10*time.Second, time.Millisecond)
	server.Kill()
	for i := range 3 {
		began := time.Now()
		_, err := l.Take(t.Context(), fmt.Sprint(i), 1, 1)
		require.Error(t, err)
		require.Less(t, time.Since(began), 30*time.Second, "not the model's own minute")
	}
}
