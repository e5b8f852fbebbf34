package expr_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// evaluationError evaluates an expression that must fail.
func evaluationError(t *testing.T, env *expr.Env, expression string, limits expr.Limits) *expr.Error {
	_, err := expr.EvaluateExpression(env, expression, expr.Options{Limits: limits})
	var e *expr.Error
	require.ErrorAs(t, err, &e, expression)
	return e
}

func TestLimits(t *testing.T) {
	list := make([]any, 1000)
	for i := range list {
		list[i] = int64(i)
	}
	env := &expr.Env{Context: map[string]any{"list": list, "text": strings.Repeat("x", 1000)}}
	cases := []struct {
		name, expr, bound string
		limits            expr.Limits
	}{
		{"length", "'" + strings.Repeat("a", 10_001) + "'", "expression length", expr.Limits{}},
		{"length as configured", "'" + strings.Repeat("a", 20) + "'", "expression length", expr.Limits{ExpressionLength: 20}},
		{"brackets", strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300), "nesting depth", expr.Limits{}},
		{"lists", strings.Repeat("{", 300) + strings.Repeat("}", 300), "nesting depth", expr.Limits{}},
		{"signs", strings.Repeat("-", 2*300) + "1", "nesting depth", expr.Limits{}},
		{"nots", strings.Repeat("!", 300) + "true", "nesting depth", expr.Limits{}},
		{"ternaries", strings.Repeat("true ? ", 300) + "1" + strings.Repeat(" : 2", 300), "nesting depth", expr.Limits{}},
		{"steps", "list.![#root.list.![#root.list.size()]]", "steps", expr.Limits{Steps: 100_000}},
		{"cubic work", "list.![#root.list.![#root.list.![#this]]].size()", "steps", expr.Limits{}},
		{"repeat", "text.repeat(1000000000)", "text size", expr.Limits{}},
		{"format", "T(String).format('%1000000000d', 1)", "text size", expr.Limits{}},
		{"replace", "text.replace('x', text).replace('x', text)", "text size", expr.Limits{}},
		{"replaceAll", "text.replaceAll('x', text).replaceAll('x', '$0$0$0$0$0$0$0$0')", "text size", expr.Limits{TextSize: 2 << 20, Steps: 1 << 30}},
		{"indent", "text.indent(1000000000)", "text size", expr.Limits{}},
		{"toJson", "#toJson(list)", "text size", expr.Limits{TextSize: 100}},
		{"print", "list.toString()", "text size", expr.Limits{TextSize: 100}},
		{"result", "list.![#root.text]", "result size", expr.Limits{ResultSize: 100_000}},
		{"shared result", "list", "result size", expr.Limits{ResultSize: 1000}},
		{"pattern", "text.matches('" + strings.Repeat("a", 1001) + "')", "pattern size", expr.Limits{}},
		{"array", "new int[200000].length + new int[200000].length", "steps", expr.Limits{Steps: 300_000}},
		{"yaml aliases", "#readYaml(\"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\")", "result size", expr.Limits{ResultSize: 1 << 20}},
		{"yaml depth", "#readYaml('" + strings.Repeat("[", 500) + "')", "nesting depth", expr.Limits{}},
		{"json depth", "#readJson('" + strings.Repeat("[", 500) + "')", "nesting depth", expr.Limits{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := evaluationError(t, env, c.expr, c.limits)
			require.Equal(t, c.bound, e.Bound, e.Error())
			out, summary, err := expr.EvaluateString(env, "${"+c.expr+"}", expr.Options{Limits: c.limits})
			require.NoError(t, err)
			require.Equal(t, "${"+c.expr+"}", out)
			require.True(t, summary.Failed())
		})
	}
}

// What Spring bounds itself fails with Spring's message.
func TestSpringsOwnLimits(t *testing.T) {
	env := &expr.Env{Context: map[string]any{"text": strings.Repeat("x", 60_000)}}
	for text, code := range map[string]int{
		"text + text": 1078, "'ab' * 200": 1076, "'a' matches '" + strings.Repeat("a", 1001) + "'": 1077, "new int[300000]": 1075,
	} {
		require.Equal(t, code, evaluationError(t, env, text, expr.Limits{}).Code, text)
	}
}

