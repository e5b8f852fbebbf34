package workflows_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

var everyType = append(stages.All(), workflowstest.Scripted{})

func newLive(t *testing.T, w *workflowstest.World) *workflowstest.Live {
	t.Helper()
	server := testkit.SharedTemporal(t)
	return workflowstest.NewLive(t, server.Address, server.Namespace, w, everyType, bucketOf(t).apply(t))
}

// Every scenario runs on a real server; what it wrote to history replays.
func TestScenariosOnARealServer(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var children []pipeline.Pipeline
			if s.child != "" {
				children = append(children, workflowstest.ParsePipeline(t, `{"id":"kid","name":"Kid",`+s.child+`}`))
			}
			w := workflowstest.NewWorld(children...)
			l := newLive(t, w)
			if s.script != nil {
				s.script(w)
			}
			e := workflowstest.NewExecution(t, workflowstest.ParsePipeline(t, s.config(w)))
			e.Trigger.DryRun = s.dry
			require.NoError(t, l.StartExecution(e))
			if s.drive != nil {
				s.drive(l, e)
			}
			res, err := l.End(e.ID)
			require.Equal(t, s.want, res.Status, "%v", err)
			final := workflowstest.RequireEnd(t, w, e.ID)
			require.Equal(t, s.want, final.Status)
			require.Equal(t, s.stages, workflowstest.Statuses(final))
			if s.check != nil {
				s.check(t, l, final)
			}

			// Temporal's own lists tell the same story.
			status, attribute := l.Describe(e.ID)
			require.Equal(t, map[pipeline.Status]enums.WorkflowExecutionStatus{
				pipeline.Succeeded: enums.WORKFLOW_EXECUTION_STATUS_COMPLETED,
				pipeline.Terminal:  enums.WORKFLOW_EXECUTION_STATUS_FAILED,
				pipeline.Canceled:  enums.WORKFLOW_EXECUTION_STATUS_CANCELED,
			}[s.want], status)
			require.Equal(t, string(s.want), attribute)
			require.JSONEq(t, toJSON(t, final), toJSON(t, l.Query(e.ID).Execution), "the ended workflow answers for itself")

			before := len(w.Published(e.ID))
			h := l.History(e.ID)
			require.NoError(t, replay(t, everyType, w, h))
			require.Len(t, w.Published(e.ID), before, "replay publishes nothing")
			keep(t, s.name, h)
			l.RequireAllEnded()
		})
	}
}

// Updates to a workflow that has closed are refused by the server.
func TestUpdatesAfterTheEnd(t *testing.T) {
	t.Parallel()
	l := newLive(t, workflowstest.NewWorld())
	e := l.Start(`{"stages":[{"type":"scripted"}]}`)
	_, err := l.End(e.ID)
	require.NoError(t, err)
	require.ErrorContains(t, l.Cancel(e.ID), "workflow execution already completed")
	_, err = l.Patch(e, "0", pipeline.Map{"x": 1})
	require.ErrorContains(t, err, "workflow execution already completed")
}

// A cancel that races with the end either takes, and the execution is
// CANCELED, or is refused; it is never lost.
func TestUpdatesThatRaceWithTheEnd(t *testing.T) {
	t.Parallel()
	l := newLive(t, workflowstest.NewWorld())
	for range 20 {
		e := l.Start(`{"stages":[{"type":"scripted","calls":"none","continuePipeline":true}]}`)
		errs := make(chan error, 3)
		for range cap(errs) {
			go func() { errs <- l.Cancel(e.ID) }()
		}
		took := 0
		for range cap(errs) {
			if <-errs == nil {
				took++
			}
		}
		res, _ := l.End(e.ID)
		require.LessOrEqual(t, took, 1)
		require.Equal(t, took == 1, res.Status == pipeline.Canceled)
		workflowstest.RequireEnd(t, l.World, e.ID)
	}
}

// News that come while the workflow closes make the server hand out its last
// task again. The end that was told stays, whatever the news are.
func TestNewsWhileTheWorkflowCloses(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(l *workflowstest.Live, id string) (refused func() error){
		"a parent's cancel": func(l *workflowstest.Live, id string) func() error {
			require.NoError(l, l.Client.SignalWorkflow(l.Context(), id, "", workflows.CancelSignal, byInes))
			return nil
		},
		"a cancellation in Temporal": func(l *workflowstest.Live, id string) func() error {
			require.NoError(l, l.Client.CancelWorkflow(l.Context(), id, ""))
			return nil
		},
		"a cancel": func(l *workflowstest.Live, id string) func() error {
			return background(func() error { return l.Cancel(id) })
		},
		"a pause": func(l *workflowstest.Live, id string) func() error {
			return background(func() error {
				return l.Update(id, workflows.PauseUpdate, workflows.PauseInput{User: "ines"}, nil)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			l := newLive(t, w)
			var refused func() error
			var once sync.Once
			workflowstest.On(w, activities.ArchiveExecution, func(_ context.Context, in activities.ArchiveExecutionInput) (activities.Done, error) {
				if err := w.Keep(in); err != nil {
					return activities.Done{}, err
				}
				once.Do(func() { refused = send(l, in.Execution.ID) })
				return activities.Done{}, nil
			})
			e := l.Start(`{"stages":[{"type":"wait","refId":"1"},{"type":"scripted","refId":"2","requisiteStageRefIds":["1"]}]}`)
			res, err := l.End(e.ID)
			require.NoError(t, err)
			require.Equal(t, pipeline.Succeeded, res.Status)
			for _, a := range w.Archived(e.ID) {
				require.Equal(t, pipeline.Succeeded, a.Execution.Status)
			}
			ended := false
			for _, s := range w.Published(e.ID) {
				ended = ended || s.Execution.Status.Complete()
				require.Contains(t, []pipeline.Status{pipeline.NotStarted, pipeline.Running, pipeline.Succeeded}, s.Execution.Status)
			}
			require.True(t, ended)
			if refused != nil {
				require.Error(t, refused())
			} else {
				require.NotEmpty(t, w.Asked(activities.FindEnd.Name), "the task was computed again")
			}
			require.NoError(t, replay(t, everyType, w, l.History(e.ID)))
		})
	}
}

// background begins something and returns what waits for its error.
func background(do func() error) func() error {
	result := make(chan error, 1)
	go func() { result <- do() }()
	return func() error { return <-result }
}

// A workflow that was not started through the API fails with words.
func TestInputThatNobodyTrusts(t *testing.T) {
	t.Parallel()
	l := newLive(t, workflowstest.NewWorld())
	e := workflowstest.NewExecution(t, workflowstest.ParsePipeline(t, `{"stages":[]}`))
	run, err := l.Client.ExecuteWorkflow(t.Context(), startOptions(l, "another-"+e.ID), workflows.PipelineWorkflow, workflows.Input{Execution: e})
	require.NoError(t, err)
	require.ErrorContains(t, run.Get(t.Context(), nil), "holds no execution with the workflow's own ID")
}
