package reads

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/pipeline"
)

// TestMirrorShowsWhatRuns follows a Deployment through its life, and compares
// all that is mirrored with what the worker knows.
func TestMirrorShowsWhatRuns(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	room, _ := r.worker(Config{Watch: WatchAlways}, r.mirror)
	r.deploy(shop, "web", 2)
	group := r.awaitUp(shop, 2)
	require.Equal(t, "deployment web", group.Cluster)
	require.Equal(t, []string{"service web"}, group.LoadBalancers)
	require.Equal(t, []clusters.ManagerRef{{Account: testAccount, Location: r.namespace, Name: "web"}}, group.ServerGroupManagers)
	r.scale("web", 3)
	r.awaitUp(shop, 3)

	store := room.watchers[testAccount].store
	eventually(t, "a mirror equal to the store", func() (bool, any) {
		for _, a := range store.Applications() {
			mirrored, _, err := r.mirror.Slices(t.Context(), a, []string{testAccount})
			want := store.Slice(a).Records
			if err != nil || !slices.EqualFunc(mirrored[testAccount].Records, want, func(x, y *clusters.Record) bool { return reflect.DeepEqual(x, y) }) {
				return false, []any{a, err, mirrored, want}
			}
		}
		indexes, _, err := r.mirror.Indexes(t.Context(), []string{testAccount})
		return err == nil && reflect.DeepEqual(indexes[testAccount], store.Index()), indexes
	})
	for _, name := range []string{"deployment web", "service web", group.Name, group.Instances[0].Name} {
		found, ok, err := r.mirror.Find(t.Context(), testAccount, r.namespace, name)
		require.NoError(t, err)
		require.True(t, ok, name)
		require.Equal(t, shop, found)
	}
	entries, err := r.mirror.Search(t.Context(), testAccount, shop, 1000)
	require.NoError(t, err)
	require.Equal(t, store.Search(testAccount, shop, 1000), entries)
	require.Len(t, entries, 6, "deployment, replicaSet, service and three pods")

	require.NoError(t, r.client.AppsV1().Deployments(r.namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}))
	eventually(t, "the end of the server group", func() (bool, any) {
		groups, _, err := r.groups(shop)
		return err == nil && len(groups) == 0, groups
	})
	_, ok, err := r.mirror.Find(t.Context(), testAccount, r.namespace, "deployment web")
	require.NoError(t, err)
	require.False(t, ok)
}

// TestNothingIsWatchedUnasked: an account that nobody asks about costs its
// cluster nothing, and is watched once somebody does.
func TestNothingIsWatchedUnasked(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	p := r.proxy()
	r.deploy(shop, "web", 1)
	room, _ := r.worker(Config{Watch: WatchAsked}, r.mirror)
	require.Never(t, func() bool { return p.requests.Load() > 0 }, 2*clusters.Heartbeat+time.Second, 200*time.Millisecond)
	_, _, err := r.groups(shop)
	require.Error(t, err, "nothing is known, and that is not an empty list")
	r.awaitUp(shop, 1)
	require.Positive(t, p.watches.Load())
	room.mu.Lock()
	defer room.mu.Unlock()
	require.Len(t, room.watchers, 1)
}

// TestQuestionsWithoutRedis: the worker itself answers, from the first question
// on.
func TestQuestionsWithoutRedis(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	r.deploy(shop, "web", 1)
	room, _ := r.worker(Config{Watch: WatchAsked}, gone{})
	eventually(t, "the worker's answer", func() (bool, any) {
		answer, err := ask(t, room, activities.ReadClustersInput{Ask: activities.AskSlice, Application: shop})
		if err != nil {
			return false, err
		}
		groups := clusters.NewView(shop, map[string]clusters.Slice{testAccount: *answer.Slice}).ServerGroups(nil)
		return len(groups) == 1 && groups[0].InstanceCounts.Up == 1, groups
	})
	answer, err := ask(t, room, activities.ReadClustersInput{Ask: activities.AskObject, Namespace: r.namespace, Name: "service web"})
	require.NoError(t, err)
	balancer, ok := clusters.NewView("", map[string]clusters.Slice{testAccount: *answer.Slice}).LoadBalancer(r.namespace, "service web")
	require.True(t, ok)
	require.Len(t, balancer.ServerGroups, 1)
	answer, err = ask(t, room, activities.ReadClustersInput{Ask: activities.AskIndex})
	require.NoError(t, err)
	require.Equal(t, []string{"deployment web"}, answer.Index.Applications[shop].Names)
	answer, err = ask(t, room, activities.ReadClustersInput{Ask: activities.AskSearch, Query: "WEB", Limit: 2})
	require.NoError(t, err)
	require.Len(t, answer.Entries, 2)
	_, err = ask(t, room, activities.ReadClustersInput{Ask: "why"})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	_, err = room.ReadClusters(t.Context(), activities.ReadClustersInput{Account: "other", Ask: activities.AskIndex})
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
}

// TestRedisThatForgets: a mirror that was lost is written again.
func TestRedisThatForgets(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	r.deploy(shop, "web", 1)
	r.worker(Config{Watch: WatchAlways}, r.mirror)
	r.awaitUp(shop, 1)
	before := r.status().Generation
	r.redis.Kill()
	r.redis.Restart(t)
	eventually(t, "another generation", func() (bool, any) {
		s, _, err := r.reader.Report(t.Context(), testAccount)
		return err == nil && s.Generation != before && s.Synced, s
	})
	r.awaitUp(shop, 1)
}

// silent is the mirror of a worker that was killed: it says no more.
type silent struct {
	clusters.MirrorWriter
	dead chan struct{}
}

func (s silent) Turn(ctx context.Context, worker string, accounts []string, always bool) (map[string]bool, error) {
	select {
	case <-s.dead:
		return nil, errGone
	default:
		return s.MirrorWriter.Turn(ctx, worker, accounts, always)
	}
}

func (s silent) Write(ctx context.Context, account string, w clusters.Writing) (bool, error) {
	select {
	case <-s.dead:
		return false, errGone
	default:
		return s.MirrorWriter.Write(ctx, account, w)
	}
}

// TestAnotherWorkerTakesOver: of two workers one leads; when it dies the other
// does, within the lease and a heartbeat, and what one that was thought dead
// writes is not taken.
func TestAnotherWorkerTakesOver(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	r.deploy(shop, "web", 1)
	first := silent{MirrorWriter: r.mirror, dead: make(chan struct{})}
	a, _ := r.worker(Config{Watch: WatchAlways}, first)
	r.awaitUp(shop, 1)
	b, stopB := r.worker(Config{Watch: WatchAlways}, r.openMirror())
	require.Equal(t, a.worker, r.status().Leader)
	died := time.Now()
	close(first.dead)
	eventually(t, "another leader", func() (bool, any) {
		s := r.status()
		return s.Leader == b.worker && s.Synced, s
	})
	require.Less(t, time.Since(died), clusters.Lease+2*clusters.Heartbeat+5*time.Second)
	_, err := r.mirror.Write(t.Context(), testAccount, clusters.Writing{Worker: a.worker, Status: clusters.Status{Generation: "old"}, Whole: true})
	require.Equal(t, pipeline.CodeConflict, pipeline.CodeOf(err))
	r.scale("web", 2)
	r.awaitUp(shop, 2)

	// One that ends in order gives its lease back: the next goes on at once.
	stopB()
	held, err := r.mirror.Turn(t.Context(), "third", []string{testAccount}, true)
	require.NoError(t, err)
	require.True(t, held[testAccount])
}
