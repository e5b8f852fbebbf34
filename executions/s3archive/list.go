package s3archive

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// pageSize is how many names S3 lists at most in one answer.
const pageSize = 1000

// List implements [executions.Archive].
func (a *Archive) List(ctx context.Context, q executions.Query) ([]executions.Record, error) {
	indexes, err := a.indexes(ctx, q)
	if err != nil {
		return nil, err
	}
	found := make([][]entry, len(indexes))
	g, scanCtx := errgroup.WithContext(ctx)
	g.SetLimit(requestsAtOnce)
	for i, index := range indexes {
		g.Go(func() (err error) {
			found[i], err = a.scan(scanCtx, index, q)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	entries := slices.Concat(found...)
	slices.SortFunc(entries, compareEntries)
	entries = entries[:min(len(entries), q.Bound())]
	records, err := a.fetch(ctx, entries, q.Summary)
	if err != nil {
		return nil, err
	}
	q.Summary = false // they are in the form asked for
	return q.Apply(records), nil
}

// indexes returns the indexes that hold what q selects; where executions of
// each configuration are counted, one for each configuration.
func (a *Archive) indexes(ctx context.Context, q executions.Query) ([]string, error) {
	types := []pipeline.ExecutionType{pipeline.TypePipeline, pipeline.TypeOrchestration}
	if q.Type != "" {
		types = []pipeline.ExecutionType{q.Type}
	}
	var out []string
	switch {
	case len(q.PipelineConfigIDs) > 0:
		for _, id := range q.PipelineConfigIDs {
			for _, t := range types {
				out = append(out, groupIndex(executions.Group(t, id, q.Application)))
			}
		}
	case q.LimitPerConfig > 0:
		for object := range a.client.ListObjectsIter(ctx, a.bucket, minio.ListObjectsOptions{Prefix: groupsOf(q.Application), Recursive: true}) {
			if object.Err != nil {
				return nil, a.unavailable(object.Err, "list the pipelines of", q.Application)
			}
			group := unescape(object.Key[strings.LastIndexByte(object.Key, '/')+1:])
			if kind, _, _ := strings.Cut(group, ":"); slices.Contains(types, pipeline.ExecutionType(kind)) {
				out = append(out, groupIndex(group))
			}
		}
	case q.Application != "":
		out = append(out, applicationIndex(q.Application))
	default:
		out = append(out, allIndex)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// scan reads an index, newest first, until it has as many matching entries as q
// can use of it.
func (a *Archive) scan(ctx context.Context, index string, q executions.Query) ([]entry, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing early
	options := minio.ListObjectsOptions{Prefix: index, MaxKeys: pageSize}
	bound := q.BoundPerConfig()
	if len(q.Statuses) == 0 && q.Type == "" {
		options.MaxKeys = min(pageSize, bound+1) // one more ends the last execution
	}
	if q.To != 0 {
		options.StartAfter = index + inverted(q.To)
	}
	var out []entry
	var last *entry
	// An execution that was saved again may have two entries for a moment; they
	// follow each other, and the higher sequence counts.
	settle := func() {
		if last != nil && last.matches(q) {
			out = append(out, *last)
		}
		last = nil
	}
	for object := range a.client.ListObjectsIter(ctx, a.bucket, options) {
		if object.Err != nil {
			return nil, a.unavailable(object.Err, "list", index)
		}
		e, ok := parseEntry(strings.TrimPrefix(object.Key, index))
		if !ok {
			continue // not ours
		}
		if last != nil && last.id == e.id {
			if e.sequence > last.sequence {
				last = &e
			}
			continue
		}
		settle()
		if q.From != 0 && e.build < q.From || len(out) >= bound {
			return out, nil
		}
		last = &e
	}
	settle()
	return out[:min(len(out), bound)], nil
}

// fetch reads the executions of entries; those deleted since are left out.
func (a *Archive) fetch(ctx context.Context, entries []entry, summary bool) ([]executions.Record, error) {
	records := make([]executions.Record, len(entries))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(requestsAtOnce)
	for i, e := range entries {
		g.Go(func() (err error) {
			if summary {
				records[i], err = a.summary(ctx, e)
			} else {
				records[i], err = a.Load(ctx, e.id)
			}
			switch {
			case err == nil, pipeline.CodeOf(err) == pipeline.CodeUnavailable:
				return err
			case pipeline.CodeOf(err) != pipeline.CodeNotFound:
				// One object that somebody broke must not hide the others.
				a.logger.ErrorContext(ctx, "an archived execution is left out of a list", "execution", e.id, "error", err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(records, func(r executions.Record) bool { return r.Execution == nil }), nil
}

// summary returns the short form that an entry names, from memory or the store.
func (a *Archive) summary(ctx context.Context, e entry) (executions.Record, error) {
	a.mu.Lock()
	r, known := a.summaries[summaryID{e.id, e.sequence}]
	a.mu.Unlock()
	if known {
		return r, nil
	}
	r, err := a.read(ctx, applicationIndex(e.application)+e.String(), e.id)
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeUnavailable {
		// It is being saved or deleted now, or was listed by other means.
		if r, err = a.Load(ctx, e.id); err == nil {
			r.Execution = r.Execution.Summary()
		}
	}
	if err != nil {
		return executions.Record{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.summaries) >= maxSummaries {
		clear(a.summaries)
	}
	a.summaries[summaryID{e.id, r.Sequence}] = r
	return r, nil
}

func unescape(s string) string {
	out, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return out
}
