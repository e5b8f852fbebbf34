package payload

import (
	"container/list"
	"sync"
	"time"

	"go.temporal.io/api/common/v1"
)

// entryOverhead is what an entry costs beside its data, in bytes.
const entryOverhead = 512

// cache keeps the payloads used last, so that replays and queries do not fetch
// them again. Its memory is bounded by the bytes that it holds.
type cache struct {
	mu     sync.Mutex
	limit  int64
	size   int64
	byHash map[string]*list.Element
	recent *list.List // of *entry, the last used first
}

// entry is a payload known to be in the object store.
type entry struct {
	hash    string
	payload *common.Payload
	// seen is when the object was last known to be there, modified when it was
	// last written.
	seen, modified time.Time
}

func (e *entry) size() int64 { return int64(len(e.payload.GetData())) + entryOverhead }

// newCache returns a cache that holds at most limit bytes; 0 holds nothing.
func newCache(limit int64) *cache {
	return &cache{limit: limit, byHash: map[string]*list.Element{}, recent: list.New()}
}

func (c *cache) get(hash string) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.byHash[hash]
	if found == nil {
		return entry{}, false
	}
	c.recent.MoveToFront(found)
	return *found.Value.(*entry), true
}

// put adds an entry in place of an older one. One that would take more than
// half of the cache stays out.
func (c *cache) put(e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.byHash[e.hash]; old != nil {
		c.remove(old)
	}
	if e.size() > c.limit/2 {
		return
	}
	c.byHash[e.hash] = c.recent.PushFront(&e)
	for c.size += e.size(); c.size > c.limit; {
		c.remove(c.recent.Back())
	}
}

func (c *cache) remove(at *list.Element) {
	e := c.recent.Remove(at).(*entry)
	delete(c.byHash, e.hash)
	c.size -= e.size()
}
