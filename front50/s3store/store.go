package s3store

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// retryStart is the pause between two attempts to reach the object store at
	// the start.
	retryStart = 500 * time.Millisecond
	// retryDown is the time between two attempts to reach an object store that
	// does not answer.
	retryDown = 2 * time.Second
	// attempts bounds how often a write is computed again because somebody else
	// changed the document meanwhile.
	attempts = 10
)

// Store is a front50.Store over an S3 bucket. It is safe for concurrent use.
type Store struct {
	bucket       *bucket
	rules        front50.Rules
	log          *slog.Logger
	root         string
	applications *group
	pipelines    *group
	templates    *group
	// kinds holds the groups of the other kinds.
	kinds map[*front50.Kind]*group
	locks locks

	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// Open connects to the bucket, creates it when it is missing and may be created,
// loads every application, pipeline, template and document of a kind that is not
// lazy, and keeps them fresh until [Store.Close].
// It waits up to c.StartTimeout for an object store that does not answer yet.
//
// Errors: unavailable, invalid for a configuration that cannot work.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Store, error) {
	return open(ctx, c, log, nil)
}

func open(ctx context.Context, c Config, log *slog.Logger, clock front50.Clock) (*Store, error) {
	c = c.withDefaults()
	client, err := objectstore.Client(ctx, c.ObjectStore)
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The object store cannot be used: %s.", err)
	}
	b := &bucket{
		core: minio.Core{Client: client}, name: c.ObjectStore.Bucket, endpoint: c.ObjectStore.Endpoint, log: log,
	}
	s := &Store{
		bucket: b, rules: front50.NewRules(clock), log: log, root: c.RootFolder,
		applications: newGroup(b, c.RootFolder, applicationsGroup, applicationFile, permissionFile),
		pipelines:    newGroup(b, c.RootFolder, pipelinesGroup, pipelineFile),
		templates:    newGroup(b, c.RootFolder, templatesGroup, templateFile),
		kinds:        map[*front50.Kind]*group{},
	}
	for _, k := range front50.Kinds() {
		s.kinds[k] = newGroup(b, c.RootFolder, k.Group, k.File)
		s.kinds[k].kind = k
	}
	if err := s.start(ctx, c); err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.stopped.Go(func() { s.keepFresh(background, c.Refresh) })
	return s, nil
}

// start reaches the bucket and loads it, as often as it takes.
func (s *Store) start(ctx context.Context, c Config) error {
	ctx, cancel := context.WithTimeout(ctx, c.StartTimeout)
	defer cancel()
	for {
		err := objectstore.EnsureBucket(ctx, s.bucket.core.Client, c.ObjectStore)
		if err == nil {
			err = s.refresh(ctx)
		}
		if err == nil {
			s.bucket.probe(ctx, c.RootFolder+"/conditions/probe.json")
			return nil
		}
		var refused minio.ErrorResponse
		if errors.As(err, &refused) && refused.StatusCode < http.StatusInternalServerError {
			return pipeline.Errorf(pipeline.CodeUnavailable, "The object store refuses its use (%s): check the bucket's name, the access key and its policy.", err)
		}
		s.bucket.lost(err)
		select {
		case <-time.After(retryStart):
		case <-ctx.Done():
			return pipeline.Wrap(pipeline.CodeUnavailable, err, "The object store at %s did not answer within %s: start it, or correct its address.", c.ObjectStore.Endpoint, c.StartTimeout)
		}
	}
}

// Close stops the background refresh and waits for it to end.
func (s *Store) Close() error {
	s.stop()
	s.stopped.Wait()
	return nil
}

// Health reports whether the object store answers. Reads work either way, so a
// server that tells is up.
func (s *Store) Health(context.Context) error {
	if s.bucket.down.Load() {
		return pipeline.Errorf(pipeline.CodeUnavailable, "The object store at %s does not answer: configuration is read from memory and cannot be written.", s.bucket.endpoint)
	}
	return nil
}

// groups lists what is kept fresh: a lazy kind only once somebody has asked for it.
func (s *Store) groups() []*group {
	out := []*group{s.applications, s.pipelines, s.templates}
	for k, g := range s.kinds {
		if !k.Lazy || g.loaded.Load() {
			out = append(out, g)
		}
	}
	return out
}

func (s *Store) refresh(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, g := range s.groups() {
		all.Go(func() error { return g.refresh(ctx) })
	}
	return all.Wait()
}

// keepFresh compares memory with the bucket again and again. While the object
// store does not answer it looks more often.
func (s *Store) keepFresh(ctx context.Context, every time.Duration) {
	const tick = 250 * time.Millisecond
	ticker := time.NewTicker(min(every, tick))
	defer ticker.Stop()
	last := time.Now()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		due := every
		if s.bucket.down.Load() {
			due = min(every, retryDown)
		}
		if time.Since(last) < due {
			continue
		}
		err := s.refresh(ctx)
		last = time.Now()
		// An object store that does not answer has been logged where that was
		// found; what else may fail is logged when it begins.
		if err != nil && ctx.Err() == nil && !s.bucket.down.Load() && !failing {
			s.log.Warn("configuration cannot be compared with the bucket and may be out of date", "bucket", s.bucket.name, "error", err)
		}
		failing = err != nil
	}
}

// peek makes a list as fresh as the change marker tells, unless the object
// store does not answer; the list is then as fresh as memory, if that was ever
// loaded.
func (s *Store) peek(ctx context.Context, g *group) error {
	if s.bucket.down.Load() && g.loaded.Load() {
		return ctx.Err()
	}
	if err := g.fresh(ctx); err != nil && (ctx.Err() != nil || !g.loaded.Load()) {
		return err
	}
	return nil // a fault of the object store has been logged where it was found
}

// mark announces a write that is stored. Failing to do so does not undo the
// write: others see it with their next comparison.
func (s *Store) mark(ctx context.Context, g *group) {
	if err := g.mark(context.WithoutCancel(ctx)); err != nil {
		s.log.Warn("the change marker could not be written: other processes see the change with their next refresh", "key", g.markerKey(), "error", err)
	}
}

// encode returns a document as it is stored.
func encode(doc pipeline.Map) ([]byte, error) {
	body, err := pipeline.EncodeValue(doc)
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The document cannot be written as JSON: %s.", err)
	}
	return body, nil
}

var _ front50.Store = (*Store)(nil)
