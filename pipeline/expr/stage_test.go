package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

const variablesPipeline = `{"type":"PIPELINE","spelEvaluator":"%v","stages":[
	{"id":"1","refId":"1","type":"wait","name":"a","context":{},"outputs":{"varFromStage1":100}},
	{"id":"2","refId":"2","type":"wait","name":"b","context":{},"outputs":{"varFromStage2":200}},
	{"id":"3","refId":"3","type":"evaluateVariables","name":"v","requisiteStageRefIds":%r,"outputs":{},"context":{"other":"${varFromStage1}",
		"variables":[{"key":"var1","value":"${varFromStage1}"},{"key":"var2","value":"${varFromStage2}"},{"key":"sum","value":"${var1 + var2}"},{"key":"n","value":5}]}}]}`

func variablesStage(t *testing.T, version, requisites string) *expr.Env {
	text := variablesPipeline
	for from, to := range map[string]string{"%v": version, "%r": requisites} {
		for i := 0; i+len(from) <= len(text); i++ {
			if text[i:i+len(from)] == from {
				text = text[:i] + to + text[i+len(from):]
			}
		}
	}
	e := execution(t, text)
	return expr.NewEnv(e, e.Stages[2])
}

func TestEvaluateVariables(t *testing.T) {
	t.Run("53", func(t *testing.T) {
		e := execution(t, `{"type":"PIPELINE","spelEvaluator":"v4","stages":[{"id":"1","refId":"1","type":"evaluateVariables","name":"v","outputs":{},
			"context":{"variables":[{"key":"a","value":"${1+2+3+4}","description":"is ${1+1}"}]}}]}`)
		out, summary, err := expr.EvaluateStage(expr.NewEnv(e, e.Stages[0]), expr.Options{})
		require.NoError(t, err)
		require.False(t, summary.Failed())
		require.Equal(t, `{"variables":[{"description":"is 2","key":"a","sourceValue":"{1+2+3+4}","value":10}]}`, encode(t, out))
	})
	t.Run("54", func(t *testing.T) {
		e := execution(t, `{"type":"PIPELINE","spelEvaluator":"v4","stages":[{"id":"1","refId":"1","type":"evaluateVariables","name":"v","outputs":{},
			"context":{"variables":[{"key":"a","value":"${2}"},{"key":"b","value":"${3}"},
			{"key":"product","value":"${a * b}"},{"key":"bad","value":"this one should fail: ${a * c}"},{"key":"after","value":"${a + 1}"}]}}]}`)
		out, summary, err := expr.EvaluateStage(expr.NewEnv(e, e.Stages[0]), expr.Options{})
		require.NoError(t, err)
		rows := out.List("variables")
		require.Equal(t, int64(6), rows[2].(map[string]any)["value"])
		require.Equal(t, "this one should fail: ${a * c}", rows[3].(map[string]any)["value"])
		require.Equal(t, "this one should fail: {a * c}", rows[3].(map[string]any)["sourceValue"])
		require.Equal(t, int64(3), rows[4].(map[string]any)["value"])
		require.Equal(t, []string{"this one should fail: a * c"}, summary.Expressions())
		require.Contains(t, out.Map(expr.SummaryKey), "this one should fail: a * c")
	})
	t.Run("55", func(t *testing.T) {
		out, summary, err := expr.EvaluateStage(variablesStage(t, "v4", `["1","2"]`), expr.Options{})
		require.NoError(t, err)
		require.False(t, summary.Failed())
		require.Equal(t, `{"other":100,"variables":[{"key":"var1","sourceValue":"{varFromStage1}","value":100},{"key":"var2","sourceValue":"{varFromStage2}","value":200},`+
			`{"key":"sum","sourceValue":"{var1 + var2}","value":300},{"key":"n","value":5}]}`, encode(t, out))
	})
	t.Run("56", func(t *testing.T) {
		out, summary, err := expr.EvaluateStage(variablesStage(t, "v4", `["1"]`), expr.Options{})
		require.NoError(t, err)
		rows := out.List("variables")
		require.Equal(t, "${varFromStage2}", rows[1].(map[string]any)["value"])
		require.Equal(t, "${var1 + var2}", rows[2].(map[string]any)["value"])
		require.Len(t, summary.Expressions(), 2)
	})
	t.Run("57", func(t *testing.T) {
		out, summary, err := expr.EvaluateStage(variablesStage(t, "v3", `["1","2"]`), expr.Options{})
		require.NoError(t, err)
		rows := out.List("variables")
		require.Equal(t, `{"key":"var1","value":100}`, encode(t, rows[0]))
		require.Equal(t, `{"key":"sum","value":"${var1 + var2}"}`, encode(t, rows[2]))
		require.Equal(t, []string{"var1 + var2"}, summary.Expressions())
	})
	t.Run("restart", func(t *testing.T) {
		rows := expr.RestoreVariables([]any{
			map[string]any{"key": "a", "value": int64(10), "sourceValue": "{1 + 2} and {a}"},
			map[string]any{"key": "b", "value": int64(5)},
		})
		require.Equal(t, `[{"key":"a","value":"${1 + 2} and ${a}"},{"key":"b","value":5}]`, encode(t, rows))
	})
	t.Run("a row that fetches stops the pass", func(t *testing.T) {
		e := execution(t, `{"type":"PIPELINE","application":"app","spelEvaluator":"v4","stages":[{"id":"1","refId":"1","type":"evaluateVariables","name":"v","outputs":{},
			"context":{"x":"${#fromUrl('https://a.example.com/')}","variables":[{"key":"a","value":"${#pipelineId('p')}"},{"key":"b","value":"${#pipelineId(a)}"}]}}]}`)
		env := expr.NewEnv(e, e.Stages[0])
		env.Fetched = map[string]expr.Answer{}
		for i, want := range [][]expr.Request{
			{{Kind: expr.FetchURL, URL: "https://a.example.com/"}, {Kind: expr.FetchPipeline, Application: "app", Name: "p"}},
			{{Kind: expr.FetchPipeline, Application: "app", Name: "id1"}},
		} {
			_, _, err := expr.EvaluateStage(env, expr.Options{})
			needs := expr.AsNeedsFetch(err)
			require.NotNil(t, needs, i)
			require.Equal(t, want, needs.Requests)
			for _, r := range needs.Requests {
				env.Fetched[r.Key()] = expr.Answer{Value: "id1"}
			}
		}
		out, _, err := expr.EvaluateStage(env, expr.Options{})
		require.NoError(t, err)
		require.Equal(t, "id1", out.List("variables")[1].(map[string]any)["value"])
	})
}

