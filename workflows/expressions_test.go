package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Conditions of stages (reference: orca section 3.5).
func TestStageEnabled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, condition string
		want            pipeline.Status
		reason          string
	}{
		{"true", `{"type":"expression","expression":"1 == 1"}`, "SUCCEEDED", ""},
		{"false", `{"type":"expression","expression":"1 == 2"}`, "SKIPPED", "The condition 1 == 2 is false."},
		{"the type in any case", `{"type":"Expression","expression":"false"}`, "SKIPPED", "is false"},
		{"text that reads true", `{"type":"expression","expression":"'TRUE'"}`, "SUCCEEDED", ""},
		{"no boolean", `{"type":"expression","expression":"1 + 1"}`, "SKIPPED", "neither true nor false but 2"},
		{"a failure", `{"type":"expression","expression":"missing.child"}`, "SKIPPED", "Failed to evaluate"},
		{"null", `{"type":"expression","expression":"missing"}`, "SKIPPED", "not found"},
		{"wrapped already", `{"type":"expression","expression":"${true}"}`, "SKIPPED", "Failed to evaluate"},
		{"false before its time", `{"type":"expression","expression":false}`, "SKIPPED", "is false"},
		{"blank", `{"type":"expression","expression":"  "}`, "SUCCEEDED", ""},
		{"missing", `{"type":"expression"}`, "SUCCEEDED", ""},
		{"another kind", `{"type":"none","expression":"false"}`, "SUCCEEDED", ""},
		{"an earlier stage's outputs", `{"type":"expression","expression":"go == 'yes'"}`, "SUCCEEDED", ""},
		{"an earlier stage's status", `{"type":"expression","expression":"#stage('first').status.toString() == 'SUCCEEDED'"}`, "SUCCEEDED", ""},
		{"a parameter", `{"type":"expression","expression":"parameters.env == 'prod'"}`, "SKIPPED", "is false"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newRun(t, workflowstest.NewWorld(), `{"spelEvaluator":"v4","parameterConfig":[{"name":"env","default":"test"}],"stages":[
				{"type":"scripted","refId":"1","name":"first","outputs":{"go":"yes"}},
				{"type":"scripted","refId":"2","requisiteStageRefIds":["1"],"stageEnabled":`+tt.condition+`},
				{"type":"scripted","refId":"3","requisiteStageRefIds":["2"]}]}`).Done()
			require.Equal(t, pipeline.Succeeded, e.Status)
			s := e.StageByRef("2")
			require.Equal(t, tt.want, s.Status, s.Context)
			require.Equal(t, pipeline.Succeeded, e.StageByRef("3").Status)
			require.Equal(t, tt.want == pipeline.Skipped, len(s.Tasks) == 0)
			require.Contains(t, s.Context.String("skipReason"), tt.reason)
		})
	}
}

// Ad-hoc tasks have no conditions (reference: orca section 3.5).
func TestStageEnabledIsNotForTasks(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"scripted","stageEnabled":{"type":"expression","expression":"false"}}]}`)
	r.Execution.Type = pipeline.TypeOrchestration
	require.Equal(t, pipeline.Succeeded, r.Done().Stages[0].Status)
}

// Expressions are evaluated when a stage starts, with what is known then.
func TestStageContextsAreEvaluated(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"spelEvaluator":"v4","parameterConfig":[{"name":"env","default":"test"}],"name":"Ship to ${parameters.env}",
		"notifications":[{"type":"email","address":"${parameters.env}@example.com","message":"${missing}"}],
		"stages":[
		{"type":"scripted","refId":"1","name":"first ${parameters.env}","outputs":{"n":41}},
		{"type":"scripted","refId":"2","requisiteStageRefIds":["1"],"sum":"${n + 1}","text":"in ${parameters['env']}","list":["${ {1,2} }"],"gone":"${nothing}","outputs":{"left":"${sum}"}}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, "Ship to test", e.Name)
	require.Equal(t, "test@example.com", e.Notifications[0]["address"])
	require.Equal(t, "first ${parameters.env}", e.StageByRef("1").Name, "under v4 stages wait for their start")
	c := e.StageByRef("2").Context
	require.Equal(t, int64(42), c["sum"])
	require.Equal(t, "in test", c["text"])
	require.Equal(t, []any{[]any{int64(1), int64(2)}}, c["list"])
	require.Equal(t, "${nothing}", c["gone"])
	require.Len(t, c.Map(expr.SummaryKey), 1)
	require.Equal(t, []string{"Failed to evaluate [gone] : nothing not found"}, workflowstest.Errors(e, "2"), "never in silence")
	require.Equal(t, "Failed Expression Evaluation", c.Map("exception").Map("details")["error"])
}

// A parameter that nobody gave and that has no default is null: an expression may
// ask for it (reference: orca section 1).
func TestParametersWithoutAValueAreNull(t *testing.T) {
	t.Parallel()
	for _, evaluator := range []string{"v2", "v3", "v4"} {
		e := newRun(t, workflowstest.NewWorld(), `{"spelEvaluator":"`+evaluator+`","parameterConfig":[{"name":"note"}],"stages":[
			{"type":"scripted","a":"${parameters.note ?: 'none'}","b":"${parameters['note'] == null}","c":"${trigger.parameters.containsKey('note')}"}]}`).Done()
		c := e.Stages[0].Context
		require.Equal(t, []any{"none", true, true}, []any{c["a"], c["b"], c["c"]}, evaluator)
		require.NotContains(t, c, "exception")
	}
}

// Before v4 the whole configuration is evaluated at the start, stages included
// (reference: expressions section 7).
func TestEvaluationAtTheStart(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"parameterConfig":[{"name":"env","default":"test"}],"stages":[
		{"type":"scripted","refId":"1","name":"first ${parameters.env}","outputs":{"parameters":{"env":"other"},"n":1}},
		{"type":"scripted","refId":"2","requisiteStageRefIds":["1"],"frozen":"${parameters.env}","late":"${n}"}]}`).Done()
	require.Equal(t, "first test", e.StageByRef("1").Name)
	require.Equal(t, "test", e.StageByRef("2").Context["frozen"])
	require.Equal(t, int64(1), e.StageByRef("2").Context["late"])
}

