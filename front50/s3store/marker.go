package s3store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// marker is a group's change marker as it was read or written. The zero value is
// none.
type marker struct {
	etag string
	// at is the time in it, in milliseconds since 1970.
	at int64
}

// readMarker reads what a change marker holds; one that cannot be read has the
// time 0.
func readMarker(b blob) marker {
	var doc pipeline.Map
	_ = doc.UnmarshalJSON(b.body) // somebody else's: any other content differs by its ETag
	at, _ := doc.Int("lastModified")
	return marker{etag: b.etag, at: at}
}

// mark returns when a change marker has been written that began after the call:
// writers that finish at the same time share one, which announces the objects of all.
func (g *group) mark(ctx context.Context) error {
	return g.marks.run(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		return g.putMarker(ctx)
	})
}

// putMarker writes the change marker, always with a later time than the one that is
// there: readers tell markers apart by their content, and a clock that is behind
// must not hide a change from them. The marker stays known when nobody else changed
// it since, so that one's own writes cause no comparison.
func (g *group) putMarker(ctx context.Context) error {
	g.mu.RLock()
	known := g.marker
	g.mu.RUnlock()
	over := known
	for range attempts {
		m := marker{at: max(time.Now().UnixMilli(), over.at+1)}
		var err error
		m.etag, err = g.bucket.put(ctx, g.markerKey(), markerBody(m.at), condition{etag: over.etag, absent: over.etag == "", common: true})
		switch {
		case err == nil:
			if over == known && !g.bucket.unconditional.Load() {
				g.mu.Lock()
				if g.marker == known {
					g.marker = m
				}
				g.mu.Unlock()
			}
			return nil
		case !errors.Is(err, errChanged) && !errors.Is(err, errNotFound):
			return err
		}
		there, err := g.bucket.get(ctx, g.markerKey(), "", "")
		switch {
		case err == nil:
			over = readMarker(there)
		case errors.Is(err, errNotFound):
			over = marker{}
		default:
			return err
		}
	}
	_, err := g.bucket.put(ctx, g.markerKey(), markerBody(max(time.Now().UnixMilli(), over.at+1)), condition{})
	return err
}

// markerBody returns a change marker's content.
func markerBody(at int64) []byte {
	return []byte(`{"lastModified":` + strconv.FormatInt(at, 10) + `}`)
}
