// Package objectstore opens the S3 bucket in which configuration and finished
// executions live: MinIO, Amazon S3 or any store that speaks their protocol.
package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/gennaker/gennaker/internal/secret"
)

// Config says where the bucket is. The tags make it a group of command line
// flags and environment variables.
type Config struct {
	// Endpoint is host:port without a scheme.
	Endpoint string `help:"Address of the S3 object store, host:port without a scheme." default:"127.0.0.1:9001" placeholder:"HOST:PORT"`
	// Bucket holds everything Gennaker keeps.
	Bucket string `help:"Bucket that holds configuration and finished executions." default:"gennaker"`
	// Region of the bucket; MinIO takes any.
	Region string `help:"Region of the bucket." default:"us-east-1"`
	// TLS speaks https.
	TLS bool `help:"Use https." name:"tls"`
	// CreateBucket makes the bucket when it is missing.
	CreateBucket bool `help:"Create the bucket when it does not exist." default:"true" negatable:""`
	// AccessKey and SecretKey are references to secrets, see
	// [secret.Resolve]. When both are empty the environment, the shared
	// credentials file and the machine's own role are tried, in this order.
	AccessKey string `help:"Reference to the access key (file:/path or env:NAME)." placeholder:"REF"`
	SecretKey string `help:"Reference to the secret key (file:/path or env:NAME)." placeholder:"REF"`
	// Around wraps the transport that requests go through, to count them; nil does
	// not.
	Around func(http.RoundTripper) http.RoundTripper `kong:"-" json:"-"`
}

// Times of the transport. A store that does not answer within them is
// unavailable; callers retry.
const (
	dialTimeout     = 3 * time.Second
	responseTimeout = 30 * time.Second
	maxTries        = 3
)

// Client returns a client of the store. It makes no request, so a store that
// is down at start-up is found by the first use or by [EnsureBucket].
//
// It fails when a secret reference cannot be resolved or the endpoint is no
// address.
func Client(ctx context.Context, c Config) (*minio.Client, error) {
	creds, err := c.credentials(ctx)
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(c.TLS)
	if err != nil {
		return nil, fmt.Errorf("set up the transport of the object store: %w", err)
	}
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	transport.ResponseHeaderTimeout = responseTimeout
	transport.MaxIdleConnsPerHost = 64
	through := http.RoundTripper(transport)
	if c.Around != nil {
		through = c.Around(through)
	}
	client, err := minio.New(c.Endpoint, &minio.Options{
		Creds:      creds,
		Secure:     c.TLS,
		Region:     c.Region,
		Transport:  through,
		MaxRetries: maxTries,
	})
	if err != nil {
		return nil, fmt.Errorf("object store endpoint %q (write it as host:port): %w", c.Endpoint, err)
	}
	return client, nil
}

// EnsureBucket makes sure that the bucket of c exists, creating it when c says
// so. A bucket that it creates keeps versions, which are the history of
// configuration; an existing bucket's versioning is left alone. It is safe to
// call from several processes at once.
func EnsureBucket(ctx context.Context, client *minio.Client, c Config) error {
	exists, err := client.BucketExists(ctx, c.Bucket)
	if err != nil {
		return fmt.Errorf("look for bucket %q at %s: %w", c.Bucket, c.Endpoint, err)
	}
	if exists {
		return nil
	}
	if !c.CreateBucket {
		return fmt.Errorf("bucket %q does not exist at %s: create it, or allow its creation", c.Bucket, c.Endpoint)
	}
	err = client.MakeBucket(ctx, c.Bucket, minio.MakeBucketOptions{Region: c.Region})
	switch minio.ToErrorResponse(err).Code {
	case "BucketAlreadyOwnedByYou", "BucketAlreadyExists":
		return nil // somebody else was first
	}
	if err != nil {
		return fmt.Errorf("create bucket %q at %s: %w", c.Bucket, c.Endpoint, err)
	}
	err = client.EnableVersioning(ctx, c.Bucket)
	if err != nil && minio.ToErrorResponse(err).StatusCode != http.StatusNotImplemented {
		return fmt.Errorf("turn on versioning of bucket %q at %s: %w", c.Bucket, c.Endpoint, err)
	}
	return nil
}

// IsNotFound reports whether err says that an object does not exist.
func IsNotFound(err error) bool {
	var r minio.ErrorResponse
	if !errors.As(err, &r) {
		return false
	}
	return r.Code == "NoSuchKey" || r.Code == "NotFound" || r.Code == "" && r.StatusCode == http.StatusNotFound
}

func (c Config) credentials(ctx context.Context) (*credentials.Credentials, error) {
	if c.AccessKey == "" && c.SecretKey == "" {
		return credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{},
			&credentials.EnvMinio{},
			&credentials.FileAWSCredentials{},
			&credentials.IAM{},
		}), nil
	}
	access, err := secret.Resolve(ctx, c.AccessKey)
	if err != nil {
		return nil, fmt.Errorf("access key of the object store: %w", err)
	}
	key, err := secret.Resolve(ctx, c.SecretKey)
	if err != nil {
		return nil, fmt.Errorf("secret key of the object store: %w", err)
	}
	return credentials.NewStaticV4(access, key, ""), nil
}
