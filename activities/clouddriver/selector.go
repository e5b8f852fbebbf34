package clouddriver

import (
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// operators translates Spinnaker's words (reference: clouddriver section 3).
var operators = map[string]selection.Operator{
	"EQUALS": selection.Equals, "NOT_EQUALS": selection.NotEquals,
	"CONTAINS": selection.In, "NOT_CONTAINS": selection.NotIn,
	"EXISTS": selection.Exists, "NOT_EXISTS": selection.DoesNotExist,
}

// parseSelectors turns Spinnaker's label selectors into Kubernetes'. With none,
// or ANY alone, the result matches everything. Errors: invalid.
func parseSelectors(in activities.LabelSelectors) (labels.Selector, error) {
	out := labels.NewSelector()
	for _, s := range in.Selectors {
		kind := strings.ToUpper(strings.TrimSpace(s.Kind))
		if kind == "ANY" {
			continue
		}
		operator, ok := operators[kind]
		if !ok {
			return nil, pipeline.Errorf(pipeline.CodeInvalid,
				"Label selector kind %q is unknown. Use ANY, EQUALS, NOT_EQUALS, CONTAINS, NOT_CONTAINS, EXISTS or NOT_EXISTS.", s.Kind)
		}
		values := s.Values
		switch operator {
		case selection.Equals, selection.NotEquals:
			if len(values) > 1 {
				values = values[:1]
			}
		case selection.Exists, selection.DoesNotExist:
			values = nil
		}
		requirement, err := labels.NewRequirement(s.Key, operator, values)
		if err != nil {
			return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "Label selector %s %q is not valid: %s.", kind, s.Key, err)
		}
		out = out.Add(*requirement)
	}
	return out, nil
}
