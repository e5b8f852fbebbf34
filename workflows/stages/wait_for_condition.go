package stages

import (
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// WaitForCondition holds deployments to a cluster back while the operator has
// conditions active that apply to it (reference: orca section 6.2).
//
//	{"type": "waitForCondition", "refId": "1", "name": "No freeze?",
//	 "cluster": "shop-web", "account": "prod", "region": "eu"}
//
// Setting status to "SKIPPED" on the waiting stage ends it.
type WaitForCondition struct {
	// Clusters are those that the conditions apply to, Conditions the names of
	// the active ones; without both nothing is held back. They are what Orca
	// reads as tasks.evaluate-condition.clusters and .active-conditions.
	Clusters, Conditions []string
}

var (
	_ workflows.StageType  = WaitForCondition{}
	_ workflows.Patcher    = WaitForCondition{}
	_ workflows.Restarter  = WaitForCondition{}
	_ workflows.Documented = WaitForCondition{}
)

const (
	// conditionBackoff is how often conditions are looked at again, conditionTimeout
	// how long a stage waits for their end.
	conditionBackoff = 5 * time.Minute
	conditionTimeout = 2 * time.Hour
)

// Type implements workflows.StageType.
func (WaitForCondition) Type() string { return "waitForCondition" }

// Tasks implements workflows.StageType.
func (w WaitForCondition) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "waitForCondition", Timeout: conditionTimeout, Run: w.wait}}
}

func (w WaitForCondition) wait(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	skipped := func() bool { return strings.EqualFold(t.Stage.Context.String("status"), "SKIPPED") }
	for !skipped() {
		active, err := w.active(ctx, t.Stage.Context.String("cluster"))
		if err != nil {
			return workflows.Outcome{}, err
		}
		if len(active) == 0 {
			break
		}
		conditions := make([]any, len(active))
		for i, name := range active {
			conditions[i] = map[string]any{"name": name, "description": "Active condition applies to: " + name}
		}
		t.Stage.Outputs["conditions"] = conditions
		t.Progress(pipeline.Map{"status": "WAITING"})
		if err := t.AwaitFor(ctx, conditionBackoff, "conditions", skipped); err != nil {
			return workflows.Outcome{}, err
		}
	}
	return workflows.Outcome{Context: pipeline.Map{"status": "SKIPPED"}}, nil
}

// active lists the conditions that apply to a cluster now. They are recorded in
// history, since the next worker may be configured otherwise.
func (w WaitForCondition) active(ctx workflow.Context, cluster string) ([]string, error) {
	var names []string
	err := workflow.SideEffect(ctx, func(workflow.Context) any {
		if !slices.Contains(w.Clusters, cluster) {
			return []string{}
		}
		return w.Conditions
	}).Get(&names)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInternal, err, "The active conditions cannot be read.")
	}
	return names, nil
}

// ValidatePatch implements workflows.Patcher.
func (WaitForCondition) ValidatePatch(s *pipeline.Stage, patch pipeline.Map) error {
	for _, key := range []string{"judgmentStatus", "skipRemainingWait"} {
		if _, present := patch[key]; present {
			return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' waits for conditions and does not take %s: set status to \"SKIPPED\" to end the wait.", s.Name, key)
		}
	}
	if value, present := patch["status"]; present {
		if s.Status != pipeline.Running {
			return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is %s, not waiting: there is no wait to skip.", s.Name, s.Status)
		}
		if text, _ := value.(string); !strings.EqualFold(text, "SKIPPED") {
			return pipeline.Errorf(pipeline.CodeInvalid, "The status of the stage '%s' can only be set to \"SKIPPED\", which ends its wait.", s.Name)
		}
	}
	return nil
}

// PrepareRestart implements workflows.Restarter.
func (WaitForCondition) PrepareRestart(s *pipeline.Stage, _ pipeline.Map) {
	delete(s.Context, "status")
	s.Outputs = pipeline.Map{}
}

// Describe implements workflows.Documented.
func (WaitForCondition) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Waits while conditions that the operator has configured apply to a cluster, such as a freeze of deployments.",
		Inputs: []workflows.Field{
			{Name: "cluster", Type: "text", Text: "The cluster that is about to be deployed to."},
			{Name: "account", Type: "account", Text: "Shown to people, as is `region`."},
			{Name: "region", Type: "text", Text: "See `account`."},
			{Name: "status", Type: "SKIPPED", Text: "Set by a person on the waiting stage: ends the wait. The stage itself writes WAITING and SKIPPED."},
		},
		Outputs: []workflows.Field{
			{Name: "conditions", Type: "list of {name, description}", Text: "What held the stage back, last."},
		},
		Notes: []string{
			"The operator names the clusters by the setting `worker-condition-clusters` and the active conditions by `worker-conditions`; Orca calls them `tasks.evaluate-condition.clusters` and `.active-conditions`.",
			"Without configured conditions the stage ends at once, with the status SKIPPED in its context. (An Orca without `tasks.evaluate-condition.enabled` fails such a stage, since it does not have its task.)",
			"Conditions are looked at again every 5 minutes, for 2 hours or `stageTimeoutMs`.",
		},
	}
}
