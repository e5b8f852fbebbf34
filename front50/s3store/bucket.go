package s3store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	// maxObject is the largest document that is read or written, in bytes.
	maxObject = 16 << 20
	// readTimeout and writeTimeout bound one request, retries included.
	readTimeout  = 5 * time.Second
	writeTimeout = 15 * time.Second
	// listTimeout bounds the listing of one group.
	listTimeout = 60 * time.Second
)

// What a request may come back with besides an unavailable store.
var (
	errNotFound    = errors.New("no such object")
	errNotModified = errors.New("the object is unchanged")
	errChanged     = errors.New("the object was changed by somebody else")
)

// bucket is the requests that the store makes. It knows whether the object
// store answers and says so in the log when that changes.
type bucket struct {
	core     minio.Core
	name     string
	endpoint string
	log      *slog.Logger
	down     atomic.Bool
	// unconditional is set once a store turns out not to know conditional
	// writes.
	unconditional atomic.Bool
}

// blob is an object's content.
type blob struct {
	body     []byte
	etag     string
	modified time.Time
	// changes is what a change marker says beside its content.
	changes string
}

// entry is an object as a listing shows it.
type entry struct {
	key, etag, version string
	modified           time.Time
	size               int64
}

// condition is what must hold for a put. At most one of etag and absent is set.
type condition struct {
	etag   string // the object still has this ETag
	absent bool   // there is no object
	// common is set for content that others write too: that it is there does not
	// show that this put wrote it.
	common bool
}

// changesName is the user metadata of a change marker that names the latest changes.
const changesName = "Gennaker-Changes"

// get reads an object. With a known ETag it answers errNotModified when that is
// still the current one; version "" is the current one.
func (b *bucket) get(ctx context.Context, key, known, version string) (blob, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	options := minio.GetObjectOptions{VersionID: version}
	if known != "" {
		if err := options.SetMatchETagExcept(known); err != nil {
			return blob{}, err
		}
	}
	r, info, _, err := b.core.GetObject(ctx, b.name, key, options)
	if err != nil {
		return blob{}, b.fault(ctx, err, "read", key)
	}
	defer func() { _ = r.Close() }() // read to the end below
	body, err := io.ReadAll(io.LimitReader(r, maxObject+1))
	if err != nil {
		return blob{}, b.fault(ctx, err, "read", key)
	}
	b.up()
	if len(body) > maxObject {
		return blob{}, pipeline.Errorf(pipeline.CodeTooLarge, "The object %s in bucket %s is over %d bytes: it cannot be a configuration document, remove it.", key, b.name, maxObject)
	}
	return blob{body: body, etag: info.ETag, modified: info.LastModified, changes: info.UserMetadata[changesName]}, nil
}

// put writes an object and returns its ETag. It answers errChanged when the
// condition does not hold.
func (b *bucket) put(ctx context.Context, key string, body []byte, c condition) (etag string, err error) {
	return b.putWith(ctx, key, body, nil, c)
}

