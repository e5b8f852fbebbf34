package s3store

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// parallel bounds the requests with which one group is loaded (reference:
	// front50 section 3).
	parallel = 20
	// checkTimeout bounds the refresh that a reader waits for.
	checkTimeout = 10 * time.Second
)

// group is one folder of the bucket, kept in memory.
type group struct {
	bucket *bucket
	// prefix is the folder's key without a slash at its end; files are the
	// metadata files that are kept.
	prefix string
	files  []string
	// kind is what the group holds; nil for applications, pipelines and templates.
	kind *front50.Kind

	// looks and marks are shared by those who need one at the same time.
	looks, marks rounds
	// comparing serialises comparisons, so that an older listing never replaces
	// a newer one.
	comparing sync.Mutex
	// loaded is set once objects holds what the bucket held.
	loaded atomic.Bool

	mu sync.RWMutex
	// objects holds what the bucket holds, by key. Documents in it are never
	// changed, only replaced.
	objects map[string]*object
	// clock numbers this process's own writes and the beginnings of its reads. Shown
	// holds for a key the number of what memory shows, floor that of the comparison
	// that memory shows else: what began earlier does not undo what began later.
	clock, floor uint64
	shown        map[string]uint64
	// unannounced holds the keys of own writes that no marker has named yet.
	unannounced map[string]struct{}
	// marker is the change marker that objects is known to cover.
	marker marker
}

// object is one document of the bucket. Doc is nil when it cannot be read.
type object struct {
	id, file, etag string
	doc            pipeline.Map
}

func newGroup(b *bucket, root, name string, files ...string) *group {
	return &group{
		bucket: b, prefix: root + "/" + name, files: files,
		objects: map[string]*object{}, shown: map[string]uint64{}, unannounced: map[string]struct{}{},
	}
}

// key returns the key of the document with the given id, which is in lower case.
func (g *group) key(id, file string) string { return g.prefix + "/" + id + "/" + file }

func (g *group) markerKey() string { return g.prefix + "/last-modified.json" }

// split takes a key apart; ok is false for keys that are no document.
func (g *group) split(key string) (id, file string, ok bool) {
	rest, found := strings.CutPrefix(key, g.prefix+"/")
	if !found {
		return "", "", false
	}
	for _, file := range g.files {
		if id, found := strings.CutSuffix(rest, "/"+file); found && id != "" {
			return id, file, true
		}
	}
	return "", "", false
}

// cached returns what is in memory under key, nil when there is nothing.
func (g *group) cached(key string) *object {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.objects[key]
}

// all returns what is in memory.
func (g *group) all() map[string]*object {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return maps.Clone(g.objects)
}

// wrote puts an own write (nil: a deletion) into memory.
func (g *group) wrote(key string, o *object) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock++
	g.shown[key] = g.clock
	g.unannounced[key] = struct{}{}
	g.show(key, o)
}

// show is called with the lock held.
func (g *group) show(key string, o *object) {
	if o == nil {
		delete(g.objects, key)
	} else {
		g.objects[key] = o
	}
}

// begin numbers a reading that begins now, for learned.
func (g *group) begin() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock++
	return g.clock
}

// learned puts what was read from the bucket (nil: it is gone) into memory, all in
// one step, except for keys that were written, or read by a reading that began
// later.
func (g *group) learned(keys []string, objects []*object, begun uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if begun < g.floor {
		return
	}
	for i, key := range keys {
		if g.shown[key] < begun {
			g.shown[key] = begun
			g.show(key, objects[i])
		}
	}
}