func TestEvaluateArtifacts(t *testing.T) {
	t.Run("58", func(t *testing.T) {
		e := execution(t, `{"type":"PIPELINE","spelEvaluator":"v4","stages":[{"id":"1","refId":"1","type":"evaluateArtifacts","name":"v","outputs":{},
			"context":{"artifactContents":[{"id":"x","name":"artifactA","contents":"${1+1}"},{"name":"b","contents":"${artifactA + 1}"}]}}]}`)
		out, summary, err := expr.EvaluateStage(expr.NewEnv(e, e.Stages[0]), expr.Options{})
		require.NoError(t, err)
		require.False(t, summary.Failed())
		require.Equal(t, `{"artifactContents":[{"contents":2,"id":"x","name":"artifactA"},{"contents":3,"name":"b"}]}`, encode(t, out))
	})
	t.Run("an earlier failure keeps the first row's text", func(t *testing.T) {
		e := execution(t, `{"type":"PIPELINE","spelEvaluator":"v4","stages":[{"id":"1","refId":"1","type":"evaluateArtifacts","name":"v","outputs":{},
			"context":{"x":"${nope}","artifactContents":[{"name":"a","contents":"${1+1}"},{"name":"b","contents":"${2+2}"}]}}]}`)
		out, _, err := expr.EvaluateStage(expr.NewEnv(e, e.Stages[0]), expr.Options{})
		require.NoError(t, err)
		require.Equal(t, `[{"contents":"${1+1}","name":"a"},{"contents":4,"name":"b"}]`, encode(t, out["artifactContents"]))
	})
}

