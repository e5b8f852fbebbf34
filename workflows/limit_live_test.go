package workflows_test

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/serviceerror"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/limits"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// limitLive is a pipeline configuration with a limit on a real server.
type limitLive struct {
	*workflowstest.Live
	config string
}

func newLimitLive(t *testing.T, w *workflowstest.World) *limitLive {
	t.Helper()
	l := newLive(t, w)
	w.UseLimits(limits.New(l.Client))
	return &limitLive{Live: l, config: "config-" + rand.Text()}
}

// build returns an execution that has not started.
func (l *limitLive) build(settings, stages string) *pipeline.Execution {
	l.Helper()
	return workflowstest.NewExecution(l, workflowstest.ParsePipeline(l, `{"id":"`+l.config+`",`+settings+`,"stages":[`+stages+`]}`))
}

const (
	fifo   = `"limitConcurrent":true,"keepWaitingPipelines":true`
	newest = `"limitConcurrent":true`
	// held runs until it is let go, brief ends at once.
	held  = `{"type":"scripted","refId":"1","forever":true}`
	brief = `{"type":"scripted","refId":"1"}`
)

// begin starts an execution and waits until it runs or waits.
func (l *limitLive) begin(status pipeline.Status, settings, stages string) *pipeline.Execution {
	l.Helper()
	e := l.build(settings, stages)
	require.NoError(l, l.StartExecution(e))
	l.Until(e.ID, func(e *pipeline.Execution) bool { return e.Status == status })
	if status == pipeline.NotStarted {
		l.untilState(func(s activities.LimitState) bool {
			return slices.ContainsFunc(s.Waiting, func(p activities.Permit) bool { return p.ExecutionID == e.ID })
		})
	}
	return e
}

func (l *limitLive) untilState(fits func(activities.LimitState) bool) {
	l.Helper()
	l.untilStateWithin(workflowstest.Patience, fits)
}

func (l *limitLive) untilStateWithin(patience time.Duration, fits func(activities.LimitState) bool) {
	l.Helper()
	require.Eventually(l, func() bool {
		v, err := l.Client.QueryWorkflow(l.Context(), activities.LimitID(l.config), "", activities.LimitQuery)
		if err != nil {
			return false
		}
		var s activities.LimitState
		return v.Get(&s) == nil && fits(s)
	}, patience, 20*time.Millisecond)
}

// letGo ends a held execution.
func (l *limitLive) letGo(e *pipeline.Execution) {
	l.Helper()
	_, err := l.Patch(e, "1", pipeline.Map{"go": true})
	require.NoError(l, err)
}

// ends requires how an execution ends.
func (l *limitLive) ends(e *pipeline.Execution, status pipeline.Status) *pipeline.Execution {
	l.Helper()
	res, err := l.End(e.ID)
	require.Equal(l, status, res.Status, "%v", err)
	final := workflowstest.RequireEnd(l, l.World, e.ID)
	require.Equal(l, status, final.Status)
	require.NoError(l, replay(l.TB.(*testing.T), everyType, workflowstest.NewWorld(), l.History(e.ID)))
	return final
}

// over requires that the limit ends with its executions, and keeps its history.
func (l *limitLive) over(name string) {
	l.Helper()
	l.RequireAllEnded()
	status, _ := l.Describe(activities.LimitID(l.config))
	require.Equal(l, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, status)
	h := l.History(activities.LimitID(l.config))
	t := l.TB.(*testing.T)
	require.NoError(l, replay(t, everyType, workflowstest.NewWorld(), h))
	keep(t, name, h)
}

