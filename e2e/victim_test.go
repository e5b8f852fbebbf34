package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// victim is a pipeline that a fault meets at a chosen point.
type victim struct {
	// name is the file in testdata/victims and the pipeline's name.
	name string
	// ready prepares the point, before the start.
	ready func(r *run)
	// reached returns when the execution is at its point.
	reached func(ctx context.Context, r *run) error
	// release lets it go on, through Gate or in the cluster.
	release func(ctx context.Context, r *run) error
	// want are the statuses of all stages at the end.
	want map[string]pipeline.Status
	// changes is what the product may have changed in the cluster for it: each
	// object once.
	changes []string
	// pods is how many pods have run for it, by the prefix of their names.
	pods map[string]int
}

// victims are one pipeline for each thing that a fault may interrupt. Each goes
// on when the test lets it, so the fault is sure to meet it in the middle.
func victims() []victim {
	const ok = pipeline.Succeeded
	return []victim{
		{
			name:    "between-manifests",
			want:    map[string]pipeline.Status{"Deploy": ok, "After": ok},
			changes: []string{"create configmaps/first-v000", "create configmaps/second-v000", "create deployments/third", "create configmaps/after-v000"},
			pods:    map[string]int{"third-": 1},
			ready:   func(r *run) { r.hold = r.Cluster.HoldRequest(r.Namespace, "second-v000") },
			reached: func(ctx context.Context, r *run) error {
				if err := r.awaitHold(ctx); err != nil {
					return err
				}
				return r.remember(ctx, "v1", "ConfigMap", "first-v000")
			},
			release: func(_ context.Context, r *run) error { r.hold.Release(); return nil },
		},
		{
			// The second manifest is in the cluster, and nobody has been told.
			name:    "answer-lost",
			want:    map[string]pipeline.Status{"Deploy": ok, "After": ok},
			changes: []string{"create configmaps/one-v000", "create configmaps/two-v000", "create deployments/three", "create configmaps/known-v000"},
			pods:    map[string]int{"three-": 1},
			ready:   func(r *run) { r.hold = r.Cluster.HoldAnswer(r.Namespace, "two-v000") },
			reached: func(ctx context.Context, r *run) error {
				if err := r.awaitHold(ctx); err != nil {
					return err
				}
				return r.remember(ctx, "v1", "ConfigMap", "two-v000")
			},
			release: func(_ context.Context, r *run) error { r.hold.Release(); return nil },
		},
		{
			// So is this Job, which must not be made a second time.
			name:    "job-answer-lost",
			want:    map[string]pipeline.Status{"Test": ok, "After": ok},
			changes: []string{"create jobs/short", "create configmaps/made-v000"},
			pods:    map[string]int{"short-": 1},
			ready:   func(r *run) { r.hold = r.Cluster.HoldAnswer(r.Namespace, "short") },
			reached: func(ctx context.Context, r *run) error {
				if err := r.awaitHold(ctx); err != nil {
					return err
				}
				return r.remember(ctx, "batch/v1", "Job", "short")
			},
			release: func(_ context.Context, r *run) error { r.hold.Release(); return nil },
		},
		{
			name:    "stability-watch",
			want:    map[string]pipeline.Status{"Deploy": ok, "After": ok},
			changes: []string{"create deployments/slow", "create configmaps/slow-after-v000"},
			pods:    map[string]int{"slow-": 2},
			reached: func(ctx context.Context, r *run) error {
				if _, err := r.Gate.AwaitTask(ctx, r.id, "Deploy", "waitForManifestToStabilize"); err != nil {
					return err
				}
				return r.awaitPods(ctx, "slow-", 2)
			},
			release: func(ctx context.Context, r *run) error { return r.Cluster.MakeReady(ctx, r.Namespace, "slow-") },
		},
		{
			// Nobody touches this one: its timer runs out while the fault lasts,
			// or soon after.
			name:    "short-wait",
			want:    map[string]pipeline.Status{"Pause": ok, "After": ok},
			changes: []string{"create configmaps/paused-v000"},
			reached: func(ctx context.Context, r *run) error {
				_, err := r.Gate.AwaitStage(ctx, r.id, "Pause", pipeline.Running)
				return err
			},
			release: func(context.Context, *run) error { return nil },
		},
		{
			name:    "long-wait",
			want:    map[string]pipeline.Status{"Pause": ok, "After": ok},
			changes: []string{"create configmaps/skipped-v000"},
			reached: func(ctx context.Context, r *run) error {
				_, err := r.Gate.AwaitStage(ctx, r.id, "Pause", pipeline.Running)
				return err
			},
			release: func(ctx context.Context, r *run) error {
				return r.Gate.Patch(ctx, r.id, "Pause", pipeline.Map{"skipRemainingWait": true})
			},
		},
		{
			name:    "judgment",
			want:    map[string]pipeline.Status{"Judge": ok, "After": ok},
			changes: []string{"create configmaps/judged-v000"},
			reached: func(ctx context.Context, r *run) error {
				_, err := r.Gate.AwaitStage(ctx, r.id, "Judge", pipeline.Running)
				return err
			},
			release: func(ctx context.Context, r *run) error {
				return r.Gate.Patch(ctx, r.id, "Judge", pipeline.Map{"judgmentStatus": "continue"})
			},
		},
		{
			name:    "running-job",
			want:    map[string]pipeline.Status{"Test": ok, "After": ok},
			changes: []string{"create jobs/long", "create configmaps/tested-v000"},
			pods:    map[string]int{"long-": 1},
			reached: func(ctx context.Context, r *run) error {
				if _, err := r.Gate.AwaitTask(ctx, r.id, "Test", "waitOnJobCompletion"); err != nil {
					return err
				}
				if err := r.awaitPods(ctx, "long-", 1); err != nil {
					return err
				}
				return r.remember(ctx, "batch/v1", "Job", "long")
			},
			release: func(ctx context.Context, r *run) error { return r.Cluster.Finish(ctx, r.Namespace, "long-") },
		},
		{
			// It reads the child's configuration only after the release.
			name:    "late-parent",
			want:    map[string]pipeline.Status{"Judge": ok, "Child": ok},
			changes: []string{},
			reached: func(ctx context.Context, r *run) error {
				_, err := r.Gate.AwaitStage(ctx, r.id, "Judge", pipeline.Running)
				return err
			},
			release: func(ctx context.Context, r *run) error {
				return r.Gate.Patch(ctx, r.id, "Judge", pipeline.Map{"judgmentStatus": "continue"})
			},
		},
		{
			name:    "parent",
			want:    map[string]pipeline.Status{"Child": ok, "After": ok},
			changes: []string{"create configmaps/child-v000", "create configmaps/parent-v000"},
			reached: func(ctx context.Context, r *run) error {
				_, err := r.Gate.Await(ctx, r.id, "a child", func(e *pipeline.Execution) bool {
					r.child = harness.StageNamed(e, "Child").Context.String("executionId")
					return r.child != ""
				})
				if err != nil {
					return err
				}
				_, err = r.Gate.AwaitStage(ctx, r.child, "Judge", pipeline.Running)
				return err
			},
			release: func(ctx context.Context, r *run) error {
				return r.Gate.Patch(ctx, r.child, "Judge", pipeline.Map{"judgmentStatus": "continue"})
			},
		},
	}
}

