package stack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCrashesAreForgottenAfterASteadyTime(t *testing.T) {
	t.Parallel()
	require.Equal(t, longestPause, pauseAfter(29*time.Second, longestPause))
	require.Equal(t, shortestPause, pauseAfter(31*time.Second, longestPause))
}
