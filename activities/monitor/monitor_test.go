package monitor_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/monitor"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// reader plays the service: what is known now, and what happens then.
type reader struct {
	now  map[string]*pipeline.Execution
	then chan executions.Event
}

func newReader(now ...*pipeline.Execution) *reader {
	r := &reader{now: map[string]*pipeline.Execution{}, then: make(chan executions.Event)}
	for _, e := range now {
		r.now[e.ID] = e
	}
	return r
}

func (r *reader) Get(_ context.Context, id string) (executions.Record, error) {
	if id == "away" {
		return executions.Record{}, pipeline.Errorf(pipeline.CodeUnavailable, "The store does not answer.")
	}
	e, ok := r.now[id]
	if !ok {
		return executions.Record{}, pipeline.Errorf(pipeline.CodeNotFound, "Nobody knows %s.", id)
	}
	return executions.Record{Execution: e}, nil
}

// Watch serves one topic at a time, which is enough here.
func (r *reader) Watch(ctx context.Context, _ executions.Topic) (<-chan executions.Event, error) {
	out := make(chan executions.Event)
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-r.then:
				select {
				case <-ctx.Done():
					return
				case out <- e:
				}
			}
		}
	}()
	return out, nil
}

func execution(id string, status pipeline.Status) *pipeline.Execution {
	return &pipeline.Execution{ID: id, Type: pipeline.TypePipeline, Application: "shop", Name: "Deploy", Status: status}
}

func event(e *pipeline.Execution) executions.Event {
	return executions.Event{ID: e.ID, Record: executions.Record{Execution: e}}
}

func TestAwaitExecutionsThatHaveEnded(t *testing.T) {
	t.Parallel()
	m := monitor.New(newReader(execution("a", pipeline.Succeeded), execution("b", pipeline.Canceled)))
	out, err := m.AwaitExecutions(t.Context(), activities.AwaitExecutionsInput{IDs: []string{"a", "", "b", "a"}})
	require.NoError(t, err)
	require.Equal(t, activities.AwaitExecutionsOutput{Done: true, Executions: []activities.ExecutionState{
		{ID: "a", Application: "shop", Name: "Deploy", Status: pipeline.Succeeded},
		{ID: "b", Application: "shop", Name: "Deploy", Status: pipeline.Canceled},
	}}, out)
}

func TestAwaitExecutionsRefuses(t *testing.T) {
	t.Parallel()
	m := monitor.New(newReader(execution("a", pipeline.Running)))
	for _, tt := range []struct {
		in   activities.AwaitExecutionsInput
		code pipeline.Code
	}{
		{activities.AwaitExecutionsInput{}, pipeline.CodeInvalid},
		{activities.AwaitExecutionsInput{IDs: []string{""}}, pipeline.CodeInvalid},
		{activities.AwaitExecutionsInput{IDs: []string{"a", "x"}}, pipeline.CodeNotFound},
		{activities.AwaitExecutionsInput{IDs: []string{"a"}, Type: pipeline.TypeOrchestration}, pipeline.CodeNotFound},
		{activities.AwaitExecutionsInput{IDs: []string{"away"}}, pipeline.CodeUnavailable},
		{activities.AwaitExecutionsInput{IDs: strings.Split(strings.Repeat("x y ", activities.MaxAwaited)+"z", " ")}, pipeline.CodeNotFound},
	} {
		_, err := m.AwaitExecutions(t.Context(), tt.in)
		require.Equal(t, tt.code, pipeline.CodeOf(err), tt.in)
	}
	many := activities.AwaitExecutionsInput{}
	for i := range activities.MaxAwaited + 1 {
		many.IDs = append(many.IDs, strings.Repeat("x", i+1))
	}
	_, err := m.AwaitExecutions(t.Context(), many)
	require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err))
}

func TestAwaitExecutionsWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReader(execution("a", pipeline.Running))
		m := monitor.New(r)
		in := activities.AwaitExecutionsInput{IDs: []string{"a"}, Seen: map[string]pipeline.Status{"a": pipeline.Running}}
		began := time.Now()
		go func() {
			time.AfterFunc(time.Hour, func() { r.then <- event(execution("a", pipeline.Succeeded)) })
		}()
		out, err := m.AwaitExecutions(t.Context(), in)
		require.NoError(t, err)
		require.True(t, out.Done)
		require.Equal(t, time.Hour, time.Since(began))
		require.Equal(t, pipeline.Succeeded, out.Executions[0].Status)
	})
}

// A status that the caller does not know is told once it has lasted.
func TestAwaitExecutionsTellsNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReader(execution("a", pipeline.NotStarted))
		in := activities.AwaitExecutionsInput{IDs: []string{"a"}, Seen: map[string]pipeline.Status{"a": pipeline.NotStarted}}
		began := time.Now()
		time.AfterFunc(time.Minute, func() { r.then <- event(execution("a", pipeline.Running)) })
		out, err := monitor.New(r).AwaitExecutions(t.Context(), in)
		require.NoError(t, err)
		require.False(t, out.Done)
		require.Equal(t, pipeline.Running, out.Executions[0].Status)
		require.Equal(t, time.Minute+activities.NewsAfter, time.Since(began))
	})
}