// childFile ends the names of pipelines that others start.
const childFile = "child.json"

// run is one victim's execution.
type run struct {
	victim
	*world
	id, child string
	hold      *harness.Hold
	follower  *harness.Follower
	uids      map[string]string
}

// remember notes which object it is that exists now, to find the very same at
// the end.
func (r *run) remember(ctx context.Context, apiVersion, kind, name string) error {
	live, err := r.Cluster.Get(ctx, apiVersion, kind, r.Namespace, name)
	if err != nil || live == nil {
		return fmt.Errorf("%s %s is not there: %w", kind, name, err)
	}
	r.uids[apiVersion+" "+kind+" "+name] = string(live.GetUID())
	return nil
}

func (r *run) awaitHold(ctx context.Context) error {
	select {
	case <-r.hold.Reached():
		return nil
	case <-ctx.Done():
		return errors.New("the held object was never sent")
	}
}

func (r *run) awaitPods(ctx context.Context, prefix string, count int) error {
	return harness.Until(ctx, fmt.Sprintf("%d pods %s", count, prefix), func(ctx context.Context) (bool, error) {
		pods, err := r.Cluster.Pods(ctx, r.Namespace, prefix)
		if err != nil {
			return false, err
		}
		scheduled := 0
		for _, pod := range pods {
			if pod.Spec.NodeName != "" {
				scheduled++
			}
		}
		return scheduled == count, nil
	})
}

