package limits_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/limits"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

func dial(t *testing.T, server *testkit.TemporalServer) client.Client {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{
		HostPort: server.Address, Namespace: server.Namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// tell is a message of an execution to the limit of a configuration that no
// worker serves.
func tell(config, execution string, kind activities.LimitMessageKind) activities.TellLimitInput {
	return activities.TellLimitInput{
		Limit: activities.LimitInput{ConfigID: config, Application: "bakery", Pipeline: "Bake"}, Queue: "nobody", Summary: "bakery / Bake (limit)",
		Attributes: map[string]string{"Application": "bakery", "PipelineConfigId": config},
		Message:    activities.LimitMessage{Kind: kind, Permit: activities.Permit{ExecutionID: execution, At: 5, Limit: 1, Keep: true}},
	}
}

func TestTellLimit(t *testing.T) {
	t.Parallel()
	c := dial(t, testkit.SharedTemporal(t))
	room := limits.New(c)
	sent := []activities.TellLimitInput{tell("told", "a", activities.LimitAsk), tell("told", "a", activities.LimitRelease), tell("told", "b", activities.LimitAsk)}
	for _, in := range sent {
		_, err := room.TellLimit(t.Context(), in)
		require.NoError(t, err)
	}
	d, err := c.DescribeWorkflow(t.Context(), "limit.told", "")
	require.NoError(t, err)
	require.Equal(t, activities.LimitWorkflow, d.WorkflowType.Name)
	require.Equal(t, "nobody", d.TaskQueueName)
	summary, err := d.GetStaticSummary()
	require.NoError(t, err)
	require.Equal(t, "bakery / Bake (limit)", summary)
	config, _ := d.TypedSearchAttributes.GetKeyword(temporal.NewSearchAttributeKeyKeyword("PipelineConfigId"))
	require.Equal(t, "told", config)
	history := c.GetWorkflowHistory(t.Context(), "limit.told", "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var got []string
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		if s := event.GetWorkflowExecutionSignaledEventAttributes(); s != nil {
			require.Equal(t, activities.LimitSignal, s.GetSignalName())
			got = append(got, string(s.GetInput().GetPayloads()[0].GetData()))
		}
	}
	require.Len(t, got, 3, "in one workflow, in order")
	require.JSONEq(t, `{"kind":"ask","permit":{"id":"a","at":5,"limit":1,"keep":true}}`, got[0])
	require.JSONEq(t, `{"kind":"release","permit":{"id":"a","at":5,"limit":1,"keep":true}}`, got[1])
	require.JSONEq(t, `{"kind":"ask","permit":{"id":"b","at":5,"limit":1,"keep":true}}`, got[2])
}

func TestTellLimitRefusesTheNameless(t *testing.T) {
	t.Parallel()
	room := limits.New(nil)
	for _, in := range []activities.TellLimitInput{tell("", "a", activities.LimitAsk), tell("c", "", activities.LimitAsk)} {
		_, err := room.TellLimit(t.Context(), in)
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	}
}

// What Temporal does not take is invalid, so that nobody repeats it.
func TestTellLimitWithAnAttributeThatTemporalDoesNotKnow(t *testing.T) {
	t.Parallel()
	in := tell("unknown attribute", "a", activities.LimitAsk)
	in.Attributes["Weather"] = "fair"
	_, err := limits.New(dial(t, testkit.SharedTemporal(t))).TellLimit(t.Context(), in)
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "Weather")
}

func TestAnswersAndEnds(t *testing.T) {
	t.Parallel()
	c := dial(t, testkit.SharedTemporal(t))
	room := limits.New(c)
	start := func(id string) {
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "nobody"}, "Pipeline")
		require.NoError(t, err)
	}
	for _, id := range []string{"runs", "waits", "ended"} {
		start(id)
	}
	require.NoError(t, c.TerminateWorkflow(t.Context(), "ended", "", "test"))
	long := strings.Repeat("x", 1200) // an ID that Temporal does not take

	out, err := room.AnswerPermits(t.Context(), activities.AnswerPermitsInput{Answers: []activities.PermitAnswer{
		{ExecutionID: "never was"}, {ExecutionID: "runs"}, {ExecutionID: "ended"}, {ExecutionID: "waits", Refused: "full"}, {ExecutionID: long},
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"ended", "never was", long}, out.Ended)
	for id, want := range map[string]string{"runs": `{}`, "waits": `{"refused":"full"}`} {
		history := c.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		var got []string
		for history.HasNext() {
			event, err := history.Next()
			require.NoError(t, err)
			if s := event.GetWorkflowExecutionSignaledEventAttributes(); s != nil {
				require.Equal(t, activities.PermitSignal, s.GetSignalName())
				got = append(got, string(s.GetInput().GetPayloads()[0].GetData()))
			}
		}
		require.Len(t, got, 1)
		require.JSONEq(t, want, got[0])
	}

	ended, err := room.FindEnded(t.Context(), activities.FindEndedInput{ExecutionIDs: []string{"runs", "never was", "waits", "ended"}})
	require.NoError(t, err)
	require.Equal(t, []string{"ended", "never was"}, ended.Ended)
	start("ended")
	ended, err = room.FindEnded(t.Context(), activities.FindEndedInput{ExecutionIDs: []string{"ended"}})
	require.NoError(t, err)
	require.Empty(t, ended.Ended, "it was restarted")
}

// A Temporal that is away is nobody's end.
func TestTemporalAway(t *testing.T) {
	t.Parallel()
	server := testkit.Temporal(t)
	room := limits.New(dial(t, server))
	_, err := room.TellLimit(t.Context(), tell("away", "a", activities.LimitAsk))
	require.NoError(t, err)
	server.Kill()
	for name, call := range map[string]func(context.Context) error{
		"tell": func(ctx context.Context) error {
			_, err := room.TellLimit(ctx, tell("away", "b", activities.LimitAsk))
			return err
		},
		"answer": func(ctx context.Context) error {
			_, err := room.AnswerPermits(ctx, activities.AnswerPermitsInput{Answers: []activities.PermitAnswer{{ExecutionID: "a"}}})
			return err
		},
		"find": func(ctx context.Context) error {
			_, err := room.FindEnded(ctx, activities.FindEndedInput{ExecutionIDs: []string{"a"}})
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := call(ctx)
		cancel()
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%s: %v", name, err)
	}
}

func TestRegistered(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	activities.RegisterLimits(env, limits.New(nil))
	_, err := env.ExecuteActivity(activities.TellLimit.Name, activities.TellLimitInput{})
	require.ErrorContains(t, err, "names no pipeline configuration or no execution")
}
