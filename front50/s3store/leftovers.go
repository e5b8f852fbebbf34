package s3store

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// deleteLeftovers deletes what else Spinnaker keeps for an application: its
// strategies, its notifications, and its place in projects; a project left
// without applications goes as well (reference: front50 section 4).
func (s *Store) deleteLeftovers(ctx context.Context, id string) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		return s.bucket.remove(ctx, s.root+"/"+notificationsGroup+"/"+id+"/"+notificationFile)
	})
	all.Go(func() error {
		_, err := s.each(ctx, strategiesGroup, strategyFile, func(doc pipeline.Map) change {
			if front50.ApplicationKey(doc.String("application")) == id {
				return deleted
			}
			return kept
		})
		return err
	})
	all.Go(func() error {
		rewritten, err := s.each(ctx, projectsGroup, projectFile, func(doc pipeline.Map) change {
			return leaveProject(doc, id, time.Now())
		})
		if rewritten {
			s.mark(ctx, newGroup(s.bucket, s.root, projectsGroup))
		}
		return err
	})
	return all.Wait()
}

// change is what becomes of a document.
type change int

const (
	kept change = iota
	rewritten
	deleted
)

// each loads every document of a group that is not kept in memory and rewrites
// or deletes it as decide says, which may change it. It reports whether any was
// rewritten.
func (s *Store) each(ctx context.Context, group, file string, decide func(pipeline.Map) change) (bool, error) {
	entries, err := s.bucket.list(ctx, s.root+"/"+group+"/")
	if err != nil {
		return false, err
	}
	var wrote atomic.Bool
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(parallel)
	for _, e := range entries {
		if !strings.HasSuffix(e.key, "/"+file) {
			continue
		}
		work.Go(func() error {
			for {
				done, err := s.revise(ctx, e.key, decide)
				if errors.Is(err, errChanged) {
					continue
				}
				if done == rewritten {
					wrote.Store(true)
				}
				return err
			}
		})
	}
	err = work.Wait()
	return wrote.Load(), err
}

// revise does to one document what decide says.
func (s *Store) revise(ctx context.Context, key string, decide func(pipeline.Map) change) (change, error) {
	content, err := s.bucket.get(ctx, key, "", "")
	if errors.Is(err, errNotFound) {
		return kept, nil
	}
	if err != nil {
		return kept, err
	}
	doc := jsonObject(content.body)
	if doc == nil {
		return kept, nil // not a document: nobody's
	}
	switch decision := decide(doc); decision {
	case deleted:
		return deleted, s.bucket.remove(ctx, key)
	case rewritten:
		body, err := encode(doc)
		if err != nil {
			return kept, err
		}
		_, err = s.bucket.put(ctx, key, body, condition{etag: content.etag})
		return rewritten, err
	}
	return kept, nil
}

// jsonObject returns the JSON object that a body holds, nil when it holds none.
func jsonObject(body []byte) pipeline.Map {
	value, err := pipeline.DecodeValue(body)
	if err != nil {
		return nil
	}
	return pipeline.AsMap(value)
}

// leaveProject takes an application out of a project's document, in place.
func leaveProject(doc pipeline.Map, id string, now time.Time) change {
	config := doc.Map("config")
	before := config.List("applications")
	after := make([]any, 0, len(before))
	for _, e := range before {
		if name, isText := e.(string); !isText || front50.ApplicationKey(name) != id {
			after = append(after, e)
		}
	}
	switch {
	case len(after) == len(before):
		return kept
	case len(after) == 0:
		return deleted
	}
	config["applications"] = after
	doc["updateTs"] = now.UnixMilli()
	return rewritten
}
