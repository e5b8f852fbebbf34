package workflows_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

const superseded = "This execution was queued but then canceled because a newer queued execution superceded it. " +
	"This pipeline is configured to automatically cancel waiting executions."

// limitRun is the limit of one configuration in the test environment, whose
// executions are names: "b2" was built in second 2.
type limitRun struct {
	*testing.T
	env *testsuite.TestWorkflowEnvironment
	// told is what executions heard, "a1" or "a1 refused"; reasons is why.
	told    []string
	reasons map[string]string
	// ended are executions whose workflows run no more; failing makes answers
	// fail that often.
	ended   map[string]bool
	failing int
	asked   int
	lookups []time.Time
}

func newLimitRun(t *testing.T) *limitRun {
	t.Helper()
	l := &limitRun{T: t, reasons: map[string]string{}, ended: map[string]bool{}}
	suite := &testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	l.env = suite.NewTestWorkflowEnvironment()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AnswerPermits, func(_ context.Context, in activities.AnswerPermitsInput) (activities.AnswerPermitsOutput, error) {
		l.asked++
		if l.failing > 0 {
			l.failing--
			return activities.AnswerPermitsOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "Temporal is away.")
		}
		var out activities.AnswerPermitsOutput
		for _, a := range in.Answers {
			switch {
			case l.ended[a.ExecutionID]:
				out.Ended = append(out.Ended, a.ExecutionID)
			case a.Refused != "":
				l.told = append(l.told, a.ExecutionID+" refused")
				l.reasons[a.ExecutionID] = a.Refused
			default:
				l.told = append(l.told, a.ExecutionID)
			}
		}
		return out, nil
	})
	workflowstest.On(w, activities.FindEnded, func(_ context.Context, in activities.FindEndedInput) (activities.FindEndedOutput, error) {
		l.lookups = append(l.lookups, l.env.Now())
		return activities.FindEndedOutput{Ended: slices.DeleteFunc(slices.Clone(in.ExecutionIDs), func(id string) bool { return !l.ended[id] })}, nil
	})
	engine, err := workflows.NewEngine(nil, w)
	require.NoError(t, err)
	engine.Register(l.env)
	w.Register(l.env)
	return l
}

// at sends messages, one after another: "ask b2 1 keep" asks with the limit 1
// and keepWaitingPipelines.
func (l *limitRun) at(d time.Duration, messages ...string) *limitRun {
	l.env.RegisterDelayedCallback(func() {
		for _, text := range messages {
			l.env.SignalWorkflow(activities.LimitSignal, message(l, text))
		}
	}, d)
	return l
}

func message(t testing.TB, text string) activities.LimitMessage {
	words := strings.Fields(text)
	m := activities.LimitMessage{Kind: activities.LimitMessageKind(words[0]), Permit: activities.Permit{ExecutionID: words[1], Limit: 1}}
	_, err := fmt.Sscanf(words[1][1:], "%d", &m.Permit.At)
	require.NoError(t, err)
	for _, w := range words[2:] {
		if w == "keep" {
			m.Permit.Keep = true
			continue
		}
		_, err := fmt.Sscan(w, &m.Permit.Limit)
		require.NoError(t, err)
	}
	return m
}

// heard requires what executions heard up to a moment.
func (l *limitRun) heard(d time.Duration, want ...string) *limitRun {
	l.env.RegisterDelayedCallback(func() {
		require.Equal(l, strings.Join(want, ", "), strings.Join(l.told, ", "), "at %s", d)
	}, d)
	return l
}

func (l *limitRun) state() activities.LimitState {
	v, err := l.env.QueryWorkflow(activities.LimitQuery)
	require.NoError(l, err)
	var s activities.LimitState
	require.NoError(l, v.Get(&s))
	return s
}

// done runs the limit until nobody holds or waits.
func (l *limitRun) done(want ...string) {
	l.Helper()
	l.env.ExecuteWorkflow(activities.LimitWorkflow, activities.LimitInput{ConfigID: "config", Application: "bakery", Pipeline: "Bake"})
	require.True(l, l.env.IsWorkflowCompleted())
	require.NoError(l, l.env.GetWorkflowError())
	require.Equal(l, strings.Join(want, ", "), strings.Join(l.told, ", "))
	require.Equal(l, activities.LimitState{}, l.state())
}

const second = time.Second

