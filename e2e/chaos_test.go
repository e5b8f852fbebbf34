package e2e

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// recorder is an outside service that counts what it was asked to do: each
// effect by the key that tells a repetition from a second effect.
type recorder struct {
	*httptest.Server
	mu   sync.Mutex
	keys map[string]map[string]int // by path, then by key
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{keys: map[string]map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body) // what is sent does not matter
		r.mu.Lock()
		if r.keys[req.URL.Path] == nil {
			r.keys[req.URL.Path] = map[string]int{}
		}
		r.keys[req.URL.Path][req.Header.Get("Idempotency-Key")]++
		r.mu.Unlock()
		if strings.HasSuffix(req.URL.Path, "/refused") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(`{"ok":true}`))
	}))
	t.Cleanup(r.Close)
	return r
}

// effects returns how many effects each path had.
func (r *recorder) effects() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]int{}
	for path, keys := range r.keys {
		out[path] = len(keys)
	}
	return out
}

// kinds are the pipelines of the chaos run. HOOK is a URL whose effects are
// counted; {i} makes it the execution's own.
var kinds = []struct {
	name   string
	stages string
	want   pipeline.Status
	// effects are the paths, under the execution's own, that are asked once.
	effects []string
}{
	{"waits", `[
		{"refId":"1","type":"wait","name":"Wait","waitTime":2},
		{"refId":"2","type":"evaluateVariables","name":"Name","requisiteStageRefIds":["1"],"variables":[{"key":"path","value":"${'a' + 'b'}"}]},
		{"refId":"3","type":"webhook","name":"Tell","requisiteStageRefIds":["2"],"method":"POST","url":"HOOK/${path}"},
		{"refId":"4","type":"webhook","name":"Tell beside","method":"POST","url":"HOOK/beside"},
		{"refId":"5","type":"webhook","name":"Tell the end","requisiteStageRefIds":["3","4"],"method":"PUT","url":"HOOK/end"}]`,
		pipeline.Succeeded, []string{"ab", "beside", "end"}},
	{"judgment", `[
		{"refId":"1","type":"webhook","name":"Tell","method":"POST","url":"HOOK/before"},
		{"refId":"2","type":"manualJudgment","name":"Judge","requisiteStageRefIds":["1"]},
		{"refId":"3","type":"webhook","name":"Tell again","requisiteStageRefIds":["2"],"method":"POST","url":"HOOK/after"}]`,
		pipeline.Succeeded, []string{"before", "after"}},
	{"parent", `[
		{"refId":"1","type":"pipeline","name":"Child","application":"APPLICATION","pipeline":"CHILD","pipelineParameters":{"hook":"HOOK"},"waitForCompletion":true},
		{"refId":"2","type":"webhook","name":"Tell","requisiteStageRefIds":["1"],"method":"POST","url":"HOOK/parent"}]`,
		pipeline.Succeeded, []string{"child", "parent"}},
	{"failure", `[
		{"refId":"1","type":"wait","name":"Wait","waitTime":1},
		{"refId":"2","type":"webhook","name":"Fail","requisiteStageRefIds":["1"],"method":"POST","url":"HOOK/refused"},
		{"refId":"3","type":"webhook","name":"Never","requisiteStageRefIds":["2"],"method":"POST","url":"HOOK/never"},
		{"refId":"4","type":"wait","name":"Long","waitTime":3600}]`,
		pipeline.Terminal, []string{"refused"}},
	{"ignored", `[
		{"refId":"1","type":"webhook","name":"Fail","method":"POST","url":"HOOK/refused","continuePipeline":true},
		{"refId":"2","type":"checkPreconditions","name":"Check","requisiteStageRefIds":["1"],"preconditions":[{"type":"expression","failPipeline":true,"context":{"expression":"1 < 2"}}]},
		{"refId":"3","type":"webhook","name":"Tell","requisiteStageRefIds":["2"],"method":"POST","url":"HOOK/on"}]`,
		pipeline.Succeeded, []string{"refused", "on"}},
}

