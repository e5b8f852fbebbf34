package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/pipeline"
)

// The shapes that are measured.
const (
	logicStages = 200
	wideStages  = 500
	branches    = 50
	// outputSize is what each stage of the wide pipeline leaves: 30 MB in all.
	outputSize = 30 << 20 / wideStages
	// flood is how many executions run at once.
	flood = 200
)

// chain makes n stages one after another.
func chain(n int, stage func(i int) map[string]any) []any {
	out := make([]any, n)
	for i := range out {
		s := stage(i)
		s["refId"] = strconv.Itoa(i + 1)
		s["name"] = fmt.Sprintf("Stage %d", i+1)
		if i > 0 {
			s["requisiteStageRefIds"] = []any{strconv.Itoa(i)}
		}
		out[i] = s
	}
	return out
}

// variable is a stage that evaluates one expression.
func variable(key, value string) map[string]any {
	return map[string]any{"type": "evaluateVariables", "variables": []any{map[string]any{"key": key, "value": value}}}
}

// engine measures the engine itself: from the request that starts a pipeline to
// the end of its workflow, archived.
func (b *bench) engine(ctx context.Context) error {
	logic := chain(logicStages, func(i int) map[string]any {
		if i%2 == 1 {
			return map[string]any{"type": "checkPreconditions", "preconditions": []any{map[string]any{
				"type": "expression", "context": map[string]any{"expression": fmt.Sprintf("v%d == %d", i, i)}, "failPipeline": true,
			}}}
		}
		return variable(fmt.Sprintf("v%d", i+1), fmt.Sprintf("${%d + 1}", i))
	})
	wide := chain(wideStages, func(i int) map[string]any {
		return variable(fmt.Sprintf("v%d", i), fmt.Sprintf("${'%s'.repeat(%d)}", strconv.Itoa(i+1000), outputSize/4))
	})
	for i, s := range wide {
		requisites := []any{}
		if i >= branches {
			requisites = append(requisites, strconv.Itoa(i-branches+1))
		}
		pipeline.AsMap(s)["requisiteStageRefIds"] = requisites
	}
	for name, stages := range map[string][]any{"logic": logic, "wide": wide} {
		if _, err := b.Gate.Save(ctx, pipeline.Map{"application": application, "name": name, "spelEvaluator": "v4", "stages": stages}); err != nil {
			return err
		}
	}
	if err := b.calls(ctx); err != nil {
		return err
	}
	runs := max(b.runs/2, 3)
	times, err := repeat(runs, func() (float64, error) {
		took, _, err := b.ended(ctx, "logic")
		return took, err
	})
	if err != nil {
		return err
	}
	b.rows = append(b.rows,
		series(fmt.Sprintf("pipeline of %d logic stages until its workflow has ended", logicStages), "ms", times).against(b.reference.one).within(2))
	return b.wide(ctx)
}

// calls measures pipelines of outside calls: with a task of their own, as webhooks
// are made, and inside the workflow's task, as expressions fetch.
func (b *bench) calls(ctx context.Context) error {
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer outside.Close()
	hooks := chain(steps, func(int) map[string]any {
		return map[string]any{"type": "webhook", "method": "POST", "url": outside.URL, "payload": map[string]any{"a": 1}}
	})
	lookups := chain(steps, func(i int) map[string]any {
		return variable(fmt.Sprintf("v%d", i), "${#pipelineIdOrNull('waits')}")
	})
	for name, stages := range map[string][]any{"hooks": hooks, "lookups": lookups} {
		if _, err := b.Gate.Save(ctx, pipeline.Map{"application": application, "name": name, "spelEvaluator": "v4", "stages": stages}); err != nil {
			return err
		}
	}
	for _, one := range []struct {
		name, what string
		target     float64
	}{
		{"hooks", "pipeline of 10 webhooks, each an activity, until its workflow has ended", 1.15},
		{"lookups", "pipeline of 10 lookups, each a local activity, until its workflow has ended", 0},
	} {
		times, err := repeat(b.runs, func() (float64, error) {
			took, _, err := b.ended(ctx, one.name)
			return took, err
		})
		if err != nil {
			return err
		}
		b.rows = append(b.rows, series(one.what, "ms", times).against(b.reference.tenByOne).within(one.target))
	}
	return b.flood(ctx)
}

// flood measures many executions at once, beside as many bare workflows.
func (b *bench) flood(ctx context.Context) error {
	w, err := b.bareWorker()
	if err != nil {
		return err
	}
	defer w.Stop()
	bare, err := atOnceOf(flood, func() error { _, err := b.runBare(ctx, sequence); return err })
	if err != nil {
		return err
	}
	took, err := atOnceOf(flood, func() error { _, _, err := b.ended(ctx, "hooks"); return err })
	if err != nil {
		return err
	}
	b.rows = append(b.rows,
		series(fmt.Sprintf("bare Temporal: %d workflows of 10 activities at once", flood), "ms", []float64{bare}),
		series(fmt.Sprintf("%d executions of 10 webhooks at once", flood), "ms", []float64{took}).against(bare).within(1/0.85))
	return nil
}

// atOnceOf does something n times at once and returns the milliseconds until all
// are done.
func atOnceOf(n int, do func() error) (float64, error) {
	began := time.Now()
	var group errgroup.Group
	for range n {
		group.Go(do)
	}
	err := group.Wait()
	return millis(time.Since(began)), err
}

// ended starts a pipeline and returns the milliseconds until its workflow has
// ended.
func (b *bench) ended(ctx context.Context, name string) (float64, string, error) {
	began := time.Now()
	id, err := b.Gate.Start(ctx, application, name, nil)
	if err != nil {
		return 0, "", err
	}
	if err := b.Temporal.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
		return 0, id, err
	}
	return millis(time.Since(began)), id, nil
}

// wide measures a pipeline of many stages with large outputs: its time, its
// history, and one read of it.
func (b *bench) wide(ctx context.Context) error {
	took, id, err := b.ended(ctx, "wide")
	if err != nil {
		return err
	}
	described, err := b.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return err
	}
	info := described.GetWorkflowExecutionInfo()
	var read []float64
	size := 0
	for range max(b.runs/4, 3) {
		began := time.Now()
		answer, err := b.Gate.Do(ctx, http.MethodGet, "/pipelines/"+id, nil)
		if err != nil {
			return err
		}
		read, size = append(read, millis(time.Since(began))), len(answer.Body)
		if answer.Status != http.StatusOK || size < wideStages*outputSize {
			return fmt.Errorf("the answer to the read of %s is %d with %d bytes", id, answer.Status, size)
		}
	}
	what := fmt.Sprintf("%d stages in %d branches, %.0f MB of outputs: ", wideStages, branches, float64(size)/mega)
	b.rows = append(b.rows,
		series(what+"until the workflow has ended", "ms", []float64{took}),
		series(what+"history", "MB", []float64{float64(info.GetHistorySizeBytes()) / mega}).within(10),
		series(what+"history", "events", []float64{float64(info.GetHistoryLength())}).within(20_000),
		series(what+"one GET of it", "ms", read).within(200),
	)
	return nil
}