// Who starts when (reference: orca section 3.9).
func TestLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		drive func(l *limitRun)
		want  []string
	}{
		{"one alone", func(l *limitRun) { l.at(0, "ask a1").at(second, "release a1") }, []string{"a1"}},
		{"the oldest first", func(l *limitRun) {
			l.at(0, "ask a1 keep").at(second, "ask c3 keep", "ask b2 keep").heard(2*second, "a1").
				at(3*second, "release a1").heard(4*second, "a1", "b2").
				at(5*second, "release b2").at(6*second, "release c3")
		}, []string{"a1", "b2", "c3"}},
		{"the newest instead of the others", func(l *limitRun) {
			l.at(0, "ask a1").at(second, "ask b2", "ask d4", "ask c3").heard(2*second, "a1").
				at(3*second, "release a1").heard(4*second, "a1", "d4", "b2 refused", "c3 refused").
				at(5*second, "release d4")
		}, []string{"a1", "d4", "b2 refused", "c3 refused"}},
		{"the execution that ends decides", func(l *limitRun) {
			l.at(0, "ask a1 keep").at(second, "ask b2", "ask c3").
				at(2*second, "release a1").heard(3*second, "a1", "b2").
				at(4*second, "ask d4").at(5*second, "release b2").at(6*second, "release d4")
		}, []string{"a1", "b2", "d4", "c3 refused"}},
		{"up to a number", func(l *limitRun) {
			l.at(0, "ask a1 2 keep", "ask b2 2 keep", "ask c3 2 keep").heard(second, "a1", "b2").
				at(2*second, "release b2").heard(3*second, "a1", "b2", "c3").
				at(4*second, "release a1", "release c3")
		}, []string{"a1", "b2", "c3"}},
		{"by their own numbers", func(l *limitRun) {
			l.at(0, "ask a1 keep").at(second, "ask b2 keep").at(2*second, "ask c3 3 keep").heard(3*second, "a1", "c3").
				at(4*second, "release a1").heard(5*second, "a1", "c3").
				at(6*second, "release c3").at(7*second, "release b2")
		}, []string{"a1", "c3", "b2"}},
		{"the newest waits for room", func(l *limitRun) {
			l.at(0, "ask a1 2", "ask b2 2").at(second, "ask c3 2", "ask d4").
				at(2*second, "release a1").heard(3*second, "a1", "b2").
				at(4*second, "release b2").at(5*second, "release d4")
		}, []string{"a1", "b2", "d4", "c3 refused"}},
		{"one that waits goes away", func(l *limitRun) {
			l.at(0, "ask a1 keep").at(second, "ask b2 keep", "ask c3 keep").at(2*second, "release b2").
				at(3*second, "release a1").at(4*second, "release c3")
		}, []string{"a1", "c3"}},
		{"one that waits goes away and leaves the others", func(l *limitRun) {
			l.at(0, "ask a1").at(second, "ask b2", "ask c3").at(2*second, "release c3").
				at(3*second, "release a1").at(4*second, "release b2")
		}, []string{"a1", "b2"}},
		{"the last that waits goes away", func(l *limitRun) {
			l.at(0, "ask a1 2", "ask b2 2").at(second, "ask c3").at(2*second, "release a1", "release c3").
				at(3*second, "ask d4 3", "ask e5 3").heard(4*second, "a1", "b2", "d4", "e5").
				at(5*second, "release b2", "release d4", "release e5")
		}, []string{"a1", "b2", "d4", "e5"}},
		{"a release without anybody waiting says nothing of later ones", func(l *limitRun) {
			l.at(0, "ask a1 2", "ask b2 2").at(second, "release a1", "ask d4 2", "ask e5 2").heard(2*second, "a1", "b2", "d4").
				at(3*second, "release b2").at(4*second, "release d4", "release e5")
		}, []string{"a1", "b2", "d4", "e5"}},
		{"all is said twice", func(l *limitRun) {
			l.at(0, "ask a1 keep").at(second, "ask b2 keep", "ask b2 keep").at(2*second, "ask c3 keep").
				at(3*second, "release a1", "release a1").at(4*second, "release a1").heard(5*second, "a1", "b2").
				at(6*second, "release b2").at(7*second, "release c3", "release c3")
		}, []string{"a1", "b2", "c3"}},
		{"a permit is told again to who asks again", func(l *limitRun) {
			l.at(0, "ask a1").at(second, "ask b2").at(600*second, "ask a1", "ask b2").heard(601*second, "a1", "a1").
				at(602*second, "release a1").at(603*second, "release b2")
		}, []string{"a1", "a1", "b2"}},
		{"a paused execution goes on at once", func(l *limitRun) {
			l.at(0, "ask a1 keep").at(second, "ask b2 keep", "ask c3 keep").
				at(2*second, "release a1").heard(3*second, "a1", "b2").
				at(4*second, "take a1 keep", "take a1 keep").at(5*second, "release b2").heard(6*second, "a1", "b2").
				at(7*second, "release a1").at(8*second, "release c3")
		}, []string{"a1", "b2", "c3"}},
		{"one that took what it waited for waits no more", func(l *limitRun) {
			l.at(0, "ask a1 keep").at(second, "ask b2 keep").at(2*second, "take b2 keep").
				at(3*second, "release a1").at(4*second, "release b2")
		}, []string{"a1"}},
		{"what nobody understands", func(l *limitRun) {
			l.at(0, "ask a1").at(second, "juggle a1").at(2*second, "release z9").at(3*second, "release a1")
		}, []string{"a1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLimitRun(t)
			tt.drive(l)
			l.done(tt.want...)
			for id, reason := range l.reasons {
				require.Equal(t, superseded, reason, id)
			}
		})
	}
}