func TestSkipExpressionEvaluation(t *testing.T) {
	for row, c := range map[string]struct{ version, want string }{
		"78": {"v4", `{"flag":true,"manifests":[{"a":"${#toBoolean('true')}"}],"skipExpressionEvaluation":true}`},
		"79": {"", `{"flag":true,"manifests":[{"a":true}],"skipExpressionEvaluation":true}`},
	} {
		t.Run(row, func(t *testing.T) {
			e := execution(t, `{"type":"PIPELINE","stages":[{"id":"1","refId":"1","type":"deployManifest","name":"d","outputs":{},"context":{
				"skipExpressionEvaluation":true,"flag":"${#toBoolean('true')}","manifests":[{"a":"${#toBoolean('true')}"}]}}]}`)
			e.SpelEvaluator = c.version
			out, _, err := expr.EvaluateStage(expr.NewEnv(e, e.Stages[0]), expr.Options{})
			require.NoError(t, err)
			require.Equal(t, c.want, encode(t, out))
		})
	}
}

func TestFailuresOfEarlierPassesGoAway(t *testing.T) {
	e := execution(t, `{"type":"PIPELINE","stages":[{"id":"1","refId":"1","type":"wait","name":"w","outputs":{},"context":{"a":"${later}","b":"${never}"}}]}`)
	stage := e.Stages[0]
	out, _, err := expr.EvaluateStage(expr.NewEnv(e, stage), expr.Options{})
	require.NoError(t, err)
	require.Len(t, out.Map(expr.SummaryKey), 2)
	stage.Context = out
	stage.Context["later"] = "now"
	out, _, err = expr.EvaluateStage(expr.NewEnv(e, stage), expr.Options{})
	require.NoError(t, err)
	require.Equal(t, "now", out["a"])
	require.Len(t, out.Map(expr.SummaryKey), 1)
	stage.Context = out
	stage.Context["never"] = "ever"
	out, _, err = expr.EvaluateStage(expr.NewEnv(e, stage), expr.Options{})
	require.NoError(t, err)
	require.Empty(t, out.Map(expr.SummaryKey))
}

func TestConfigEnvironment(t *testing.T) {
	env := expr.NewConfigEnv(pipeline.Trigger{Type: "manual", Parameters: pipeline.Map{"a": int64(1)}}, pipeline.Map{"t": "x"})
	out, _, err := expr.Evaluate(env, map[string]any{
		"known": "${parameters.a}", "template": "${templateVariables.t}", "later": "${deployed}", "stage": "${#stage('x').name}", "trigger": "${trigger.type}",
	}, expr.Options{Exclude: []string{"trigger"}})
	require.NoError(t, err)
	require.Equal(t, `{"known":1,"later":"${deployed}","stage":"${#stage('x').name}","template":"x","trigger":"${trigger.type}"}`, encode(t, out))
	require.True(t, expr.EvaluatesAtStart(""))
	require.True(t, expr.EvaluatesAtStart("v2"))
	require.False(t, expr.EvaluatesAtStart("V4"))
}

func TestAncestors(t *testing.T) {
	e := execution(t, `{"type":"PIPELINE","stages":[
		{"id":"a","refId":"1","name":"a"},
		{"id":"b","refId":"2","name":"b","requisiteStageRefIds":["1"]},
		{"id":"b1","refId":"2<1","name":"b1","parentStageId":"b","syntheticStageOwner":"STAGE_BEFORE"},
		{"id":"b2","refId":"2>1","name":"b2","parentStageId":"b","syntheticStageOwner":"STAGE_AFTER"},
		{"id":"c","refId":"3","name":"c","requisiteStageRefIds":["2"]},
		{"id":"x","refId":"4","name":"unrelated"}]}`)
	names := func(id string) []string {
		var out []string
		for _, s := range expr.Ancestors(e, e.Stage(id)) {
			out = append(out, s.Name)
		}
		return out
	}
	require.Equal(t, []string{"c", "b", "b1", "b2", "a"}, names("c"))
	require.Equal(t, []string{"b1", "b", "a"}, names("b1"))
	require.Equal(t, []string{"b2", "b1", "b", "a"}, names("b2"))
	require.Equal(t, []string{"unrelated"}, names("x"))
}
