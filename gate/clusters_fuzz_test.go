package gate_test

import (
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzClusterPaths: whatever stands in a path or a query about clusters, the
// answer is no fault of the server.
func FuzzClusterPaths(f *testing.F) {
	for _, seed := range [][3]string{{"kubernetes", "prod", "replicaSet web-7d4"}, {"a:b", "%", "pod  x"}, {"", "/", "é"}, {"kubernetes", "serverGroups", "target"}, {"_", "_", "_"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if !utf8.ValidString(a + b + c) {
			return
		}
		w := newClusterWorld(t)
		x, y, z := dots(url.PathEscape(a)), dots(url.PathEscape(b)), dots(url.PathEscape(c))
		for _, target := range []string{
			"/serverGroups/" + x + "/" + y + "/" + z, "/instances/" + x + "/" + y + "/" + z, "/manifests/" + x + "/" + y + "/" + z,
			"/applications/shop/clusters/" + x + "/" + y + "/" + z, "/applications/shop/clusters/" + x + "/" + y + "/kubernetes/" + z + "/serverGroups/target/" + x,
			"/securityGroups/" + x + "/" + y + "/" + z, "/manifests/" + x + "/" + y + "/pod/cluster/" + z + "/" + x + "/dynamic/newest",
			"/applications/" + x + "/serverGroups?clusters=" + url.QueryEscape(b+":"+c), "/serverGroups?ids=" + url.QueryEscape(a+":"+b+":"+c),
			"/search?allowShortQuery=true&q=" + url.QueryEscape(a) + "&type=" + url.QueryEscape(b) + "&page=1&pageSize=3",
		} {
			if out := w.do("GET", target, ""); out.Code >= 500 {
				t.Fatalf("%s: %d %s", target, out.Code, out.Body)
			}
		}
	})
}

// FuzzLogPosition: a client's position in a log is taken or refused.
func FuzzLogPosition(f *testing.F) {
	for _, seed := range []string{"", "2026-01-01T00:00:00.5Z/2", "/", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z/-1", "2026-01-01T00:00:00Z/99999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		w := newClusterWorld(t)
		out := w.do("GET", "/instances/kubernetes/prod/pod%20web/logs", "", "Last-Event-ID", id)
		require.Contains(t, []int{200, 400}, out.Code)
	})
}
