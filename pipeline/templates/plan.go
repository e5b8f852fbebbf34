package templates

import (
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// Plan resolves a configuration and evaluates what its trigger and variables
// tell: everything under evaluator v3, all but the stages under v4. It is what
// Orca answers to /v2/pipelineTemplates/plan. What cannot be known yet stays
// text; why is under expressionEvaluationSummary.
//
// Errors: those of [Resolve]; [*Error] for expressions that ask for variables
// that are not there.
func Plan(config pipeline.Pipeline, o Options) (Resolution, error) {
	r, err := Resolve(config, o)
	if err != nil {
		return r, err
	}
	m := pipeline.Map(r.Pipeline)
	env := expr.NewConfigEnv(o.Trigger, m.Map("templateVariables"))
	env.DisallowUnknownKeys = false
	env.Now = o.Now
	env.SpelEvaluator = m.String("spelEvaluator")
	summary := &expr.Summary{}
	out := make(pipeline.Pipeline, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out[key] = evaluate(env, key, m[key], summary)
	}
	if missing := missingVariables(summary); len(missing) > 0 {
		found := faults(r.Warnings)
		found.add(Fault{
			Message:  "Missing template variable values for the following variables: " + strings.Join(missing, ", "),
			Location: "template:variables", Suggestion: "Declare them in the template.",
		})
		return Resolution{}, found.err()
	}
	if summary.Failed() {
		out[expr.SummaryKey] = map[string]any(summary.Value())
	}
	r.Pipeline = out
	return r, nil
}

// evaluate evaluates one key of a pipeline. Stages are evaluated one by one, so
// that one that has to fetch something does not keep the others from it.
func evaluate(env *expr.Env, key string, value any, summary *expr.Summary) any {
	list, isList := value.([]any)
	if key == "stages" && isList {
		if !expr.EvaluatesAtStart(env.SpelEvaluator) {
			return value
		}
		out := make([]any, len(list))
		for i, e := range list {
			out[i] = evaluate(env, "", e, summary)
		}
		return out
	}
	out, s, err := expr.Evaluate(env, value, expr.Options{})
	if err != nil {
		return value
	}
	summary.Add(s)
	return out
}

// missingVariables lists the variables that expressions ask for in vain.
func missingVariables(s *expr.Summary) []string {
	var out []string
	for _, e := range s.Expressions() {
		if name, found := strings.CutPrefix(e, "templateVariables."); found {
			out = append(out, name)
		}
	}
	return out
}
