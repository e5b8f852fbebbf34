package e2e

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// crashPatience bounds one crash test. A lost worker is noticed after 20
	// seconds without a heartbeat.
	crashPatience = 2 * time.Minute
	eventually    = 30 * time.Second
	moment        = 50 * time.Millisecond
)

// The tests of this file kill what all tests share, so they run one at a time
// and leave everything running again.

// restart starts killed processes again and waits until each works.
func restart(t *testing.T, ctx context.Context, servers ...*harness.Server) {
	t.Helper()
	group, inner := errgroup.WithContext(ctx)
	for _, s := range servers {
		group.Go(func() error { return s.Start(inner) })
	}
	require.NoError(t, group.Wait())
}

// killed kills processes, and at the end of the test starts those that it left
// dead, so that one failure does not spoil the next test.
func killed(t *testing.T, servers ...*harness.Server) {
	t.Helper()
	for _, s := range servers {
		s.Kill()
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			require.NoError(t, s.Start(ctx))
		})
	}
}

// TestWorkersKilled: all workers die at once, in the middle of a deployment, a
// stability watch, waits, a judgment, a Job and a child pipeline.
func TestWorkersKilled(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	killed(t, w.Workers...)
	requireRunning(t, ctx, runs)
	for _, r := range runs {
		if r.hold != nil {
			r.hold.Release()
		}
	}
	restart(t, ctx, w.Workers...)
	release(t, ctx, runs)
	requireEnds(t, ctx, runs)
}

// TestOneOfTwoWorkersKilled: one worker dies and stays dead; the other takes
// over what it was doing.
func TestOneOfTwoWorkersKilled(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	require.Len(t, w.Workers, 2)
	killed(t, w.Workers[0])
	release(t, ctx, runs)
	requireEnds(t, ctx, runs)
}

// TestWorkersStopped: workers that are told to end give their work back at
// once; no heartbeat has to be missed.
func TestWorkersStopped(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	for _, worker := range w.Workers {
		worker.Stop()
		require.NoError(t, worker.Start(ctx))
	}
	release(t, ctx, runs)
	requireEnds(t, ctx, runs)
}

// TestRedisKilled: Redis dies and comes back empty. While it is away the API
// answers and judgments are taken; then the lists are whole again.
func TestRedisKilled(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	killed(t, w.Redis)
	requireRunning(t, ctx, runs)
	for _, r := range runs {
		if r.name == "judgment" || r.name == "long-wait" {
			require.NoError(t, r.release(ctx, r), "%s, while Redis is away", r.name)
			e, err := r.Gate.AwaitEnd(ctx, r.id)
			require.NoError(t, err)
			require.Equal(t, pipeline.Succeeded, e.Status)
		}
	}
	restart(t, ctx, w.Redis)
	requireRunning(t, ctx, without(runs, "judgment", "long-wait"))
	release(t, ctx, without(runs, "judgment", "long-wait"))
	requireEnds(t, ctx, runs)

	// What ended is not lost with Redis either: the archive has it.
	w.Redis.Kill()
	restart(t, ctx, w.Redis)
	requireListed(t, ctx, runs)
	for _, r := range runs {
		e, err := r.Gate.Execution(ctx, r.id)
		require.NoError(t, err)
		require.Equal(t, pipeline.Succeeded, e.Status, r.name)
	}
}

// TestRedisHangs: Redis accepts connections and answers nothing. The API slows
// down and stays right.
func TestRedisHangs(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	require.NoError(t, w.Redis.Pause())
	t.Cleanup(func() { _ = w.Redis.Resume() })
	requireRunning(t, ctx, runs)
	release(t, ctx, runs)
	for _, r := range runs {
		e, err := r.Gate.AwaitEnd(ctx, r.id)
		require.NoError(t, err)
		require.Equal(t, pipeline.Succeeded, e.Status, r.name)
	}
	require.NoError(t, w.Redis.Resume())
	requireEnds(t, ctx, runs)
}

// TestTemporalKilled: the Temporal server dies in the middle of everything.
// Nothing can be started or judged while it is away, and Gate says so; what was
// known is still shown.
func TestTemporalKilled(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	killed(t, w.TemporalServer)
	requireRunning(t, ctx, runs)
	began := time.Now()
	var refusals [2]error
	var group errgroup.Group
	group.Go(func() error {
		_, refusals[0] = w.Gate.Start(ctx, w.Application, "judgment", nil)
		return nil
	})
	group.Go(func() error {
		refusals[1] = w.Gate.Patch(ctx, runOf(t, runs, "judgment").id, "Judge", pipeline.Map{"judgmentStatus": "continue"})
		return nil
	})
	require.NoError(t, group.Wait())
	for _, err := range refusals {
		var refusal *harness.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, http.StatusServiceUnavailable, refusal.Answer.Status, refusal.Answer.Message())
		require.Contains(t, refusal.Answer.Message(), "Temporal")
	}
	require.Less(t, time.Since(began), 15*time.Second, "people wait for these answers")
	restart(t, ctx, w.TemporalServer)
	requireRunning(t, ctx, runs)
	release(t, ctx, runs)
	requireEnds(t, ctx, runs)
}

