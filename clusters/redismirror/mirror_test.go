package redismirror_test

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/clusters/redismirror"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// open returns a mirror in a Redis: the real one, or that inside the process.
func open(t *testing.T, address string) *redismirror.Mirror {
	t.Helper()
	model, err := redismodel.Open(t.Context(), redismodel.Config{Address: address, Timeout: 5 * time.Second}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = model.Close() })
	return redismirror.New(model)
}

func record(name, app string) *clusters.Record {
	return &clusters.Record{Kind: "replicaSet", Group: clusters.ServerGroups, Namespace: "prod", Name: name, UID: "u", Moniker: clusters.Moniker{App: app, Cluster: "c"}}
}

// TestMirror holds for both.
func TestMirror(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"server": testkit.Redis(t).Address, "embedded": redismodel.EmbeddedAddress} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, ctx := open(t, address), t.Context()
			both := []string{"a", "b"}
			held, err := m.Turn(ctx, "w1", both, false)
			require.NoError(t, err)
			require.Equal(t, map[string]bool{"a": false, "b": false}, held, "nobody asks")
			require.NoError(t, m.Want(ctx, []string{"a"}))
			held, err = m.Turn(ctx, "w1", both, false)
			require.NoError(t, err)
			require.Equal(t, map[string]bool{"a": true, "b": false}, held)
			held, err = m.Turn(ctx, "w2", both, true)
			require.NoError(t, err)
			require.Equal(t, map[string]bool{"a": false, "b": true}, held)

			status := clusters.Status{Leader: "w1", Generation: "g1", At: 7, Synced: true}
			index := clusters.Index{Applications: map[string]clusters.Clusters{"shop": {Application: "Shop", Names: []string{"c"}}}, SecurityGroups: []clusters.Location{}}
			w := clusters.Writing{
				Worker: "w1", Status: status, Whole: true, Index: &index,
				Slices:  map[string]clusters.Slice{"shop": {Records: []*clusters.Record{record("x", "Shop")}}},
				Entries: []clusters.Entry{{Kind: "replicaSet", Namespace: "prod", Name: "x", Application: "Shop", Cluster: "c"}},
			}
			_, err = m.Write(ctx, "b", w)
			require.Equal(t, pipeline.CodeConflict, pipeline.CodeOf(err), "w2 leads it")
			part := w
			part.Whole = false
			fresh, err := m.Write(ctx, "a", part)
			require.NoError(t, err)
			require.True(t, fresh, "there is nothing yet that a part could complete")
			fresh, err = m.Write(ctx, "a", w)
			require.NoError(t, err)
			require.False(t, fresh)

			var slices map[string]clusters.Slice
			var statuses map[string]clusters.Status
			for range 2 { // the second time it is at hand
				slices, statuses, err = m.Slices(ctx, "SHOP", both)
				require.NoError(t, err)
				require.Equal(t, map[string]clusters.Slice{"a": w.Slices["shop"]}, slices)
			}
			status.Held = true
			require.Equal(t, map[string]clusters.Status{"a": status}, statuses)
			indexes, _, err := m.Indexes(ctx, both)
			require.NoError(t, err)
			require.Equal(t, map[string]clusters.Index{"a": index}, indexes)
			app, found, err := m.Find(ctx, "a", "prod", "REPLICASET x")
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, "Shop", app)
			slices, statuses, err = m.Slices(ctx, "other", both)
			require.NoError(t, err)
			require.Empty(t, slices)
			require.Len(t, statuses, 1, "it is known that there is none")
			for _, name := range []string{"replicaSet y", "x", "", "pod x"} {
				_, found, err = m.Find(ctx, "a", "prod", name)
				require.NoError(t, err)
				require.False(t, found, name)
			}
			entries, err := m.Search(ctx, "a", "SHOP", 10)
			require.NoError(t, err)
			require.Equal(t, w.Entries, entries)

			// A part of another generation makes readers ask the owner, not believe that
			// there is nothing.
			next := clusters.Writing{Worker: "w1", Status: clusters.Status{Leader: "w1", Generation: "g2", At: 8, Synced: true}, Whole: true}
			next.Slices = map[string]clusters.Slice{"third": {Records: []*clusters.Record{record("z", "third")}}}
			_, err = m.Write(ctx, "a", next)
			require.NoError(t, err)
			_, statuses, err = m.Slices(ctx, "shop", []string{"a"})
			require.NoError(t, err)
			require.Empty(t, statuses)
			w.Whole, w.Status.Generation = false, "g2"
			w.Slices = map[string]clusters.Slice{"shop": {}}
			w.Entries, w.Gone = nil, []clusters.Entry{{Kind: "replicaSet", Namespace: "prod", Name: "x"}}
			fresh, err = m.Write(ctx, "a", w)
			require.NoError(t, err)
			require.False(t, fresh)
			slices, statuses, err = m.Slices(ctx, "shop", []string{"a"})
			require.NoError(t, err)
			require.Empty(t, slices)
			require.Len(t, statuses, 1)

			require.NoError(t, m.Release(ctx, "w2", both))
			held, err = m.Turn(ctx, "w2", both, true)
			require.NoError(t, err)
			require.Equal(t, map[string]bool{"a": false, "b": true}, held, "only its own is given back")
			require.NoError(t, m.Release(ctx, "w1", both))
			statuses, err = m.Statuses(ctx, both)
			require.NoError(t, err)
			require.False(t, statuses["a"].Held)
			held, err = m.Turn(ctx, "w2", both, true)
			require.NoError(t, err)
			require.True(t, held["a"])
		})
	}
}

