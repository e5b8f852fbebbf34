package workflows_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// failing makes front50.readPipeline fail the first n times, n < 0 always.
func failing(w *workflowstest.World, n int, err func(attempt int) error) {
	attempt := 0
	workflowstest.On(w, activities.ReadPipeline, func(context.Context, activities.ReadPipelineInput) (activities.ReadPipelineOutput, error) {
		attempt++
		if n < 0 || attempt <= n {
			return activities.ReadPipelineOutput{}, err(attempt)
		}
		return activities.ReadPipelineOutput{}, nil
	})
}

func unavailable(int) error {
	return pipeline.Errorf(pipeline.CodeUnavailable, "Front50 does not answer.")
}

func TestBrokenWorldIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, code := range []pipeline.Code{pipeline.CodeUnavailable, pipeline.CodeThrottled, pipeline.CodeTimeout} {
		w := workflowstest.NewWorld()
		failing(w, 3, func(int) error { return pipeline.Errorf(code, "Not now.") })
		e := newRun(t, w, `{"stages":[{"type":"scripted","calls":"p","allowed":600}]}`).Done()
		require.Equal(t, pipeline.Succeeded, e.Status, code)
		attempts := e.Stages[0].Context.List("attempts")
		require.Len(t, attempts, 3)
		for i, a := range attempts {
			m := pipeline.AsMap(a)
			require.Equal(t, int64(i+1), m["attempt"])
			require.Equal(t, "first", m["task"])
			require.Equal(t, "Not now.", m["error"])
			require.NotZero(t, m["time"])
		}
		require.NotContains(t, attempts[2], "nextRetryTime", "nothing is promised once the task ended")
		require.Equal(t, e.StartTime+1000+2000+4000, e.EndTime, "the wait doubles")
		require.NotContains(t, e.Stages[0].Context, "exception")

		// Each attempt was visible when it happened, with its promise.
		seen := 0
		for _, s := range w.Published(e.ID) {
			list := s.Execution.Stages[0].Context.List("attempts")
			if len(list) == seen+1 && s.Execution.Stages[0].Status == pipeline.Running {
				m := pipeline.AsMap(list[seen])
				require.Equal(t, m["time"].(int64)+int64(1000<<seen), m["nextRetryTime"])
				seen++
			}
		}
		require.Equal(t, 3, seen)
	}
}

// The other side may say when to come again: no earlier than that, and not after
// the wait has become absurd.
func TestAskedWaitIsKept(t *testing.T) {
	t.Parallel()
	for asked, kept := range map[time.Duration]int64{0: 1_000, time.Second / 2: 1_000, 40 * time.Second: 40_000, 24 * time.Hour: 300_000} {
		w := workflowstest.NewWorld()
		failing(w, 1, func(int) error {
			err := pipeline.Errorf(pipeline.CodeThrottled, "Not now.")
			err.RetryAfter = asked
			return err
		})
		e := newRun(t, w, `{"stages":[{"type":"scripted","calls":"p","allowed":600}]}`).Done()
		require.Equal(t, pipeline.Succeeded, e.Status)
		require.Equal(t, e.StartTime+pipeline.Millis(kept), e.EndTime, asked)
	}
}

