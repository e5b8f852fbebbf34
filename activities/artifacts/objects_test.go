package artifacts_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities/artifacts"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

func TestS3Object(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	c, err := minio.New(server.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, "")})
	require.NoError(t, err)
	put := func(key, text string) {
		_, err := c.PutObject(t.Context(), server.Bucket, key, strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{})
		require.NoError(t, err)
	}
	put("a/b c/values.yaml", "replicas: 2")
	put("large", strings.Repeat("x", 9<<20))
	own := artifacts.Account{
		Name: "s3", APIEndpoint: "http://" + server.Endpoint, Region: "us-east-1",
		AWSAccessKeyID: server.AccessKey, AWSSecretAccessKey: "file:" + written(t, server.SecretKey),
	}
	old := own
	old.Name, old.SignerOverride, old.AWSAccessKeyID = "v2", "S3SignerType", "file:"+written(t, server.AccessKey)
	wrong := own
	wrong.Name, wrong.AWSSecretAccessKey = "wrong", "file:"+written(t, "s3cret-that-is-wrong")
	r := room(t, "s3", own, old, wrong)
	a := func(account, reference string) pipeline.Artifact {
		return pipeline.Artifact{Type: "s3/object", ArtifactAccount: account, Reference: reference}
	}
	require.Equal(t, "replicas: 2", fetch(t, r, a("s3", "s3://"+server.Bucket+"/a/b c/values.yaml")))
	require.Equal(t, "replicas: 2", fetch(t, r, a("s3", server.Bucket+"/a/b c/values.yaml")))
	require.Equal(t, "replicas: 2", fetch(t, r, a("v2", "s3://"+server.Bucket+"/a/b c/values.yaml")))
	for _, tt := range []struct {
		a     pipeline.Artifact
		code  pipeline.Code
		words string
	}{
		{a("s3", "s3://"+server.Bucket+"/none"), pipeline.CodeNotFound, "NoSuchKey"},
		{a("s3", "s3://no-such-bucket-here/none"), pipeline.CodeNotFound, "NoSuchBucket"},
		{a("s3", "s3://"+server.Bucket), pipeline.CodeInvalid, "names no object: write s3://BUCKET/PATH"},
		{a("s3", "s3://"+server.Bucket+"/large"), pipeline.CodeTooLarge, "over 8388608 bytes"},
		{a("wrong", "s3://"+server.Bucket+"/a/b c/values.yaml"), pipeline.CodeForbidden, "refuses the credentials"},
	} {
		_, err := r.Fetch(t.Context(), tt.a)
		requireFault(t, err, tt.code, tt.words)
	}
}

// The stand-in speaks the two requests of Google's that are made.
func TestGCSObject(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			_ = r.ParseForm()
			if r.Form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || strings.Count(r.Form.Get("assertion"), ".") != 2 {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"t0ken","token_type":"Bearer","expires_in":3600}`)
		case r.URL.Path == "/refused":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.EscapedPath() == "/storage/v1/b/bucket/o/a%2Fb.yaml":
			_, _ = fmt.Fprintf(w, "%s %s", r.Header.Get("Authorization"), r.URL.RawQuery)
		default:
			http.NotFound(w, r)
		}
	})
	account := func(name, token string) artifacts.Account {
		text, err := json.Marshal(map[string]string{
			"type": "service_account", "client_email": "a@b", "token_uri": s.URL + token,
			"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})),
		})
		require.NoError(t, err)
		return artifacts.Account{Name: name, JSONPath: written(t, string(text)), APIEndpoint: s.URL}
	}
	r := room(t, "gcs", account("gcs", "/token"), account("refused", "/refused"), artifacts.Account{Name: "open", APIEndpoint: s.URL},
		artifacts.Account{Name: "lost", JSONPath: "/nowhere"}, artifacts.Account{Name: "odd", JSONPath: written(t, "{}")})
	a := func(account, reference string) pipeline.Artifact {
		return pipeline.Artifact{Type: "gcs/object", ArtifactAccount: account, Name: "gs://bucket/a/b.yaml", Reference: reference}
	}
	require.Equal(t, "Bearer t0ken alt=media", fetch(t, r, a("gcs", "gs://bucket/a/b.yaml")))
	require.Equal(t, "Bearer t0ken alt=media&generation=5", fetch(t, r, a("gcs", "gs://bucket/a/b.yaml#5")))
	require.Equal(t, " alt=media", fetch(t, r, a("open", "")), "the name serves when there is no reference")
	for _, tt := range []struct {
		a     pipeline.Artifact
		code  pipeline.Code
		words string
	}{
		{a("gcs", "gs://bucket/none"), pipeline.CodeNotFound, "it is not there"},
		{a("gcs", "gs://bucket"), pipeline.CodeInvalid, "names no object"},
		{a("refused", "gs://bucket/a/b.yaml"), pipeline.CodeForbidden, "Google does not accept the key"},
		{a("lost", "gs://bucket/a/b.yaml"), pipeline.CodeUnavailable, "look at its jsonPath"},
		{a("odd", "gs://bucket/a/b.yaml"), pipeline.CodeInvalid, "is no key of a Google service account"},
	} {
		_, err := r.Fetch(t.Context(), tt.a)
		requireFault(t, err, tt.code, tt.words)
	}
}
