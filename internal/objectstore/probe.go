package objectstore

import (
	"context"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	// probeKey is the object that is begun and never written.
	probeKey = "gennaker/health"
	// probeEvery is how long a good answer serves all who ask.
	probeEvery = 15 * time.Second
)

// Probe tells whether a bucket can be written, without writing anything: it begins
// an upload in parts and takes it back, so that no version is left behind.
type Probe struct {
	core   minio.Core
	bucket string

	mu sync.Mutex
	// good is when the bucket was last seen to be writable.
	good time.Time
}

// NewProbe returns a probe of a bucket.
func NewProbe(client *minio.Client, bucket string) *Probe {
	return &Probe{core: minio.Core{Client: client}, bucket: bucket}
}

// Check reports why the bucket cannot be written. Those who ask within a few
// seconds share an answer that is good.
func (p *Probe) Check(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.good) < probeEvery {
		return nil
	}
	err := p.try(ctx)
	if err == nil {
		p.good = time.Now()
	}
	return err
}

func (p *Probe) try(ctx context.Context) error {
	id, err := p.core.NewMultipartUpload(ctx, p.bucket, probeKey, minio.PutObjectOptions{})
	if err != nil {
		return err
	}
	return p.core.AbortMultipartUpload(ctx, p.bucket, probeKey, id)
}
