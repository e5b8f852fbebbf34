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
	_ workflows.StageType  = ManualJudgment{}
	_ workflows.Patcher    = ManualJudgment{}
	_ workflows.Restarter  = ManualJudgment{}
	_ workflows.Documented = ManualJudgment{}
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

// PrepareRestart implements workflows.Restarter: it is judged anew.
func (ManualJudgment) PrepareRestart(s *pipeline.Stage, _ pipeline.Map) {
	delete(s.Context, "judgmentStatus")
	delete(s.Context, "lastModifiedBy")
}

// Describe implements workflows.Documented.
func (ManualJudgment) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Waits until a person lets the pipeline go on or stops it.",
		Inputs: []workflows.Field{
			{Name: "instructions", Type: "text", Text: "Shown to whoever judges; may hold HTML."},
			{Name: "judgmentInputs", Type: "list of {value}", Text: "What Deck offers to choose from."},
			{Name: "judgmentStatus", Type: "continue or stop", Text: "Set by the person, in any case of letters: \"continue\" ends the stage SUCCEEDED, \"stop\" TERMINAL, by the stage's failure options."},
			{Name: "judgmentInput", Type: "text", Text: "Set by the person: what was chosen. `#judgment('name of the stage')` reads it."},
			{Name: "propagateAuthenticationContext", Type: "boolean", Default: "false", Text: "Stages after this one run as the person who continued it."},
			{Name: "selectedStageRoles", Type: "list of roles", Text: "Who may judge. Kept and shown, not enforced; see below."},
			{Name: "requiredJudgmentRoles", Type: "list of roles", Text: "The same, and looked at first."},
			{Name: "preventSelfApproval", Type: "boolean", Default: "false", Text: "Deck asks somebody other than the starter of the execution."},
			{Name: "stopButtonLabel", Type: "text", Default: "Stop", Text: "What Deck writes on the button."},
			{Name: "continueButtonLabel", Type: "text", Default: "Continue", Text: "What Deck writes on the button."},
		},
		Notes: []string{
			"The stage waits for three days, or for `stageTimeoutMs`.",
			"It leaves no outputs; who judged stands in `lastModifiedBy`.",
			"A judgment is given by `PATCH /pipelines/{id}/stages/{stageId}` and answered at once: 409 when the stage is not waiting or was judged already, 400 for anything but continue and stop. " +
				"As in Orca, `judgmentInput` may be a text that is not among `judgmentInputs`: those are what Deck offers.",
			"Roles are those of a Spinnaker with Fiat turned off: everybody who may edit the execution may judge.",
		},
	}
}