// Who asks for more time than the task has may be back sooner.
func TestAskedWaitBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	failing(w, 1, func(int) error {
		err := pipeline.Errorf(pipeline.CodeThrottled, "Not now.")
		err.RetryAfter = 5 * time.Minute
		return err
	})
	e := newRun(t, w, `{"stages":[{"type":"scripted","calls":"p","allowed":60}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, e.StartTime+30_000, e.EndTime, "half of what is left")
}

func TestOnlyTheLastAttemptsAreShown(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	failing(w, 30, unavailable)
	e := newRun(t, w, `{"stages":[{"type":"scripted","calls":"p"}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	attempts := e.Stages[0].Context.List("attempts")
	require.Len(t, attempts, 20)
	require.Equal(t, int64(30), pipeline.AsMap(attempts[19])["attempt"])
	require.Len(t, w.Asked("front50.readPipeline"), 31)
}

func TestWrongRequestsFailAtOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []pipeline.Code{
		pipeline.CodeInvalid, pipeline.CodeForbidden, pipeline.CodeNotFound, pipeline.CodeConflict,
		pipeline.CodeUnprocessable, pipeline.CodeUnauthenticated, pipeline.CodeTooLarge, pipeline.CodeFailed, pipeline.CodeNotAllowed,
	} {
		w := workflowstest.NewWorld()
		failing(w, -1, func(int) error {
			return &pipeline.Error{Code: code, Message: "Wrong.", Details: []string{"line 3"}}
		})
		e := newRun(t, w, `{"stages":[{"type":"scripted","calls":"p","allowed":600}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Len(t, w.Asked("front50.readPipeline"), 1)
		require.Equal(t, []string{"Wrong.", "line 3"}, workflowstest.Errors(e, "0"))
		require.Equal(t, string(code), e.Stages[0].Context.Map("exception")["exceptionType"])
		require.Equal(t, e.StartTime, e.EndTime)
	}
}

func TestGivingUpAtTheDeadline(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	failing(w, -1, unavailable)
	e := newRun(t, w, `{"stages":[{"type":"scripted","calls":"p","allowed":10}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, []string{"Front50 does not answer.", "The task first of stage 'scripted' did not end within 10s."}, workflowstest.Errors(e, "0"))
	require.Equal(t, "timeout", e.Stages[0].Context.Map("exception")["exceptionType"])
	require.LessOrEqual(t, e.EndTime-e.StartTime, pipeline.Millis(10_000))
}

func TestStageTimeout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stage string
		want        pipeline.Status
		errors      []string
		ends        pipeline.Millis
	}{
		{"replaces the task's", `"forever":true,"allowed":3600,"stageTimeoutMs":5000`, "TERMINAL", []string{"The task first of stage 'scripted' did not end within 5s."}, 5000},
		{"lengthens the task's", `"takes":60,"allowed":10,"stageTimeoutMs":70000`, "SUCCEEDED", nil, 60_000},
		{"bounds a wait", `"takes":600,"stageTimeoutMs":5000`, "TERMINAL", []string{"The task first of stage 'scripted' did not end within 5s."}, 5000},
		{"bounds retries", `"calls":"p","stageTimeoutMs":"5000"`, "TERMINAL", []string{"Front50 does not answer.", "The task first of stage 'scripted' did not end within 5s."}, 3000},
		{"is a success if so marked", `"forever":true,"stageTimeoutMs":5000,"markSuccessfulOnTimeout":true`, "SUCCEEDED", nil, 5000},
		{"follows the failure options", `"forever":true,"stageTimeoutMs":5000,"continuePipeline":true`, "SUCCEEDED",
			[]string{"The task first of stage 'scripted' did not end within 5s.", "first:", "Unexpected Task Failure", "The task first of stage 'scripted' did not end within 5s."}, 5000},
		{"absurdly long", `"takes":60,"stageTimeoutMs":9223372036854775807`, "SUCCEEDED", nil, 60_000},
		{"overflowing", `"takes":60,"stageTimeoutMs":18446744073710`, "SUCCEEDED", nil, 60_000},
		{"not a number", `"takes":60,"stageTimeoutMs":"soon"`, "SUCCEEDED", nil, 60_000},
		{"negative", `"takes":60,"stageTimeoutMs":-5`, "SUCCEEDED", nil, 60_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			failing(w, -1, unavailable)
			e := newRun(t, w, `{"stages":[{"type":"scripted",`+tt.stage+`}]}`).Done()
			require.Equal(t, tt.want, e.Status)
			require.Equal(t, tt.errors, workflowstest.Errors(e, "0"))
			require.Equal(t, tt.ends, e.EndTime-e.StartTime)
		})
	}
}

func TestArchivingIsRetriedUntilTheStoreIsBack(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{
		"away":  pipeline.Errorf(pipeline.CodeUnavailable, "The store is away."),
		"wrong": pipeline.Errorf(pipeline.CodeForbidden, "The key may not write."),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			attempts := 0
			workflowstest.On(w, activities.ArchiveExecution, func(_ context.Context, in activities.ArchiveExecutionInput) (activities.Done, error) {
				if attempts++; attempts <= 12 {
					return activities.Done{}, failure
				}
				return activities.Done{}, w.Keep(in)
			})
			r := newRun(t, w, `{"stages":[{"type":"scripted"}]}`)
			cancel := r.CancelAt(5*time.Minute, byInes)
			patch := r.PatchAt(5*time.Minute, "0", pipeline.Map{"x": 1})
			e := r.Done()
			require.Equal(t, pipeline.Succeeded, e.Status)
			require.Equal(t, 13, attempts)
			// The execution has ended; it only waits to be archived.
			cancel.Refused(t, pipeline.CodeConflict, "has ended SUCCEEDED and cannot be cancelled")
			patch.Refused(t, pipeline.CodeConflict, "has ended SUCCEEDED and cannot be edited")
		})
	}
}

