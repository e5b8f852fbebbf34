package s3store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// marker is a group's change marker as it was read or written. The zero value is
// none.
type marker struct {
	etag string
	// at is the time in it, in milliseconds since 1970.
	at int64
	// changes are the latest ones, the oldest first; none in a marker that somebody
	// else wrote.
	changes []announced
}

// announced is what one marker announced.
type announced struct {
	// after is the ETag of the marker before it, "" when there was none.
	after string
	// names are the objects, as [group.name] writes them.
	names []string
}

// maxChanges bounds the changes that a marker carries, in bytes: an object may have
// 2 KB of user metadata.
const maxChanges = 1800

// A process that was not the first to write a marker waits up to so many turns, one
// more with each try.
const (
	turn     = 5 * time.Millisecond
	maxTurns = 40
)

// since returns the names of what changed after a marker; ok is false when this one
// does not reach back to it.
func (m marker) since(known marker) (names []string, ok bool) {
	i := slices.IndexFunc(m.changes, func(c announced) bool { return c.after == known.etag })
	if i < 0 {
		return nil, false
	}
	all := map[string]struct{}{}
	for _, c := range m.changes[i:] {
		for _, name := range c.names {
			all[name] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(all)), true
}

// text returns the changes as metadata, without the oldest ones that have no room.
func (m marker) text() string {
	text := ""
	for _, c := range slices.Backward(m.changes) {
		longer := c.after + "=" + strings.Join(c.names, ",")
		if text != "" {
			longer += ";" + text
		}
		if len(longer) > maxChanges {
			break
		}
		text = longer
	}
	return text
}

// readMarker reads what a change marker holds; one that cannot be read has the
// time 0.
func readMarker(b blob) marker {
	var doc pipeline.Map
	_ = doc.UnmarshalJSON(b.body) // somebody else's: any other content differs by its ETag
	at, _ := doc.Int("lastModified")
	return marker{etag: b.etag, at: at, changes: readChanges(b.changes)}
}

// readChanges reads the text of changes; what cannot be read is none.
func readChanges(text string) []announced {
	if text == "" {
		return nil
	}
	var out []announced
	for one := range strings.SplitSeq(text, ";") {
		after, list, found := strings.Cut(one, "=")
		if !found {
			return nil
		}
		c := announced{after: after}
		if list != "" {
			c.names = strings.Split(list, ",")
		}
		out = append(out, c)
	}
	return out
}

// name returns a key as changes hold it: without the folder, and without the file
// where the group has one kind of them or it is the first.
func (g *group) name(key string) string {
	id, file, _ := g.split(key)
	name := url.QueryEscape(id)
	if file != g.files[0] {
		name += "/" + file
	}
	return name
}

// named is the reverse of name; ok is false for what no name is.
func (g *group) named(name string) (key string, ok bool) {
	id, file, found := strings.Cut(name, "/")
	if !found {
		file = g.files[0]
	}
	id, err := url.QueryUnescape(id)
	if err != nil || id == "" || !slices.Contains(g.files, file) {
		return "", false
	}
	return g.key(id, file), true
}

// mark returns when a change marker has been written that began after the call:
// writers that finish at the same time share one, which announces the objects of all.
func (g *group) mark(ctx context.Context) error {
	return g.marks.run(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		keys := g.toAnnounce()
		err := g.putMarker(ctx, keys)
		if err != nil {
			g.announceLater(keys)
		}
		return err
	})
}

// toAnnounce takes the keys that the next marker has to name.
func (g *group) toAnnounce() map[string]struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	keys := g.unannounced
	g.unannounced = map[string]struct{}{}
	return keys
}

func (g *group) announceLater(keys map[string]struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.Copy(g.unannounced, keys)
}

// putMarker writes the change marker, always with a later time than the one that is
// there: readers tell markers apart by their content, and a clock that is behind
// must not hide a change from them. It tells which objects changed since the marker
// that it replaces, and goes on with what that one told. The marker stays known when
// nobody else changed it since, so that one's own writes cause no reading.
func (g *group) putMarker(ctx context.Context, keys map[string]struct{}) error {
	names := make([]string, 0, len(keys))
	for key := range keys {
		names = append(names, g.name(key))
	}
	slices.Sort(names)
	known := g.covered()
	over := known
	for try := 1; ; try++ {
		m := marker{at: max(time.Now().UnixMilli(), over.at+1), changes: append(slices.Clip(over.changes), announced{after: over.etag, names: names})}
		metadata := map[string]string{}
		if text := m.text(); text != "" && !g.bucket.unconditional.Load() {
			metadata[changesName] = text
		}
		m.changes = readChanges(metadata[changesName]) // without those that had no room
		var err error
		m.etag, err = g.bucket.putWith(ctx, g.markerKey(), markerBody(m.at), metadata, condition{etag: over.etag, absent: over.etag == "", common: true})
		switch {
		case err == nil:
			if over.etag == known.etag && !g.bucket.unconditional.Load() {
				g.covers(known, m)
			}
			return nil
		case !errors.Is(err, errChanged) && !errors.Is(err, errNotFound):
			return err
		}
		// Another process was faster. Many of them take turns.
		select {
		case <-ctx.Done():
			return fmt.Errorf("other processes write %s all the time: %w", g.markerKey(), ctx.Err())
		case <-time.After(rand.N(time.Duration(min(try, maxTurns)) * turn)):
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
}

// covers notes that memory covers a marker, if it covered known until now.
func (g *group) covers(known, now marker) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.marker.etag == known.etag {
		g.marker = now
	}
}

// markerBody returns a change marker's content.
func markerBody(at int64) []byte {
	return []byte(`{"lastModified":` + strconv.FormatInt(at, 10) + `}`)
}
