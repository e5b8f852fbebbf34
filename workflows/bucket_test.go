package workflows_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/gennaker/gennaker/deploy/local/stack"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/testkit"
)

// bucket keeps the large payloads of all live tests, those of worker processes
// among them.
type bucket struct {
	Endpoint, AccessKey, SecretKey, Name string
}

var sharedBucket testkit.Shared[bucket]

func bucketOf(t testing.TB) bucket {
	t.Helper()
	return sharedBucket.Get(t, func(t testing.TB) bucket {
		server := testkit.SharedMinIO(t)
		return bucket{Endpoint: server.Endpoint, AccessKey: server.AccessKey, SecretKey: server.SecretKey, Name: server.Bucket}
	})
}

// payloads are those of one process.
func (b bucket) payloads(ctx context.Context) (*payload.Payloads, error) {
	c, err := minio.New(b.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(b.AccessKey, b.SecretKey, "")})
	if err != nil {
		return nil, err
	}
	return payload.Open(ctx, payload.DefaultConfig(), payload.Where{Bucket: c, Name: b.Name, Namespace: stack.DefaultNamespace}, slog.New(slog.DiscardHandler))
}

// apply sets up a Temporal client as the product's are.
func (b bucket) apply(t testing.TB) func(*client.Options) {
	t.Helper()
	p, err := b.payloads(t.Context())
	require.NoError(t, err)
	return p.Apply
}
