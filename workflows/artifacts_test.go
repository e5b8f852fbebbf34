package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// sees is a stage type that tells which artifacts it sees, and what it gets for
// the id and artifact of its context.
type sees struct{}

func (sees) Type() string { return "sees" }

func (sees) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "look", Run: func(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
		artifacts, err := t.Artifacts()
		if err != nil {
			return workflows.Outcome{}, err
		}
		var names []any
		for _, a := range artifacts {
			names = append(names, a.Name)
		}
		resolved, err := t.ResolvedArtifacts()
		if err != nil {
			return workflows.Outcome{}, err
		}
		var ids []any
		for _, x := range resolved {
			ids = append(ids, x.ID)
		}
		var inline *pipeline.Artifact
		if m := t.Stage.Context.Map("artifact"); m != nil {
			inline = &pipeline.Artifact{}
			if err := pipeline.Bind(m, inline); err != nil {
				return workflows.Outcome{}, err
			}
			// The engine has evaluated the context; the artifact's own text is put
			// together here, so that it is evaluated where it is bound.
			inline.Version += t.Stage.Context.String("mark") + "{1 + 1}"
		}
		bound, err := t.BoundArtifact(ctx, t.Stage.Context.String("id"), inline)
		if err != nil {
			return workflows.Outcome{}, err
		}
		value, err := pipeline.ToValue(bound)
		return workflows.Outcome{Context: pipeline.Map{"saw": names, "resolved": ids, "bound": value}}, err
	}}}
}

// What a stage sees is its own first, then what is nearest upstream, then the
// trigger's (reference: orca section 4).
func TestArtifactsThatAStageSees(t *testing.T) {
	t.Parallel()
	outputs := func(name string) string {
		return `"outputs":{"artifacts":[{"name":"` + name + `"}],"resolvedExpectedArtifacts":[{"id":"` + name + `"}]}`
	}
	r := workflowstest.NewRun(t, workflowstest.NewWorld(), []workflows.StageType{sees{}, workflowstest.Scripted{}}, `{"stages":[
		{"type":"scripted","refId":"1",`+outputs("far")+`},
		{"type":"scripted","refId":"2","requisiteStageRefIds":["1"],`+outputs("near")+`},
		{"type":"scripted","refId":"aside",`+outputs("aside")+`},
		{"type":"scripted","refId":"odd","requisiteStageRefIds":["2"],"outputs":{"artifacts":"no list","resolvedExpectedArtifacts":{}}},
		{"type":"sees","refId":"3","requisiteStageRefIds":["odd"],"artifacts":[{"name":"own"},null],"resolvedExpectedArtifacts":[{"id":"own"}]}]}`)
	r.Execution.Trigger.Artifacts = []pipeline.Artifact{{Name: "trigger"}}
	r.Execution.Trigger.ResolvedExpectedArtifacts = []pipeline.ExpectedArtifact{{ID: "trigger"}}
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "3"))
	require.Equal(t, []any{"own", "near", "far", "trigger"}, e.StageByRef("3").Context["saw"])
	require.Equal(t, []any{"own", "near", "far", "trigger"}, e.StageByRef("3").Context["resolved"])
}