// TestWorkersStartBeforeTemporal: after a power cut the workers are back before
// Temporal is. They wait for it and then do their work.
func TestWorkersStartBeforeTemporal(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	killed(t, append(slices.Clone(w.Workers), w.TemporalServer)...)
	read := func(s *harness.Server) string {
		log, err := os.ReadFile(s.Log())
		require.NoError(t, err)
		return string(log)
	}
	for _, worker := range w.Workers {
		before := len(read(worker))
		require.NoError(t, worker.Launch())
		require.Eventually(t, func() bool {
			return strings.Contains(read(worker)[before:], "the task queue cannot be polled yet")
		}, time.Minute, 20*time.Millisecond)
	}
	restart(t, ctx, w.TemporalServer)
	for _, worker := range w.Workers {
		require.NoError(t, worker.Ready(ctx))
	}
	requireRunning(t, ctx, runs)
	release(t, ctx, runs)
	requireEnds(t, ctx, runs)
}

// TestMinIOKilled: MinIO dies in the middle of everything and comes back before
// the executions end.
func TestMinIOKilled(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	killed(t, w.MinIO)
	requireRunning(t, ctx, runs)
	restart(t, ctx, w.MinIO)
	release(t, ctx, runs)
	requireEnds(t, ctx, runs)
}

// TestMinIOAwayWhileArchiving: executions end while MinIO is away. People see
// the end at once; the archive gets it when MinIO is back.
func TestMinIOAwayWhileArchiving(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx, "judgment", "running-job", "long-wait")
	w := runs[0].world
	killed(t, w.MinIO)
	release(t, ctx, runs)
	for _, r := range runs {
		e, err := r.Gate.AwaitEnd(ctx, r.id)
		require.NoError(t, err)
		require.Equal(t, pipeline.Succeeded, e.Status, r.name)
	}
	restart(t, ctx, w.MinIO)
	requireEnds(t, ctx, runs)
	// Only the archive can answer after this.
	w.Redis.Kill()
	restart(t, ctx, w.Redis)
	requireListed(t, ctx, runs)
}

// TestGateKilled: Gate dies; executions do not notice, and browsers find the
// present state when they connect again.
func TestGateKilled(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	killed(t, w.GateServer)
	for _, r := range runs {
		// What needs no Gate goes on without it.
		if r.name == "between-manifests" || r.name == "stability-watch" || r.name == "running-job" {
			require.NoError(t, r.release(ctx, r))
		}
	}
	restart(t, ctx, w.GateServer)
	release(t, ctx, without(runs, "between-manifests", "stability-watch", "running-job"))
	requireEnds(t, ctx, runs)
	for _, r := range runs {
		require.GreaterOrEqual(t, r.follower.Connects(), 2, r.name)
	}
}

// TestFront50Killed: Front50 dies; running executions do not need it, and a
// stage that does tries again until it is back.
func TestFront50Killed(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx, "judgment", "late-parent")
	w := runs[0].world
	killed(t, w.Front50)
	release(t, ctx, runs)
	asking := runOf(t, runs, "late-parent")
	_, err := asking.Gate.Await(ctx, asking.id, "a failed attempt", func(e *pipeline.Execution) bool {
		return len(harness.StageNamed(e, "Child").Context.List("attempts")) > 0
	})
	require.NoError(t, err)
	restart(t, ctx, w.Front50)
	requireEnds(t, ctx, runs)
}

// TestKubernetesAway: the API server dies. Running stages wait for it, a stage
// that needs it tries again and shows each attempt; all succeed when it is back.
func TestKubernetesAway(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	killed(t, w.APIServer)
	// The deployment after this judgment begins while there is no API server.
	judged := runOf(t, runs, "judgment")
	require.NoError(t, judged.release(ctx, judged))
	_, err := w.Gate.Await(ctx, judged.id, "two failed attempts", func(e *pipeline.Execution) bool {
		return len(harness.StageNamed(e, "After").Context.List("attempts")) >= 2
	})
	require.NoError(t, err)
	requireRunning(t, ctx, runs)
	restart(t, ctx, w.APIServer)
	release(t, ctx, without(runs, "judgment"))
	requireEnds(t, ctx, runs)

	e, err := w.Gate.Execution(ctx, judged.id)
	require.NoError(t, err)
	attempts := harness.StageNamed(e, "After").Context.List("attempts")
	for i, one := range attempts {
		attempt := pipeline.AsMap(one)
		require.EqualValues(t, i+1, attempt["attempt"])
		require.Equal(t, "deployManifest", attempt["task"])
		require.Contains(t, attempt["error"], "does not answer")
	}
	require.NotContains(t, pipeline.AsMap(attempts[len(attempts)-1]), "nextRetryTime", "nothing is left to try")
}

// TestEverythingKilled: the machine loses power; only disks are left.
func TestEverythingKilled(t *testing.T) {
	ctx := within(t, crashPatience)
	runs := startVictims(t, ctx)
	w := runs[0].world
	killed(t, append(w.Workers, w.GateServer, w.Front50, w.TemporalServer, w.MinIO, w.Redis)...)
	for _, r := range runs {
		if r.hold != nil {
			r.hold.Release()
		}
	}
	restart(t, ctx, w.TemporalServer, w.MinIO, w.Redis)
	restart(t, ctx, w.Front50)
	restart(t, ctx, append(w.Workers, w.GateServer)...)
	requireRunning(t, ctx, runs)
	release(t, ctx, runs)
	requireEnds(t, ctx, runs)
}

// without leaves named victims out.
func without(runs []*run, names ...string) []*run {
	var out []*run
	for _, r := range runs {
		if !slices.Contains(names, r.name) {
			out = append(out, r)
		}
	}
	return out
}

func runOf(t *testing.T, runs []*run, name string) *run {
	t.Helper()
	for _, r := range runs {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("no victim %s", name)
	return nil
}
