package stages_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestEvaluateVariablesExample(t *testing.T) {
	t.Parallel()
	e := runExample(t, workflowstest.NewWorld(), "evaluate_variables.go", "EvaluateVariables").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"evaluateVariables"}, taskNames(stage(e)))
	require.Equal(t, pipeline.Map{"replicas": int64(2), "greeting": "hello"}, stage(e).Outputs)
}

// Variables see those before them under v4 alone, and stages after them see all.
func TestEvaluateVariables(t *testing.T) {
	t.Parallel()
	for version, sum := range map[string]any{"v4": int64(300), "v3": "${a + b}"} {
		e := newRun(t, workflowstest.NewWorld(), `{"spelEvaluator":"`+version+`","stages":[
			{"type":"evaluateVariables","variables":[{"key":"a","value":"${100}"},{"key":"b","value":"${200}"},{"key":"sum","value":"${a + b}"},
				{"key":"","value":"lost"},{"key":null,"value":"lost"},{"key":"plain","value":{"k":[1]}},{"key":"b","value":"again"},{"key":"none"}]},
			{"type":"evaluateVariables","variables":[{"key":"seen","value":"${plain.k[0]} ${b}"}]}]}`).Done()
		require.Equal(t, pipeline.Succeeded, e.Status)
		require.Equal(t, pipeline.Map{"a": int64(100), "b": "again", "sum": sum, "plain": map[string]any{"k": []any{int64(1)}}, "none": nil}, stage(e).Outputs, version)
		require.Equal(t, pipeline.Map{"seen": "1 again"}, e.StageByRef("1").Outputs)
	}
}

func TestEvaluateVariablesThatFail(t *testing.T) {
	t.Parallel()
	const config = `"stages":[{"type":"evaluateVariables","variables":[{"key":"a","value":"${missing.child}"},{"key":"b","value":"${1 + 1}"}]OPTIONS}]}`
	run := func(options string) *pipeline.Execution {
		return newRun(t, workflowstest.NewWorld(), `{"spelEvaluator":"v4",`+strings.Replace(config, "OPTIONS", options, 1)).Done()
	}
	e := run("")
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, pipeline.Map{"a": "${missing.child}", "b": int64(2)}, stage(e).Outputs)
	require.Contains(t, stage(e).Context, "expressionEvaluationSummary")

	e = run(`,"failOnFailedExpressions":true`)
	require.Equal(t, pipeline.Terminal, e.Status)
}

func TestEvaluateVariablesRefuses(t *testing.T) {
	t.Parallel()
	for variables, want := range map[string]string{
		`null`:  "holds no list of variables",
		`{}`:    "holds no list of variables",
		`["x"]`: "The variable 1 of stage 'evaluateVariables' is not an object",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"evaluateVariables","variables":`+variables+`}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
	}
}

// A restart evaluates the variables again, with what there is then.
func TestEvaluateVariablesRestart(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	const config = `{"spelEvaluator":"v4","stages":[{"type":"evaluateVariables","variables":[{"key":"attempt","value":"${#currentStage().startTime}"},{"key":"gone","value":"x"}]}]}`
	r := newRun(t, w, config)
	first := r.Done()
	require.Equal(t, int64(first.Stages[0].StartTime), first.Stages[0].Outputs["attempt"])

	again := workflowstest.NewRunOf(t, w, stages.All(), first.Clone())
	e := again.Restart("0", "ines")
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Greater(t, stage(e).StartTime, first.Stages[0].StartTime)
	require.Equal(t, pipeline.Map{"attempt": int64(stage(e).StartTime), "gone": "x"}, stage(e).Outputs)
}
