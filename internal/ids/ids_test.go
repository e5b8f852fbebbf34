package ids_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/ids"
)

// It runs alone: IDs that others make for other moments in between start the
// order anew.
func TestNewExecutionIDIsASortableULID(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_123)
	made := make([]string, 1000)
	for i := range made {
		made[i] = ids.NewExecutionID(now)
	}
	require.True(t, slices.IsSorted(made), "IDs of one millisecond keep their order")
	require.Len(t, slices.Compact(made), 1000)
	parsed, err := ulid.ParseStrict(made[0])
	require.NoError(t, err)
	require.Equal(t, now.UnixMilli(), int64(parsed.Time()))
	require.Greater(t, ids.NewExecutionID(now.Add(time.Millisecond)), made[999])
}

func TestNewExecutionIDIsUniqueAcrossGoroutines(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				id := ids.NewExecutionID(now)
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, 4000)
}

func TestNewExecutionIDOutsideTheRangeOfULIDs(t *testing.T) {
	t.Parallel()
	require.True(t, ids.Valid(ids.NewExecutionID(time.Time{})))
}

func TestStageIDIsDeterministic(t *testing.T) {
	t.Parallel()
	const execution = "01HF7YAT3VABCDEFGHJKMNPQRS"
	require.Equal(t, "01HF7YAT3V94F3NYD44QFAT4GM", ids.StageID(execution, "1"), "stage IDs stand in histories: they never change")
	require.Equal(t, ids.StageID(execution, "1"), ids.StageID(execution, "1"))
	require.NotEqual(t, ids.StageID(execution, "1"), ids.StageID(execution, "2"))
	require.NotEqual(t, ids.StageID(execution+"x", "y"), ids.StageID(execution, "xy"))
	require.Equal(t, execution[:10], ids.StageID(execution, "1")[:10], "a stage carries its execution's time")
	require.True(t, ids.Valid(ids.StageID("not a ULID", "1")))
}