// A call whose input is out of all bounds fails its stage instead of the
// workflow's tasks, over and over.
func TestLargeCallsAreRefused(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"scripted","cloud":"`+strings.Repeat("x", 32<<20)+`"}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, workflowstest.Errors(e, "0")[0], "The input of the call clouddriver.cleanupArtifacts is 33554")
	require.Empty(t, w.Asked(activities.CleanupArtifacts.Name))
}

// A queue that nobody serves ends the stage, with the command that would help; one
// whose workers are busy is waited for.
func TestQueuesThatNobodyServes(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	served := make(chan struct{})
	workflowstest.On(w, activities.FindAccount, func(_ context.Context, in activities.FindAccountInput) (activities.FindAccountOutput, error) {
		return activities.FindAccountOutput{Account: in.Account, CloudProvider: "kubernetes"}, nil
	})
	busy := activities.ClouddriverQueue("busy-" + rand.Text())
	var asked atomic.Int64
	workflowstest.On(w, activities.FindWorkers, func(_ context.Context, in activities.FindWorkersInput) (activities.FindWorkersOutput, error) {
		if in.Queue == busy {
			if asked.Add(1) == 1 {
				close(served)
			}
			return activities.FindWorkersOutput{Workers: []string{"w1", "w2"}}, nil
		}
		return activities.FindWorkersOutput{LastWorker: "w3", LastSeen: 1_700_000_000_000}, nil
	})
	server := testkit.SharedTemporal(t)
	l := workflowstest.Dial(t, server.Address, server.Namespace, w, everyType, "orca-"+rand.Text(), bucketOf(t).apply(t))
	w.Account, l.QueueTimeout = "prod-"+rand.Text(), time.Second
	l.StartWorker()
	t.Cleanup(l.StopWorker)
	const deploy = `{"stages":[{"refId":"1","name":"Deploy","type":"deployManifest","account":"ACCOUNT","cloudProvider":"kubernetes","manifests":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}]}]}`
	account := "gone-" + rand.Text()
	e := l.Start(strings.ReplaceAll(deploy, "ACCOUNT", account))
	res, _ := l.End(e.ID)
	require.Equal(t, pipeline.Terminal, res.Status)
	require.Equal(t, []string{
		"No worker serves the account '" + account + "': none took the call from task queue clouddriver." + account + " within 1s. " +
			"Start one where its cluster can be reached: gennaker worker --roles clouddriver --accounts " + account + ".",
		"It was last served by w3, at 2023-11-14T22:13:20Z.",
	}, workflowstest.Errors(workflowstest.RequireEnd(t, w, e.ID), "1"))

	account, _ = activities.AccountOfQueue(busy)
	e = l.Start(strings.ReplaceAll(deploy, "ACCOUNT", account))
	<-served
	l.Serve(account)
	res, err := l.End(e.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, res.Status)
	attempts := workflowstest.RequireEnd(t, w, e.ID).StageByRef("1").Context.List("attempts")
	require.Contains(t, pipeline.AsMap(attempts[0]).String("error"), "the 2 that poll it are busy")
	h := l.History(e.ID)
	require.NoError(t, replay(t, everyType, w, h))
	keep(t, "queue_not_served", h)
}
