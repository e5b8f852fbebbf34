package gate_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/internal/ratelimit"
)

// bucket is a limiter whose buckets never fill up again.
type bucket struct {
	mu    sync.Mutex
	taken map[string]int
	fail  error
}

func (b *bucket) Take(_ context.Context, key string, _ float64, burst int) (ratelimit.Taken, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return ratelimit.Taken{}, b.fail
	}
	if b.taken[key] >= burst {
		return ratelimit.Taken{Full: time.Minute, Next: 2500 * time.Millisecond}, nil
	}
	b.taken[key]++
	return ratelimit.Taken{OK: true, Remaining: burst - b.taken[key], Full: time.Minute}, nil
}

func limited(t *testing.T, mode string) (*world, *bucket, *prometheus.Registry) {
	t.Helper()
	b, registry := &bucket{taken: map[string]int{}}, prometheus.NewRegistry()
	return newWorld(t, func(d *gate.Dependencies, c *gate.Config) {
		d.RateLimiter, d.Metrics = b, registry
		c.RateLimit, c.RateLimitBurst, c.RateLimitAnonymousBurst, c.TrustUserHeader = mode, 3, 2, true
		c.TrustedProxies = []string{"192.0.2.1", "10.0.0.0/8"}
	}), b, registry
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	w, b, registry := limited(t, "on")
	ines := []string{"X-SPINNAKER-USER", "ines"}
	for i := range 3 {
		out := w.do("GET", "/applications", "", ines...)
		require.Equal(t, http.StatusOK, out.Code)
		require.Equal(t, "3", out.Header().Get("X-RateLimit-Capacity"))
		require.Equal(t, string(rune('2'-i)), out.Header().Get("X-RateLimit-Remaining"))
		require.Equal(t, noon.Add(time.Minute).Format(http.TimeFormat), out.Header().Get("X-RateLimit-Reset"))
		require.Equal(t, "false", out.Header().Get("X-RateLimit-Learning"))
	}
	out := w.do("GET", "/applications", "", ines...)
	require.Equal(t, http.StatusTooManyRequests, out.Code)
	require.Equal(t, "3", out.Header().Get("Retry-After"))
	require.Equal(t, "0", out.Header().Get("X-RateLimit-Remaining"))
	require.Contains(t, w.object(out).String("message"), "try again in 2.5s")
	require.Equal(t, http.StatusOK, w.do("GET", "/applications", "", "X-SPINNAKER-USER", "omar").Code, "each user has his own")

	// Addresses of callers who are not known; the proxy's word is taken, a client's
	// is not.
	from := func(forwarded string) int { return w.do("GET", "/applications", "", "X-Forwarded-For", forwarded).Code }
	require.Equal(t, []int{200, 200, 429}, []int{from("203.0.113.7"), from("1.1.1.1, 203.0.113.7"), from("2.2.2.2, 203.0.113.7, 10.1.2.3")})
	require.Equal(t, []int{200, 200, 429}, []int{from("2001:db8::1"), from("2001:db8::2"), from("2001:db8::ffff:3")}, "one network of IPv6")
	require.Equal(t, 200, from("203.0.113.8"))
	require.Equal(t, 200, from("not an address"), "the proxy's own")

	for _, exempt := range []string{"/health", "/version"} {
		for range 5 {
			require.Equal(t, http.StatusOK, w.do("GET", exempt, "", ines...).Code)
		}
	}
	b.fail = errors.New("away")
	out = w.do("GET", "/applications", "", ines...)
	require.Equal(t, http.StatusOK, out.Code, "nobody is kept out because Redis is away")
	require.Empty(t, out.Header().Get("X-RateLimit-Capacity"))
	require.InDelta(t, 1, metric(t, registry, "gennaker_rate_limit_failures_total"), 0)
	require.Equal(t, 2, testutil.CollectAndCount(registry, "gennaker_rate_limit_decisions_total"))
}

// metric is the value of a metric without labels.
func metric(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	require.FailNow(t, "there is no metric", name)
	return 0
}

func TestRateLimitsAreLearnt(t *testing.T) {
	t.Parallel()
	w, _, _ := limited(t, "learning")
	for i := range 5 {
		out := w.do("GET", "/applications", "")
		require.Equal(t, http.StatusOK, out.Code)
		require.Equal(t, "true", out.Header().Get("X-RateLimit-Learning"))
		require.Equal(t, string(rune('0'+max(1-i, 0))), out.Header().Get("X-RateLimit-Remaining"))
	}
}

func TestRateLimitsAreOff(t *testing.T) {
	t.Parallel()
	w, b, _ := limited(t, "off")
	require.Equal(t, http.StatusOK, w.do("GET", "/applications", "").Code)
	require.Empty(t, b.taken)
}
