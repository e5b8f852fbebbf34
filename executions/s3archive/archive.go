// Package s3archive keeps finished executions in an S3 bucket, below
// "gennaker/executions/":
//
//	by-id/<id>/execution.json    the execution as GET /pipelines/{id} shows it,
//	                             gzipped (Content-Encoding tells), so that it is
//	                             passed on; its metadata holds the sequence and
//	                             what decides about it. Empty once it was deleted.
//	index/application/<app>/<entry>
//	                             its short form, for lists; the names sort newest
//	                             first
//	index/all/<entry>            empty objects of the same names
//	index/group/<group>/<entry>  likewise; group: type and pipeline configuration
//	index/groups/<app>/<group>   the groups of an application
//
// An entry is <inverted build time>.<id>.<sequence>.<status>.<type>.<app>, so a
// list costs one request for every thousand names looked at and one for each
// execution that it answers with; short forms read once are remembered.
//
// The execution is written before its entries: what an index names exists. An
// execution whose writer died in between is found by its ID, and by lists once
// it is saved again. Saving costs two rounds of requests, since every workflow
// waits for it at its end.
package s3archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

// Prefix begins every key.
const Prefix = "gennaker/executions/"

// Names of user metadata.
const (
	sequenceMeta    = "Sequence"
	publishedMeta   = "Published"
	deletedMeta     = "Deleted"
	buildMeta       = "Build"
	applicationMeta = "Application"
	groupMeta       = "Group"
	typeMeta        = "Type"
	statusMeta      = "Status"
)

const (
	// requestsAtOnce bounds concurrent requests of one call.
	requestsAtOnce = 16
	// maxBody bounds an execution's JSON.
	maxBody = 256 << 20
	// maxSummaries bounds the memory of short forms.
	maxSummaries = 10_000
	// maxGroups bounds the memory of groups that are listed already, and
	// groupBelievedFor the time after which one is listed again.
	maxGroups        = 10_000
	groupBelievedFor = time.Hour
)

var _ executions.Archive = (*Archive)(nil)

// Archive is the archive in one bucket. It is safe for concurrent use.
type Archive struct {
	client *minio.Core
	bucket string
	logger *slog.Logger

	// unconditional is set once the store has said that it does not know
	// conditional writes.
	unconditional atomic.Bool

	mu        sync.Mutex
	summaries map[summaryID]executions.Record
	// groups are the keys of groups that are listed, with the time of that.
	groups map[string]time.Time
}

type summaryID struct {
	id       string
	sequence int64
}

// New returns the archive in a bucket that exists.
func New(client *minio.Client, bucket string, logger *slog.Logger) *Archive {
	return &Archive{
		client: &minio.Core{Client: client}, bucket: bucket, logger: logger,
		summaries: map[summaryID]executions.Record{}, groups: map[string]time.Time{},
	}
}

// Save implements [executions.Archive].
func (a *Archive) Save(ctx context.Context, r executions.Record) error {
	e := r.Execution
	full, short, err := r.Packed()
	if err != nil {
		return err
	}
	replaces, err := a.saveBody(ctx, r, full)
	if err != nil || replaces == outdated {
		return err
	}
	group, name := executions.GroupOf(e), entryOf(r).String()
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error {
		return a.put(inner, applicationIndex(e.Application)+name, r, short, minio.PutObjectOptions{})
	})
	for _, key := range []string{allIndex + name, groupIndex(group) + name} {
		g.Go(func() error { return a.mark(inner, key) })
	}
	g.Go(func() error { return a.markGroup(inner, groupsOf(e.Application)+escape(group)) })
	if err := g.Wait(); err != nil || replaces == nothing {
		return err
	}
	return a.unlist(ctx, places(e.Application, group), entryOf(r), name)
}

// replaced is what a save found in the place of an execution.
type replaced int

const (
	nothing  replaced = iota
	another           // an earlier state, which is gone now
	outdated          // a later state or a deletion: nothing was written
)

// saveBody writes the execution itself. The common case, the first save, is one
// request.
func (a *Archive) saveBody(ctx context.Context, r executions.Record, body []byte) (replaced, error) {
	e := r.Execution
	if !a.unconditional.Load() {
		absent := minio.PutObjectOptions{}
		absent.SetMatchETagExcept("*")
		err := a.put(ctx, bodyKey(e.ID), r, body, absent)
		var answer minio.ErrorResponse
		errors.As(err, &answer)
		switch answer.StatusCode {
		case http.StatusNotImplemented:
			a.unconditional.Store(true)
		case http.StatusPreconditionFailed:
		default:
			return nothing, err
		}
	}
	stored, err := a.client.StatObject(ctx, a.bucket, bodyKey(e.ID), minio.StatObjectOptions{})
	found := another
	switch {
	case err == nil && (stored.UserMetadata[deletedMeta] != "" || sequenceOf(stored) > r.Sequence):
		return outdated, nil
	case objectstore.IsNotFound(err):
		found = nothing
	case err != nil:
		return nothing, a.unavailable(err, "look for", e.ID)
	}
	return found, a.put(ctx, bodyKey(e.ID), r, body, minio.PutObjectOptions{})
}