func TestBoundArtifact(t *testing.T) {
	t.Parallel()
	const upstream = `[
		{"id":"plain","boundArtifact":{"name":"loaf","version":"1"}},
		{"id":"match","matchArtifact":{"artifactAccount":"hub"},"boundArtifact":{"name":"loaf"}},
		{"id":"own","matchArtifact":{"artifactAccount":"hub"},"boundArtifact":{"name":"loaf","artifactAccount":"mine"}},
		{"id":"open"},
		{"id":"open","boundArtifact":{"name":"never seen"}},
		{"id":"text","boundArtifact":{"name":"loaf","version":"${parameters.v}","location":"${nowhere.x}"}},
		{"id":"number","boundArtifact":{"version":"${40 + 2}","metadata":{"n":"${40 + 2}"}}},
		{"id":"broken","boundArtifact":{"version":"${ {1,2} }"}}]`
	for _, tt := range []struct {
		name, stage string
		want        any
		err         string
	}{
		{"by ID", `"id":"plain"`, map[string]any{"name": "loaf", "version": "1"}, ""},
		{"the account of the expectation", `"id":"match"`, map[string]any{"name": "loaf", "artifactAccount": "hub"}, ""},
		{"its own account", `"id":"own"`, map[string]any{"name": "loaf", "artifactAccount": "mine"}, ""},
		{"not resolved", `"id":"open"`, nil, ""},
		{"unknown", `"id":"x"`, nil, ""},
		{"of the trigger", `"id":"trigger"`, map[string]any{"name": "sent"}, ""},
		{"an ID before an inline one", `"id":"plain","artifact":{"name":"inline"}`, map[string]any{"name": "loaf", "version": "1"}, ""},
		{"an unknown ID is no inline one", `"id":"x","artifact":{"name":"inline"}`, nil, ""},
		{"inline", `"artifact":{"name":"inline"}`, map[string]any{"name": "inline", "version": "{1 + 1}"}, ""},
		{"inline with an expression", `"mark":"$","artifact":{"name":"inline"}`, map[string]any{"name": "inline", "version": "2"}, ""},
		{"neither", `"id":""`, nil, ""},
		{"with expressions", `"id":"text"`, map[string]any{"name": "loaf", "version": "7", "location": "${nowhere.x}"}, ""},
		{"expressions that give no text", `"id":"number"`, map[string]any{"version": "42", "metadata": map[string]any{"n": int64(42)}}, ""},
		{"expressions that give a list", `"id":"broken"`, nil, "An artifact of stage 'sees' cannot be read once its expressions are evaluated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// What is upstream comes from a trigger, whose texts no stage has evaluated.
			r := workflowstest.NewRun(t, workflowstest.NewWorld(), []workflows.StageType{sees{}}, `{"parameterConfig":[{"name":"v","default":"7"}],"stages":[{"type":"sees","refId":"1",`+tt.stage+`}]}`)
			v, err := pipeline.DecodeValue([]byte(upstream))
			require.NoError(t, err)
			r.Execution.Trigger.ResolvedExpectedArtifacts, err = pipeline.ParseExpectedArtifacts(v.([]any))
			require.NoError(t, err)
			r.Execution.Trigger.ResolvedExpectedArtifacts = append(r.Execution.Trigger.ResolvedExpectedArtifacts,
				pipeline.ExpectedArtifact{ID: "trigger", BoundArtifact: &pipeline.Artifact{Name: "sent"}})
			e := r.Done()
			if tt.err != "" {
				require.Equal(t, pipeline.Terminal, e.Status)
				require.Contains(t, workflowstest.Errors(e, "1")[0], tt.err)
				return
			}
			require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
			require.Equal(t, tt.want, e.StageByRef("1").Context["bound"])
		})
	}
}

// An artifact's expressions may need something from outside, which is fetched.
func TestBoundArtifactFetches(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.FetchExpressions, func(_ context.Context, in activities.FetchExpressionsInput) (activities.FetchExpressionsOutput, error) {
		out := activities.FetchExpressionsOutput{Answers: map[string]expr.Answer{}}
		for _, request := range in.Requests {
			out.Answers[request.Key()] = expr.Answer{Value: "1.5"}
		}
		return out, nil
	})
	r := workflowstest.NewRun(t, w, []workflows.StageType{sees{}}, `{"stages":[{"type":"sees","id":"a"}]}`)
	r.Execution.Trigger.ResolvedExpectedArtifacts = []pipeline.ExpectedArtifact{{ID: "a", BoundArtifact: &pipeline.Artifact{Version: "${#fromUrl('http://example.com/v')}"}}}
	e := r.Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, map[string]any{"version": "1.5"}, e.Stages[0].Context["bound"])
	require.Len(t, w.Asked(activities.FetchExpressions.Name), 1)
}

func TestArtifactsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stage, want string }{
		{"artifacts", `"artifacts":["x"]`, "An artifact that the stage 'sees' sees cannot be read: Artifact 1 is a string"},
		{"expected artifacts", `"resolvedExpectedArtifacts":[{"matchArtifact":{"name":{}}}]`, "An expected artifact that the stage 'sees' sees cannot be read: Expected artifact 1 cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := workflowstest.NewRun(t, workflowstest.NewWorld(), []workflows.StageType{sees{}}, `{"stages":[{"type":"sees",`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
		})
	}
}
