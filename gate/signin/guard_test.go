package signin

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// wrong refuses every password, and counts them.
type wrong struct{ checks atomic.Int64 }

func (w *wrong) Check(context.Context, string, string) (fiat.Principal, error) {
	w.checks.Add(1)
	return fiat.Principal{}, errWrong()
}

// TestPasswordsAtOnce: as many guesses as are sent at once are no more than those
// that are sent one after another, but for those under way.
func TestPasswordsAtOnce(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Unix(1_700_000_000, 0) }
	passwords := &wrong{}
	s := &SignIn{passwords: passwords, guard: newGuard(nil, now, slog.New(slog.DiscardHandler)), now: now, log: slog.New(slog.DiscardHandler)}
	var wg sync.WaitGroup
	var throttled atomic.Int64
	for range 200 {
		wg.Go(func() {
			_, err := s.check(httptest.NewRequest(http.MethodGet, "/", http.NoBody), "ines", "guess")
			if pipeline.CodeOf(err) == pipeline.CodeThrottled {
				throttled.Add(1)
			}
		})
	}
	wg.Wait()
	require.Less(t, passwords.checks.Load(), int64(2*freeByUser))
	require.Equal(t, int64(200), passwords.checks.Load()+throttled.Load())
	require.Empty(t, s.guard.turns)

	ctx, cancel := context.WithCancel(t.Context())
	for range freeByUser {
		release, err := s.guard.enter(ctx, "x")
		require.NoError(t, err)
		defer release()
	}
	cancel()
	_, err := s.guard.enter(ctx, "x")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	_, err = s.check(httptest.NewRequest(http.MethodGet, "/", http.NoBody), strings.Repeat("x", maxName+1), "guess")
	require.Equal(t, pipeline.CodeUnauthenticated, pipeline.CodeOf(err))
	require.Len(t, s.guard.counts, 2, "the user and the address, and no name that nobody has")
}

// TestNamesThatBecomeOthers in lower case are nobody's.
func TestNamesThatBecomeOthers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"\u212aevin", "\u0130nes"} {
		_, err := named(fiat.Principal{Name: name})
		require.Equal(t, pipeline.CodeUnauthenticated, pipeline.CodeOf(err), name)
	}
	p, err := named(fiat.Principal{Name: "Åsa", Roles: []string{"\u212aeepers", "keepers", "Ärzte"}})
	require.NoError(t, err)
	require.Equal(t, []string{"keepers", "ärzte", "\u212aeepers"}, p.Roles)
}