// startVictims starts every victim in one application and namespace, and
// returns when each is at its point.
func startVictims(t *testing.T, ctx context.Context, only ...string) []*run {
	t.Helper()
	w := newWorld(t, ctx)
	saved := w.saveVictims(t, ctx)
	var runs []*run
	for _, v := range victims() {
		if len(only) == 0 || slices.Contains(only, v.name) {
			runs = append(runs, &run{victim: v, world: w, uids: map[string]string{}})
		}
	}
	// All start as late as possible and at once, so that the short timer runs
	// when the fault comes.
	group, inner := errgroup.WithContext(ctx)
	for _, r := range runs {
		group.Go(func() error {
			if r.ready != nil {
				r.ready(r)
			}
			var err error
			if r.id, err = r.Gate.Start(inner, r.Application, r.name, nil); err != nil {
				return err
			}
			if err := r.reached(inner, r); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.NotEmpty(t, saved)
	for _, r := range runs {
		r.follower = w.Gate.Follow(ctx, r.id)
		t.Cleanup(r.follower.Close)
	}
	for _, r := range runs {
		require.NoError(t, r.follower.Open(ctx))
	}
	return runs
}

// saveVictims saves every file of testdata/victims, children first.
func (w *world) saveVictims(t *testing.T, ctx context.Context) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "victims", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	// Children come first, because their parents name them.
	slices.SortFunc(files, func(a, b string) int {
		if isChild := strings.HasSuffix(a, childFile); isChild != strings.HasSuffix(b, childFile) {
			if isChild {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	ids := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		words := []string{"{{namespace}}", w.Namespace, "{{application}}", w.Application}
		for child, id := range ids {
			words = append(words, "{{"+child+"}}", id)
		}
		var config pipeline.Map
		require.NoError(t, json.Unmarshal([]byte(strings.NewReplacer(words...).Replace(string(raw))), &config), file)
		config["application"], config["name"] = w.Application, name
		ids[name], err = w.Gate.Save(ctx, config)
		require.NoError(t, err)
	}
	return ids
}

// requireRunning checks that the API still says what it said before the fault.
func requireRunning(t *testing.T, ctx context.Context, runs []*run) {
	t.Helper()
	for _, r := range runs {
		if r.name == "short-wait" {
			continue // it may have ended meanwhile, as it should
		}
		e, err := r.Gate.Execution(ctx, r.id)
		require.NoError(t, err, r.name)
		require.Equal(t, pipeline.Running, e.Status, "%s: %s", r.name, harness.Describe(e))
	}
}

// release lets every victim go on.
func release(t *testing.T, ctx context.Context, runs []*run) {
	t.Helper()
	for _, r := range runs {
		require.NoError(t, r.release(ctx, r), r.name)
	}
}

// requireEnds checks that every victim ends as it would have without a fault,
// that each of its manifests was applied once, and that the API, the list, the
// event stream and Temporal agree on it.
func requireEnds(t *testing.T, ctx context.Context, runs []*run) {
	t.Helper()
	for _, r := range runs {
		e, err := r.Gate.AwaitEnd(ctx, r.id)
		require.NoError(t, err, r.name)
		require.Equal(t, pipeline.Succeeded, e.Status, "%s: %s", r.name, harness.Describe(e))
		seen := map[string]pipeline.Status{}
		for _, s := range e.Stages {
			seen[s.Name] = s.Status
		}
		require.Equal(t, r.want, seen, r.name)
		if s := harness.StageNamed(e, "Child"); s != nil {
			r.child = s.Context.String("executionId")
		}
		r.requireEventsEnd(t, ctx)
		require.Eventually(t, func() bool {
			described, err := r.Temporal.DescribeWorkflowExecution(ctx, r.id, "")
			return err == nil && described.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
		}, eventually, moment, "%s: the workflow has not ended", r.name)
	}
	requireAppliedOnce(t, ctx, runs)
	requireListed(t, ctx, runs)
	requireNothingOpen(t, ctx, runs[0].world)
}

// requireNothingOpen checks that Temporal runs no workflow of the application
// any more: no execution, child or task is left behind.
func requireNothingOpen(t *testing.T, ctx context.Context, w *world) {
	t.Helper()
	var open []string
	none := func() bool {
		found, err := w.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: `Application = "` + w.Application + `" AND ExecutionStatus = "Running"`,
		})
		open = nil
		for _, one := range found.GetExecutions() {
			open = append(open, one.GetExecution().GetWorkflowId())
		}
		return err == nil && len(open) == 0
	}
	for patience := time.Now().Add(eventually); !none(); {
		require.True(t, time.Now().Before(patience), "workflows of %s are still open: %s", w.Application, w.describeOpen(ctx, open))
		require.NoError(t, sleep(ctx, moment))
	}
}

// describeOpen shows workflows by what Temporal knows of them.
func (w *world) describeOpen(ctx context.Context, ids []string) string {
	var text strings.Builder
	for _, id := range ids {
		described, err := w.Temporal.DescribeWorkflowExecution(ctx, id, "")
		fmt.Fprintf(&text, "\n  %s: %d events, task %v, activities %v, %v", id, described.GetWorkflowExecutionInfo().GetHistoryLength(),
			described.GetPendingWorkflowTask(), described.GetPendingActivities(), err)
		e, err := w.Gate.Execution(ctx, id)
		fmt.Fprintf(&text, "\n    Gate shows %s %v", harness.Describe(e), err)
	}
	return text.String()
}

// requireEventsEnd checks that a browser that had followed since before the
// fault knows the end, without a reload.
func (r *run) requireEventsEnd(t *testing.T, ctx context.Context) {
	t.Helper()
	var events []harness.Event
	err := harness.Until(ctx, "the event of the end of "+r.name, func(context.Context) (bool, error) {
		var err error
		events, err = r.follower.Events()
		return len(events) > 0 && events[len(events)-1].Execution.Status.Complete(), err
	})
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, events[len(events)-1].Execution.Status, r.name)
}

// requireAppliedOnce checks the API server's audit log, the objects that
// existed before the fault, and the number of pods.
func requireAppliedOnce(t *testing.T, ctx context.Context, runs []*run) {
	t.Helper()
	w := runs[0].world
	var want []string
	for _, r := range runs {
		want = append(want, r.changes...)
		for object, uid := range r.uids {
			part := strings.Fields(object)
			live, err := w.Cluster.Get(ctx, part[0], part[1], w.Namespace, part[2])
			require.NoError(t, err)
			require.NotNil(t, live, "%s: %s is gone", r.name, object)
			require.Equal(t, uid, string(live.GetUID()), "%s: %s is another one", r.name, object)
		}
		for _, prefix := range slices.Sorted(maps.Keys(r.pods)) {
			pods, err := w.Cluster.Pods(ctx, w.Namespace, prefix)
			require.NoError(t, err)
			require.Len(t, pods, r.pods[prefix], "%s: pods %s", r.name, prefix)
		}
	}
	list, err := w.Cluster.Writes(w.Namespace)
	require.NoError(t, err)
	var have, all, cut []string
	for _, one := range list {
		all = append(all, one.String())
		// A request that the API server did not carry out changed nothing; it
		// was cut off with its sender, or it lost to the one before.
		switch one.Code {
		case http.StatusOK, http.StatusCreated:
			have = append(have, one.Verb+" "+one.Object)
		case 0, http.StatusGatewayTimeout:
			cut = append(cut, one.Verb+" "+one.Object)
		}
	}
	// A sender that died while its request was carried out is answered with a
	// timeout, though the object is there: then nobody after it changed anything.
	for _, change := range want {
		if !slices.Contains(have, change) && slices.Contains(cut, change) {
			have = append(have, change)
		}
	}
	require.ElementsMatch(t, want, have, "all writes: %v", all)
}

// requireListed checks the list of the application: every execution is there
// once and none is unfinished.
func requireListed(t *testing.T, ctx context.Context, runs []*run) {
	t.Helper()
	want := map[string]pipeline.Status{}
	for _, r := range runs {
		want[r.id] = pipeline.Succeeded
		if r.child != "" {
			want[r.child] = pipeline.Succeeded
		}
	}
	list, err := runs[0].Gate.Executions(ctx, runs[0].Application)
	require.NoError(t, err)
	have := map[string]pipeline.Status{}
	for _, e := range list {
		require.NotContains(t, have, e.ID, "listed twice")
		have[e.ID] = e.Status
	}
	require.Equal(t, want, have)
}