// chaosRuns is how many executions run at once; GENNAKER_CHAOS_RUNS asks for
// more than the short form.
func chaosRuns(t *testing.T) int {
	t.Helper()
	text := os.Getenv("GENNAKER_CHAOS_RUNS")
	if text == "" {
		return 30
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// TestChaos: many executions of all kinds at once, while workers are killed at
// random moments, Temporal is restarted, Redis is gone and the object store is
// down for a while. Every execution ends as specified, every effect happens
// logically once, and nothing is left running.
func TestChaos(t *testing.T) {
	n := chaosRuns(t)
	ctx := within(t, 3*time.Minute+time.Duration(n)*2*time.Second)
	w := newWorld(t, ctx)
	outside := newRecorder(t)
	child, err := w.Gate.Save(ctx, pipeline.Map{"application": w.Application, "name": "child", "spelEvaluator": "v4", "stages": []any{
		map[string]any{"refId": "1", "type": "wait", "name": "Wait", "waitTime": 1},
		map[string]any{"refId": "2", "type": "webhook", "name": "Tell", "requisiteStageRefIds": []any{"1"}, "method": "POST", "url": "${parameters.hook}/child"},
	}})
	require.NoError(t, err)
	for _, k := range kinds {
		text := strings.NewReplacer("HOOK", outside.URL+"/${parameters.run}", "APPLICATION", w.Application, "CHILD", child).Replace(k.stages)
		stages, err := pipeline.DecodeValue([]byte(text))
		require.NoError(t, err)
		_, err = w.Gate.Save(ctx, pipeline.Map{"application": w.Application, "name": k.name, "spelEvaluator": "v4", "stages": stages})
		require.NoError(t, err)
	}
	ids := make([]string, n)
	want := map[string]int{}
	for i := range n {
		k := kinds[i%len(kinds)]
		run := fmt.Sprintf("run%d", i)
		ids[i], err = w.Gate.Start(ctx, w.Application, k.name, pipeline.Map{"type": "manual", "parameters": map[string]any{"run": run}})
		require.NoError(t, err)
		for _, path := range k.effects {
			want["/"+run+"/"+path] = 1
		}
	}
	stop, disturbed := disturb(ctx, t, w)
	var group errgroup.Group
	group.SetLimit(16)
	for i, id := range ids {
		group.Go(func() error { return endsAsSpecified(ctx, w, id, kinds[i%len(kinds)].name, kinds[i%len(kinds)].want) })
	}
	ended := group.Wait()
	stop()
	require.NoError(t, disturbed())
	require.NoError(t, ended)
	require.Equal(t, want, outside.effects())
	requireNothingOpen(t, ctx, w)
}

// endsAsSpecified takes an execution to its end.
func endsAsSpecified(ctx context.Context, w *world, id, kind string, want pipeline.Status) error {
	if kind == "judgment" {
		if err := judged(ctx, w, id); err != nil {
			return err
		}
	}
	e, err := w.Gate.AwaitEnd(ctx, id)
	if err != nil {
		return err
	}
	if e.Status != want {
		return fmt.Errorf("an execution of %s was to end %s: %s", kind, want, harness.Describe(e))
	}
	return nil
}

// judged continues the judgment. What is away is asked again: a judgment that
// took, though its answer was lost, is a conflict then.
func judged(ctx context.Context, w *world, id string) error {
	for {
		e, err := w.Gate.AwaitStage(ctx, id, "Judge", pipeline.Running)
		if err == nil {
			err = w.Gate.Patch(ctx, id, "Judge", pipeline.Map{"judgmentStatus": "continue"})
		}
		if err == nil || e != nil && e.Status.Complete() {
			return nil
		}
		if s, loadErr := w.Gate.Execution(ctx, id); loadErr == nil && (s.Status.Complete() || s.Stages[1].Status.Complete()) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the judgment of %s: %w", id, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// disturb kills and restarts parts of the system until it is stopped, then lets
// all of them run.
func disturb(ctx context.Context, t *testing.T, w *world) (stop func(), failed func() error) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4)) // a fixed seed: what fails once fails again
	enough := make(chan struct{})
	var group errgroup.Group
	pause := func(d time.Duration) bool {
		select {
		case <-enough:
			return false
		case <-ctx.Done():
			return false
		case <-time.After(d):
			return true
		}
	}
	again := func(victim *harness.Server, away time.Duration) error {
		victim.Kill()
		pause(away)
		return victim.Start(ctx)
	}
	group.Go(func() error {
		for pause(time.Duration(500+random.IntN(2000)) * time.Millisecond) {
			if err := again(w.Workers[random.IntN(len(w.Workers))], 100*time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	group.Go(func() error {
		for _, other := range []struct {
			victim *harness.Server
			away   time.Duration
		}{{w.TemporalServer, 0}, {w.Redis, 5 * time.Second}, {w.MinIO, 10 * time.Second}, {w.GateServer, 0}, {w.TemporalServer, 2 * time.Second}} {
			if !pause(3 * time.Second) {
				return nil
			}
			if err := again(other.victim, other.away); err != nil {
				return err
			}
		}
		return nil
	})
	var once sync.Once
	return func() { once.Do(func() { close(enough) }) }, group.Wait
}