func TestAwaitExecutionsFailsFast(t *testing.T) {
	t.Parallel()
	r := newReader(execution("a", pipeline.Running), execution("b", pipeline.Stopped), execution("c", pipeline.Canceled))
	out, err := monitor.New(r).AwaitExecutions(t.Context(), activities.AwaitExecutionsInput{IDs: []string{"a", "b"}, FailFast: true})
	require.NoError(t, err)
	require.True(t, out.Done)

	out, err = monitor.New(r).AwaitExecutions(t.Context(), activities.AwaitExecutionsInput{IDs: []string{"a", "c"}, FailFast: true})
	require.NoError(t, err)
	require.False(t, out.Done, "a cancelled one has not failed")
}

func TestAwaitExecutionsOfDeletedOne(t *testing.T) {
	t.Parallel()
	r := newReader(execution("a", pipeline.Running))
	go func() { r.then <- executions.Event{ID: "a", Deleted: true} }()
	_, err := monitor.New(r).AwaitExecutions(t.Context(), activities.AwaitExecutionsInput{IDs: []string{"a"}})
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
}

func TestAwaitExecutionsTellsWhatWentWrong(t *testing.T) {
	t.Parallel()
	e := execution("a", pipeline.Terminal)
	failed := func(name string, errors ...any) *pipeline.Stage {
		return &pipeline.Stage{ID: "id of " + name, Name: name, Status: pipeline.Terminal, Context: pipeline.Map{
			"exception": map[string]any{"details": map[string]any{"errors": errors}},
		}}
	}
	e.Stages = []*pipeline.Stage{
		{Name: "Wait", Status: pipeline.Succeeded, Outputs: pipeline.Map{"k": "v"}},
		failed("Deploy", "no", strings.Repeat("é", 1000)), failed("Test", "nothing to test"),
	}
	m := monitor.New(newReader(e))
	in := activities.AwaitExecutionsInput{IDs: []string{"a"}, Outputs: true, MaxOutputs: 100}
	out, err := m.AwaitExecutions(t.Context(), in)
	require.NoError(t, err)
	state := out.Executions[0]
	require.Equal(t, &activities.StageRef{ID: "id of Deploy", Name: "Deploy", Index: 1}, state.FailedStage)
	require.Equal(t, []activities.StageFailure{
		{Stage: "Deploy", Message: "no"}, {Stage: "Deploy", Message: strings.Repeat("é", 500) + "…"}, {Stage: "Test", Message: "nothing to test"},
	}, state.Failures)
	require.Equal(t, pipeline.Map{"k": "v"}, state.Outputs)

	in.MaxOutputs = 5
	out, err = m.AwaitExecutions(t.Context(), in)
	require.NoError(t, err)
	require.Nil(t, out.Executions[0].Outputs)
	require.Equal(t, len(`{"k":"v"}`), out.Executions[0].OutputsSize)
}

func TestAwaitExecutionsTellsTheWorkload(t *testing.T) {
	t.Parallel()
	deploy := func(name, kind, object string, end pipeline.Millis) *pipeline.Stage {
		return &pipeline.Stage{
			Type: "deployManifest", Name: name, Status: pipeline.Succeeded, EndTime: end, Context: pipeline.Map{"account": "prod"},
			Outputs: pipeline.Map{
				"outputs.manifests":        []any{map[string]any{"kind": kind, "metadata": map[string]any{"name": object}}},
				"outputs.createdArtifacts": []any{map[string]any{"name": object, "location": "ns"}},
			},
		}
	}
	for name, tt := range map[string]struct {
		stages []*pipeline.Stage
		app    any
		want   *activities.Workload
	}{
		"last":       {[]*pipeline.Stage{deploy("Deploy 2", "Deployment", "web-2", 2), deploy("Deploy 1", "StatefulSet", "web-1", 1)}, "web", &activities.Workload{Account: "prod", ManifestName: "Deployment web-2", Location: "ns"}},
		"other name": {[]*pipeline.Stage{deploy("Roll out", "Deployment", "web", 1)}, "web", nil},
		"other app":  {[]*pipeline.Stage{deploy("Deploy", "Deployment", "api", 1)}, "web", nil},
		"other kind": {[]*pipeline.Stage{deploy("Deploy", "ConfigMap", "web", 1)}, "web", nil},
		"no app":     {[]*pipeline.Stage{deploy("Deploy", "Deployment", "web", 1)}, nil, nil},
		"no outputs": {[]*pipeline.Stage{{Type: "deployManifest", Name: "Deploy", Status: pipeline.Succeeded}}, "web", nil},
	} {
		e := execution("a", pipeline.Succeeded)
		e.Stages = tt.stages
		e.Trigger.Parameters = pipeline.Map{"app": tt.app}
		out, err := monitor.New(newReader(e)).AwaitExecutions(t.Context(), activities.AwaitExecutionsInput{IDs: []string{"a"}})
		require.NoError(t, err)
		require.Equal(t, tt.want, out.Executions[0].Workload, name)
	}
}

// As an activity it passes on what a caller must tell apart.
func TestAwaitExecutionsAsActivity(t *testing.T) {
	t.Parallel()
	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	activities.RegisterExecutions(env, monitor.New(newReader(execution("a", pipeline.Succeeded))))
	v, err := env.ExecuteActivity(activities.AwaitExecutions.Name, activities.AwaitExecutionsInput{IDs: []string{"a"}})
	require.NoError(t, err)
	var out activities.AwaitExecutionsOutput
	require.NoError(t, v.Get(&out))
	require.True(t, out.Done)
	_, err = env.ExecuteActivity(activities.AwaitExecutions.Name, activities.AwaitExecutionsInput{IDs: []string{"x"}})
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(activities.FromTemporal(err)))
}