// putWith is put of an object with user metadata.
func (b *bucket) putWith(ctx context.Context, key string, body []byte, metadata map[string]string, c condition) (etag string, err error) {
	if len(body) > maxObject {
		return "", pipeline.Errorf(pipeline.CodeTooLarge, "The document is %d bytes long: use at most %d.", len(body), maxObject)
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	options := minio.PutObjectOptions{ContentType: "application/json", SendContentMd5: true, DisableMultipart: true, UserMetadata: metadata}
	conditional := (c.absent || c.etag != "") && !b.unconditional.Load()
	switch {
	case !conditional:
	case c.absent:
		options.SetMatchETagExcept("*")
	default:
		options.SetMatchETag(c.etag)
	}
	info, err := b.core.Client.PutObject(ctx, b.name, key, bytes.NewReader(body), int64(len(body)), options)
	if err != nil && conditional && minio.ToErrorResponse(err).StatusCode == http.StatusNotImplemented {
		b.unconditional.Store(true)
		b.log.Warn("the object store does not know conditional writes: processes that write at the same time may undo each other's changes", "endpoint", b.endpoint)
		return b.putWith(ctx, key, body, nil, condition{}) // what metadata says holds only under the condition
	}
	if err != nil {
		err = b.fault(ctx, err, "write", key)
		if conditional && !c.common && errors.Is(err, errChanged) {
			// A request that is sent again, because its answer was lost, finds what it wrote.
			if there, lookErr := b.get(ctx, key, "", ""); lookErr == nil && bytes.Equal(there.body, body) {
				return there.etag, nil
			}
		}
		return "", err
	}
	b.up()
	return info.ETag, nil
}

// probe finds out whether the object store heeds the conditions of writes: some answer
// that they do not know them, which a write notices, others do as if there were none.
// Key is one that nobody uses.
func (b *bucket) probe(ctx context.Context, key string) {
	_, err := b.put(ctx, key, []byte("{}"), condition{etag: "00000000000000000000000000000000", common: true})
	if err != nil || b.unconditional.Load() {
		return // it heeds them, has said that it does not, or tells nothing
	}
	b.unconditional.Store(true)
	b.log.Warn("the object store passes over the conditions of writes: processes that write at the same time may undo each other's changes", "endpoint", b.endpoint)
	if err := b.remove(ctx, key); err != nil {
		b.log.Warn("an object that showed this could not be removed", "key", key, "error", err)
	}
}

// remove deletes an object; one that is missing is a success.
func (b *bucket) remove(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := b.core.Client.RemoveObject(ctx, b.name, key, minio.RemoveObjectOptions{})
	if err != nil {
		if err = b.fault(ctx, err, "delete", key); errors.Is(err, errNotFound) {
			return nil
		}
		return err
	}
	b.up()
	return nil
}

// list returns the objects below a prefix.
func (b *bucket) list(ctx context.Context, prefix string) ([]entry, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	var out []entry
	for o := range b.core.Client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, b.fault(ctx, o.Err, "list", prefix)
		}
		out = append(out, entry{key: o.Key, etag: o.ETag, modified: o.LastModified, size: o.Size})
	}
	b.up()
	return out, nil
}

// versions returns the live versions of one object, newest first, at most
// limit. Without versioning that is the object itself.
func (b *bucket) versions(ctx context.Context, key string, limit int) ([]entry, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	var out []entry
	for o := range b.core.Client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: key, WithVersions: true, Recursive: true}) {
		if o.Err != nil {
			return nil, b.fault(ctx, o.Err, "list the versions of", key)
		}
		if o.Key != key {
			break // keys come in order: longer ones that begin with key
		}
		if o.IsDeleteMarker {
			continue
		}
		version := o.VersionID
		if version == "" {
			version = "null"
		}
		out = append(out, entry{key: o.Key, etag: o.ETag, version: version, modified: o.LastModified, size: o.Size})
		if len(out) == limit {
			break
		}
	}
	b.up()
	return out, nil
}

// fault turns a request's error into one of the errors above, the context's
// own, or unavailable with a remedy.
func (b *bucket) fault(ctx context.Context, err error, verb, key string) error {
	var r minio.ErrorResponse
	if errors.As(err, &r) {
		switch {
		case r.StatusCode == http.StatusNotModified:
			b.up()
			return errNotModified
		case r.StatusCode == http.StatusPreconditionFailed, r.StatusCode == http.StatusConflict && verb == "write":
			b.up()
			return errChanged
		case r.Code == "NoSuchBucket":
			return pipeline.Wrap(pipeline.CodeUnavailable, err, "The bucket %s does not exist at %s any more: create it again, or restore it.", b.name, b.endpoint)
		case r.Code == "NoSuchKey" || r.Code == "NoSuchVersion" || r.StatusCode == http.StatusNotFound:
			b.up()
			return errNotFound
		case r.Code == "RequestTimeTooSkewed":
			return pipeline.Wrap(pipeline.CodeUnavailable, err, "The object store at %s refuses to %s %s in bucket %s, since its clock and the one here are more than 15 minutes apart (%s): set the clocks.", b.endpoint, verb, key, b.name, r.Code)
		case r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnauthorized:
			return pipeline.Wrap(pipeline.CodeUnavailable, err, "The object store at %s refuses to %s %s in bucket %s (%s): check the access key and its policy.", b.endpoint, verb, key, b.name, r.Code)
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Canceled // the caller went away: no word on the store
	}
	b.lost(err)
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "The object store at %s does not answer (%s %s in bucket %s): try again when it is back; configuration can be read meanwhile.", b.endpoint, verb, key, b.name)
}

// lost notes that the object store does not answer.
func (b *bucket) lost(err error) {
	if !b.down.Swap(true) {
		b.log.Warn("the object store does not answer: configuration is read from memory and cannot be written", "endpoint", b.endpoint, "bucket", b.name, "error", err)
	}
}

// up notes that the object store answers.
func (b *bucket) up() {
	if b.down.Swap(false) {
		b.log.Info("the object store answers again", "endpoint", b.endpoint, "bucket", b.name)
	}
}