// TestPartsThatAreLost: a Redis that drops single keys makes readers ask the
// owner.
func TestPartsThatAreLost(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	m, ctx := open(t, server.Address), t.Context()
	_, err := m.Turn(ctx, "w", []string{"a"}, true)
	require.NoError(t, err)
	_, err = m.Write(ctx, "a", clusters.Writing{
		Worker: "w", Status: clusters.Status{Generation: "g", Synced: true}, Whole: true, Index: &clusters.Index{},
		Slices: map[string]clusters.Slice{"shop": {Records: []*clusters.Record{record("x", "shop")}}},
	})
	require.NoError(t, err)
	client := redis.NewClient(&redis.Options{Addr: server.Address})
	t.Cleanup(func() { _ = client.Close() })
	lose := func(key string) { require.Equal(t, int64(1), client.Del(ctx, "gennaker:clusters:"+key).Val(), key) }

	lose("slice:a:shop")
	slices, statuses, err := m.Slices(ctx, "shop", []string{"a"})
	require.NoError(t, err)
	require.Empty(t, slices)
	require.Empty(t, statuses, "it should be there")
	lose("apps:a:g")
	_, statuses, err = m.Slices(ctx, "other", []string{"a"})
	require.NoError(t, err)
	require.Empty(t, statuses, "it cannot be told")
	lose("entries:a:g")
	_, _, err = m.Find(ctx, "a", "prod", "replicaSet x")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	_, err = m.Search(ctx, "a", "x", 10)
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	lose("index:a")
	_, statuses, err = m.Indexes(ctx, []string{"a"})
	require.NoError(t, err)
	require.Empty(t, statuses)
}

// TestLargeMirror: more than one exchange holds is written whole.
func TestLargeMirror(t *testing.T) {
	t.Parallel()
	m, ctx := open(t, testkit.Redis(t).Address), t.Context()
	_, err := m.Turn(ctx, "w", []string{"a"}, true)
	require.NoError(t, err)
	const many = 12_000
	w := clusters.Writing{Worker: "w", Status: clusters.Status{Generation: "g", Synced: true}, Whole: true, Slices: map[string]clusters.Slice{}}
	for i := range many {
		name := time.Duration(i).String()
		w.Entries = append(w.Entries, clusters.Entry{Kind: "pod", Namespace: "prod", Name: "web-" + name, Application: "shop"})
		if i < many/20 {
			w.Slices["app"+name] = clusters.Slice{Records: []*clusters.Record{record(name, "app"+name)}}
		}
	}
	_, err = m.Write(ctx, "a", w)
	require.NoError(t, err)
	found, err := m.Search(ctx, "a", "web", many)
	require.NoError(t, err)
	require.Len(t, found, many)
	found, err = m.Search(ctx, "a", "shop", 100)
	require.NoError(t, err)
	require.Len(t, found, 100)
	slices, _, err := m.Slices(ctx, "app7ns", []string{"a"})
	require.NoError(t, err)
	require.Len(t, slices["a"].Records, 1)
}
