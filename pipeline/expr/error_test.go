package expr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline/expr"
)

func TestErrorsShowWhereAndWhatToDo(t *testing.T) {
	env := expr.Sample()
	env.Context = map[string]any{"region": "eu", "cluster": map[string]any{"name": "main", "replicas": int64(3)}, "list": []any{"a"}}
	cases := []struct{ expr, caret, hint string }{
		{"1 + ", "1 +\n  ^", ""},
		{"region.length(", "${region.length(}\n                ^", ""},
		{"'unterminated", "${'unterminated}\n  ^", ""},
		{"clustr.name", "clustr.name\n       ^", "Did you mean 'cluster'?"},
		{"cluster.nmae.length()", "cluster.nmae.length()\n             ^", "Did you mean 'name'?"},
		{"cluster.spec.x", "cluster.spec.x\n             ^", "Known here: name, replicas."},
		{"region.toUppercase()", "region.toUppercase()\n       ^", "Did you mean 'toUpperCase'?"},
		{"cluster.get('name')", "cluster.get('name')\n        ^", "write map['key']"},
		{"list.get(0)", "list.get(0)\n     ^", "write list[0]"},
		{"list[5]", "list[5]\n    ^", "Indexes start at 0."},
		{"#toint('1')", "#toint('1')\n^", "Did you mean 'toInt'"},
		{"#stage('deploy').status", "#stage('deploy').status\n^", "Did you mean 'Deploy'?"},
		{"T(System).exit(1)", "T(System).exit(1)\n^", "Expressions may use these types only"},
		{"T(LocalDate).now()", "T(LocalDate).now()\n^", "Write T(java.time.LocalDate)."},
		{"1 + null", "1 + null\n  ^", "give it a default"},
		{"2147483648", "2147483648\n^", "suffix L"},
		{"execution.stauts", "execution.stauts\n          ^", "Did you mean 'status'?"},
		{"execution.type", "execution.type\n          ^", "The type filter hides this property."},
		{"#toJson({'a': '${b}'})", "#toJson({'a': '${b}'})\n^", "#doNotEval"},
		{"{1,\n 2 +}", " 2 +}\n   ^", ""},
	}
	for _, c := range cases {
		t.Run(c.expr, func(t *testing.T) {
			_, summary, err := expr.EvaluateString(env, "${"+c.expr+"}", expr.Options{})
			require.NoError(t, err)
			require.Len(t, summary.Expressions(), 1)
			r := summary.Results(summary.Expressions()[0])[0]
			require.Equal(t, expr.LevelError, r.Level)
			require.Equal(t, c.caret, r.Caret, r.Description)
			require.Contains(t, r.Hint, c.hint)
			require.Contains(t, r.Description, strings.ReplaceAll(c.hint, "$", ""))
			require.GreaterOrEqual(t, r.Position, 0)
			if strings.Contains(c.expr, "stage") || strings.HasPrefix(c.caret, "$") { // positions count in the text as the user wrote it
				return
			}
			e := evaluationError(t, env, c.expr, expr.Limits{})
			require.Contains(t, e.Error(), c.caret)
		})
	}
}

func TestNotFoundNamesTheNearest(t *testing.T) {
	env := &expr.Env{Context: map[string]any{"image_tag": "1", "region": "eu"}}
	_, summary, err := expr.EvaluateString(env, "${image_tga}", expr.Options{})
	require.NoError(t, err)
	r := summary.Results("image_tga")[0]
	require.Equal(t, expr.LevelInfo, r.Level)
	require.Equal(t, "Failed to evaluate image_tga : image_tga not found", strings.NewReplacer("{", "", "}", "").Replace(r.Description))
	require.Equal(t, "Did you mean 'image_tag'?", r.Hint)
}