// Load implements [executions.Archive].
func (a *Archive) Load(ctx context.Context, id string) (executions.Record, error) {
	return a.read(ctx, bodyKey(id), id)
}

// Delete implements [executions.Archive]. An empty object stays in place of the
// execution, so that no late save brings it back.
func (a *Archive) Delete(ctx context.Context, id string) error {
	info, err := a.client.StatObject(ctx, a.bucket, bodyKey(id), minio.StatObjectOptions{})
	if objectstore.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return a.unavailable(err, "look for", id)
	}
	meta := info.UserMetadata
	build, err := strconv.ParseInt(meta[buildMeta], 10, 64)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "The archived execution %s has no build time in its metadata.", id)
	}
	application, group := unescape(meta[applicationMeta]), unescape(meta[groupMeta])
	e := entry{build: pipeline.Millis(build), id: id}
	// The short form goes first: without it lists look at the execution itself.
	if err := a.unlist(ctx, []string{applicationIndex(application)}, e, ""); err != nil {
		return err
	}
	if meta[deletedMeta] == "" {
		tombstone := map[string]string{deletedMeta: "true"}
		for _, key := range []string{buildMeta, applicationMeta, groupMeta} {
			tombstone[key] = meta[key]
		}
		_, err = a.client.Client.PutObject(ctx, a.bucket, bodyKey(id), bytes.NewReader(nil), 0, minio.PutObjectOptions{UserMetadata: tombstone})
		if err != nil {
			return a.unavailable(err, "delete", id)
		}
	}
	return a.unlist(ctx, places(application, group), e, "")
}

// unlist removes the entries of one execution from indexes, except keep.
func (a *Archive) unlist(ctx context.Context, indexes []string, e entry, keep string) error {
	return a.all(ctx, indexes, func(ctx context.Context, place string) error {
		options := minio.ListObjectsOptions{Prefix: place + e.stem() + "."}
		for object := range a.client.ListObjectsIter(ctx, a.bucket, options) {
			if object.Err != nil {
				return a.unavailable(object.Err, "list", e.id)
			}
			if keep != "" && object.Key == place+keep {
				continue
			}
			if err := a.remove(ctx, object.Key); err != nil {
				return err
			}
		}
		return nil
	})
}

// all calls fn for every key, several at once, and returns the first error.
func (a *Archive) all(ctx context.Context, keys []string, fn func(context.Context, string) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(requestsAtOnce)
	for _, key := range keys {
		g.Go(func() error { return fn(ctx, key) })
	}
	return g.Wait()
}

// put writes one form of an execution.
func (a *Archive) put(ctx context.Context, key string, r executions.Record, body []byte, options minio.PutObjectOptions) error {
	e := r.Execution
	options.ContentType, options.ContentEncoding = "application/json", "gzip"
	options.UserMetadata = map[string]string{
		sequenceMeta:    strconv.FormatInt(r.Sequence, 10),
		publishedMeta:   strconv.FormatInt(int64(r.PublishedAt), 10),
		buildMeta:       strconv.FormatInt(int64(e.BuildTime), 10),
		applicationMeta: escape(e.Application),
		groupMeta:       escape(executions.GroupOf(e)),
		typeMeta:        string(e.Type),
		statusMeta:      string(e.Status),
	}
	if _, err := a.client.Client.PutObject(ctx, a.bucket, key, bytes.NewReader(body), int64(len(body)), options); err != nil {
		return a.unavailable(err, "write", e.ID)
	}
	return nil
}

// mark writes an empty object.
func (a *Archive) mark(ctx context.Context, key string) error {
	_, err := a.client.Client.PutObject(ctx, a.bucket, key, bytes.NewReader(nil), 0, minio.PutObjectOptions{})
	if err != nil {
		return a.unavailable(err, "write the index entry", key)
	}
	return nil
}