// Variables of a template may be made from the trigger (reference: expressions
// section 7).
func TestTemplateVariablesAreEvaluatedFirst(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"spelEvaluator":"v4","name":"in ${templateVariables.place}","parameterConfig":[{"name":"env","default":"test"}],
		"templateVariables":{"place":"${trigger.parameters.env}-eu"},"stages":[{"type":"scripted","where":"${templateVariables.place}"}]}`).Done()
	require.Equal(t, "in test-eu", e.Name)
	require.Equal(t, "test-eu", e.Stages[0].Context["where"])
}

// A default artifact may be made from parameters; artifacts that came with the
// trigger are never evaluated (reference: expressions section 9, row 70).
func TestDefaultArtifactsAreEvaluatedAtTheStart(t *testing.T) {
	t.Parallel()
	r := newRun(t, workflowstest.NewWorld(), `{"spelEvaluator":"v4","parameterConfig":[{"name":"reference","default":"gs://bucket"}],
		"expectedArtifacts":[{"id":"a","matchArtifact":{"type":"gcs"},"useDefaultArtifact":true,"defaultArtifact":{"type":"gcs","reference":"${parameters.reference}"}}],
		"stages":[{"type":"scripted"}]}`)
	foreign := pipeline.Artifact{Type: "docker/image", Name: "${1 + 1}"}
	r.Execution.Trigger.Artifacts = append(r.Execution.Trigger.Artifacts, foreign)
	e := r.Done()
	require.Equal(t, "gs://bucket", e.Trigger.ResolvedExpectedArtifacts[0].BoundArtifact.Reference)
	require.Equal(t, []pipeline.Artifact{{Type: "gcs", Reference: "gs://bucket"}, foreign}, e.Trigger.Artifacts)
}

func TestFailOnFailedExpressions(t *testing.T) {
	t.Parallel()
	for _, more := range []string{``, `,"continuePipeline":true`, `,"failPipeline":false`} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"scripted","failOnFailedExpressions":true,"gone":"${nothing.at.all}"`+more+`}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status, more)
		require.Equal(t, pipeline.Terminal, e.Stages[0].Status)
		require.Empty(t, e.Stages[0].Tasks, "nothing ran on text that was to be a value")
		require.Contains(t, workflowstest.Errors(e, "0")[1], "Failed to evaluate [gone]")
	}
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"scripted","failOnFailedExpressions":true,"fine":"${1 + 1}"}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
}

// What helpers fetch comes through an activity, as often as one answer names the
// next, and is retried while the world is broken.
func TestExpressionsThatFetch(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	failures := 2
	workflowstest.On(w, activities.FetchExpressions, func(_ context.Context, in activities.FetchExpressionsInput) (activities.FetchExpressionsOutput, error) {
		if failures > 0 {
			failures--
			return activities.FetchExpressionsOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The network is down.")
		}
		out := activities.FetchExpressionsOutput{Answers: map[string]expr.Answer{}}
		for _, r := range in.Requests {
			switch r.URL {
			case "https://a.example.com/next":
				out.Answers[r.Key()] = expr.Answer{Value: "https://b.example.com/x"}
			case "https://b.example.com/x":
				out.Answers[r.Key()] = expr.Answer{Value: `{"n": 7}`}
			default:
				out.Answers[r.Key()] = expr.Answer{Error: "404 Not Found"}
			}
		}
		return out, nil
	})
	e := newRun(t, w, `{"stages":[{"type":"scripted","deep":"${#jsonFromUrl(#fromUrl('https://a.example.com/next')).n + 1}","lost":"${#fromUrl('https://c.example.com/')}"}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	c := e.Stages[0].Context
	require.Equal(t, int64(8), c["deep"])
	require.Equal(t, "${#fromUrl('https://c.example.com/')}", c["lost"])
	require.Len(t, c.List("attempts"), 2, "the failed attempts are shown")
	require.Contains(t, workflowstest.Errors(e, "0")[0], "404 Not Found")
}
