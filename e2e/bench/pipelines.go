package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// application is the one that all measured pipelines belong to.
const application = "bench"

// pipelines measures pipelines of logic alone, as a person sees them: from the
// request that starts one to the event that shows it.
func (b *bench) pipelines(ctx context.Context) error {
	waits := make([]any, steps)
	for i := range waits {
		stage := map[string]any{"refId": strconv.Itoa(i + 1), "type": "wait", "name": fmt.Sprintf("Wait %d", i+1), "waitTime": 0}
		if i > 0 {
			stage["requisiteStageRefIds"] = []any{strconv.Itoa(i)}
		}
		waits[i] = stage
	}
	judgment := []any{map[string]any{"refId": "1", "type": "manualJudgment", "name": "Judge"}}
	for name, stages := range map[string][]any{"judgment": judgment, "waits": waits} {
		if _, err := b.Gate.Save(ctx, pipeline.Map{"application": application, "name": name, "stages": stages}); err != nil {
			return err
		}
	}
	watcher := b.Gate.FollowApplication(ctx, application)
	defer watcher.Close()
	if err := watcher.Open(ctx); err != nil {
		return err
	}
	firstStage, err := repeat(b.runs, func() (float64, error) {
		took, id, err := b.until(ctx, watcher, "judgment", func(e *pipeline.Execution) bool {
			return e.Stages[0].Status == pipeline.Running
		})
		if err != nil {
			return 0, err
		}
		return took, b.Gate.Cancel(ctx, id, "measured")
	})
	if err != nil {
		return err
	}
	ended := func(e *pipeline.Execution) bool { return e.Status.Complete() }
	ten, err := repeat(b.runs, func() (float64, error) {
		took, _, err := b.until(ctx, watcher, "waits", ended)
		return took, err
	})
	if err != nil {
		return err
	}
	crowded, err := together(func() (float64, error) {
		took, _, err := b.until(ctx, watcher, "waits", ended)
		return took, err
	})
	if err != nil {
		return err
	}
	b.rows = append(b.rows,
		series("trigger until the first stage is seen RUNNING", "ms", firstStage).against(b.reference.roundTrip).within(3),
		series("pipeline of 10 wait stages until its end is seen, 1 client", "ms", ten).against(b.reference.tenByOne),
		series("pipeline of 10 wait stages until its end is seen, 20 clients", "ms", crowded).against(b.reference.tenByCrowd),
	)
	return nil
}

// until starts a pipeline and returns the milliseconds until an event shows
// that the condition holds.
func (b *bench) until(ctx context.Context, watcher *harness.Follower, name string, condition func(*pipeline.Execution) bool) (float64, string, error) {
	began := time.Now()
	id, err := b.Gate.Start(ctx, application, name, nil)
	if err != nil {
		return 0, "", err
	}
	at, err := watcher.When(ctx, id, condition)
	return millis(at.Sub(began)), id, err
}
