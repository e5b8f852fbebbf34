package artifacts

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

// bucket are objects of S3 and what speaks like it.
type bucket struct {
	files
	endpoint string
	secure   bool
	region   string
}

func (r *Artifacts) bucket(a Account) (source, error) {
	f, err := r.files(a)
	if err != nil {
		return nil, err
	}
	b := bucket{files: f, secure: true, region: a.Region}
	if b.region == "" {
		b.region = a.APIRegion
	}
	switch {
	case a.APIEndpoint == "":
		b.endpoint = "s3.amazonaws.com"
	case !strings.Contains(a.APIEndpoint, "://"):
		b.endpoint = a.APIEndpoint
	default:
		u, err := url.Parse(a.APIEndpoint)
		if err != nil || u.Host == "" {
			return nil, errors.New("has an apiEndpoint that is no URL")
		}
		b.endpoint, b.secure = u.Host, u.Scheme != "http"
	}
	return b, nil
}

func (b bucket) fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	name, key, err := objectOf(a, "s3://")
	if err != nil {
		return nil, err
	}
	session := b.client.HTTP(outbound.Limits{MaxBytes: b.room.config.MaxBytes, Timeout: b.room.config.Timeout})
	keys, err := b.credentials(ctx)
	if err != nil {
		return nil, err
	}
	client, err := minio.New(b.endpoint, &minio.Options{
		Creds: keys, Secure: b.secure, Region: b.region, Transport: session.Transport, MaxRetries: 1,
	})
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The artifact account '%s' has an apiEndpoint that cannot be used: %s.", b.account.Name, err)
	}
	object, err := client.GetObject(ctx, name, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, b.explain(err, a, session)
	}
	defer func() { _ = object.Close() }() // read to its end, or given up
	content, err := io.ReadAll(object)
	if err != nil {
		return nil, b.explain(err, a, session)
	}
	return content, nil
}

// credentials are the account's own, else those that the process's environment or
// its machine has at AWS. A pipeline has no say in where these are asked for.
func (b bucket) credentials(ctx context.Context) (*credentials.Credentials, error) {
	if b.account.AWSAccessKeyID == "" {
		machine := b.client.Allowing("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23").HTTP(outbound.Limits{})
		return credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.IAM{Client: machine.Client},
		}), nil
	}
	id := b.account.AWSAccessKeyID
	if strings.HasPrefix(id, "file:") || strings.HasPrefix(id, "env:") {
		var err error
		if id, err = b.account.open(ctx, id); err != nil {
			return nil, err
		}
	}
	key, err := b.account.open(ctx, b.account.AWSSecretAccessKey)
	if err != nil {
		return nil, err
	}
	if b.account.SignerOverride == "S3SignerType" {
		return credentials.NewStaticV2(id, key, ""), nil
	}
	return credentials.NewStaticV4(id, key, ""), nil
}

func (b bucket) explain(err error, a pipeline.Artifact, session *outbound.Session) error {
	if fault := session.Err(); fault != nil {
		return fault
	}
	answer := minio.ToErrorResponse(err)
	if answer.StatusCode != 0 {
		if answer.StatusCode == http.StatusMovedPermanently || answer.Code == "PermanentRedirect" {
			return pipeline.Errorf(pipeline.CodeInvalid, "The bucket of the artifact '%s' is in another region than the account '%s' says: correct its region.", titleOf(a), b.account.Name)
		}
		return refusedStatus(answer.StatusCode, a, b.endpoint+" ("+answer.Code+")")
	}
	return err
}

// objectOf reads bucket and key from an artifact's reference, or else its name;
// the scheme may be missing.
func objectOf(a pipeline.Artifact, scheme string) (bucket, key string, err error) {
	reference := a.Reference
	if reference == "" {
		reference = a.Name
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(reference, scheme), "/")
	if bucket == "" || key == "" || strings.Contains(bucket, ":") {
		return "", "", pipeline.Errorf(pipeline.CodeInvalid, "The reference '%s' names no object: write %sBUCKET/PATH.", cut(reference), scheme)
	}
	return bucket, key, nil
}
