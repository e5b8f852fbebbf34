package gate_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// evaluated is an execution whose first stage has outputs.
func evaluated(w *world, status pipeline.Status) {
	w.execution(&pipeline.Execution{ID: "x", Application: "shop", Name: "deploy", Status: status, SpelEvaluator: "v4",
		Trigger: pipeline.Trigger{Type: "manual", Parameters: pipeline.Map{"tag": "1.2"}},
		Stages: []*pipeline.Stage{
			{ID: "s-1", RefID: "1", Type: "wait", Name: "First", Status: pipeline.Succeeded, Context: pipeline.Map{"own": "mine"}, Outputs: pipeline.Map{"port": int64(80)}},
			{ID: "s-2", RefID: "2", Type: "wait", Name: "Second", Status: status, Context: pipeline.Map{}, Outputs: pipeline.Map{}, RequisiteStageRefIDs: []string{"1"}},
		}})
}

func TestEvaluateExpression(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at, text string
		result   any
		failed   string // the expression that failed, or empty
	}{
		{text: "no expression", result: "no expression"},
		{text: "${1 + 1}", result: int64(2)},
		{text: "v${trigger.parameters.tag}-${execution.name}", result: "v1.2-deploy"},
		{text: "${execution.stages.?[name == 'First'][0]['status']}", result: "SUCCEEDED"},
		{text: "${#stage('First').outputs.port}", result: int64(80)},
		{text: "${#currentUser()}", result: "anonymous"},
		{text: "${port}", result: "${port}", failed: "port"},
		{text: "${1 +}", result: "${1 +}", failed: "1 +"},
		{at: "/s-1", text: "${own}", result: "mine"},
		{at: "/s-2", text: "${port + 1}", result: int64(81)},
		{at: "/s-2", text: "${own}", result: "${own}", failed: "own"},
		{text: "${#fromUrl('https://example.com/x')}", result: "${#fromUrl('https://example.com/x')}", failed: "#fromUrl('https://example.com/x')"},
	} {
		for _, status := range []pipeline.Status{pipeline.Running, pipeline.Succeeded} {
			w := newWorld(t)
			evaluated(w, status)
			check := func(answer pipeline.Map) {
				t.Helper()
				require.Equal(t, tt.result, answer["result"], tt.text)
				if tt.failed == "" {
					require.NotContains(t, answer, "detail", tt.text)
					return
				}
				rows := answer.Map("detail").List(tt.failed)
				require.NotEmpty(t, rows, "%s: %v", tt.text, answer)
				row := pipeline.AsMap(rows[0])
				require.NotEmpty(t, row.String("description"))
				require.NotEmpty(t, row.String("level"))
				require.Equal(t, noon.UnixMilli(), row["timestamp"])
			}
			check(pipeline.AsMap(w.get("/pipelines/x" + tt.at + "/evaluateExpression?expression=" + url.QueryEscape(tt.text))))
			if tt.at != "" {
				continue
			}
			out := w.do("POST", "/pipelines/x/evaluateExpression", tt.text, "Content-Type", "text/plain;charset=utf-8")
			require.Equal(t, http.StatusOK, out.Code)
			check(w.object(out))
			body, err := pipeline.EncodeValue(map[string]any{"expression": tt.text})
			require.NoError(t, err)
			check(w.object(w.do("POST", "/pipelines/x/evaluateExpression", string(body))))
		}
	}
}

func TestEvaluateVariables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	evaluated(w, pipeline.Succeeded)
	evaluate := func(query, body string) (values []any, detail pipeline.Map) {
		t.Helper()
		out := w.do("POST", "/pipelines/anything/evaluateVariables?executionId=x"+query, body)
		require.Equal(t, http.StatusOK, out.Code, out.Body.String())
		answer := w.object(out)
		for _, row := range answer.List("result") {
			values = append(values, pipeline.AsMap(row)["value"])
		}
		return values, answer.Map("detail")
	}
	const three = `[{"key":"a","value":"${port}"},{"key":"b","value":"${a + 1}"},{"key":"c","value":"text"}]`
	values, detail := evaluate("&requisiteStageRefIds=1", three)
	require.Equal(t, []any{int64(80), int64(81), "text"}, values, "each sees those before it")
	require.Empty(t, detail)
	values, detail = evaluate("&requisiteStageRefIds=1&spelVersion=v3", three)
	require.Equal(t, []any{int64(80), "${a + 1}", "text"}, values)
	require.Len(t, detail, 1)
	values, detail = evaluate("", three)
	require.Equal(t, []any{"${port}", "${a + 1}", "text"}, values, "no stage, no outputs")
	require.Len(t, detail, 2)
	require.Equal(t, http.StatusOK, w.do("POST", "/pipelines/x/evaluateVariables", three).Code, "the path may name the execution")
}

func TestEvaluateRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	evaluated(w, pipeline.Running)
	for _, tt := range []struct {
		method, target, body, contentType string
		status                            int
		message                           string
	}{
		{"GET", "/pipelines/x/evaluateExpression", "", "", 400, "no expression"},
		{"GET", "/pipelines/nope/evaluateExpression?expression=1", "", "", 404, "Pipeline not found (id: nope)"},
		{"GET", "/pipelines/x/nope/evaluateExpression?expression=1", "", "", 404, "Stage nope not found in execution x"},
		{"POST", "/pipelines/x/evaluateExpression", "{}", "", 400, "expression is null"},
		{"POST", "/pipelines/x/evaluateExpression", " ", "text/plain", 400, "no body"},
		{"POST", "/pipelines/x/evaluateVariables", "{}", "", 400, "is an object: send a list"},
		{"POST", "/pipelines/x/evaluateVariables", "[7]", "", 400, "Variable 1 is a number"},
		{"POST", "/pipelines/x/evaluateVariables", "[" + strings.Repeat("{},", 1000) + "{}]", "", 400, "at most 1000"},
		{"POST", "/pipelines/x/evaluateVariables?spelVersion=v9", "[]", "", 400, "SpEL evaluator version v9 is not supported"},
		{"POST", "/pipelines/x/evaluateVariables?executionId=nope", "[]", "", 404, "Pipeline not found (id: nope)"},
	} {
		headers := []string{}
		if tt.contentType != "" {
			headers = append(headers, "Content-Type", tt.contentType)
		}
		out := w.do(tt.method, tt.target, tt.body, headers...)
		require.Equal(t, tt.status, out.Code, "%s: %s", tt.target, out.Body)
		require.Contains(t, w.object(out).String("message"), tt.message)
	}
}

// fetcher answers URLs with themselves.
type fetcher struct {
	down   bool
	scopes []activities.Scope
}

func (f *fetcher) FetchExpressions(_ context.Context, in activities.FetchExpressionsInput) (activities.FetchExpressionsOutput, error) {
	f.scopes = append(f.scopes, in.Scope)
	if f.down {
		return activities.FetchExpressionsOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The world does not answer.")
	}
	out := activities.FetchExpressionsOutput{Answers: map[string]expr.Answer{}}
	for _, q := range in.Requests {
		if !strings.HasSuffix(q.URL, "silent") {
			out.Answers[q.Key()] = expr.Answer{Value: q.URL}
		}
	}
	return out, nil
}

func TestEvaluationsFetch(t *testing.T) {
	t.Parallel()
	f := &fetcher{}
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) { d.Fetcher = f })
	evaluated(w, pipeline.Running)
	get := func(text string) pipeline.Map {
		t.Helper()
		return pipeline.AsMap(w.get("/pipelines/x/s-2/evaluateExpression?expression=" + url.QueryEscape(text)))
	}
	require.Equal(t, "https://example.com/a!", get("${#fromUrl(#fromUrl('https://example.com/a'))}!")["result"], "one answer names the next request")
	require.Equal(t, activities.Scope{Application: "shop", Execution: "x", Stage: "s-2", StageName: "Second", Task: "evaluate", User: "anonymous"}, f.scopes[0])
	require.NotEmpty(t, get("${#fromUrl('https://example.com/silent')}").Map("detail"))
	chain := "'https://example.com/'"
	for i := range 25 {
		chain = "#fromUrl(" + chain + " + '" + string(rune('a'+i)) + "')"
	}
	out := w.do("GET", "/pipelines/x/evaluateExpression?expression="+url.QueryEscape("${"+chain+"}"), "")
	require.Equal(t, http.StatusRequestEntityTooLarge, out.Code, out.Body.String())
	f.down = true
	out = w.do("GET", "/pipelines/x/evaluateExpression?expression="+url.QueryEscape("${#fromUrl('https://example.com')}"), "")
	require.Equal(t, http.StatusServiceUnavailable, out.Code)
}