// An execution that was ended from outside holds nobody up.
func TestLimitWithoutItsExecutions(t *testing.T) {
	t.Parallel()
	t.Run("one that waited", func(t *testing.T) {
		t.Parallel()
		l := newLimitRun(t)
		l.at(0, "ask a1 keep").at(second, "ask b2 keep", "ask c3 keep")
		l.ended["b2"] = true
		l.at(2*second, "release a1").heard(3*second, "a1", "c3").at(4*second, "release c3").done("a1", "c3")
	})
	t.Run("the newest that waited", func(t *testing.T) {
		t.Parallel()
		l := newLimitRun(t)
		l.at(0, "ask a1").at(second, "ask b2", "ask c3", "ask d4")
		l.ended["d4"] = true
		l.at(2*second, "release a1").heard(3*second, "a1", "c3", "b2 refused").at(4*second, "release c3").done("a1", "c3", "b2 refused")
	})
	t.Run("one that ran, with others waiting", func(t *testing.T) {
		t.Parallel()
		l := newLimitRun(t)
		l.at(0, "ask a1 keep").at(100*second, "ask b2 keep").heard(101*second, "a1")
		l.at(150*second, "ask c3 keep")
		l.env.RegisterDelayedCallback(func() { l.ended["a1"] = true }, 200*second)
		l.heard(800*second, "a1", "b2").at(801*second, "release b2").at(802*second, "release c3").done("a1", "b2", "c3")
		start := l.lookups[0].Add(-100 * second)
		require.Equal(t, 120*second, l.lookups[1].Sub(start), "the first is at once, the next follows soon")
		require.Equal(t, 160*second, l.lookups[2].Sub(start), "and then less often")
	})
	t.Run("one that ran for days", func(t *testing.T) {
		t.Parallel()
		l := newLimitRun(t)
		l.at(0, "ask a1 keep")
		l.env.RegisterDelayedCallback(func() { l.ended["a1"] = true }, 49*time.Hour-time.Minute)
		l.at(49*time.Hour-2*time.Minute, "ask b2 keep").heard(49*time.Hour, "a1", "b2").at(49*time.Hour, "release b2").done("a1", "b2")
	})
	t.Run("all that ran", func(t *testing.T) {
		t.Parallel()
		l := newLimitRun(t)
		l.at(0, "ask a1 2", "ask b2 2")
		l.env.RegisterDelayedCallback(func() { l.ended["a1"], l.ended["b2"] = true, true }, 24*time.Hour)
		l.done("a1", "b2")
		require.Less(t, len(l.lookups), 30)
	})
	t.Run("one that ran, whose pipeline keeps the newest only", func(t *testing.T) {
		t.Parallel()
		l := newLimitRun(t)
		l.at(0, "ask a1").at(second, "ask b2", "ask c3")
		l.env.RegisterDelayedCallback(func() { l.ended["a1"] = true }, 2*second)
		l.heard(30*second, "a1", "c3", "b2 refused").at(31*second, "release c3").done("a1", "c3", "b2 refused")
	})
}

