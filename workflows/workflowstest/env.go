package workflowstest

import (
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// ParsePipeline reads a configuration; application and name are filled in when
// it has none.
func ParsePipeline(t testing.TB, text string) pipeline.Pipeline {
	t.Helper()
	var p pipeline.Pipeline
	require.NoError(t, json.Unmarshal([]byte(text), &p))
	if p.Application() == "" {
		p["application"] = "bakery"
	}
	if p.Name() == "" {
		p["name"] = "Bake"
	}
	return p
}

// NewExecution builds the execution of a configuration, with an ID of its own.
func NewExecution(t testing.TB, p pipeline.Pipeline) *pipeline.Execution {
	t.Helper()
	id := ids.NewExecutionID(time.Now())
	e, err := pipeline.NewExecution(p, pipeline.Launch{
		ID: id, User: "ines", Origin: "api", Now: time.Now(),
		StageID: func(ref string) string { return ids.StageID(id, ref) },
	})
	require.NoError(t, err)
	return e
}

// Run is a pipeline in Temporal's test environment, where time passes at once.
type Run struct {
	*testing.T
	Env       *testsuite.TestWorkflowEnvironment
	World     *World
	Execution *pipeline.Execution
	engine    *workflows.Engine
}

// NewRun prepares a run of a configuration. While an activity runs the clock
// goes as in life, so cancel one after milliseconds.
func NewRun(t *testing.T, w *World, types []workflows.StageType, config string) *Run {
	t.Helper()
	e := NewExecution(t, ParsePipeline(t, config))
	return NewRunOf(t, w, types, e)
}

// NewRunOf prepares a run of an execution.
func NewRunOf(t *testing.T, w *World, types []workflows.StageType, e *pipeline.Execution) *Run {
	t.Helper()
	suite := &testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(30 * time.Second)
	env.SetWorkerOptions(payload.Worker(worker.Options{}))
	engine, err := workflows.NewEngine(types, w)
	require.NoError(t, err)
	engine.Register(env)
	w.Register(env)
	env.SetStartTime(time.UnixMilli(int64(e.BuildTime)))
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: e.ID, TaskQueue: workflows.OrcaQueue})
	return &Run{T: t, Env: env, World: w, Execution: e, engine: engine}
}

// At calls do once d has passed since the start.
func (r *Run) At(d time.Duration, do func()) *Run {
	r.Env.RegisterDelayedCallback(do, d)
	return r
}

// StageID returns the ID of the stage with a refId.
func (r *Run) StageID(ref string) string { return ids.StageID(r.Execution.ID, ref) }

// Query asks the workflow for its state.
func (r *Run) Query() workflows.Snapshot {
	r.Helper()
	v, err := r.Env.QueryWorkflow(workflows.ExecutionQuery)
	require.NoError(r, err)
	var s workflows.Snapshot
	require.NoError(r, v.Get(&s))
	return s
}

// Answer is what an update came back with.
type Answer struct {
	// Accepted is set when the validator let it pass.
	Accepted bool
	// Err is the refusal or the handler's error.
	Err error
	// Patched is a patch's result, Execution the state right after it.
	Patched   workflows.PatchStageOutput
	Execution *pipeline.Execution
}

// CancelAt sends a cancel update and returns where its answer will be.
func (r *Run) CancelAt(d time.Duration, in workflows.CancelInput) *Answer {
	return r.updateAt(d, workflows.CancelUpdate, in)
}

// PatchAt sends a patch of the stage with a refId.
func (r *Run) PatchAt(d time.Duration, ref string, patch pipeline.Map) *Answer {
	return r.updateAt(d, workflows.PatchStageUpdate, workflows.PatchStageInput{StageID: r.StageID(ref), User: "tess", Patch: patch})
}

// PauseAt sends a pause update.
func (r *Run) PauseAt(d time.Duration, user string) *Answer {
	return r.updateAt(d, workflows.PauseUpdate, workflows.PauseInput{User: user})
}

// ResumeAt sends a resume update.
func (r *Run) ResumeAt(d time.Duration, user string) *Answer {
	return r.updateAt(d, workflows.ResumeUpdate, workflows.PauseInput{User: user})
}

// RestartAt sends a restart of the stage with a refId.
func (r *Run) RestartAt(d time.Duration, ref, user string) *Answer {
	return r.updateAt(d, workflows.RestartUpdate, workflows.RestartInput{StageID: r.StageID(ref), User: user})
}

// Restart runs an ended execution again from the stage with a refId and returns
// it as archived.
func (r *Run) Restart(ref, user string) *pipeline.Execution {
	r.Helper()
	archived := r.World.Archived(r.Execution.ID)
	in := workflows.Input{
		Execution: r.Execution.Clone(), Sequence: archived[len(archived)-1].Sequence,
		Restart: &workflows.RestartInput{StageID: r.StageID(ref), User: user},
	}
	r.Env.SetStartTime(r.Execution.EndTime.Time().Add(time.Minute))
	r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, in)
	require.True(r, r.Env.IsWorkflowCompleted())
	return RequireEnd(r, r.World, r.Execution.ID)
}

// ContinuedInput is the input of the run that takes up one which continued as
// new.
func ContinuedInput(t testing.TB, err *workflow.ContinueAsNewError) workflows.Input {
	t.Helper()
	var in workflows.Input
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(err.Input, &in))
	return in
}

