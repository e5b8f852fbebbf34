package backup

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/pipeline"
)

// markerName is the object by which a group of configuration tells that it has
// changed (reference: front50 section 1).
const markerName = "last-modified.json"

// Destination is the bucket to restore into.
type Destination struct {
	Client *minio.Client
	Bucket string
	// Root is the folder of configuration; the backup's must be the same.
	Root string
	// Overwrite replaces objects that are newer than the backup's.
	Overwrite bool
	// DryRun looks, and changes nothing.
	DryRun bool
}

// Restored tells what a restore did, or would do.
type Restored struct {
	Header Header `json:"header"`
	End    End    `json:"backup"`
	// Created, Replaced and Same count keys; Newer those that were newer and
	// were replaced because that was asked for.
	Created  int64 `json:"created"`
	Replaced int64 `json:"replaced"`
	Same     int64 `json:"same"`
	Newer    int64 `json:"newer"`
}

// decision is what happens to one key.
type decision byte

const (
	same decision = iota
	created
	replaced
)

// maxNamed is how many newer objects a refusal names.
const maxNamed = 10

// Restore brings a backup into a bucket. Before it writes anything it reads the
// whole file, and refuses with invalid what is damaged or was cut short, and with
// conflict objects that were changed after the backup, unless Overwrite is set.
// Objects that the backup does not know stay. A restore that broke off is made
// again: what it has written is the same then.
func Restore(ctx context.Context, d Destination, path string, progress Progress) (Restored, error) {
	r := &restore{ctx: ctx, to: d, path: path, progress: progress, core: minio.Core{Client: d.Client}}
	defer func() {
		if r.stop != nil {
			r.stop()
		}
	}()
	end, err := read(path, r.begin, r.look)
	if err == nil {
		err = r.decide()
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	r.out.End = end
	if err != nil {
		return r.out, err
	}
	if len(r.newer) > 0 && !d.Overwrite {
		return r.out, pipeline.Errorf(pipeline.CodeConflict, "%d objects in bucket %s are newer than the backup's, for example %s: nothing was restored. Say --overwrite to replace them.",
			r.out.Newer, d.Bucket, strings.Join(r.newer, ", "))
	}
	if d.DryRun {
		return r.out, nil
	}
	// Its own context ends with the first write that fails; that of errgroup would
	// end with the first wait.
	writing, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.writes, r.writing.ctx, r.writing.stop = &errgroup.Group{}, writing, stop
	r.writes.SetLimit(atOnce)
	_, err = read(path, func(Header) error { return nil }, r.write)
	if failed := r.writes.Wait(); failed != nil {
		err = failed // the other says only that it was given up
	}
	if err != nil {
		return r.out, err
	}
	return r.out, r.mark()
}

// restore is one restore.
type restore struct {
	ctx      context.Context
	to       Destination
	path     string
	progress Progress
	core     minio.Core
	out      Restored

	// next, stop and at walk along the bucket's own listing, prefix is which.
	next   func() (minio.ObjectInfo, bool)
	stop   func()
	at     *minio.ObjectInfo
	prefix int

	// last is the latest version that was looked at of the present key.
	last *lookedAt
	// decisions has one for each key, in the order of the file; newer names some.
	decisions []decision
	newer     []string

	// writes are under way, at most a few; writing is the present key of the second
	// reading, index its decision.
	writes  *errgroup.Group
	writing struct {
		ctx  context.Context
		stop context.CancelCauseFunc
		key  string
	}
	index   int
	groups  []string
	objects int64
	bytes   int64
}

type lookedAt struct {
	key, md5, etag string
	size           int64
	modified       time.Time
	deleted        bool
	found          *minio.ObjectInfo
}

func (r *restore) begin(h Header) error {
	r.out.Header = h
	if len(h.Prefixes) == 0 || slices.Contains(h.Prefixes, "") {
		return broken("%s names no folders.", r.path)
	}
	if folder(r.to.Root) != h.Root {
		return pipeline.Errorf(pipeline.CodeInvalid, "The backup's configuration is in the folder %s, this installation's in %s: set front50-root-folder to the backup's.", h.Root, folder(r.to.Root))
	}
	r.prefix = -1
	return nil
}

// look compares an object with the bucket's. Both are in the order of keys, folder
// by folder, so one listing beside the file does.
func (r *restore) look(e *entry) error {
	if err := context.Cause(r.ctx); err != nil {
		return err
	}
	if r.last == nil || r.last.key != e.key {
		if err := r.decide(); err != nil {
			return err
		}
		found, err := r.find(e.key)
		if err != nil {
			return err
		}
		r.last = &lookedAt{key: e.key, found: found}
	}
	l := r.last
	l.md5, l.etag, l.size, l.modified, l.deleted = e.content.md5, e.PAXRecords[paxETag], e.content.size, e.ModTime, e.deleted()
	return nil
}

// find walks the listing to a key.
func (r *restore) find(key string) (*minio.ObjectInfo, error) {
	prefix := slices.IndexFunc(r.out.Header.Prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
	if prefix < r.prefix {
		return nil, broken("%s is not in the order of its folders.", r.path)
	}
	if prefix != r.prefix {
		if r.stop != nil {
			r.stop()
		}
		r.prefix = prefix
		r.next, r.stop = iter.Pull(r.to.Client.ListObjectsIter(r.ctx, r.to.Bucket, minio.ListObjectsOptions{Prefix: r.out.Header.Prefixes[prefix], Recursive: true}))
		r.at = nil
		r.step()
	}
	for r.at != nil && r.at.Err == nil && r.at.Key < key {
		r.step()
	}
	switch {
	case r.at == nil:
		return nil, nil
	case r.at.Err != nil:
		return nil, fmt.Errorf("list bucket %s: %w", r.to.Bucket, r.at.Err)
	case r.at.Key == key:
		found := *r.at
		return &found, nil
	}
	return nil, nil
}

func (r *restore) step() {
	info, ok := r.next()
	if r.at = nil; ok {
		r.at = &info
	}
}

// decide notes what happens to the key that was looked at last.
func (r *restore) decide() error {
	l := r.last
	if l == nil {
		return nil
	}
	r.last = nil
	d := replaced
	switch {
	case l.found == nil && l.deleted && !r.out.Header.History:
		d = same
	case l.found == nil && l.deleted:
		// Only its versions are of use, and writing them shows it for a moment.
		d = created
	case l.found == nil:
		d = created
	case !l.deleted && l.found.Size == l.size && (strings.Trim(l.found.ETag, `"`) == l.md5 || strings.Trim(l.found.ETag, `"`) == l.etag):
		d = same
	case isMarker(l.key):
		d = same // written anew where its group is
	case l.found.LastModified.After(l.modified):
		r.out.Newer++
		if len(r.newer) < maxNamed {
			r.newer = append(r.newer, l.key)
		}
	}
	switch d {
	case same:
		r.out.Same++
	case created:
		r.out.Created++
	default:
		r.out.Replaced++
	}
	r.decisions = append(r.decisions, d)
	return nil
}

func isMarker(key string) bool { return strings.HasSuffix(key, "/"+markerName) }

// write writes an object of the second reading, if it is to be written.
func (r *restore) write(e *entry) error {
	ctx := r.writing.ctx
	if err := context.Cause(ctx); err != nil {
		return err
	}
	first := r.writing.key != e.key
	if first {
		if r.writing.key != "" {
			r.index++
		}
		r.writing.key = e.key
	}
	if r.index >= len(r.decisions) {
		return broken("%s changed while it was read.", r.path)
	}
	r.objects++
	r.bytes += e.content.size
	if r.progress != nil {
		r.progress(r.objects, r.bytes)
	}
	d := r.decisions[r.index]
	if d == same {
		return nil
	}
	r.touch(e.key)
	if isMarker(e.key) {
		return nil // written at the end, also in a group that has nothing else
	}
	if !first { // versions follow one another
		if err := r.writes.Wait(); err != nil {
			return err
		}
	}
	e.kept = true
	r.writes.Go(func() (err error) {
		defer e.content.close()
		if e.deleted() {
			err = r.remove(ctx, e.key)
		} else {
			err = r.put(ctx, e, first && d == created)
		}
		if err != nil {
			r.writing.stop(err)
		}
		return err
	})
	return nil
}

func (r *restore) remove(ctx context.Context, key string) error {
	if err := r.to.Client.RemoveObject(ctx, r.to.Bucket, key, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// touch remembers the group of configuration that a key belongs to.
func (r *restore) touch(key string) {
	rest, found := strings.CutPrefix(key, r.out.Header.Root)
	group, _, below := strings.Cut(rest, "/")
	if found && below && !slices.Contains(r.groups, group) {
		r.groups = append(r.groups, group)
	}
}

// put writes one object. One that was absent must still be.
func (r *restore) put(ctx context.Context, e *entry, absent bool) error {
	content, err := e.content.reader()
	if err != nil {
		return err
	}
	options := minio.PutObjectOptions{
		ContentType: e.PAXRecords[paxContentType], ContentEncoding: e.PAXRecords[paxEncoding], UserMetadata: map[string]string{},
		SendContentMd5: true, DisableMultipart: e.content.size <= 5<<30,
	}
	for name, value := range e.PAXRecords {
		if meta, found := strings.CutPrefix(name, paxMeta); found {
			options.UserMetadata[meta] = value
		}
	}
	if absent {
		options.SetMatchETagExcept("*")
	}
	_, err = r.to.Client.PutObject(ctx, r.to.Bucket, e.key, content, e.content.size, options)
	switch minio.ToErrorResponse(err).StatusCode {
	case http.StatusPreconditionFailed:
		return pipeline.Errorf(pipeline.CodeConflict, "The object %s was written by somebody else while the backup was restored: restore again.", e.key)
	case http.StatusNotImplemented:
		if absent { // a store without conditional writes
			return r.put(ctx, e, false)
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", e.key, err)
	}
	return nil
}

// mark tells every process that keeps configuration in memory to read it again.
func (r *restore) mark() error {
	for _, group := range r.groups {
		body := []byte(`{"lastModified":` + strconv.FormatInt(time.Now().UnixMilli(), 10) + `}`)
		key := r.out.Header.Root + group + "/" + markerName
		_, err := r.to.Client.PutObject(r.ctx, r.to.Bucket, key, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{ContentType: "application/json"})
		if err != nil {
			return fmt.Errorf("write %s: %w", key, err)
		}
	}
	return nil
}
