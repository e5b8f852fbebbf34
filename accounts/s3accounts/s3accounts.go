// Package s3accounts keeps account definitions in an S3 bucket, one object an
// account under accounts/, and a copy of them in memory.
package s3accounts

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/gennaker/gennaker/accounts"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// prefix is the folder of the bucket.
	prefix = "accounts/"
	suffix = ".json"
	// callTimeout bounds one call of the object store.
	callTimeout = 10 * time.Second
	// Refresh is how late a change is seen that another process made.
	Refresh = 5 * time.Second
)

// Store is an accounts.Store. It is safe for concurrent use.
type Store struct {
	client *minio.Client
	bucket string
	log    *slog.Logger

	writing sync.Mutex // held while the bucket is written or compared
	mu      sync.Mutex
	byName  map[string]stored // nil until it is read for the first time
	changed chan struct{}
	failing bool
}

// stored is a definition with the version that memory has of it.
type stored struct {
	etag       string
	definition pipeline.Map
}

var _ accounts.Store = (*Store)(nil)

// New returns a store over a bucket, which is read by the first use, or by
// [Store.Run].
func New(client *minio.Client, bucket string, log *slog.Logger) *Store {
	return &Store{client: client, bucket: bucket, log: log, changed: make(chan struct{})}
}

// Run compares memory with the bucket until ctx ends. A store that does not
// answer leaves memory as it is, and is logged once.
func (s *Store) Run(ctx context.Context) {
	ticker := time.NewTicker(Refresh)
	defer ticker.Stop()
	for {
		err := s.Load(ctx)
		if err != nil && ctx.Err() == nil && !s.failing {
			s.log.Warn("stored accounts cannot be read from the bucket: those of before are used", "bucket", s.bucket, "error", err)
		}
		s.failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Load compares memory with the bucket once. Errors: unavailable.
func (s *Store) Load(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s.mu.Lock()
	before := s.byName
	s.mu.Unlock()
	now := map[string]stored{}
	same := before != nil
	for info := range s.client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if info.Err != nil {
			return failed(info.Err, "list the stored accounts")
		}
		name, ok := nameOf(info.Key)
		if !ok || len(now) >= accounts.MaxAccounts {
			continue
		}
		if known, has := before[name]; has && known.etag == strings.Trim(info.ETag, `"`) {
			now[name] = known
			continue
		}
		same = false
		definition, etag, err := s.get(ctx, info.Key)
		switch {
		case objectstore.IsNotFound(err):
			continue // it was deleted just now
		case err != nil:
			return failed(err, "read the stored account "+name)
		case definition == nil || definition.String("name") != name:
			s.log.Warn("an object among the stored accounts is passed over: it is no account of that name", "object", info.Key)
			now[name] = stored{etag: etag}
			continue
		}
		now[name] = stored{etag: etag, definition: definition}
	}
	if same && len(now) == len(before) {
		return nil
	}
	s.put(now)
	return nil
}

func (s *Store) put(now map[string]stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byName = now
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Store) get(ctx context.Context, key string) (pipeline.Map, string, error) {
	object, err := s.client.GetObject(ctx, s.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = object.Close() }() // it was only read
	info, err := object.Stat()
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(io.LimitReader(object, accounts.MaxDocument+1))
	if err != nil {
		return nil, "", err
	}
	etag := strings.Trim(info.ETag, `"`)
	value, err := pipeline.DecodeValue(text)
	if err != nil || len(text) > accounts.MaxDocument {
		return nil, etag, nil //nolint:nilerr // what cannot be read is no account
	}
	return pipeline.AsMap(value), etag, nil
}

// List implements accounts.Store.
func (s *Store) List(ctx context.Context) ([]pipeline.Map, error) {
	s.mu.Lock()
	loaded := s.byName != nil
	s.mu.Unlock()
	if !loaded {
		if err := s.Load(ctx); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []pipeline.Map{}
	for _, one := range s.byName {
		if one.definition != nil {
			out = append(out, one.definition.Clone())
		}
	}
	slices.SortFunc(out, func(a, b pipeline.Map) int { return strings.Compare(a.String("name"), b.String("name")) })
	return out, nil
}

// Changed implements accounts.Store.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Create implements accounts.Store.
func (s *Store) Create(ctx context.Context, definition pipeline.Map, by string) error {
	return s.write(ctx, definition, by, func(found bool, name string) error {
		if found {
			return accounts.Exists(name)
		}
		return nil
	}, true)
}

// Save implements accounts.Store.
func (s *Store) Save(ctx context.Context, definition pipeline.Map, by string) error {
	return s.write(ctx, definition, by, func(bool, string) error { return nil }, false)
}

// Update implements accounts.Store.
func (s *Store) Update(ctx context.Context, definition pipeline.Map, by string) error {
	return s.write(ctx, definition, by, func(found bool, name string) error {
		if !found {
			return accounts.NotFound(name)
		}
		return nil
	}, false)
}

func (s *Store) write(ctx context.Context, definition pipeline.Map, by string, may func(found bool, name string) error, absent bool) error {
	name, err := accounts.Check(definition)
	if err != nil {
		return err
	}
	if err := s.Load(ctx); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	_, found := s.byName[name]
	full := len(s.byName) >= accounts.MaxAccounts && !found
	s.mu.Unlock()
	if err := may(found, name); err != nil {
		return err
	}
	if full {
		return pipeline.Errorf(pipeline.CodeTooLarge, "%d accounts are stored, which is the most: delete some.", accounts.MaxAccounts)
	}
	text, err := pipeline.EncodeValue(map[string]any(definition))
	if err != nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "The account %q cannot be written as JSON: %s.", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	options := minio.PutObjectOptions{ContentType: "application/json", SendContentMd5: true, UserMetadata: map[string]string{"Author": url.QueryEscape(by)}}
	if absent {
		options.SetMatchETagExcept("*")
	}
	info, err := s.client.PutObject(ctx, s.bucket, key(name), bytes.NewReader(text), int64(len(text)), options)
	if absent && minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		return accounts.Exists(name)
	}
	if err != nil {
		return failed(err, "keep the account "+name)
	}
	s.log.Info("an account was stored", "account", name, "user", by)
	s.change(func(now map[string]stored) {
		now[name] = stored{etag: strings.Trim(info.ETag, `"`), definition: definition.Clone()}
	})
	return nil
}

// Delete implements accounts.Store.
func (s *Store) Delete(ctx context.Context, name, by string) error {
	if err := s.Load(ctx); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	_, found := s.byName[name]
	s.mu.Unlock()
	if !found {
		return accounts.NotFound(name)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := s.client.RemoveObject(ctx, s.bucket, key(name), minio.RemoveObjectOptions{}); err != nil {
		return failed(err, "delete the account "+name)
	}
	s.log.Info("a stored account was deleted", "account", name, "user", by)
	s.change(func(now map[string]stored) { delete(now, name) })
	return nil
}

// change puts a changed copy in the place of memory.
func (s *Store) change(how func(map[string]stored)) {
	s.mu.Lock()
	now := make(map[string]stored, len(s.byName)+1)
	for name, one := range s.byName {
		now[name] = one
	}
	s.mu.Unlock()
	how(now)
	s.put(now)
}

func key(name string) string { return prefix + url.PathEscape(name) + suffix }

func nameOf(key string) (string, bool) {
	escaped, ok := strings.CutSuffix(strings.TrimPrefix(key, prefix), suffix)
	if !ok {
		return "", false
	}
	name, err := url.PathUnescape(escaped)
	return name, err == nil
}

func failed(err error, doing string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "The object store did not answer in time to %s (%s).", doing, err)
}