func (r *Run) updateAt(d time.Duration, name string, in any) *Answer {
	a := &Answer{}
	r.At(d, func() {
		r.Env.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
			OnAccept: func() { a.Accepted = true },
			OnReject: func(err error) { a.Err = err },
			OnComplete: func(result any, err error) {
				if err != nil {
					a.Err = err
				}
				if p, ok := result.(workflows.PatchStageOutput); ok {
					a.Patched = p
					a.Execution = r.Query().Execution
				}
			},
		}, in)
	})
	return a
}

// Refused requires that an update was refused with a code and words, before
// anything was written.
func (a *Answer) Refused(t testing.TB, code pipeline.Code, words string) {
	t.Helper()
	require.False(t, a.Accepted)
	a.Failed(t, code, words)
}

// Failed requires that an update was refused with a code and words, if not at
// once then because of what came just before it.
func (a *Answer) Failed(t testing.TB, code pipeline.Code, words string) {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, a.Err, &app)
	require.Equal(t, string(code), app.Type())
	require.Contains(t, app.Message(), words)
}

// Took requires that an update was accepted and done.
func (a *Answer) Took(t testing.TB) {
	t.Helper()
	require.NoError(t, a.Err)
	require.True(t, a.Accepted)
}

// Done runs the workflow to its end and returns the execution as archived. It
// requires what holds at the end of every execution.
func (r *Run) Done() *pipeline.Execution {
	r.Helper()
	r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, workflows.Input{Execution: r.Execution.Clone()})
	require.True(r, r.Env.IsWorkflowCompleted())
	requireNoWayBack(r, r.World, r.Execution.ID)
	return RequireEnd(r, r.World, r.Execution.ID)
}

// Result returns how the workflow ended.
func (r *Run) Result() (workflows.Result, error) {
	var res workflows.Result
	err := r.Env.GetWorkflowResult(&res)
	var app *temporal.ApplicationError
	var canceled *temporal.CanceledError
	switch {
	case errors.As(err, &app):
		require.NoError(r, app.Details(&res))
	case errors.As(err, &canceled):
		require.NoError(r, canceled.Details(&res))
	}
	return res, err
}

// RequireEnd requires what holds at the end of every execution: it was
// archived, nothing in it runs, states were published in order, and the last one
// is what was archived last. It returns the execution.
//
// A real server may have a workflow task computed again, after a lost worker or
// when news came in while the workflow closed. What the lost task published and
// archived is then outnumbered.
func RequireEnd(t testing.TB, w *World, id string) *pipeline.Execution {
	t.Helper()
	archived := w.Archived(id)
	require.NotEmpty(t, archived, "archived")
	last := archived[len(archived)-1]
	for _, a := range archived[:len(archived)-1] {
		require.Less(t, a.Sequence, last.Sequence)
	}
	final := last.Execution
	require.True(t, final.Status.Complete(), final.Status)
	require.Equal(t, final.StartTime != 0, final.EndTime != 0, "what never started has no times")
	for _, s := range final.Stages {
		require.True(t, s.Status.Complete() || s.Status == pipeline.NotStarted, "stage %s is %s", s.RefID, s.Status)
		if s.StartTime != 0 {
			require.GreaterOrEqual(t, s.EndTime, s.StartTime)
		}
		for _, task := range s.Tasks {
			require.True(t, task.Status.Complete() || task.Status == pipeline.NotStarted, "task %s is %s", task.Name, task.Status)
		}
	}
	published := w.Published(id)
	require.NotEmpty(t, published)
	require.Equal(t, last.Sequence, published[len(published)-1].Sequence)
	require.JSONEq(t, toJSON(t, final), toJSON(t, published[len(published)-1].Execution))
	return final
}

// requireNoWayBack requires that an execution was archived once and that
// nothing which ended went on, which holds where no workflow task is lost.
func requireNoWayBack(t testing.TB, w *World, id string) {
	t.Helper()
	require.Len(t, w.Archived(id), 1)
	published := w.Published(id)
	for i := 1; i < len(published); i++ {
		require.Greater(t, published[i].Sequence, published[i-1].Sequence)
	}
	var before *pipeline.Execution
	for _, s := range w.Published(id) {
		if before != nil {
			require.False(t, before.Status.Complete(), "nothing is published after the end")
			for _, stage := range s.Execution.Stages {
				earlier := before.Stage(stage.ID)
				if earlier == nil || earlier.Attempt != stage.Attempt {
					continue // synthetic stages come, and restarts begin again
				}
				was := earlier.Status
				require.False(t, was.Complete() && was != stage.Status, "stage %s went from %s to %s", stage.RefID, was, stage.Status)
			}
		}
		before = s.Execution
	}
}

// Statuses maps the refIds of an execution's stages to their statuses.
func Statuses(e *pipeline.Execution) map[string]pipeline.Status {
	out := make(map[string]pipeline.Status, len(e.Stages))
	for _, s := range e.Stages {
		out[s.RefID] = s.Status
	}
	return out
}

// Errors returns the errors of the stage with a refId.
func Errors(e *pipeline.Execution, ref string) []string {
	return e.StageByRef(ref).Context.Map("exception").Map("details").Strings("errors")
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
