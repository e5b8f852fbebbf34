// Package s3tokens keeps API tokens in an S3 bucket, one object a token under
// tokens/live/, and when each was used under tokens/used/. The two are apart so
// that noting a use can never bring a revoked token back.
package s3tokens

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	live   = "tokens/live/"
	used   = "tokens/used/"
	suffix = ".json"
	// callTimeout bounds one call of the object store.
	callTimeout = 10 * time.Second
	// Fresh is how late a revocation by another process is seen.
	Fresh = time.Second
	// usedEvery is how coarse the time of the last use is.
	usedEvery = 24 * time.Hour
	// maxDocument bounds one object, maxKept the tokens in memory, maxTokens those
	// that a list reads.
	maxDocument = 64 << 10
	maxKept     = 10_000
	maxTokens   = 10_000
)

// Store is a [fiat.Tokens]. It is safe for concurrent use.
type Store struct {
	client *minio.Client
	bucket string
	log    *slog.Logger
	now    func() time.Time

	mu    sync.Mutex
	kept  map[string]kept
	noted map[string]time.Time
	notes sync.WaitGroup
}

// kept is a token as it was read; found is false for one that does not exist.
type kept struct {
	at    time.Time
	found bool
	token fiat.Token
}

var _ fiat.Tokens = (*Store)(nil)

// New returns a store over a bucket. A nil clock is time.Now.
func New(client *minio.Client, bucket string, log *slog.Logger, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{client: client, bucket: bucket, log: log, now: now, kept: map[string]kept{}, noted: map[string]time.Time{}}
}

// Create implements [fiat.Tokens].
func (s *Store) Create(ctx context.Context, t fiat.Token) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	options := minio.PutObjectOptions{ContentType: "application/json", SendContentMd5: true}
	options.SetMatchETagExcept("*")
	_, err = s.client.PutObject(ctx, s.bucket, live+t.ID+suffix, bytes.NewReader(text), int64(len(text)), options)
	if minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		return pipeline.Errorf(pipeline.CodeConflict, "%s has an API token with the name %q already: revoke it first, or choose another name.", t.PrincipalID, t.Name)
	}
	if err != nil {
		return failed(err, "keep the API token")
	}
	s.forget(t.ID)
	return nil
}

// Token implements [fiat.Tokens].
func (s *Store) Token(ctx context.Context, id string) (fiat.Token, error) {
	if !fiat.IsTokenID(id) {
		return fiat.Token{}, notFound()
	}
	s.mu.Lock()
	k, has := s.kept[id]
	s.mu.Unlock()
	at := s.now()
	if !has || at.Sub(k.at) >= Fresh {
		t, err := s.get(ctx, live+id+suffix)
		switch {
		case objectstore.IsNotFound(err):
			k = kept{at: at}
		case err != nil:
			return fiat.Token{}, failed(err, "read the API token")
		default:
			k = kept{at: at, found: true, token: t}
		}
		s.mu.Lock()
		if len(s.kept) >= maxKept {
			clear(s.kept)
		}
		s.kept[id] = k
		s.mu.Unlock()
	}
	if !k.found || k.token.ID != id {
		return fiat.Token{}, notFound()
	}
	k.token.Scopes = slices.Clone(k.token.Scopes)
	return k.token, nil
}

func (s *Store) get(ctx context.Context, object string) (fiat.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var t fiat.Token
	err := objectstore.ReadJSON(ctx, s.client, s.bucket, object, maxDocument, &t)
	return t, err
}

// List implements [fiat.Tokens].
func (s *Store) List(ctx context.Context) ([]fiat.Token, error) {
	uses := map[string]time.Time{}
	for o := range s.client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: used}) {
		if o.Err != nil {
			return nil, failed(o.Err, "list the API tokens")
		}
		uses[strings.TrimPrefix(o.Key, used)] = o.LastModified
	}
	out := []fiat.Token{}
	for o := range s.client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: live}) {
		if o.Err != nil {
			return nil, failed(o.Err, "list the API tokens")
		}
		if len(out) >= maxTokens {
			break
		}
		t, err := s.get(ctx, o.Key)
		if objectstore.IsNotFound(err) {
			continue // it was revoked just now
		}
		if err != nil {
			return nil, failed(err, "read an API token")
		}
		t.LastUsedAt = pipeline.ToMillis(uses[t.ID])
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b fiat.Token) int {
		return cmp.Or(cmp.Compare(a.PrincipalType, b.PrincipalType), cmp.Compare(a.PrincipalID, b.PrincipalID), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// Delete implements [fiat.Tokens].
func (s *Store) Delete(ctx context.Context, id string) error {
	if !fiat.IsTokenID(id) {
		return notFound()
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := s.client.StatObject(ctx, s.bucket, live+id+suffix, minio.StatObjectOptions{})
	if objectstore.IsNotFound(err) {
		return notFound()
	}
	if err == nil {
		err = s.client.RemoveObject(ctx, s.bucket, live+id+suffix, minio.RemoveObjectOptions{})
	}
	if err != nil {
		return failed(err, "revoke the API token")
	}
	s.forget(id)
	if err := s.client.RemoveObject(ctx, s.bucket, used+id, minio.RemoveObjectOptions{}); err != nil {
		s.log.WarnContext(ctx, "what is left of a revoked API token stays in the bucket", "object", used+id, "error", err)
	}
	return nil
}

// Used implements [fiat.Tokens].
func (s *Store) Used(ctx context.Context, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.now()
	if at.Sub(s.noted[id]) < usedEvery {
		return
	}
	if len(s.noted) >= maxKept {
		clear(s.noted)
	}
	s.noted[id] = at
	ctx = context.WithoutCancel(ctx)
	s.notes.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		_, err := s.client.PutObject(ctx, s.bucket, used+id, strings.NewReader(""), 0, minio.PutObjectOptions{SendContentMd5: true})
		if err != nil {
			s.log.WarnContext(ctx, "the use of an API token could not be noted", "token", id, "error", err)
		}
	})
}

// Close waits for what is being noted.
func (s *Store) Close() error {
	s.notes.Wait()
	return nil
}

func (s *Store) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, id)
	delete(s.noted, id)
}

func notFound() error {
	return pipeline.Errorf(pipeline.CodeNotFound, "There is no such API token: it was revoked, or never made.")
}

func failed(err error, doing string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "The object store did not answer in time to %s.", doing)
}
