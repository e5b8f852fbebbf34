package payload

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
)

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	const each = 1000
	c := newCache(4 * (each + entryOverhead))
	add := func(hash string, size int) {
		c.put(entry{hash: hash, payload: &common.Payload{Data: make([]byte, size)}})
	}
	for n := range 4 {
		add(fmt.Sprint(n), each)
	}
	_, found := c.get("0") // used last now
	require.True(t, found)
	add("4", each)
	_, found = c.get("0")
	require.True(t, found)
	_, found = c.get("1")
	require.False(t, found, "the one not used for longest goes")
	require.Equal(t, c.limit, c.size)

	add("large", 3*each)
	_, found = c.get("large")
	require.False(t, found, "one value does not empty the cache")
	for range 3 {
		add("4", each)
	}
	require.Equal(t, c.limit, c.size)
	require.Len(t, c.byHash, 4)

	none := newCache(0)
	none.put(entry{hash: "x", payload: &common.Payload{}})
	require.Empty(t, none.byHash)
}

func TestCacheIsShared(t *testing.T) {
	t.Parallel()
	c := newCache(100_000)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				hash := fmt.Sprint((i * n) % 50)
				if _, found := c.get(hash); !found {
					c.put(entry{hash: hash, payload: &common.Payload{Data: make([]byte, i*10)}})
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, c.size, c.limit)
	require.Len(t, c.byHash, c.recent.Len())
}
