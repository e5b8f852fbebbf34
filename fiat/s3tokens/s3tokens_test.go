package s3tokens_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/s3tokens"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

func TestTokens(t *testing.T) {
	server := testkit.MinIO(t)
	t.Setenv("S3TOKENS_KEY", server.AccessKey)
	t.Setenv("S3TOKENS_SECRET", server.SecretKey)
	client, err := objectstore.Client(t.Context(), objectstore.Config{
		Endpoint: server.Endpoint, Bucket: server.Bucket, AccessKey: "env:S3TOKENS_KEY", SecretKey: "env:S3TOKENS_SECRET",
	})
	require.NoError(t, err)
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return at }
	open := func() *s3tokens.Store {
		return s3tokens.New(client, server.Bucket, slog.New(slog.DiscardHandler), clock)
	}
	mine, other := open(), open()
	code := func(err error) pipeline.Code { return pipeline.CodeOf(err) }
	id := fiat.TokenID(fiat.PrincipalUser, "ines", "ci")
	_, err = mine.Token(t.Context(), id)
	require.Equal(t, pipeline.CodeNotFound, code(err))
	require.Equal(t, pipeline.CodeNotFound, code(mine.Delete(t.Context(), id)))

	_, hash := fiat.NewToken(id)
	made := fiat.Token{ID: id, Name: "ci", PrincipalType: fiat.PrincipalUser, PrincipalID: "ines", Scopes: []fiat.Authorization{fiat.Read}, Hash: hash, ExpiresAt: 9}
	require.NoError(t, mine.Create(t.Context(), made))
	require.Equal(t, pipeline.CodeConflict, code(other.Create(t.Context(), made)))
	got, err := mine.Token(t.Context(), id)
	require.NoError(t, err, "its maker sees it at once")
	require.Equal(t, made, got)
	_, err = other.Token(t.Context(), id)
	require.NoError(t, err)

	other.Used(t.Context(), id)
	other.Used(t.Context(), id)
	require.NoError(t, other.Close())
	list, err := mine.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NotZero(t, list[0].LastUsedAt)

	require.NoError(t, mine.Delete(t.Context(), id))
	_, err = mine.Token(t.Context(), id)
	require.Equal(t, pipeline.CodeNotFound, code(err))
	at = at.Add(s3tokens.Fresh)
	_, err = other.Token(t.Context(), id)
	require.Equal(t, pipeline.CodeNotFound, code(err), "a revocation is seen everywhere")
	other.Used(t.Context(), id)
	require.NoError(t, other.Close())
	_, err = open().Token(t.Context(), id)
	require.Equal(t, pipeline.CodeNotFound, code(err), "a use does not bring a token back")
	list, err = mine.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, list)

	server.Kill()
	at = at.Add(s3tokens.Fresh)
	_, err = other.Token(t.Context(), id)
	require.Equal(t, pipeline.CodeUnavailable, code(err), "%v: what cannot be told is neither valid nor wrong", err)
}
