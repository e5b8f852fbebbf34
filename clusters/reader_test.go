package clusters_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/pipeline"
)

// memory is a mirror and its owner in one, by the rules of both.
type memory struct {
	mu    sync.Mutex
	store *clusters.Store
	// status is the account's; lost is a mirror that does not answer.
	status  clusters.Status
	lost    bool
	owner   error
	wanted  int
	asked   int
	mirrors bool
}

var errLost = pipeline.Errorf(pipeline.CodeUnavailable, "Redis is away.")

func (m *memory) Want(context.Context, []string) error {
	m.wanted++
	if m.lost {
		return errLost
	}
	return nil
}

func (m *memory) Statuses(context.Context, []string) (map[string]clusters.Status, error) {
	if m.lost {
		return nil, errLost
	}
	if !m.mirrors {
		return nil, nil
	}
	return map[string]clusters.Status{"a": m.status}, nil
}

func (m *memory) Slices(ctx context.Context, app string, accounts []string) (map[string]clusters.Slice, map[string]clusters.Status, error) {
	s, err := m.Statuses(ctx, accounts)
	return map[string]clusters.Slice{"a": m.store.Slice(app)}, s, err
}

func (m *memory) Indexes(ctx context.Context, accounts []string) (map[string]clusters.Index, map[string]clusters.Status, error) {
	s, err := m.Statuses(ctx, accounts)
	return map[string]clusters.Index{"a": m.store.Index()}, s, err
}

func (m *memory) Find(context.Context, string, string, string) (string, bool, error) {
	if m.lost {
		return "", false, errLost
	}
	return "shop", true, nil
}

func (m *memory) Search(context.Context, string, string, int) ([]clusters.Entry, error) {
	return nil, errLost
}

// owned is the owner's side.
type owned struct{ *memory }

func (o owned) ask() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	return o.owner
}

func (o owned) Slice(_ context.Context, _, app string) (clusters.Slice, clusters.Status, error) {
	return o.store.Slice(app), clusters.Status{Synced: true}, o.ask()
}

func (o owned) Index(context.Context, string) (clusters.Index, clusters.Status, error) {
	return o.store.Index(), clusters.Status{Synced: true}, o.ask()
}

func (o owned) Object(_ context.Context, _, namespace, name string) (clusters.Slice, clusters.Status, error) {
	return o.store.Object(namespace, name), clusters.Status{Synced: true}, o.ask()
}

func (o owned) Search(_ context.Context, account, query string, limit int) ([]clusters.Entry, clusters.Status, error) {
	return o.store.Search(account, query, limit), clusters.Status{Synced: true}, o.ask()
}

// TestReaderChoosesBetweenMirrorAndOwner walks through what may be there.
func TestReaderChoosesBetweenMirrorAndOwner(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	m := &memory{store: load(t, "testdata/shop.yaml", clusters.Options{}), mirrors: true, status: clusters.Status{Synced: true, Held: true, At: now.UnixMilli()}}
	r := clusters.NewReader(m, owned{m}, slog.New(slog.DiscardHandler), func() time.Time { return now })
	read := func() (int, []clusters.Gap, error) {
		view, gaps, err := r.Application(t.Context(), "shop", []string{"a"})
		if err != nil {
			return 0, gaps, err
		}
		return len(view.ServerGroups(nil)), gaps, nil
	}
	count := func(want int, gaps int) {
		t.Helper()
		n, lacks, err := read()
		require.NoError(t, err)
		require.Equal(t, want, n)
		require.Len(t, lacks, gaps)
	}
	count(5, 0)
	require.Zero(t, m.asked, "the mirror is enough")
	require.Equal(t, 1, m.wanted)
	count(5, 0)
	require.Equal(t, 1, m.wanted, "once in a while is enough")

	m.status.Held = false
	count(5, 0)
	require.Equal(t, 1, m.asked, "nobody leads: the owner answers")
	m.owner = pipeline.Errorf(pipeline.CodeUnavailable, "No worker.")
	now = now.Add(time.Minute)
	n, gaps, err := read()
	require.NoError(t, err)
	require.Equal(t, 5, n, "what was known is told")
	require.Equal(t, []clusters.Gap{{Account: "a", Stale: time.Minute}}, gaps)
	asked := m.asked
	count(5, 1)
	require.Equal(t, asked, m.asked, "an owner that failed a moment ago is not waited for again")

	m.mirrors = false
	_, _, err = read()
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "nothing known is no empty list")
	m.lost, m.owner = true, nil
	now = now.Add(time.Minute)
	count(5, 0)
	view, _, err := r.Object(t.Context(), "a", "prod", "service web")
	require.NoError(t, err)
	_, ok := view.LoadBalancer("prod", "service web")
	require.True(t, ok)
	found, _, err := r.Search(t.Context(), "nightly", []string{"a"})
	require.NoError(t, err)
	require.Len(t, found["a"], 1)

	m.owner = pipeline.Errorf(pipeline.CodeNotFound, "This worker serves no such account.")
	_, _, err = read()
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
	m.owner = pipeline.Errorf(pipeline.CodeThrottled, "The objects are still being read.")
	_, _, err = read()
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	m.owner = nil
	count(5, 0) // who still reads is asked again at once

	// Quick answers wait for nobody.
	asked = m.asked
	_, gaps, err = r.Indexes(t.Context(), []string{"a", "b"}, true)
	require.Error(t, err)
	require.Len(t, gaps, 2)
	require.Equal(t, asked, m.asked)
	count(5, 0)
	require.Greater(t, m.asked, asked, "which is no failure of the owner's")
}