// fetch reads the document under key from the bucket, over what is in memory,
// and returns it; nil when there is none.
//
// Errors: unavailable.
func (g *group) fetch(ctx context.Context, key string) (*object, error) {
	found, err := g.fetchAll(ctx, []string{key})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// fetchAll is fetch for documents that belong together: memory gets all of them, or
// none when one cannot be read.
func (g *group) fetchAll(ctx context.Context, keys []string) ([]*object, error) {
	begun := g.begin()
	found := make([]*object, len(keys))
	reads, reading := errgroup.WithContext(ctx)
	reads.SetLimit(parallel)
	for i, key := range keys {
		reads.Go(func() (err error) {
			found[i], err = g.ask(reading, key)
			return err
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	g.learned(keys, found, begun)
	return found, nil
}

// ask reads a document by what is known of it.
func (g *group) ask(ctx context.Context, key string) (*object, error) {
	known := g.cached(key)
	etag := ""
	if known != nil {
		etag = known.etag
	}
	content, err := g.bucket.get(ctx, key, etag, "")
	switch {
	case errors.Is(err, errNotModified):
		return known, nil
	case errors.Is(err, errNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return g.decode(key, content), nil
}

// read is fetch for readers: while the object store does not answer, memory
// does.
func (g *group) read(ctx context.Context, key string) (*object, error) {
	known := g.cached(key)
	if known != nil && g.bucket.down.Load() {
		return known, nil
	}
	o, err := g.fetch(ctx, key)
	if err != nil && known != nil && ctx.Err() == nil {
		o, err = known, nil // the fault has been logged where it was found
	}
	return o, err
}

// fresh looks at the change marker, after the call began, and when it changed reads
// what it names, or compares the whole group with the bucket: whatever was announced
// before the call is in memory after it. Concurrent calls share a look.
//
// Errors: unavailable, after which memory is as it was.
func (g *group) fresh(ctx context.Context) error {
	return g.looks.run(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		return g.check(ctx)
	})
}

func (g *group) check(ctx context.Context) error {
	known := g.covered()
	b, err := g.bucket.get(ctx, g.markerKey(), known.etag, "")
	switch {
	case err == nil:
		now := readMarker(b)
		if g.catchUp(ctx, now) {
			return nil
		}
		return g.compare(ctx, now)
	case !errors.Is(err, errNotModified) && !errors.Is(err, errNotFound):
		return err
	case !g.loaded.Load():
		return g.compare(ctx, known)
	}
	return nil
}

// refresh compares the group with the bucket whatever the marker says.
func (g *group) refresh(ctx context.Context) error {
	known := g.covered()
	b, err := g.bucket.get(ctx, g.markerKey(), known.etag, "")
	switch {
	case err == nil:
		known = readMarker(b)
	case !errors.Is(err, errNotModified) && !errors.Is(err, errNotFound):
		return err
	}
	return g.compare(ctx, known)
}

// covered returns the change marker that memory covers.
func (g *group) covered() marker {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.marker
}

// catchUp reads what a marker names as changed since the one that memory covers. It
// reports false when that marker does not tell, or something cannot be read: then
// only a comparison helps.
func (g *group) catchUp(ctx context.Context, now marker) bool {
	g.comparing.Lock()
	defer g.comparing.Unlock()
	if !g.loaded.Load() {
		return false
	}
	known := g.covered()
	if known.etag == now.etag {
		return true
	}
	names, ok := now.since(known)
	if !ok {
		return false
	}
	keys := make([]string, len(names))
	for i, name := range names {
		if keys[i], ok = g.named(name); !ok {
			return false
		}
	}
	if _, err := g.fetchAll(ctx, keys); err != nil {
		return false
	}
	g.covers(known, now)
	return true
}

// compare lists the group, loads what is new or changed and drops what is gone.
// Known is the marker as it was before the listing.
func (g *group) compare(ctx context.Context, known marker) error {
	g.comparing.Lock()
	defer g.comparing.Unlock()
	begun, before := g.begin(), g.all()
	entries, err := g.bucket.list(ctx, g.prefix+"/")
	if err != nil {
		return err
	}
	var (
		mu    sync.Mutex
		after = make(map[string]*object, len(entries))
	)
	load, loading := errgroup.WithContext(ctx)
	load.SetLimit(parallel)
	for _, e := range entries {
		if _, _, ok := g.split(e.key); !ok {
			continue
		}
		if o := before[e.key]; o != nil && o.etag == e.etag {
			mu.Lock()
			after[e.key] = o
			mu.Unlock()
			continue
		}
		load.Go(func() error {
			o, err := g.load(loading, e)
			if o != nil {
				mu.Lock()
				after[e.key] = o
				mu.Unlock()
			}
			return err
		})
	}
	if err := load.Wait(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, count := range g.shown {
		if count <= begun {
			delete(g.shown, key)
			continue
		}
		if own, ok := g.objects[key]; ok {
			after[key] = own
		} else {
			delete(after, key)
		}
	}
	g.objects, g.marker, g.floor = after, known, begun
	g.loaded.Store(true)
	return nil
}

// load reads one listed object; nil when it is gone by now.
func (g *group) load(ctx context.Context, e entry) (*object, error) {
	if e.size > maxObject {
		g.bucket.log.Warn("an object is too large to be a configuration document and is passed over", "key", e.key, "bytes", e.size)
		id, file, _ := g.split(e.key)
		return &object{id: id, file: file, etag: e.etag}, nil
	}
	content, err := g.bucket.get(ctx, e.key, "", "")
	if errors.Is(err, errNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return g.decode(e.key, content), nil
}

// decode reads a document. One that is not a JSON object is logged once for
// each content and kept without a document, so that it harms no other.
func (g *group) decode(key string, content blob) *object {
	id, file, _ := g.split(key)
	o := &object{id: id, file: file, etag: content.etag}
	var doc pipeline.Map
	if err := doc.UnmarshalJSON(content.body); err != nil || doc == nil {
		g.bucket.log.Warn("an object of the bucket is not a configuration document and is passed over", "key", key, "error", err)
		return o
	}
	o.doc = settle(g.kind, id, file, doc, content.modified)
	return o
}
