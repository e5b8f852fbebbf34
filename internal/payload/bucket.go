package payload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/pipeline"
)

// Prefix is the folder of the bucket that holds payloads; below it are the
// Temporal namespaces, below each the payloads by the hexadecimal SHA-256 of
// their content.
const Prefix = "payloads/"

// A workflow's task may take ten seconds in all. A call of the object store that
// has not ended well within them is given up, and Temporal tries the task again;
// only what is large gets the time to travel.
const (
	callTimeout  = 5 * time.Second
	retryEvery   = 500 * time.Millisecond
	bytesASecond = 4 << 20
)

// bucket is the part of a bucket that holds one namespace's payloads.
type bucket struct {
	client *minio.Client
	core   minio.Core
	name   string
	prefix string
	log    *slog.Logger
	// unconditional is set once the store has said that it does not know
	// conditional writes.
	unconditional atomic.Bool
}

func newBucket(w Where, log *slog.Logger) *bucket {
	return &bucket{client: w.Bucket, core: minio.Core{Client: w.Bucket}, name: w.Name, prefix: Prefix + w.Namespace + "/", log: log}
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func timeFor(size int64) time.Duration {
	return callTimeout + time.Duration(size/bytesASecond)*time.Second
}

// put writes an object unless it is there and was written after the given time,
// and returns when it was last written. It returns unavailable when the store
// does not take it.
func (b *bucket) put(ctx context.Context, hash string, body []byte, freshAfter time.Time) (modified time.Time, err error) {
	size := int64(len(body))
	ctx, cancel := context.WithTimeout(ctx, timeFor(size))
	defer cancel()
	err = insist(ctx, func() error {
		modified, err = b.putOnce(ctx, hash, body, freshAfter)
		return err
	})
	if err != nil {
		return time.Time{}, b.fault(err, "take", hash, size)
	}
	return modified, nil
}

func (b *bucket) putOnce(ctx context.Context, hash string, body []byte, freshAfter time.Time) (time.Time, error) {
	if b.unconditional.Load() {
		return b.write(ctx, hash, body, false)
	}
	modified, err := b.write(ctx, hash, body, true)
	switch minio.ToErrorResponse(err).StatusCode {
	case http.StatusNotImplemented:
		b.unconditional.Store(true)
	case http.StatusPreconditionFailed:
		// It is there already. An old one is written again, so that its time
		// begins anew.
		there, err := b.client.StatObject(ctx, b.name, b.prefix+hash, minio.StatObjectOptions{})
		if err == nil && there.LastModified.After(freshAfter) {
			return there.LastModified, nil
		}
	default:
		return modified, err
	}
	return b.write(ctx, hash, body, false)
}

// insist repeats a call while the store does not answer or says that it cannot
// now, until ctx ends, so that nobody notices when it is away for a moment. It
// returns the call's last error.
func insist(ctx context.Context, call func() error) error {
	for {
		err := call()
		status := minio.ToErrorResponse(err).StatusCode
		if err == nil || status >= 400 && status < 500 && status != http.StatusTooManyRequests {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryEvery):
		}
	}
}

func (b *bucket) write(ctx context.Context, hash string, body []byte, absent bool) (time.Time, error) {
	options := minio.PutObjectOptions{ContentType: "application/octet-stream", SendContentMd5: true, DisableMultipart: true}
	if absent {
		options.SetMatchETagExcept("*")
	}
	_, err := b.client.PutObject(ctx, b.name, b.prefix+hash, bytes.NewReader(body), int64(len(body)), options)
	return time.Now(), err
}

// get reads an object of the given size and checks that it is what was written.
// It returns unavailable when the store does not answer and internal when the
// object is missing or another.
func (b *bucket) get(ctx context.Context, hash string, size int64) (body []byte, modified time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeFor(size))
	defer cancel()
	err = insist(ctx, func() error {
		body, modified, err = b.getOnce(ctx, hash, size)
		return err
	})
	if err != nil {
		return nil, time.Time{}, b.fault(err, "give", hash, size)
	}
	if int64(len(body)) != size || hashOf(body) != hash {
		return nil, time.Time{}, pipeline.Errorf(pipeline.CodeInternal,
			"The object %s in bucket %s is not the payload that was written there: restore the version whose content has the SHA-256 that the object is named for.", b.prefix+hash, b.name)
	}
	return body, modified, nil
}

func (b *bucket) getOnce(ctx context.Context, hash string, size int64) ([]byte, time.Time, error) {
	r, info, _, err := b.core.GetObject(ctx, b.name, b.prefix+hash, minio.GetObjectOptions{})
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = r.Close() }() // read to the end below
	body, err := io.ReadAll(io.LimitReader(r, size+1))
	return body, info.LastModified, err
}

// touch makes the object's time begin anew when it was written before the given
// time, and tells whether it did.
func (b *bucket) touch(ctx context.Context, hash string, before time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, timeFor(0))
	defer cancel()
	there, err := b.client.StatObject(ctx, b.name, b.prefix+hash, minio.StatObjectOptions{})
	if err != nil {
		return false, b.fault(err, "give", hash, 0)
	}
	if !there.LastModified.Before(before) {
		return false, nil
	}
	// A copy of an object onto itself has to change something.
	_, err = b.client.CopyObject(ctx,
		minio.CopyDestOptions{Bucket: b.name, Object: b.prefix + hash, ReplaceMetadata: true,
			UserMetadata: map[string]string{"refreshed": time.Now().UTC().Format(time.DateOnly)}},
		minio.CopySrcOptions{Bucket: b.name, Object: b.prefix + hash})
	if err != nil {
		return false, b.fault(err, "refresh", hash, there.Size)
	}
	return true, nil
}

// fault puts what the store answered into words.
func (b *bucket) fault(err error, doing, hash string, size int64) error {
	if objectstore.IsNotFound(err) {
		return pipeline.Wrap(pipeline.CodeInternal, err,
			"The payload %s is missing in bucket %s: restore it from a backup or an older version of the object.", b.prefix+hash, b.name)
	}
	cause := minio.ToErrorResponse(err).Code
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		cause = "no answer within " + timeFor(size).String()
		err = errors.New(err.Error()) // the time that is over is the call's, not that of who asked for it
	case cause == "":
		cause = "it does not answer"
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err,
		"The object store did not %s a value of %d bytes, which is too large for Temporal (%s): check the object store, then try again.", doing, size, cause)
}
