package workflows

import (
	"maps"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// refuseUnsupported fails a stage that asks for something this engine does not
// do. Passing over a condition, a window or an expression in silence would
// deploy what the pipeline's author meant to hold back.
func refuseUnsupported(s *pipeline.Stage) error {
	enabled := s.Context.Map("stageEnabled")
	switch {
	case strings.EqualFold(enabled.String("type"), "expression") && strings.TrimSpace(enabled.String("expression")) != "":
		return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' runs on a condition (stageEnabled), and conditional stages are not available: remove the condition.", s.Name)
	case s.Context.Bool("restrictExecutionDuringTimeWindow"):
		return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' is restricted to a time window, and execution windows are not available: remove restrictExecutionDuringTimeWindow.", s.Name)
	}
	values := maps.Clone(map[string]any(s.Context))
	for _, key := range []string{"comments", "instructions", "name"} {
		delete(values, key)
	}
	if s.Context.Bool("skipExpressionEvaluation") {
		// What stands in manifests is then text for the cluster, not an expression.
		delete(values, "manifests")
		delete(values, "manifest")
	}
	if path := findExpression(values, ""); path != "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds an expression in %s, and expressions are not available: write the value itself.", s.Name, path)
	}
	return nil
}

// findExpression returns the path of the first text that holds "${", in the
// order of sorted keys, or "".
func findExpression(v any, path string) string {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "${") {
			return strings.TrimPrefix(path, ".")
		}
	case map[string]any:
		for _, k := range sortedKeys(v) {
			if found := findExpression(v[k], path+"."+k); found != "" {
				return found
			}
		}
	case []any:
		for _, e := range v {
			if found := findExpression(e, path+"[]"); found != "" {
				return found
			}
		}
	}
	return ""
}
