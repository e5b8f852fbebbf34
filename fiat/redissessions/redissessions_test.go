package redissessions_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/redissessions"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// conn is a client without more.
type conn struct{ client *redis.Client }

func (c conn) Do(ctx context.Context, fn func(context.Context, redis.UniversalClient) error) error {
	return fn(ctx, c.client)
}

func open(t *testing.T, address string) conn {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return conn{client}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		server := testkit.Redis(t)
		store := sessions(t, server.Address)
		server.Kill()
		_, err := store.Session(t.Context(), "x")
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
		_, err = store.Create(t.Context(), fiat.Session{})
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		server, err := redismodel.Embedded("127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(server.Close)
		sessions(t, server.Addr())
	})
}

func sessions(t *testing.T, address string) *redissessions.Store {
	t.Helper()
	ctx := t.Context()
	at := time.Now().Truncate(time.Millisecond)
	c := open(t, address)
	store := redissessions.New(c, time.Hour, 8*time.Hour, func() time.Time { return at })
	code := func(err error) pipeline.Code { return pipeline.CodeOf(err) }
	ttl := func() time.Duration {
		keys, err := c.client.Keys(ctx, "gennaker:signin:session:*").Result()
		require.NoError(t, err)
		require.Len(t, keys, 1)
		left, err := c.client.PTTL(ctx, keys[0]).Result()
		require.NoError(t, err)
		return left
	}

	made := fiat.Session{Principal: fiat.Principal{Name: "ines", Roles: []string{"sre"}, Mode: "basic"}, At: pipeline.ToMillis(at)}
	id, err := store.Create(ctx, made)
	require.NoError(t, err)
	require.Len(t, id, 43, "256 bits")
	keys, err := c.client.Keys(ctx, "*"+id+"*").Result()
	require.NoError(t, err)
	require.Empty(t, keys, "the ID itself is not kept")
	got, err := store.Session(ctx, id)
	require.NoError(t, err)
	require.Equal(t, made, got)
	_, err = store.Session(ctx, id+"x")
	require.Equal(t, pipeline.CodeNotFound, code(err))

	keys, err = c.client.Keys(ctx, "gennaker:signin:session:*").Result()
	require.NoError(t, err)
	require.NoError(t, c.client.PExpire(ctx, keys[0], 10*time.Minute).Err())
	_, err = store.Session(ctx, id)
	require.NoError(t, err)
	require.Greater(t, ttl(), 50*time.Minute, "a session that is used lives on")
	at = at.Add(7*time.Hour + 30*time.Minute)
	_, err = store.Session(ctx, id)
	require.NoError(t, err)
	require.LessOrEqual(t, ttl(), 30*time.Minute, "not beyond its absolute end")
	at = at.Add(30 * time.Minute)
	_, err = store.Session(ctx, id)
	require.Equal(t, pipeline.CodeNotFound, code(err))

	made.At = pipeline.ToMillis(at)
	var ids []string
	for range 3 {
		id, err = store.Create(ctx, made)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	require.NoError(t, store.Delete(ctx, ids[0]))
	_, err = store.Session(ctx, ids[0])
	require.Equal(t, pipeline.CodeNotFound, code(err))
	held := fiat.Pending{Provider: "x", State: "s", Nonce: "n", Verifier: "v", To: "/"}
	pending, err := store.Hold(ctx, held)
	require.NoError(t, err)
	require.NoError(t, store.DeleteAll(ctx))
	for _, id := range ids {
		_, err = store.Session(ctx, id)
		require.Equal(t, pipeline.CodeNotFound, code(err))
	}
	taken, err := store.Take(ctx, pending)
	require.NoError(t, err)
	require.Equal(t, held, taken)
	_, err = store.Take(ctx, pending)
	require.Equal(t, pipeline.CodeNotFound, code(err), "once")

	counts, err := store.Failed(ctx, time.Minute, "user:ines", "address:10.0.0.1")
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, counts)
	counts, err = store.Failed(ctx, time.Minute, "user:omar", "address:10.0.0.1")
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, counts)
	require.NoError(t, store.Forget(ctx, "address:10.0.0.1"))
	counts, err = store.Failed(ctx, time.Minute, "address:10.0.0.1")
	require.NoError(t, err)
	require.Equal(t, []int{1}, counts)
	left, err := store.Blocked(ctx, "user:ines", "user:omar")
	require.NoError(t, err)
	require.Zero(t, left)
	require.NoError(t, store.Block(ctx, "user:omar", time.Minute))
	left, err = store.Blocked(ctx, "user:ines", "user:omar")
	require.NoError(t, err)
	require.Greater(t, left, 30*time.Second)
	return store
}
