package clusters_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/clusters"
)

// TestChangesNameEverySlice makes random changes and checks after each that no
// slice is another than before unless the store said so: what the mirror holds
// is what the store would answer.
func TestChangesNameEverySlice(t *testing.T) {
	t.Parallel()
	const steps = 3000
	dice := rand.New(rand.NewPCG(1, 2))
	mirror := map[string]clusters.Slice{}
	entries := map[string]clusters.Entry{}
	var store *clusters.Store
	store = clusters.NewStore(func(c clusters.Change) {
		for _, app := range c.Applications {
			mirror[app] = store.Slice(app)
		}
		if c.Before != nil {
			delete(entries, c.Before.Namespace+c.Before.FullName())
		}
		if c.After != nil {
			entries[c.After.Namespace+c.After.FullName()] = *c.After
		}
	})
	apps := []string{"a", "b", "c"}
	for step := range steps {
		r := randomRecord(dice, apps)
		if dice.IntN(4) == 0 {
			store.Delete(r.Namespace, r.Kind, r.Name)
		} else {
			store.Put(r)
		}
		for _, app := range apps {
			require.Truef(t, same(store.Slice(app), mirror[app]), "step %d: the slice of %s changed unsaid after %s", step, app, r.FullName())
		}
	}
	count := 0
	store.Entries(func(e clusters.Entry) bool {
		count++
		require.Equal(t, e, entries[e.Namespace+e.FullName()])
		return true
	})
	require.Len(t, entries, count)
	require.Equal(t, count, store.Len())
}

func same(a, b clusters.Slice) bool {
	return slices.EqualFunc(a.Records, b.Records, func(x, y *clusters.Record) bool { return reflect.DeepEqual(x, y) })
}

func randomRecord(dice *rand.Rand, apps []string) *clusters.Record {
	pick := func(prefix string, n int) string { return fmt.Sprintf("%s%d", prefix, dice.IntN(n)) }
	kinds := []struct{ kind, group string }{
		{"deployment", clusters.ServerGroupManagers}, {"replicaSet", clusters.ServerGroups}, {"pod", clusters.Instances},
		{"service", clusters.LoadBalancers}, {"statefulSet", clusters.ServerGroups},
	}
	k := kinds[dice.IntN(len(kinds))]
	r := &clusters.Record{
		Kind: k.kind, Group: k.group, Namespace: pick("ns", 2), Name: pick("n", 4), UID: pick("u", 1000),
		Moniker: clusters.Moniker{App: apps[dice.IntN(len(apps))], Cluster: pick("c", 3)},
	}
	switch k.kind {
	case "replicaSet":
		r.PodLabels = map[string]string{"x": pick("v", 2), "y": pick("v", 2)}
		r.Owners = []clusters.Ref{{Kind: "deployment", Name: pick("n", 4)}}
	case "pod":
		r.Owners = []clusters.Ref{{Kind: "replicaSet", Name: pick("n", 4)}}
	case "service":
		r.Selector = map[string]string{"x": pick("v", 2)}
		if dice.IntN(2) == 0 {
			r.Selector["y"] = pick("v", 2)
		}
	case "statefulSet":
		r.Service = pick("n", 4)
	}
	return r
}

func TestSearch(t *testing.T) {
	t.Parallel()
	store := load(t, "testdata/shop.yaml", clusters.Options{})
	names := func(query string, limit int) []string {
		var out []string
		for _, e := range store.Search("main", query, limit) {
			out = append(out, e.FullName())
		}
		return out
	}
	require.Equal(t, []string{"pod web-7d4-aaaaa", "pod web-7d4-bbbbb", "replicaSet web-7d4"}, names("WEB-7D4", 100))
	require.Contains(t, names("shop", 100), "cronJob nightly", "it belongs to the application")
	require.NotContains(t, names("shop", 100), "deployment foo-bar")
	require.Len(t, names("main", 1000), store.Len(), "the account's name finds all that is in it")
	require.Len(t, names("main", 3), 3)
}
