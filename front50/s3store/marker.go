package s3store

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
)

// marks lets writers that finish at the same time share one write of the change
// marker: it announces every object that was written before it began.
type marks struct {
	// writing is held while a marker is written.
	writing sync.Mutex

	mu sync.Mutex
	// next is the write that has not begun yet, nil when nobody waits for one.
	next *markWrite
}

type markWrite struct {
	done chan struct{}
	err  error
}

// mark returns when a change marker has been written that began after the call.
func (g *group) mark(ctx context.Context) error {
	m := &g.marks
	m.mu.Lock()
	write := m.next
	leads := write == nil
	if leads {
		write = &markWrite{done: make(chan struct{})}
		m.next = write
	}
	m.mu.Unlock()
	if !leads {
		select {
		case <-write.done:
			return write.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.writing.Lock()
	defer m.writing.Unlock()
	m.mu.Lock()
	m.next = nil // who comes from now on may have written too late for this one
	m.mu.Unlock()
	write.err = g.putMarker(ctx)
	close(write.done)
	return write.err
}

// putMarker writes the change marker. The marker stays known when nobody else
// changed it since, so that one's own writes cause no comparison.
func (g *group) putMarker(ctx context.Context) error {
	g.mu.RLock()
	known := g.marker
	g.mu.RUnlock()
	body := markerBody(time.Now())
	etag, err := g.bucket.put(ctx, g.markerKey(), body, condition{etag: known, absent: known == ""})
	switch {
	case errors.Is(err, errChanged), errors.Is(err, errNotFound):
		_, err = g.bucket.put(ctx, g.markerKey(), body, condition{})
	case err == nil && !g.bucket.unconditional.Load():
		g.mu.Lock()
		if g.marker == known {
			g.marker = etag
		}
		g.mu.Unlock()
	}
	return err
}

// markerBody returns a change marker's content.
func markerBody(now time.Time) []byte {
	return []byte(`{"lastModified":` + strconv.FormatInt(now.UnixMilli(), 10) + `}`)
}
