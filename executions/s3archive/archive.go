// Package s3archive keeps finished executions in an S3 bucket, below
// "gennaker/executions/":
//
//	by-id/<id>/execution.json    the execution as GET /pipelines/{id} shows it,
//	                             gzipped (Content-Encoding tells), so that it is
//	                             passed on; its metadata holds the sequence and
//	                             what decides about it. Empty once it was deleted.
//	by-id/<id>/summary.json      its short form, for lists
//	index/all/<entry>            empty objects whose names sort newest first:
//	index/application/<app>/<entry>
//	index/group/<group>/<entry>  group: type and pipeline configuration
//	index/groups/<app>/<group>   the groups of an application
//
// An entry is <inverted build time>.<id>.<sequence>.<status>.<type>.<app>, so a
// list costs one request for every thousand names looked at and one for each
// execution that it answers with; short forms read once are remembered.
//
// The execution is written before its entries: what an index names exists. An
// execution whose writer died in between is found by its ID, and by lists once
// it is saved again.
package s3archive

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"

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
)

var _ executions.Archive = (*Archive)(nil)

// Archive is the archive in one bucket. It is safe for concurrent use.
type Archive struct {
	client *minio.Core
	bucket string
	logger *slog.Logger

	mu        sync.Mutex
	summaries map[summaryID]executions.Record
}

type summaryID struct {
	id       string
	sequence int64
}

// New returns the archive in a bucket that exists.
func New(client *minio.Client, bucket string, logger *slog.Logger) *Archive {
	return &Archive{
		client: &minio.Core{Client: client}, bucket: bucket, logger: logger,
		summaries: map[summaryID]executions.Record{},
	}
}

// Save implements [executions.Archive].
func (a *Archive) Save(ctx context.Context, r executions.Record) error {
	e := r.Execution
	stored, err := a.client.StatObject(ctx, a.bucket, bodyKey(e.ID), minio.StatObjectOptions{})
	replaces := err == nil
	switch {
	case replaces && (stored.UserMetadata[deletedMeta] != "" || sequenceOf(stored) > r.Sequence):
		return nil
	case err != nil && !objectstore.IsNotFound(err):
		return a.unavailable(err, "look for", e.ID)
	}
	if err := a.put(ctx, bodyKey(e.ID), r, e); err != nil {
		return err
	}
	if err := a.put(ctx, summaryKey(e.ID), r, e.Summary()); err != nil {
		return err
	}
	group, name := executions.GroupOf(e), entryOf(r)
	keys := []string{groupsOf(e.Application) + escape(group)}
	for _, place := range places(e.Application, group) {
		keys = append(keys, place+name.String())
	}
	if err := a.all(ctx, keys, a.mark); err != nil {
		return err
	}
	if !replaces {
		return nil
	}
	return a.unlist(ctx, e.Application, group, name, name.String())
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
	if err := a.remove(ctx, summaryKey(id)); err != nil {
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
	build, err := strconv.ParseInt(meta[buildMeta], 10, 64)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "The archived execution %s has no build time in its metadata.", id)
	}
	application, group := unescape(meta[applicationMeta]), unescape(meta[groupMeta])
	return a.unlist(ctx, application, group, entry{build: pipeline.Millis(build), id: id}, "")
}

// unlist removes the entries of one execution from the indexes, except keep.
func (a *Archive) unlist(ctx context.Context, application, group string, e entry, keep string) error {
	return a.all(ctx, places(application, group), func(ctx context.Context, place string) error {
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
func (a *Archive) put(ctx context.Context, key string, r executions.Record, e *pipeline.Execution) error {
	body, err := packed.Pack(e)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "The execution %s cannot be written as JSON.", e.ID)
	}
	_, err = a.client.Client.PutObject(ctx, a.bucket, key, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{
		ContentType: "application/json", ContentEncoding: "gzip",
		UserMetadata: map[string]string{
			sequenceMeta:    strconv.FormatInt(r.Sequence, 10),
			publishedMeta:   strconv.FormatInt(int64(r.PublishedAt), 10),
			buildMeta:       strconv.FormatInt(int64(e.BuildTime), 10),
			applicationMeta: escape(e.Application),
			groupMeta:       escape(executions.GroupOf(e)),
			typeMeta:        string(e.Type),
			statusMeta:      string(e.Status),
		},
	})
	if err != nil {
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
