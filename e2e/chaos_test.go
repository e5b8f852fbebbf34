package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// form is how long and how hard a chaos run is disturbed.
type form struct {
	// runs is how many executions start, spread over the time of the disturbances and
	// before.
	runs int
	// lead is the time before the first outage, lasts the least time of the
	// disturbances, between the longest pause from one outage to the next.
	lead, lasts, between time.Duration
	// pause is how many seconds waits and outside jobs take; children take twice as
	// long, and people three times to decide. slow is how long outside services may
	// take to answer a call.
	pause int
	slow  time.Duration
	// How long the parts are away. Temporal dies at other times too, and is started
	// again at once.
	store, redis, temporal, gate, front50 time.Duration
	// settle is how long executions may take to end once all parts run.
	settle time.Duration
}

var (
	shortForm = form{
		runs: 60, lead: 8 * time.Second, lasts: 40 * time.Second, between: 2 * time.Second, pause: 4, slow: 2 * time.Second, settle: 90 * time.Second,
		store: 10 * time.Second, redis: 5 * time.Second, temporal: 2 * time.Second, gate: time.Second, front50: time.Second,
	}
	longForm = form{
		runs: 200, lead: 20 * time.Second, lasts: 3 * time.Minute, between: 5 * time.Second, pause: 8, slow: 5 * time.Second, settle: 3 * time.Minute,
		store: time.Minute, redis: 20 * time.Second, temporal: 10 * time.Second, gate: 5 * time.Second, front50: 5 * time.Second,
	}
)

// The environment of a chaos run.
const (
	// chaosRunsVariable asks for the long form with so many executions.
	chaosRunsVariable = "GENNAKER_CHAOS_RUNS"
	// chaosSeedVariable is the seed of the random moments.
	chaosSeedVariable = "GENNAKER_CHAOS_SEED"
)

// chaosForm reads the environment.
func chaosForm(t *testing.T) (form, uint64) {
	t.Helper()
	f, seed := shortForm, rand.Uint64()
	if text := os.Getenv(chaosRunsVariable); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, chaosRunsVariable)
		f = longForm
		f.runs = n
	}
	if text := os.Getenv(chaosSeedVariable); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, chaosSeedVariable)
	}
	return f, seed
}

// TestChaos: executions of all kinds start and run, while workers are killed at
// random moments, and Temporal, Redis, the object store, Gate and Front50 die and
// stay away for a while, also at the same time. Every execution ends as
// specified, every effect happens logically once, and nothing is left running.
//
// What Gate may answer meanwhile is what is specified, or that something does
// not answer: a status of 502 to 504, or no answer at all.
func TestChaos(t *testing.T) {
	f, seed := chaosForm(t)
	t.Logf("%d executions; the random moments are those of %s=%d", f.runs, chaosSeedVariable, seed)
	ctx := within(t, 2*f.lasts+f.settle+2*time.Minute)
	w := newWorld(t, ctx)
	outside := newRecorder(t, f.slow, time.Duration(f.pause)*time.Second)
	saveKinds(t, ctx, w, outside.URL, f.pause)
	calm := make(chan struct{})
	runs := make([]*chaosRun, f.runs)
	want := map[string]bool{}
	for i := range runs {
		r := &chaosRun{w: w, kind: kinds[i%len(kinds)], name: fmt.Sprintf("run%d", i), byHand: i%3 != 0, calm: calm, thinks: 3 * time.Duration(f.pause) * time.Second}
		for _, path := range r.kind.effects {
			want["/"+r.name+"/"+path] = true
		}
		runs[i] = r
	}

	began := time.Now()
	since := func() float64 { return time.Since(began).Seconds() }
	d := &disturbance{w: w, form: f, seed: seed, deaths: map[string]int{}, log: func(format string, args ...any) {
		t.Logf("%6.1fs %s", since(), fmt.Sprintf(format, args...))
	}}
	running, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	ended := startRuns(running, runs, f.lead+f.lasts)
	require.NoError(t, sleep(ctx, f.lead))
	require.NoError(t, awaitLasting(ctx, w, f))
	require.NoError(t, d.run(ctx))
	close(calm)
	t.Logf("%6.1fs all parts run again; killed were %v", since(), d.deaths)
	select {
	case <-ended:
	case <-time.After(f.settle):
		giveUp(fmt.Errorf("it did not happen within %s after all parts ran again", f.settle))
		<-ended
	}
	t.Logf("%6.1fs all executions have ended; %d effects, %d calls made again, %d requests to Gate made again",
		since(), len(want), outside.repeated(), asked(runs))
	showFaults(t, runs, outside.faults(want))
	requireNothingOpen(t, ctx, w)
	requireArchived(t, ctx, w, runs)
	requireStagesThroughout(t, ctx, w, f, began, d.outages)
}
