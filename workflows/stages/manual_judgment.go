package stages

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// ManualJudgment waits for a person (reference: orca section 6.2).
//
//	{"type": "manualJudgment", "refId": "2", "name": "Promote?",
//	 "instructions": "Check the dashboards.", "judgmentInputs": [{"value": "canary"}]}
//
// A patch with judgmentStatus "continue" ends it SUCCEEDED, "stop" TERMINAL by
// the stage's failure options. It gives up after three days unless
// stageTimeoutMs says otherwise.
type ManualJudgment struct{}

var (
	_ workflows.StageType = ManualJudgment{}
	_ workflows.Patcher   = ManualJudgment{}
)

// Type implements workflows.StageType.
func (ManualJudgment) Type() string { return "manualJudgment" }

// Tasks implements workflows.StageType.
func (m ManualJudgment) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "waitForJudgment", Timeout: 3 * 24 * time.Hour, Run: m.wait}}
}

func (ManualJudgment) wait(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	err := t.Await(ctx, "judgment", func() bool { return judgment(t.Stage.Context) != "" })
	if err != nil {
		return workflows.Outcome{}, err
	}
	if judgment(t.Stage.Context) == "stop" {
		return workflows.Outcome{Status: pipeline.Terminal}, nil
	}
	return workflows.Outcome{}, nil
}

// judgment returns "continue", "stop" or "".
func judgment(m pipeline.Map) string {
	switch s := strings.ToLower(strings.TrimSpace(m.String("judgmentStatus"))); s {
	case "continue", "stop":
		return s
	}
	return ""
}

// ValidatePatch implements workflows.Patcher.
func (ManualJudgment) ValidatePatch(s *pipeline.Stage, patch pipeline.Map) error {
	if _, present := patch["skipRemainingWait"]; present {
		return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is a manual judgment: there is no wait to skip.", s.Name)
	}
	value, present := patch["judgmentStatus"]
	if !present {
		return nil
	}
	if s.Status != pipeline.Running {
		return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is %s, not waiting for a judgment.", s.Name, s.Status)
	}
	if made := judgment(s.Context); made != "" {
		return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' has been judged already: %s, by %s.", s.Name, made, s.Context.String("lastModifiedBy"))
	}
	if judgment(patch) == "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "The judgmentStatus '%v' is not a judgment: use \"continue\" or \"stop\".", value)
	}
	return nil
}
