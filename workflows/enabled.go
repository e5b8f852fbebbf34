package workflows

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// enabled evaluates the condition under which a stage runs (reference: orca
// section 3.5). Anything but a clear true skips the stage, and the stage's
// context tells why under skipReason. The error is Temporal's CanceledError.
func (r *run) enabled(ctx workflow.Context, s *pipeline.Stage) (bool, error) {
	condition := s.Context.Map("stageEnabled")
	text := ""
	if v := condition["expression"]; v != nil {
		// Under evaluator v3 the pass at the start may have made it a boolean.
		text = strings.TrimSpace(plainText(v))
	}
	if r.exec.Type != pipeline.TypePipeline || !strings.EqualFold(condition.String("type"), "expression") || text == "" {
		return true, nil
	}
	result, summary, err := r.evaluate(ctx, s, "${"+text+"}")
	if err != nil {
		if Canceled(err) {
			return false, err
		}
		s.Context["skipReason"] = pipeline.MessageOf(err)
		return false, nil
	}
	printed := plainText(result)
	switch {
	case summary.Failed():
		s.Context["skipReason"] = strings.Join(summary.Descriptions(), "\n")
	case strings.EqualFold(printed, "true"):
		return true, nil
	case strings.EqualFold(printed, "false"):
		s.Context["skipReason"] = "The condition " + text + " is false."
	default:
		s.Context["skipReason"] = "The condition " + text + " is neither true nor false but " + shorten(printed, 200) + "."
	}
	return false, nil
}

// plainText prints a JSON value: text as it is, everything else as JSON.
func plainText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := pipeline.EncodeValue(v)
	if err != nil {
		return ""
	}
	return string(text)
}
