package stack

import (
	"context"
	"fmt"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Bucket is the bucket of the local stack: Front50's configuration and the archive of finished executions.
const Bucket = "spinnaker"

// Names of MinIO's secrets.
const (
	SecretMinIOUser     = "minio-access-key"
	SecretMinIOPassword = "minio-secret-key"
)

// MinIO is the object store. Its keys reach it by the environment, never by arguments.
func MinIO() Part {
	return Part{
		Name:    "minio",
		Program: MinIOProgram.Name,
		Title:   "MinIO object store",
		Ports:   []string{PortMinIO, PortMinIOConsole},
		Args: func(e *Env) ([]string, error) {
			data, err := e.Data("minio")
			if err != nil {
				return nil, err
			}
			return []string{"server", "--quiet", "--address=" + e.Address(PortMinIO),
				"--console-address=" + e.Address(PortMinIOConsole), data}, nil
		},
		Environ: func(e *Env) ([]string, error) {
			user, password, err := e.MinIOKeys()
			if err != nil {
				return nil, err
			}
			return []string{"MINIO_ROOT_USER=" + user, "MINIO_ROOT_PASSWORD=" + password,
				"MINIO_UPDATE=off", "MINIO_CALLHOME_ENABLE=off"}, nil
		},
		Ready: func(ctx context.Context, e *Env) error {
			return answers200(ctx, "http://"+e.Address(PortMinIO)+"/minio/health/cluster", nil)
		},
		After: func(ctx context.Context, e *Env) error { return e.MakeBucket(ctx, Bucket) },
		URLs: func(e *Env) []URL {
			return []URL{
				{"MinIO console", fmt.Sprintf("http://localhost:%d", e.Ports[PortMinIOConsole])},
				{"MinIO S3", fmt.Sprintf("http://localhost:%d", e.Ports[PortMinIO])},
			}
		},
	}
}

// MinIOKeys returns the access key and the secret key of this environment's MinIO.
func (e *Env) MinIOKeys() (user, password string, err error) {
	if user, err = e.Secret(SecretMinIOUser); err != nil {
		return "", "", err
	}
	password, err = e.Secret(SecretMinIOPassword)
	return user, password, err
}

// MakeBucket makes a bucket with versioning, as Front50's history of a pipeline needs it; an existing one is kept.
func (e *Env) MakeBucket(ctx context.Context, name string) error {
	user, password, err := e.MinIOKeys()
	if err != nil {
		return err
	}
	client, err := minio.New(e.Address(PortMinIO), &minio.Options{Creds: credentials.NewStaticV4(user, password, "")})
	if err != nil {
		return err
	}
	exists, err := client.BucketExists(ctx, name)
	if err != nil {
		return fmt.Errorf("look for bucket %s: %w", name, err)
	}
	if !exists {
		if err := client.MakeBucket(ctx, name, minio.MakeBucketOptions{}); err != nil {
			return fmt.Errorf("make bucket %s: %w", name, err)
		}
	}
	if err := client.EnableVersioning(ctx, name); err != nil {
		return fmt.Errorf("turn on versioning of bucket %s: %w", name, err)
	}
	return nil
}
