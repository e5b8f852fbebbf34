package objectstore

import (
	"context"
	"encoding/json"
	"io"

	"github.com/minio/minio-go/v7"
)

// ReadJSON reads an object of JSON into out; what is beyond most bytes is not read,
// and makes it unreadable. The error of a missing object has the code
// minio.NoSuchKey.
func ReadJSON(ctx context.Context, client *minio.Client, bucket, key string, most int64, out any) error {
	o, err := client.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(o, most))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}
