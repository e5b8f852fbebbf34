package backup

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/minio/minio-go/v7"

	"github.com/gennaker/gennaker/internal/objectstore"
)

// Source is the bucket to back up.
type Source struct {
	Client *minio.Client
	Bucket string
	// Endpoint is noted in the file.
	Endpoint string
	// Root is the folder of configuration, Others further prefixes to take.
	Root   string
	Others []string
	// History takes every version that the store keeps.
	History bool
}

// object is one object, or version of one, of a bucket.
type object struct {
	minio.ObjectInfo
	content spool
	err     error
}

// Write writes a backup to w. Nothing that it wrote is a backup unless it ends
// without an error.
func Write(ctx context.Context, s Source, w io.Writer, progress Progress) (End, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	packed := gzip.NewWriter(w)
	archive := tar.NewWriter(packed)
	header := Header{
		Format: format, Created: time.Now().UTC(), Bucket: s.Bucket, Endpoint: s.Endpoint, Root: folder(s.Root),
		Prefixes: append([]string{folder(s.Root)}, s.Others...), History: s.History,
	}
	if err := note(archive, headerName, header); err != nil {
		return End{}, err
	}
	all := newChain()
	for found := range s.contents(ctx, header.Prefixes) {
		// Each has to be received to its end, so that none is left behind open.
		o := <-found
		err := o.err
		if err == nil {
			err = add(archive, o, all)
		}
		o.content.close()
		if err != nil {
			return End{}, fmt.Errorf("back up %s: %w", o.Key, err)
		}
		if progress != nil {
			progress(all.end.Objects, all.end.Bytes)
		}
	}
	if err := context.Cause(ctx); err != nil {
		return End{}, err
	}
	end := all.sum()
	if err := note(archive, endName, end); err != nil {
		return End{}, err
	}
	return end, errors.Join(archive.Close(), packed.Close())
}

func folder(root string) string { return strings.Trim(root, "/") + "/" }

// contents reads objects in the order of their listing, several at a time.
func (s Source) contents(ctx context.Context, prefixes []string) iter.Seq[chan *object] {
	return func(yield func(chan *object) bool) {
		ctx, cancel := context.WithCancel(ctx)
		queue := make(chan chan *object, atOnce)
		go func() {
			defer close(queue)
			for _, prefix := range prefixes {
				for info := range s.list(ctx, prefix) {
					found := make(chan *object, 1)
					select {
					case queue <- found:
					case <-ctx.Done():
						return
					}
					go func() { found <- s.read(ctx, info) }()
				}
			}
		}()
		more := true
		for found := range queue {
			if more {
				more = yield(found)
			} else {
				o := <-found
				o.content.close()
			}
			if !more {
				cancel()
			}
		}
		cancel()
	}
}

// list lists the objects below a prefix; with the history every version, a key's
// oldest first.
func (s Source) list(ctx context.Context, prefix string) iter.Seq[minio.ObjectInfo] {
	options := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, WithVersions: s.History}
	return func(yield func(minio.ObjectInfo) bool) {
		var versions []minio.ObjectInfo
		flush := func() bool {
			slices.Reverse(versions)
			for _, v := range versions {
				if !yield(v) {
					return false
				}
			}
			versions = versions[:0]
			return true
		}
		for info := range s.Client.ListObjectsIter(ctx, s.Bucket, options) {
			if info.Err == nil && strings.HasSuffix(info.Key, "/") {
				continue // a folder that some tool made
			}
			if len(versions) > 0 && (info.Err != nil || versions[0].Key != info.Key) && !flush() {
				return
			}
			if info.Err == nil && s.History {
				versions = append(versions, info)
				continue
			}
			if !yield(info) {
				return
			}
		}
		flush()
	}
}

// read reads one object. The listing tells neither its metadata nor a change
// since, so what is read counts.
func (s Source) read(ctx context.Context, info minio.ObjectInfo) *object {
	o := &object{ObjectInfo: info, err: info.Err}
	if o.err != nil || info.IsDeleteMarker {
		return o
	}
	version := ""
	if s.History {
		version = info.VersionID
	}
	core := minio.Core{Client: s.Client}
	body, now, _, err := core.GetObject(ctx, s.Bucket, info.Key, minio.GetObjectOptions{VersionID: version})
	if err != nil {
		if objectstore.IsNotFound(err) && !s.History {
			o.Key, o.err = "", nil // it was deleted meanwhile: it is not part of this backup
			return o
		}
		o.err = err
		return o
	}
	defer func() { _ = body.Close() }() // it was only read
	now.Key, now.VersionID, now.IsLatest = info.Key, version, info.IsLatest
	// The header tells the time in seconds, the listing in milliseconds.
	if now.ETag == strings.Trim(info.ETag, `"`) {
		now.LastModified = info.LastModified
	} else {
		now.LastModified = now.LastModified.Add(time.Second)
	}
	o.ObjectInfo = now
	if o.err = o.content.fill(body); o.err == nil && o.content.size != now.Size {
		o.err = fmt.Errorf("the object store sent %d of %d bytes", o.content.size, now.Size)
	}
	return o
}

// add writes an object to the archive.
func add(archive *tar.Writer, o *object, all *chain) error {
	if o.Key == "" {
		return nil
	}
	records := map[string]string{
		paxChecksum: o.content.sha, paxETag: strings.Trim(o.ETag, `"`), paxVersion: o.VersionID,
		paxContentType: o.ContentType, paxEncoding: o.Metadata.Get("Content-Encoding"),
	}
	if o.IsDeleteMarker {
		records[paxDeleteMarker] = "true"
	}
	if o.IsLatest {
		records[paxLatest] = "true"
	}
	for name, value := range o.UserMetadata {
		records[paxMeta+name] = value
	}
	for name, value := range records {
		if value == "" {
			delete(records, name)
		}
	}
	err := archive.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: objectsFolder + o.Key, Size: o.content.size, Mode: 0o600, ModTime: o.LastModified.UTC(),
		Format: tar.FormatPAX, PAXRecords: records,
	})
	if err != nil {
		return err
	}
	r, err := o.content.reader()
	if err != nil {
		return err
	}
	if _, err := io.Copy(archive, r); err != nil {
		return err
	}
	all.add(o.Key, o.VersionID, o.content.sha, o.content.size)
	return nil
}

// note writes one of the archive's own documents.
func note(archive *tar.Writer, name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	err = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(raw)), Mode: 0o600, ModTime: time.Now().UTC(), Format: tar.FormatPAX})
	if err != nil {
		return err
	}
	_, err = archive.Write(raw)
	return err
}
