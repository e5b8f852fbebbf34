package templates

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// environment returns the names that a template's reference and the defaults of
// its variables see: application, trigger, pipelineTemplate and, by their own
// names, the variables (reference: orca, template schema v2).
func environment(config pipeline.Pipeline, template Template, variables []Variable, o Options) *expr.Env {
	env := expr.NewConfigEnv(o.Trigger, nil)
	env.DisallowUnknownKeys = false
	env.Now = o.Now
	env.Context["application"] = config.Application()
	if template != nil {
		env.Context["pipelineTemplate"] = map[string]any(template)
	}
	for _, v := range variables {
		if v.Default != nil || v.Nullable {
			env.Context[v.Name] = v.Default
		}
	}
	maps.Copy(env.Context, pipeline.Map(config).Map("variables"))
	return env
}

// render evaluates the expressions in a value; what cannot be known here stays
// as it is.
func render(env *expr.Env, value any) any {
	out, _, err := expr.Evaluate(env, value, expr.Options{})
	if err != nil {
		return value
	}
	return out
}

// assign gives every declared variable its value: the pipeline's, or the
// default. Every variable without a value or with one that does not fit is a
// fault.
func assign(config pipeline.Pipeline, variables []Variable, found *faults) pipeline.Map {
	given := pipeline.Map(config).Map("variables")
	out := pipeline.Map{}
	declared := map[string]bool{}
	var missing, null, wrong []string
	for _, v := range variables {
		declared[v.Name] = true
		value, present := given[v.Name]
		if !present && v.Default != nil {
			value, present = v.Default, true
		}
		if present {
			out[v.Name] = pipeline.CloneValue(value)
		}
		switch {
		case !present && !v.Nullable:
			missing = append(missing, v.Name)
		case value == nil && !v.Nullable:
			null = append(null, "variable '"+v.Name+"' supplied value is null but variable is not nullable")
		case value != nil && !fits(v.Type, value):
			wrong = append(wrong, v.Name+" (expected type '"+v.Type+"' found type '"+typeOf(value)+"')")
		}
	}
	malformed := func(cause, suggestion string) {
		found.add(Fault{Message: "malformed template configuration", Location: "configuration:variables", Cause: named(config) + " " + cause, Suggestion: suggestion})
	}
	if len(missing) > 0 {
		malformed("Missing variable values for: "+strings.Join(missing, ", "), "Set them under variables.")
	}
	if len(null) > 0 {
		malformed("Incorrectly defined variable(s): "+strings.Join(null, ", "), "Give them a value, or declare them nullable in the template.")
	}
	if len(wrong) > 0 {
		malformed("Incorrectly defined variable(s): "+strings.Join(wrong, ", "), "Give them values of the declared types.")
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !declared[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		found.add(Fault{
			Severity: Warn, Location: "configuration:variables",
			Message:    "The template declares no such variables: " + strings.Join(unknown, ", "),
			Suggestion: "They are passed over: remove them, or declare them in the template.",
		})
	}
	return out
}

// named tells which pipeline a fault is about.
func named(config pipeline.Pipeline) string {
	var parts []string
	for _, p := range [][2]string{{"application", config.Application()}, {"name", config.Name()}, {"id", config.ID()}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"='"+p[1]+"'")
		}
	}
	if len(parts) == 0 {
		parts = []string{"unknown"}
	}
	return "[Pipeline Config: " + strings.Join(parts, ", ") + "]"
}

// fits reports whether a value is of a declared type. Whole decimals are
// integers and integers are decimals, since JSON's writers do not keep them
// apart.
func fits(declared string, value any) bool {
	actual := typeOf(value)
	switch strings.ToLower(declared) {
	case "object":
		return true
	case "int", "integer", "long":
		f, isFloat := value.(float64)
		return actual == "int" || isFloat && f == math.Trunc(f)
	case "float", "double":
		return actual == "float" || actual == "int"
	case "bool", "boolean":
		return actual == "bool"
	case "map":
		return actual == "object"
	}
	return strings.EqualFold(declared, actual)
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "bool"
	case int, int64, json.Number:
		return "int"
	case float64:
		return "float"
	case []any:
		return "list"
	}
	return "object"
}
