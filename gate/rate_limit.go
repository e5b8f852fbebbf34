package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gennaker/gennaker/internal/ratelimit"
	"github.com/gennaker/gennaker/pipeline"
)

// RateLimiter keeps a bucket of tokens for each key, which all Gates share. An
// error lets the request pass.
type RateLimiter interface {
	Take(ctx context.Context, key string, rate float64, burst int) (ratelimit.Taken, error)
}

// Modes of rate limits (reference: gate section 1; Spinnaker's own learning mode).
const (
	rateLimitOff      = "off"
	rateLimitLearning = "learning"
	rateLimitOn       = "on"
)

// exemptFromLimits reports whether a route is never refused: probes must learn how
// Gate is while it is busy, and streams have a bound of their own.
func (rt *route) exemptFromLimits() bool {
	return rt.Stream || rt.Path == "/health" || rt.Path == "/version"
}

// limit takes a token for the caller: a user has a bucket of his own, wherever he
// calls from, and who is nobody shares that of the address. It sets Spinnaker's
// headers and refuses with throttled.
func (s *Server) limit(r *request) error {
	if s.limits == nil || s.config.RateLimit == rateLimitOff || r.route.exemptFromLimits() {
		return nil
	}
	key, rate, burst := "user:"+digest(r.caller.User), s.config.RateLimitPerSecond, s.config.RateLimitBurst
	if r.caller.User == anonymous {
		key, rate, burst = "address:"+s.address(r.Request), s.config.RateLimitAnonymousPerSecond, s.config.RateLimitAnonymousBurst
	}
	taken, err := s.limits.Take(r.ctx(), key, rate, burst)
	if err != nil {
		// Redis may be lost at any moment, and nobody is kept out for that.
		s.metrics.limitFailures.Inc()
		s.log.DebugContext(r.ctx(), "a request is not counted against its rate limit", "error", err, "request", r.id)
		return nil
	}
	learning := s.config.RateLimit == rateLimitLearning
	h := r.Writer.Header()
	h.Set("X-RateLimit-Capacity", strconv.Itoa(burst))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(taken.Remaining))
	h.Set("X-RateLimit-Reset", s.now().Add(taken.Full).UTC().Format(http.TimeFormat))
	h.Set("X-RateLimit-Learning", strconv.FormatBool(learning))
	switch {
	case taken.OK:
		s.metrics.limitDecisions.WithLabelValues("allowed").Inc()
		return nil
	case learning:
		s.metrics.limitDecisions.WithLabelValues("would_refuse").Inc()
		s.log.InfoContext(r.ctx(), "a request is over its rate limit and passes, since limits are being learnt", "user", r.caller.User, "request", r.id)
		return nil
	}
	s.metrics.limitDecisions.WithLabelValues("refused").Inc()
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(max(taken.Next, time.Second).Seconds()))))
	return pipeline.Errorf(pipeline.CodeThrottled, "You send more than %s requests a second: try again in %s.",
		strconv.FormatFloat(rate, 'f', -1, 64), taken.Next.Round(time.Millisecond))
}

// digest keeps names out of Redis's keys, and their length in bounds.
func digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// validateLimits reports settings of rate limits that cannot be used.
func (c Config) validateLimits() []error {
	var faults []error
	switch c.RateLimit {
	case rateLimitOff, rateLimitLearning, rateLimitOn:
	default:
		faults = append(faults, fmt.Errorf("rate-limit is %q: use %s, %s or %s", c.RateLimit, rateLimitOff, rateLimitLearning, rateLimitOn))
	}
	for name, v := range map[string]float64{
		"rate-limit-per-second": c.RateLimitPerSecond, "rate-limit-anonymous-per-second": c.RateLimitAnonymousPerSecond,
	} {
		if math.IsNaN(v) || v < 0.001 || v > 1e6 {
			faults = append(faults, fmt.Errorf("%s is %v: use 0.001 to 1000000", name, v))
		}
	}
	return faults
}