func TestParse(t *testing.T) {
	tmpl, err := expr.Parse("a ${b.c} d ${#stage('x').e}", expr.Limits{})
	require.NoError(t, err)
	require.False(t, tmpl.Whole())
	require.Len(t, tmpl.Expressions(), 2)
	tmpl, err = expr.Parse("${b}", expr.Limits{})
	require.NoError(t, err)
	require.True(t, tmpl.Whole())
	_, err = expr.Parse("x ${a b}", expr.Limits{})
	var e *expr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, 2, e.Position)
	require.Equal(t, 1041, e.Code)
	_, err = expr.Parse("x ${a", expr.Limits{})
	require.ErrorAs(t, err, &e)
	require.Equal(t, "x ${a\n  ^", e.Caret())
}

func TestSummary(t *testing.T) {
	env := &expr.Env{Context: map[string]any{"s": "x"}}
	source := map[string]any{"a": "${nope}", "b": "${nope}", "c": map[string]any{"d": []any{"${1 +}"}}, "e": "${s}", "f": "x ${also} ${s}"}
	out, summary, err := expr.Evaluate(env, source, expr.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"1 +", "nope", "x also s"}, summary.Expressions())
	require.Equal(t, 5, summary.Evaluated)
	require.Equal(t, 4, summary.Failures)
	require.True(t, summary.Attempted("s"))
	require.Equal(t, "x ${also} x", out.(map[string]any)["f"])
	require.Equal(t, "Failed to evaluate [a, b] : nope not found", summary.Results("nope")[0].Description)
	require.Equal(t, "Failed to evaluate {1 +} Expression [1 +] @2: EL1042E: Problem parsing right operand", summary.Results("1 +")[0].Description)
	row := summary.Value()["1 +"].([]any)[0].(map[string]any)
	require.Equal(t, "ERROR", row["level"])
	require.Equal(t, int64(0), row["timestamp"])
	require.Equal(t, "org.springframework.expression.spel.SpelParseException", row["exceptionType"])
	require.Equal(t, int64(2), row["position"])
	require.Equal(t, "1 +\n  ^", row["caret"])
}

// Nothing an expression does reaches the pipeline's own data.
func TestExpressionsChangeNothing(t *testing.T) {
	env := expr.Sample()
	env.Context = map[string]any{"list": []any{"a"}, "map": map[string]any{"k": "v", "inner": map[string]any{"n": int64(1)}}, "n": int64(1)}
	before := encode(t, env.Context)
	for text, want := range map[string]string{
		"${list.add('b')}":                              "true",
		"${list.add('b') ? list : null}":                `["a","b"]`,
		"${map.k = 'w'}":                                `"w"`,
		"${{map.k = 'w', map.k}[1]}":                    `"w"`,
		"${{map.inner.n++, map.inner.n, map.inner}[1]}": "2",
		"${{list[0] = 'z', list.toString()}[1]}":        `"[z]"`,
		"${{n = 5, n + 1}[1]}":                          "6",
		"${(#v = 3) * #v}":                              "9",
		"${list.clear() == null ? list.size() : -1}":    "0",
		"${n}": "1",
	} {
		out, summary, err := expr.EvaluateString(env, text, expr.Options{})
		require.NoError(t, err)
		require.Empty(t, summary.Descriptions(), text)
		require.Equal(t, want, encode(t, out), text)
		require.Equal(t, before, encode(t, env.Context), text)
	}
}

func TestTheSameInputsGiveTheSameAnswer(t *testing.T) {
	const text = "${T(java.util.UUID).randomUUID().toString()} ${new java.util.Random().nextInt()} ${T(java.time.LocalDate).now().toString()} ${new java.util.Date().getTime()}"
	evaluate := func(seed uint64) any {
		env := expr.Sample()
		env.Seed = seed
		out, summary, err := expr.EvaluateString(env, text+" "+text, expr.Options{})
		require.NoError(t, err)
		require.Empty(t, summary.Descriptions())
		return out
	}
	first := evaluate(7).(string)
	require.Equal(t, first, evaluate(7))
	require.NotEqual(t, first, evaluate(8))
	require.Contains(t, first, " 2026-01-02 1767366245000")
	require.NotEqual(t, strings.Fields(first)[0], strings.Fields(first)[4], "each has its own")
}
