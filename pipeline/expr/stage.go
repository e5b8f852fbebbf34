package expr

import (
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// EvaluateStage evaluates the context of env.Stage as Orca does before a stage
// and before each of its tasks, and returns the context to store; nothing is
// changed in place (reference: expressions section 7).
//
// Under evaluator v4 some stage types take over: evaluateVariables and
// evaluateArtifacts evaluate their rows one after another, and deployManifest
// with skipExpressionEvaluation keeps its manifests as they are. The summary of
// failures stands in the context under [SummaryKey]; failures of earlier passes
// are dropped once their expressions evaluate.
//
// The only errors are [*NeedsFetch].
func EvaluateStage(env *Env, opt Options) (pipeline.Map, *Summary, error) {
	context := env.Stage.Context
	if env.isV4() {
		switch env.Stage.Type {
		case "evaluateVariables":
			return evaluateRows(env, opt, "variables")
		case "evaluateArtifacts":
			return evaluateRows(env, opt, "artifactContents")
		case "deployManifest", "deployCloudrunManifest":
			if context.Bool("skipExpressionEvaluation") {
				opt.Exclude = append([]string{"manifests"}, opt.Exclude...)
			}
		}
	}
	out, summary, err := Evaluate(env, map[string]any(context), opt)
	if err != nil {
		return nil, nil, err
	}
	m, _ := asMap(out)
	return withSummary(m, summary), summary, nil
}

// withSummary puts the failures into an evaluated context, beside those of
// earlier passes that this one did not attempt again.
func withSummary(m pipeline.Map, summary *Summary) pipeline.Map {
	if m == nil {
		m = pipeline.Map{}
	}
	if summary.Failed() {
		m[SummaryKey] = map[string]any(summary.Value())
		return m
	}
	old := m.Map(SummaryKey)
	if len(old) == 0 {
		return m
	}
	kept := map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(old)) {
		if !summary.Attempted(k) {
			kept[k] = old[k]
		}
	}
	m[SummaryKey] = kept
	return m
}

// evaluateRows evaluates the rows under key in order, each seeing the values of
// those before it, after everything else in the context.
func evaluateRows(env *Env, opt Options, key string) (pipeline.Map, *Summary, error) {
	opt.Exclude = append([]string{key}, opt.Exclude...)
	out, summary, err := Evaluate(env, map[string]any(env.Stage.Context), opt)
	needs := AsNeedsFetch(err)
	if err != nil && needs == nil {
		return nil, nil, err
	}
	if summary == nil {
		summary = newSummary(int64(pipeline.ToMillis(env.Now)))
	}
	scope := *env
	scope.Variables = map[string]any{}
	maps.Copy(scope.Variables, env.Variables)
	last := summary.Failures
	if key == "artifactContents" {
		last = 0 // as Orca counts: an earlier failure elsewhere makes the first row keep its text
	}
	rows := []any{}
	for _, r := range env.Stage.Context.List(key) {
		row, more, err := evaluateRow(&scope, opt, key, pipeline.AsMap(r))
		if err != nil {
			// A later row may need this one's value: fetch what is known so far.
			found := AsNeedsFetch(err)
			if needs == nil {
				needs = &NeedsFetch{}
			}
			needs.add(found.Requests...)
			break
		}
		summary.Add(more)
		if summary.Failures != last {
			last = summary.Failures
			rows = append(rows, unevaluated(key, pipeline.AsMap(r)))
			continue
		}
		rows = append(rows, row)
		if more.Evaluated >= 0 {
			scope.Variables[rowName(key, row)] = row[rowValue(key)]
		}
	}
	if needs != nil {
		return nil, nil, needs
	}
	m, _ := asMap(out)
	result := pipeline.Map{}
	maps.Copy(result, m)
	if _, has := env.Stage.Context[key]; has {
		result[key] = rows
	}
	return withSummary(result, summary), summary, nil
}

func rowValue(key string) string {
	if key == "variables" {
		return "value"
	}
	return "contents"
}

func rowName(key string, row map[string]any) string {
	field := "key"
	if key != "variables" {
		field = "name"
	}
	s, _ := row[field].(string)
	return s
}

// unevaluated is a row that keeps its text; a variable keeps the source value
// that tells a restart what to evaluate.
func unevaluated(key string, row pipeline.Map) map[string]any {
	out := map[string]any{}
	maps.Copy(out, row)
	if text, ok := row["value"].(string); ok && key == "variables" && row["sourceValue"] == nil {
		out["sourceValue"] = strings.ReplaceAll(text, "${", "{")
	}
	return out
}

// evaluateRow evaluates one row; values that are no text are only copied, and
// are not seen by later rows.
func evaluateRow(env *Env, opt Options, key string, row pipeline.Map) (map[string]any, *Summary, error) {
	out := unevaluated(key, row)
	text, ok := row[rowValue(key)].(string)
	if !ok {
		none := newSummary(0)
		none.Evaluated = -1
		return out, none, nil
	}
	field := "contents"
	source := map[string]any{}
	if key == "variables" {
		field = "var"
		if d, ok := row["description"].(string); ok {
			source["description"] = d
		}
	}
	source[field] = text
	v, summary, err := Evaluate(env, source, Options{Limits: opt.Limits})
	if err != nil {
		return nil, nil, err
	}
	m, _ := asMap(v)
	out[rowValue(key)] = m[field]
	if d, ok := m["description"]; ok {
		out["description"] = keyString(d)
	}
	return out, summary, nil
}

func keyString(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return display(v)
}

// RestoreVariables rebuilds the rows of an evaluateVariables stage for a
// restart: each value is its source value again, with every { opening an
// expression, as Orca does it.
func RestoreVariables(rows []any) []any {
	out := make([]any, len(rows))
	for i, r := range rows {
		row := pipeline.AsMap(r)
		source, ok := row["sourceValue"].(string)
		if !ok {
			out[i] = r
			continue
		}
		restored := map[string]any{}
		for k, v := range row {
			if k != "sourceValue" {
				restored[k] = v
			}
		}
		restored["value"] = strings.ReplaceAll(source, "{", "${")
		out[i] = restored
	}
	return out
}