// While Temporal does not answer nothing is lost, and nothing runs twice.
func TestLimitThatCannotAnswer(t *testing.T) {
	t.Parallel()
	l := newLimitRun(t)
	l.failing = 5 // waits of 1, 2, 4, 8 and 16 seconds
	l.at(0, "ask a1 keep", "ask b2 keep")
	l.env.RegisterDelayedCallback(func() {
		s := l.state()
		require.Len(t, s.Holding, 1)
		require.Len(t, s.Waiting, 1)
	}, 20*second)
	l.at(25*second, "ask c3 keep").heard(30*second).heard(32*second, "a1")
	l.at(40*second, "release a1").heard(41*second, "a1", "b2").at(42*second, "release b2").at(43*second, "release c3")
	l.done("a1", "b2", "c3")
	require.Equal(t, 8, l.asked)
}

// Refusals are told in portions; the executions that cannot wait hear why.
func TestLimitWithManyWaiting(t *testing.T) {
	t.Parallel()
	const many = 5002
	l := newLimitRun(t)
	asks := []string{"ask a1"}
	for i := range many {
		asks = append(asks, fmt.Sprintf("ask b%d", i+2))
	}
	last := fmt.Sprintf("b%d", many-1)
	l.at(0, asks[0])
	for i, portion := range slices.Collect(slices.Chunk(asks[1:], 500)) { // the test environment takes so many at once
		l.at(time.Duration(i+1)*time.Millisecond, portion...)
	}
	l.env.RegisterDelayedCallback(func() {
		require.Len(t, l.told, 3)
		require.Contains(t, l.reasons[fmt.Sprintf("b%d", many+1)], "5000 executions of its pipeline are waiting already")
		payload, err := converter.GetDefaultDataConverter().ToPayload(l.state())
		require.NoError(t, err)
		require.Less(t, len(payload.GetData()), 512<<10, "the state fits Temporal's bounds")
	}, 2*second)
	l.at(3*second, "release a1").at(4*second, "release "+last)
	l.env.ExecuteWorkflow(activities.LimitWorkflow, activities.LimitInput{ConfigID: "config", Application: "bakery", Pipeline: "Bake"})
	require.True(t, l.env.IsWorkflowCompleted())
	require.NoError(t, l.env.GetWorkflowError())
	require.Len(t, l.told, many+1)
	require.Less(t, l.asked, 60)
}

// The state travels when the history has grown long.
func TestLimitContinuesAsNew(t *testing.T) {
	t.Parallel()
	l := newLimitRun(t)
	l.at(0, "ask a1", "ask b2", "ask c3")
	l.env.RegisterDelayedCallback(func() {
		l.env.SetContinueAsNewSuggested(true)
		l.env.SignalWorkflow(activities.LimitSignal, message(t, "ask d4 2"))
	}, second)
	in := activities.LimitInput{ConfigID: "config", Application: "bakery", Pipeline: "Bake"}
	l.env.ExecuteWorkflow(activities.LimitWorkflow, in)
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, l.env.GetWorkflowError(), &again)
	require.Equal(t, activities.LimitWorkflow, again.WorkflowType.Name)
	var next activities.LimitInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	require.Equal(t, "config", next.ConfigID)
	require.Equal(t, activities.LimitState{
		Holding: []activities.HeldPermit{
			{Permit: activities.Permit{ExecutionID: "a1", At: 1, Limit: 1}, Told: true},
			{Permit: activities.Permit{ExecutionID: "d4", At: 4, Limit: 2}, Told: true},
		},
		Waiting: []activities.Permit{{ExecutionID: "b2", At: 2, Limit: 1}, {ExecutionID: "c3", At: 3, Limit: 1}},
	}, next.State)

	l = newLimitRun(t)
	l.at(second, "release a1", "release d4").heard(2*second, "c3", "b2 refused").at(3*second, "release c3")
	l.env.ExecuteWorkflow(activities.LimitWorkflow, next)
	require.NoError(t, l.env.GetWorkflowError())
	require.Equal(t, []string{"c3", "b2 refused"}, l.told)
}

// A limit has one workflow, whatever the configuration's ID.
func TestLimitID(t *testing.T) {
	t.Parallel()
	require.Equal(t, "limit.7d0c3c5b", activities.LimitID("7d0c3c5b"))
	long := activities.LimitID(strings.Repeat("x", 2000))
	require.Less(t, len(long), 200)
	require.NotEqual(t, long, activities.LimitID(strings.Repeat("x", 2001)))
}
