package stages

import (
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Noop does nothing and ends SKIPPED (reference: orca section 6.2): a joint
// where branches of a pipeline meet.
//
//	{"type": "noop", "refId": "1", "name": "All tested"}
type Noop struct{}

var (
	_ workflows.StageType  = Noop{}
	_ workflows.Documented = Noop{}
)

// Type implements workflows.StageType.
func (Noop) Type() string { return "noop" }

// Tasks implements workflows.StageType: there are none.
func (Noop) Tasks(*pipeline.Stage) []workflows.Task { return nil }

// Describe implements workflows.Documented.
func (Noop) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Does nothing and ends SKIPPED: a joint where branches of a pipeline meet. What comes after it goes on.",
	}
}
