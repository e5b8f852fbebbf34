package s3users_test

import (
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/s3users"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

func TestUsers(t *testing.T) {
	server := testkit.MinIO(t)
	t.Setenv("S3USERS_KEY", server.AccessKey)
	t.Setenv("S3USERS_SECRET", server.SecretKey)
	client, err := objectstore.Client(t.Context(), objectstore.Config{
		Endpoint: server.Endpoint, Bucket: server.Bucket, AccessKey: "env:S3USERS_KEY", SecretKey: "env:S3USERS_SECRET",
	})
	require.NoError(t, err)
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return at }
	mine, other := s3users.New(client, server.Bucket, clock), s3users.New(client, server.Bucket, clock)
	versions := func() (n int) {
		for o := range client.ListObjects(t.Context(), server.Bucket, minio.ListObjectsOptions{Prefix: "users/", Recursive: true, WithVersions: true}) {
			require.NoError(t, o.Err)
			n++
		}
		return n
	}

	_, err = other.User(t.Context(), "Ines/Ö@example.com")
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
	require.NoError(t, mine.SignedIn(t.Context(), fiat.User{Name: "Ines/Ö@example.com", Roles: []string{"SRE", "dev", "sre"}, Source: "EXTERNAL", At: 5}))
	got, err := mine.User(t.Context(), " ines/ö@EXAMPLE.com")
	require.NoError(t, err)
	require.Equal(t, fiat.User{Name: "Ines/Ö@example.com", Roles: []string{"dev", "sre"}, Source: "EXTERNAL", At: 5}, got)
	at = at.Add(s3users.Fresh)
	seen, err := other.User(t.Context(), "ines/ö@example.com")
	require.NoError(t, err, "another process sees it")
	require.Equal(t, got, seen)

	require.NoError(t, other.SignedIn(t.Context(), fiat.User{Name: "Ines/Ö@example.com", Roles: []string{"dev", "sre"}, Source: "EXTERNAL", At: 6}))
	require.Equal(t, 1, versions(), "roles that are as they were are not written again")
	require.NoError(t, other.SignedIn(t.Context(), fiat.User{Name: "Ines/Ö@example.com", Source: "EXTERNAL", At: 7}))
	require.Equal(t, 2, versions())
	at = at.Add(s3users.Fresh)
	got, err = mine.User(t.Context(), "ines/ö@example.com")
	require.NoError(t, err)
	require.Empty(t, got.Roles, "roles that are gone are gone")

	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(mine.SignedIn(t.Context(), fiat.User{Name: strings.Repeat("x", 251)})))
	_, err = mine.User(t.Context(), strings.Repeat("x", 251))
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))

	server.Kill()
	at = at.Add(s3users.Fresh)
	_, err = mine.User(t.Context(), "ines/ö@example.com")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v: what cannot be told is not 'no roles'", err)
}
