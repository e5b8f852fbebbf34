package payload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/minio/minio-go/v7"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
)

// Config says what becomes of values on their way into Temporal. The tags make
// it a group of command line flags and environment variables.
type Config struct {
	// InlineLimit is the size, after compression, from which a payload goes to
	// the object store.
	InlineLimit int `help:"Largest value, in bytes and compressed, that is kept in Temporal's history; a larger one is kept in the bucket, under payloads/." default:"32768"`
	// CacheSize bounds the payloads kept in memory.
	CacheSize int64 `help:"Memory, in bytes, for values read from the bucket last." default:"67108864"`
	// EncryptionKeys are NAME=REFERENCE, see [OpenKeyring].
	EncryptionKeys []string `help:"Keys that encrypt all values in Temporal's history and in the bucket (AES-256-GCM), each as NAME=file:/path or NAME=env:VARIABLE; the first encrypts, all decrypt." placeholder:"NAME=REF"`
}

// Bounds of [Config.InlineLimit]. Temporal takes 2 MiB a payload and 4 MiB a
// message.
const (
	minInline = 1 << 10
	maxInline = 1 << 20
)

// DefaultConfig returns the configuration that the tags describe.
func DefaultConfig() Config { return Config{InlineLimit: 32 << 10, CacheSize: 64 << 20} }

// Validate reports every setting that cannot be used.
func (c Config) Validate() error {
	var faults []error
	if c.InlineLimit < minInline || c.InlineLimit > maxInline {
		faults = append(faults, fmt.Errorf("payload-inline-limit is %d: set it from %d to %d", c.InlineLimit, minInline, maxInline))
	}
	if c.CacheSize < 0 {
		faults = append(faults, fmt.Errorf("payload-cache-size is %d: set it to 0 or above", c.CacheSize))
	}
	return errors.Join(faults...)
}

// Where says whose payloads are kept, and in which bucket.
type Where struct {
	// Bucket is a client of the object store and Name the bucket, which other
	// parts of the program share. A nil Bucket is a process without one: its values
	// stay in Temporal's history as long as Temporal takes them, and what rests in
	// the bucket is beyond it.
	Bucket *minio.Client
	Name   string
	// Namespace is Temporal's.
	Namespace string
}

// Payloads is what all Temporal clients of a process share. It is safe for
// concurrent use.
type Payloads struct {
	codec *Codec
	// narrow decodes what strangers send, a value at a time.
	narrow    *Codec
	encrypted bool
	driver    *driver
	inline    int
	bucket    *bucket
	namespace string
	log       *slog.Logger
}

// Open returns the payloads of a namespace. It makes no request: a store that is
// away is found by the first large value. It fails when the configuration is
// wrong or a key cannot be read.
func Open(ctx context.Context, c Config, w Where, log *slog.Logger) (*Payloads, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	keys, err := OpenKeyring(ctx, c.EncryptionKeys)
	if err != nil {
		return nil, err
	}
	codec, err := NewCodec(keys)
	if err != nil {
		return nil, err
	}
	narrow, err := newCodec(keys, maxAnswer)
	if err != nil {
		return nil, err
	}
	var b *bucket
	if w.Bucket != nil {
		b = newBucket(w, log)
	} else {
		c.InlineLimit = maxInline
	}
	return &Payloads{
		codec: codec, narrow: narrow, encrypted: keys != nil, inline: c.InlineLimit,
		driver: &driver{bucket: b, cache: newCache(c.CacheSize), now: time.Now},
		bucket: b, namespace: w.Namespace, log: log,
	}, nil
}

// Apply sets up a Temporal client.
func (p *Payloads) Apply(o *client.Options) {
	o.DataConverter = p.DataConverter()
	o.FailureConverter = temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: o.DataConverter,
		// An error's message tells as much as the values that it is about.
		EncodeCommonAttributes: p.encrypted,
	})
	if p.bucket == nil {
		o.FailureConverter = final{o.FailureConverter}
	}
	o.ExternalStorage = p.Storage()
	// The SDK warns of what is large before it goes to the object store.
	o.PayloadLimits.PayloadSizeWarning = MaxSize
}

// final ends a call for good whose values need an object store that its worker
// does not have: no repetition would help.
type final struct{ converter.FailureConverter }

// ErrorToFailure implements converter.FailureConverter.
func (f final) ErrorToFailure(err error) *failure.Failure {
	var missing noStore
	if errors.As(err, &missing) {
		err = temporal.NewNonRetryableApplicationError(missing.Error(), string(missing.cause.Code), nil)
	}
	return f.FailureConverter.ErrorToFailure(err)
}

// deadlockTimeout is how long workflow code may run in one go. A workflow that
// builds or compares tens of megabytes on a busy machine takes its time; a task
// has ten seconds in all.
const deadlockTimeout = 5 * time.Second

// Worker adds to the options of a worker what large values need.
func Worker(o worker.Options) worker.Options {
	o.DeadlockDetectionTimeout = deadlockTimeout
	// The SDK measures the results of local activities before they go to the
	// object store, and would fail their tasks for ever.
	o.DisablePayloadErrorLimit = true
	return o
}

// DataConverter returns the converter alone, for a replay of histories.
func (p *Payloads) DataConverter() converter.DataConverter { return NewDataConverter(p.codec) }

// Storage returns the storage alone, for a replay of histories.
func (p *Payloads) Storage() converter.ExternalStorage {
	return converter.ExternalStorage{Drivers: []converter.StorageDriver{p.driver}, PayloadSizeThreshold: p.inline}
}