// markGroup lists a group, unless this process did so of late: nothing takes a
// group out of its list.
func (a *Archive) markGroup(ctx context.Context, key string) error {
	a.mu.Lock()
	listed := a.groups[key]
	a.mu.Unlock()
	if time.Since(listed) < groupBelievedFor {
		return nil
	}
	if err := a.mark(ctx, key); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.groups) >= maxGroups {
		clear(a.groups)
	}
	a.groups[key] = time.Now()
	return nil
}

func (a *Archive) remove(ctx context.Context, key string) error {
	if err := a.client.RemoveObject(ctx, a.bucket, key, minio.RemoveObjectOptions{}); err != nil {
		return a.unavailable(err, "remove", key)
	}
	return nil
}

// Document implements [executions.Archive]. An object that was put there by
// other means may lack what decides about it; it is then decoded.
func (a *Archive) Document(ctx context.Context, id string) (executions.Document, error) {
	key := bodyKey(id)
	body, r, info, err := a.open(ctx, key, id)
	if err != nil {
		return executions.Document{}, err
	}
	status := pipeline.Status(info.UserMetadata[statusMeta])
	if !packed.Valid(body) || status == "" {
		if r.Execution, err = decode(body); err != nil {
			return executions.Document{}, a.broken(err, key, id)
		}
		e := r.Execution
		return executions.Document{Record: r, ID: id, Type: e.Type, Application: e.Application, Status: e.Status}, nil
	}
	return executions.Document{
		Record: r, ID: id, Type: pipeline.ExecutionType(info.UserMetadata[typeMeta]),
		Application: unescape(info.UserMetadata[applicationMeta]), Status: status, Packed: body,
	}, nil
}

// read reads one form of an execution.
func (a *Archive) read(ctx context.Context, key, id string) (executions.Record, error) {
	body, r, _, err := a.open(ctx, key, id)
	if err != nil {
		return executions.Record{}, err
	}
	if r.Execution, err = decode(body); err != nil {
		return executions.Record{}, a.broken(err, key, id)
	}
	return r, nil
}

// open reads an object and the record that its metadata tells, without the
// execution.
func (a *Archive) open(ctx context.Context, key, id string) (string, executions.Record, minio.ObjectInfo, error) {
	fail := func(err error) (string, executions.Record, minio.ObjectInfo, error) {
		return "", executions.Record{}, minio.ObjectInfo{}, err
	}
	object, info, _, err := a.client.GetObject(ctx, a.bucket, key, minio.GetObjectOptions{})
	if objectstore.IsNotFound(err) {
		return fail(pipeline.Errorf(pipeline.CodeNotFound, "The archive has no execution %s.", id))
	}
	if err != nil {
		return fail(a.unavailable(err, "read", id))
	}
	defer func() { _ = object.Close() }() // opened for reading only
	if info.UserMetadata[deletedMeta] != "" {
		return fail(pipeline.Wrap(pipeline.CodeNotFound, executions.ErrDeleted, "The execution %s was deleted.", id))
	}
	var body strings.Builder
	body.Grow(int(min(max(info.Size, 0), maxBody)))
	if _, err := io.Copy(&body, io.LimitReader(object, maxBody)); err != nil {
		return fail(a.unavailable(err, "read", id))
	}
	published, err := strconv.ParseInt(info.UserMetadata[publishedMeta], 10, 64)
	if err != nil {
		published = info.LastModified.UnixMilli() // put there by other means
	}
	return body.String(), executions.Record{Sequence: sequenceOf(info), PublishedAt: pipeline.Millis(published), Final: true}, info, nil
}

func (a *Archive) broken(err error, key, id string) error {
	return pipeline.Wrap(pipeline.CodeInternal, err, "The archived execution %s cannot be read: look at %s in bucket %s.", id, key, a.bucket)
}

// decode takes a packed document, or the JSON that some stores answer with
// because they unpack.
func decode(body string) (*pipeline.Execution, error) {
	var plain []byte
	if !packed.Valid(body) {
		plain = []byte(body)
	} else {
		var err error
		if plain, err = packed.Unpack(body, maxBody); err != nil {
			return nil, err
		}
	}
	var e pipeline.Execution
	if err := json.Unmarshal(plain, &e); err != nil {
		return nil, err
	}
	return &e, nil
}

// sequenceOf returns the stored sequence; 0 for an object that has none.
func sequenceOf(info minio.ObjectInfo) int64 {
	n, _ := strconv.ParseInt(info.UserMetadata[sequenceMeta], 10, 64)
	return n
}

func (a *Archive) unavailable(err error, verb, what string) error {
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "The archive of executions (bucket %s) does not answer: could not %s %s.", a.bucket, verb, what)
}
