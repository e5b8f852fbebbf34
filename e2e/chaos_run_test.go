package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// chaosRun is one execution of the chaos run with the person who started it.
type chaosRun struct {
	w    *world
	kind kind
	// name tells its effects from those of others.
	name string
	// byHand starts it without a correlation ID, as people do; clients that ask
	// again by themselves give one.
	byHand bool
	// calm is closed when all parts run again for good.
	calm <-chan struct{}
	// thinks is the time that the person takes for a decision.
	thinks time.Duration

	id string
	// last is what was seen last, again is how many requests had to be repeated
	// because something was away, and fault is what was not as specified.
	last  *pipeline.Execution
	again int
	fault error
}

// startRuns starts the executions one after another, spread over a time. The
// channel is closed when all have ended.
func startRuns(ctx context.Context, runs []*chaosRun, spread time.Duration) <-chan struct{} {
	var all sync.WaitGroup
	for i, r := range runs {
		all.Go(func() {
			if r.fault = sleep(ctx, spread*time.Duration(i)/time.Duration(len(runs))); r.fault == nil {
				r.fault = r.run(ctx)
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	return ended
}

// run takes the execution from its start to its end.
func (r *chaosRun) run(ctx context.Context) error {
	err := r.start(ctx)
	if err == nil && r.kind.decide != "" {
		err = r.decide(ctx)
	}
	if err == nil {
		err = r.until(ctx, "its end", func() (bool, error) {
			return r.look(ctx, func(e *pipeline.Execution) bool { return e.Status.Complete() })
		})
	}
	if err == nil && r.last.Status != r.kind.want {
		err = fmt.Errorf("it was to end %s", r.kind.want)
	}
	return err
}

// start starts the execution once, though answers get lost.
func (r *chaosRun) start(ctx context.Context) error {
	trigger := pipeline.Map{"type": "manual", "parameters": map[string]any{"run": r.name}}
	if !r.byHand {
		trigger["correlationId"] = r.w.Application + "." + r.name
	}
	doubtful := false
	return r.until(ctx, "its start", func() (bool, error) {
		var err error
		if doubtful {
			if r.id, err = r.find(ctx); err != nil || r.id != "" {
				return err == nil, err
			}
		}
		r.id, err = r.w.Gate.Start(ctx, r.w.Application, r.kind.name, trigger)
		if err != nil && r.byHand && isAway(err) && !errors.Is(err, syscall.ECONNREFUSED) {
			// It may run or not. When all parts run again the list tells.
			doubtful = true
			select {
			case <-r.calm:
			case <-ctx.Done():
			}
		}
		return err == nil, err
	})
}

// find returns the ID of the execution when it was started already, else nothing.
func (r *chaosRun) find(ctx context.Context) (string, error) {
	list, err := listed(ctx, r.w, 1000)
	for _, e := range list {
		if e.Name == r.kind.name && e.Trigger.Parameters["run"] == r.name {
			return e.ID, nil
		}
	}
	return "", err
}

// decide judges or cancels once the stage of the decision runs.
func (r *chaosRun) decide(ctx context.Context) error {
	stage := "Judge"
	if r.kind.decide == cancel {
		stage = "Endless"
	}
	err := r.until(ctx, "stage "+stage+" running", func() (bool, error) {
		return r.look(ctx, func(e *pipeline.Execution) bool {
			return harness.StageNamed(e, stage).Status == pipeline.Running || e.Status.Complete()
		})
	})
	if err == nil && !r.last.Status.Complete() {
		err = sleep(ctx, r.thinks)
	}
	if err != nil {
		return err
	}
	return r.until(ctx, "its "+r.kind.decide, func() (bool, error) {
		var err error
		if r.kind.decide == cancel {
			err = r.w.Gate.Cancel(ctx, r.id, "enough")
		} else {
			err = r.w.Gate.Patch(ctx, r.id, stage, pipeline.Map{"judgmentStatus": r.kind.decide})
		}
		var refusal *harness.Refusal
		if !errors.As(err, &refusal) || refusal.Answer.Status != http.StatusConflict {
			return err == nil, err
		}
		// What took, though its answer was lost, is a conflict now.
		taken, lookErr := r.look(ctx, func(e *pipeline.Execution) bool {
			return e.Status.Complete() || e.Canceled || harness.StageNamed(e, stage).Status.Complete() || harness.StageNamed(e, stage).Context["judgmentStatus"] != nil
		})
		if lookErr != nil || taken {
			return taken, lookErr
		}
		return false, err
	})
}

// look reads the execution and tells whether the condition holds.
func (r *chaosRun) look(ctx context.Context, condition func(*pipeline.Execution) bool) (bool, error) {
	e, err := r.w.Gate.Execution(ctx, r.id)
	if err != nil {
		return false, err
	}
	if r.last != nil && r.last.Status.Complete() && e.Status != r.last.Status {
		return false, fmt.Errorf("it had ended %s and is %s", r.last.Status, e.Status)
	}
	r.last = e
	return condition(e), nil
}

// until asks again until it is done; only what is away may fail meanwhile. As
// clients do, it asks more and more rarely while something is away.
func (r *chaosRun) until(ctx context.Context, what string, ask func() (bool, error)) error {
	const often, rarely = 500 * time.Millisecond, 4 * time.Second
	for pause := often; ; {
		done, err := ask()
		switch {
		case done:
			return nil
		case err != nil && ctx.Err() == nil && !isAway(err):
			return fmt.Errorf("%s: %w", what, err)
		case err != nil:
			r.again++
			pause = min(2*pause, rarely)
		default:
			pause = often
		}
		if sleep(ctx, pause) != nil {
			return errors.Join(fmt.Errorf("%s: %w", what, context.Cause(ctx)), err)
		}
	}
}

// isAway reports whether an error is what may be met while parts are away: no
// answer, or one that says that something does not answer.
func isAway(err error) bool {
	var refusal *harness.Refusal
	if errors.As(err, &refusal) {
		switch refusal.Answer.Status {
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	var unanswered *url.Error
	return errors.As(err, &unanswered) || errors.Is(err, io.ErrUnexpectedEOF)
}

// asked is how many requests were made again.
func asked(runs []*chaosRun) int {
	n := 0
	for _, r := range runs {
		n += r.again
	}
	return n
}

// showFaults shows each execution that did not end as specified and each effect
// that was not as wanted, and ends the test when there are any.
func showFaults(t *testing.T, runs []*chaosRun, effects []string) {
	t.Helper()
	failed := 0
	for _, r := range runs {
		if r.fault != nil {
			failed++
			t.Logf("%s, execution %s of %s: %s\nit was last seen as %s", r.name, r.id, r.kind.name, r.fault, harness.Describe(r.last))
		}
	}
	for _, line := range effects {
		t.Log(line)
	}
	require.Zero(t, failed+len(effects), "%d of %d executions did not end as specified, %d effects were not as wanted", failed, len(runs), len(effects))
}

// requireArchived checks the list of the application when only the archive can
// answer: every execution is there once, as it ended, children too.
func requireArchived(t *testing.T, ctx context.Context, w *world, runs []*chaosRun) {
	t.Helper()
	w.Redis.Kill()
	restart(t, ctx, w.Redis)
	want := map[string]int{}
	for _, r := range runs {
		want[r.kind.name+" "+string(r.kind.want)]++
		for _, child := range children {
			if childOf[r.kind.name] == child.name {
				want[child.name+" "+string(child.want)]++
			}
		}
	}
	list, err := listed(ctx, w, len(runs))
	require.NoError(t, err)
	have := map[string]int{}
	statuses := map[string]pipeline.Status{}
	for _, e := range list {
		require.NotContains(t, statuses, e.ID, "listed twice")
		statuses[e.ID] = e.Status
		have[e.Name+" "+string(e.Status)]++
	}
	for _, r := range runs {
		require.Equal(t, r.kind.want, statuses[r.id], "%s, execution %s, in the list", r.name, r.id)
	}
	require.Equal(t, want, have, "executions by pipeline and status")
}

// listed returns all executions of the application's pipelines, if there are no
// more than the limit of each.
func listed(ctx context.Context, w *world, limit int) ([]*pipeline.Execution, error) {
	var list []*pipeline.Execution
	path := fmt.Sprintf("/applications/%s/pipelines?limit=%d", url.PathEscape(w.Application), limit)
	err := w.Gate.Call(ctx, http.MethodGet, path, nil, &list)
	return list, err
}