func TestLimitOnARealServer(t *testing.T) {
	t.Parallel()
	t.Run("the oldest first", func(t *testing.T) {
		t.Parallel()
		l := newLimitLive(t, workflowstest.NewWorld())
		first := l.begin(pipeline.Running, fifo, held)
		second, third := l.begin(pipeline.NotStarted, fifo, held), l.begin(pipeline.NotStarted, fifo, brief)
		require.Eventually(t, func() bool {
			_, running := l.Describe(first.ID)
			_, waiting := l.Describe(second.ID)
			return running == "RUNNING" && waiting == "NOT_STARTED"
		}, workflowstest.Patience, 20*time.Millisecond, "Temporal's own lists tell who waits")

		id := activities.LimitID(l.config)
		d, err := l.Client.DescribeWorkflow(t.Context(), id, "")
		require.NoError(t, err)
		summary, err := d.GetStaticSummary()
		require.NoError(t, err)
		require.Equal(t, "bakery / Bake (limit)", summary)
		meta, err := l.Client.QueryWorkflow(t.Context(), id, "", "__temporal_workflow_metadata")
		require.NoError(t, err)
		var details sdk.WorkflowMetadata
		require.NoError(t, meta.Get(&details))
		require.Equal(t, "**bakery / Bake**\n\n1 running, 2 waiting\n\nRunning:\n\n- "+first.ID+"\n\nWaiting, oldest first:\n\n- "+second.ID+"\n- "+third.ID+"\n\n", details.GetCurrentDetails())

		l.letGo(first)
		one := l.ends(first, pipeline.Succeeded)
		l.Until(second.ID, func(e *pipeline.Execution) bool { return e.Status == pipeline.Running })
		require.Equal(t, pipeline.NotStarted, l.Query(third.ID).Execution.Status)
		l.letGo(second)
		two, three := l.ends(second, pipeline.Succeeded), l.ends(third, pipeline.Succeeded)
		require.GreaterOrEqual(t, two.StartTime, one.EndTime)
		require.GreaterOrEqual(t, three.StartTime, two.EndTime)
		l.over("limit_oldest_first")
		keep(t, "limited", l.History(second.ID))
	})
	t.Run("the newest instead of the others", func(t *testing.T) {
		t.Parallel()
		l := newLimitLive(t, workflowstest.NewWorld())
		first := l.begin(pipeline.Running, newest, held)
		second, third, last := l.begin(pipeline.NotStarted, newest, brief), l.begin(pipeline.NotStarted, newest, brief), l.begin(pipeline.NotStarted, newest, brief)
		l.letGo(first)
		l.ends(first, pipeline.Succeeded)
		l.ends(last, pipeline.Succeeded)
		for _, e := range []*pipeline.Execution{second, third} {
			final := l.ends(e, pipeline.Canceled)
			require.Equal(t, "spinnaker", final.CanceledBy)
			require.Equal(t, superseded, final.CancellationReason)
			require.Zero(t, final.StartTime)
		}
		l.over("limit_newest_instead")
		keep(t, "limited_superseded", l.History(second.ID))
	})
	t.Run("one that waits is cancelled", func(t *testing.T) {
		t.Parallel()
		l := newLimitLive(t, workflowstest.NewWorld())
		first := l.begin(pipeline.Running, newest, held)
		second, third := l.begin(pipeline.NotStarted, newest, brief), l.begin(pipeline.NotStarted, newest, brief)
		require.NoError(t, l.Cancel(third.ID))
		require.Equal(t, "ines", l.ends(third, pipeline.Canceled).CanceledBy)
		l.untilState(func(s activities.LimitState) bool { return len(s.Waiting) == 1 })
		l.letGo(first)
		l.ends(first, pipeline.Succeeded)
		l.ends(second, pipeline.Succeeded)
		l.over("limit_one_canceled")
	})
	t.Run("paused and resumed", func(t *testing.T) {
		t.Parallel()
		l := newLimitLive(t, workflowstest.NewWorld())
		first := l.begin(pipeline.Running, fifo, held)
		second := l.begin(pipeline.NotStarted, fifo, held)
		require.NoError(t, l.Update(first.ID, "pause", map[string]string{"user": "ines"}, nil))
		l.Until(second.ID, func(e *pipeline.Execution) bool { return e.Status == pipeline.Running })
		require.NoError(t, l.Update(first.ID, "resume", map[string]string{"user": "ines"}, nil))
		l.untilState(func(s activities.LimitState) bool { return len(s.Holding) == 2 })
		third := l.begin(pipeline.NotStarted, fifo, brief)
		l.letGo(second)
		l.ends(second, pipeline.Succeeded)
		l.untilState(func(s activities.LimitState) bool { return len(s.Holding) == 1 && len(s.Waiting) == 1 })
		l.letGo(first)
		l.ends(first, pipeline.Succeeded)
		l.ends(third, pipeline.Succeeded)
		l.over("limit_paused")
		keep(t, "limited_paused", l.History(first.ID))
	})
	t.Run("terminated in Temporal", func(t *testing.T) {
		t.Parallel()
		l := newLimitLive(t, workflowstest.NewWorld())
		first := l.begin(pipeline.Running, fifo, held)
		second, third := l.begin(pipeline.NotStarted, fifo, brief), l.begin(pipeline.NotStarted, fifo, brief)
		require.NoError(t, l.Client.TerminateWorkflow(t.Context(), second.ID, "", "test"))
		require.NoError(t, l.Client.TerminateWorkflow(t.Context(), first.ID, "", "test"))
		l.ends(third, pipeline.Succeeded)
		l.over("limit_terminated")
	})
	t.Run("a limit that was terminated starts again", func(t *testing.T) {
		t.Parallel()
		l := newLimitLive(t, workflowstest.NewWorld())
		first := l.begin(pipeline.Running, fifo, held)
		require.NoError(t, l.Client.TerminateWorkflow(t.Context(), activities.LimitID(l.config), "", "test"))
		l.letGo(first)
		l.ends(first, pipeline.Succeeded)
		second := l.begin(pipeline.Running, fifo, held)
		l.letGo(second)
		l.ends(second, pipeline.Succeeded)
		l.RequireAllEnded()
	})
	t.Run("no limit", func(t *testing.T) {
		t.Parallel()
		l := newLimitLive(t, workflowstest.NewWorld())
		first, second := l.begin(pipeline.Running, `"limitConcurrent":false`, held), l.begin(pipeline.Running, `"maxConcurrentExecutions":0`, held)
		l.letGo(second)
		l.letGo(first)
		l.ends(first, pipeline.Succeeded)
		l.ends(second, pipeline.Succeeded)
		_, err := l.Client.DescribeWorkflow(t.Context(), activities.LimitID(l.config), "")
		var missing *serviceerror.NotFound
		require.ErrorAs(t, err, &missing)
	})
}

