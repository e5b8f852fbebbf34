// Package s3users keeps what people signed in with in an S3 bucket, one object a
// person under users/, and what was read lately in memory.
package s3users

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// prefix is the folder of the bucket.
	prefix = "users/"
	suffix = ".json"
	// callTimeout bounds one call of the object store.
	callTimeout = 10 * time.Second
	// Fresh is how late a sign-in is seen that another process took.
	Fresh = 2 * time.Second
	// maxDocument bounds one object, maxKept the people in memory, and maxName a
	// name in bytes, since escaped it is part of a key.
	maxDocument = 1 << 20
	maxKept     = 10_000
	maxName     = 250
)

// Store is a [fiat.Users]. It is safe for concurrent use.
type Store struct {
	client *minio.Client
	bucket string
	now    func() time.Time

	mu   sync.Mutex
	kept map[string]kept
}

// kept is what was read or written of a person; found is false for one who never
// signed in.
type kept struct {
	at    time.Time
	found bool
	user  fiat.User
}

var _ fiat.Users = (*Store)(nil)

// New returns a store over a bucket. A nil clock is time.Now.
func New(client *minio.Client, bucket string, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{client: client, bucket: bucket, now: now, kept: map[string]kept{}}
}

// SignedIn implements [fiat.Users].
func (s *Store) SignedIn(ctx context.Context, u fiat.User) error {
	name, err := key(u.Name)
	if err != nil {
		return err
	}
	u.Roles = fiat.RolesOf(u.Roles...)
	known, err := s.read(ctx, u.Name, name)
	if err != nil {
		return err
	}
	if known.found && slices.Equal(known.user.Roles, u.Roles) && known.user.Source == u.Source {
		return nil
	}
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = s.client.PutObject(ctx, s.bucket, name, bytes.NewReader(text), int64(len(text)), minio.PutObjectOptions{ContentType: "application/json", SendContentMd5: true})
	if err != nil {
		return failed(err, "keep the roles of a user")
	}
	s.keep(u.Name, kept{at: s.now(), found: true, user: u})
	return nil
}

// User implements [fiat.Users].
func (s *Store) User(ctx context.Context, name string) (fiat.User, error) {
	object, err := key(name)
	if err != nil {
		return fiat.User{}, notFound(name)
	}
	known, err := s.read(ctx, name, object)
	if err != nil {
		return fiat.User{}, err
	}
	if !known.found {
		return fiat.User{}, notFound(name)
	}
	known.user.Roles = slices.Clone(known.user.Roles)
	return known.user, nil
}

func (s *Store) read(ctx context.Context, user, object string) (kept, error) {
	s.mu.Lock()
	k, has := s.kept[fiat.UserKey(user)]
	s.mu.Unlock()
	at := s.now()
	if has && at.Sub(k.at) < Fresh {
		return k, nil
	}
	u, err := s.get(ctx, object)
	switch {
	case objectstore.IsNotFound(err):
		k = kept{at: at}
	case err != nil:
		return kept{}, failed(err, "read the roles of a user")
	default:
		u.Roles = fiat.RolesOf(u.Roles...)
		k = kept{at: at, found: true, user: u}
	}
	s.keep(user, k)
	return k, nil
}

func (s *Store) get(ctx context.Context, object string) (fiat.User, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var u fiat.User
	err := objectstore.ReadJSON(ctx, s.client, s.bucket, object, maxDocument, &u)
	return u, err
}

// keep puts a person into memory; when that is full, those go that are read again
// anyway.
func (s *Store) keep(user string, k kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) >= maxKept {
		clear(s.kept)
	}
	s.kept[fiat.UserKey(user)] = k
}

func key(user string) (string, error) {
	name := fiat.UserKey(user)
	if name == "" || len(name) > maxName {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "A user's name has 1 to %d bytes: this one has %d.", maxName, len(name))
	}
	return prefix + url.PathEscape(name) + suffix, nil
}

func notFound(user string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "The user %.100q never signed in.", user)
}

func failed(err error, doing string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "The object store did not answer in time to %s.", doing)
}