func TestRegularExpressionsRunInLinearTime(t *testing.T) {
	env := &expr.Env{Context: map[string]any{"text": strings.Repeat("a", 50_000) + "!"}}
	start := time.Now()
	for _, text := range []string{"text.matches('(a+)+')", "text.matches('(a|aa)+$')", "text.replaceAll('(a*)*b', '')", "text.matches('(.*)*x')"} {
		_, err := expr.EvaluateExpression(env, text, expr.Options{})
		require.NoError(t, err, text)
	}
	require.Less(t, time.Since(start), 2*time.Minute, "it hangs")
	for text, what := range map[string]string{
		"'a'.matches('(?=a)a')": "Look-ahead", "'a'.matches('(?<!b)a')": "Look-behind", `'aa'.matches('(a)\1')`: "back-reference",
		"'a'.matches('a++')": "possessive", "'a'.matches('(?>a)')": "atomic", "'a'.matches('[a&&b]')": "intersection",
		"'a'.matches('a{2000}')": "more than 1000",
	} {
		e := evaluationError(t, &expr.Env{}, text, expr.Limits{})
		require.Contains(t, e.Error(), what, text)
		require.Equal(t, "java.util.regex.PatternSyntaxException", e.ExceptionType)
		require.Contains(t, e.Hint, "linear time")
	}
}

// bigEnv is an environment with about 30 MB of outputs.
func bigEnv() *expr.Env {
	e := &pipeline.Execution{Type: pipeline.TypePipeline, Application: "big"}
	for i := range 500 {
		s := &pipeline.Stage{
			ID: fmt.Sprint("s", i), RefID: fmt.Sprint(i), Name: fmt.Sprint("Stage ", i), Type: "wait", Status: pipeline.Succeeded,
			Context: pipeline.Map{"n": int64(i)}, Outputs: pipeline.Map{fmt.Sprint("out", i): map[string]any{"value": strings.Repeat("x", 60_000)}},
		}
		if i > 0 {
			s.RequisiteStageRefIDs = []string{fmt.Sprint(i - 1)}
		}
		e.Stages = append(e.Stages, s)
	}
	env := expr.NewEnv(e, e.Stages[499])
	env.Context = pipeline.Map{"name": "shop", "map": map[string]any{"a": map[string]any{"b": int64(7)}}, "list": []any{"x", "y"}}
	return env
}

func TestBigContextsAreNotCopied(t *testing.T) {
	env := bigEnv()
	texts := []string{"${out3.value.length()}", "${#stage('Stage 7').outputs.out7.value.length()}", "${map.a.b + 1}", "${execution.stages.size()}", "${missing}"}
	_, _, err := expr.EvaluateString(env, texts[0], expr.Options{})
	require.NoError(t, err)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, text := range texts {
				if _, _, err := expr.EvaluateString(env, text, expr.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		}
	}).AllocedBytesPerOp()
	require.Less(t, allocated, int64(300_000), "five expressions over 30 MB")
}

// Looking behind every stage's context is not quadratic in the stages' outputs.
func TestContextsOfManyStages(t *testing.T) {
	env := bigEnv()
	start := time.Now()
	out, summary, err := expr.EvaluateString(env, "${execution.stages.?[context['out0'] != null].size()}", expr.Options{})
	require.NoError(t, err)
	require.Empty(t, summary.Descriptions())
	require.Equal(t, int64(500), out)
	require.Less(t, time.Since(start), 3*time.Second)
}

func BenchmarkSimple(b *testing.B) {
	env := bigEnv()
	for name, text := range map[string]string{
		"property":  "${map.a.b}",
		"condition": "${map.a.b > 5 and name == 'shop'}",
		"mixed":     "app-${name}-${map['a'].b}",
		"method":    "${name.toUpperCase()}",
		"function":  "${#toInt('7') + 1}",
		"stage":     "${#stage('Stage 3').status == 'SUCCEEDED'}",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, s, err := expr.EvaluateString(env, text, expr.Options{}); err != nil || s.Failed() {
					b.Fatal(err, s.Descriptions())
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "evaluations/s")
		})
	}
}