// A thousand executions that wait are let in one after another, in the order in
// which they were built, at a few events each.
func TestLimitWithAThousandWaiting(t *testing.T) {
	t.Parallel()
	const many = 1000
	const patience = 10 * time.Minute
	w := workflowstest.NewWorld()
	l := newLimitLive(t, w)
	gate := l.begin(pipeline.Running, fifo, held)
	waiting := make([]*pipeline.Execution, many)
	for i := range waiting {
		waiting[i] = l.build(fifo, brief)
	}
	var g errgroup.Group
	g.SetLimit(8)
	for i := range waiting {
		// Not in their order: 0, 500, 1, 501 ...
		g.Go(func() error { return l.StartExecution(waiting[i/2+i%2*many/2]) })
	}
	require.NoError(t, g.Wait())
	l.untilStateWithin(patience, func(s activities.LimitState) bool { return len(s.Waiting) == many })
	l.letGo(gate)
	require.Eventually(t, func() bool { return len(w.Archived(waiting[many-1].ID)) > 0 }, patience, 100*time.Millisecond)
	l.RequireAllEnded()

	started := make([]string, 0, many)
	var before *pipeline.Execution
	for _, e := range waiting {
		final := workflowstest.RequireEnd(t, w, e.ID)
		require.Equal(t, pipeline.Succeeded, final.Status)
		if before != nil {
			require.GreaterOrEqual(t, final.StartTime, before.EndTime, "one at a time")
		}
		before = final
		started = append(started, final.ID)
	}
	require.True(t, slices.IsSorted(started))

	events, runs := 0, l.limitRuns()
	for _, run := range runs {
		h := l.HistoryOf(activities.LimitID(l.config), run)
		events += len(h.GetEvents())
		require.NoError(t, replay(t, everyType, workflowstest.NewWorld(), h))
	}
	t.Logf("%d events in %d runs", events, len(runs))
	require.Less(t, events, 12*many)
	require.Greater(t, len(runs), 1, "continued as new")
}

func (l *limitLive) limitRuns() []string {
	l.Helper()
	var runs []string
	for run := ""; ; {
		h := l.HistoryOf(activities.LimitID(l.config), run)
		first := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
		runs = append(runs, first.GetOriginalExecutionRunId())
		if run = first.GetContinuedExecutionRunId(); run == "" {
			return runs
		}
	}
}
