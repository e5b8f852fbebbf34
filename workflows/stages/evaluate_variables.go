package stages

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/workflows"
)

// EvaluateVariables gives names to values for the stages after it (reference:
// orca section 6.2, expressions section 7). The expressions in its rows are
// evaluated by the engine before its task: under evaluator v4 one row after
// another, each seeing the rows before it.
//
//	{"type": "evaluateVariables", "refId": "1", "name": "Names", "variables": [
//	  {"key": "replicas", "value": "${parameters.size == 'large' ? 6 : 2}", "description": "How many pods"},
//	  {"key": "greeting", "value": "hello"}]}
//
// A variable whose expression fails keeps its text; failOnFailedExpressions
// makes the stage fail.
type EvaluateVariables struct{}

var (
	_ workflows.StageType  = EvaluateVariables{}
	_ workflows.Restarter  = EvaluateVariables{}
	_ workflows.Documented = EvaluateVariables{}
)

// Type implements workflows.StageType.
func (EvaluateVariables) Type() string { return "evaluateVariables" }

// Tasks implements workflows.StageType.
func (e EvaluateVariables) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "evaluateVariables", Run: e.evaluate}}
}

func (EvaluateVariables) evaluate(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	rows, isList := t.Stage.Context["variables"].([]any)
	if !isList {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds no list of variables: set variables to a list of {\"key\": …, \"value\": …}.", t.Stage.Name)
	}
	outputs := pipeline.Map{}
	for i, v := range rows {
		row := pipeline.AsMap(v)
		if row == nil {
			return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The variable %d of stage '%s' is not an object: write {\"key\": …, \"value\": …}.", i+1, t.Stage.Name)
		}
		if key := row.String("key"); key != "" {
			outputs[key] = pipeline.CloneValue(row["value"])
		}
	}
	return workflows.Outcome{Outputs: outputs}, nil
}

// PrepareRestart implements workflows.Restarter: the rows hold their
// expressions again.
func (EvaluateVariables) PrepareRestart(s *pipeline.Stage, _ pipeline.Map) {
	s.Outputs = pipeline.Map{}
	if rows := s.Context.List("variables"); rows != nil {
		s.Context["variables"] = expr.RestoreVariables(rows)
	}
}

// Describe implements workflows.Documented.
func (EvaluateVariables) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Evaluates expressions once and leaves their values, by name, to the stages after it.",
		Inputs: []workflows.Field{
			{Name: "variables", Type: "list of {key, value, description}", Text: "Under evaluator v4 they are evaluated in order, each seeing those before it. Rows with an empty key are passed over, keys are no templates."},
		},
		Outputs: []workflows.Field{
			{Name: "the keys", Type: "any", Text: "Each variable's value under its key; of two with one key the later."},
		},
		Notes: []string{
			"A variable whose expression fails keeps its text, and what went wrong stands in `expressionEvaluationSummary`. Set `failOnFailedExpressions` to fail the stage instead.",
			"A restart evaluates again: the rows are rebuilt from `sourceValue`, in which every `{` opens an expression, as in Orca.",
		},
	}
}
