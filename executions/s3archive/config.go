package s3archive

import (
	"context"
	"log/slog"

	"github.com/gennaker/gennaker/internal/objectstore"
)

// Config says where the archive is.
type Config struct {
	// ObjectStore is the bucket, which other parts of Gennaker share.
	ObjectStore objectstore.Config `kong:"-"`
}

// Open returns the archive in the bucket of c, which it does not wait for:
// while the object store is away every call returns unavailable. Whoever opens
// the bucket first makes it ([objectstore.EnsureBucket]).
//
// It fails when the configuration is wrong.
func Open(ctx context.Context, c Config, logger *slog.Logger) (*Archive, error) {
	client, err := objectstore.Client(ctx, c.ObjectStore)
	if err != nil {
		return nil, err
	}
	return New(client, c.ObjectStore.Bucket, logger), nil
}
