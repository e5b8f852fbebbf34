package stages

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// awaitTask is the task that waits for stability.
const awaitTask = "waitForManifestToStabilize"

// waitForStable watches the objects that the stage deployed until each is
// stable or failed, and shows on the stage what they wait for and why (reference:
// clouddriver section 11).
func waitForStable(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	in := activities.AwaitStableInput{
		Scope:     t.Scope(),
		Account:   accountOf(t.Stage),
		Manifests: namesFrom(t.Stage.Context["outputs.manifestNamesByNamespace"]),
	}
	if len(in.Manifests) == 0 {
		return workflows.Outcome{}, nil
	}
	for {
		out, err := workflows.Call(ctx, t, activities.AwaitStable, in)
		if err != nil {
			return workflows.Outcome{}, explained(err, in.Account, in.Seen)
		}
		t.Progress(stability(t.Stage, in.Account, out.Statuses))
		if out.Done {
			return workflows.Outcome{}, failedManifests(in.Account, out.Statuses)
		}
		in.Seen = out.Statuses
	}
}

// stability is what the stage's context says of its manifests.
func stability(stage *pipeline.Stage, account string, statuses []activities.ManifestStatus) pipeline.Map {
	messages, stable, failed := []any{}, []any{}, []any{}
	for _, s := range statuses {
		coordinates := map[string]any{"manifestName": s.Name, "location": location(s)}
		switch {
		case s.Failed:
			failed = append(failed, coordinates)
			messages = append(messages, describe(account, s)+s.Message)
		case s.Stable:
			stable = append(stable, coordinates)
		default:
			text := "waiting for manifest to stabilize"
			if s.Message != "" {
				text += ": " + s.Message
			}
			messages = append(messages, describe(account, s)+text)
		}
	}
	shown := pipeline.Map{"messages": messages, "stableManifests": stable, "failedManifests": failed}
	why := explanations(statuses)
	if _, before := stage.Context[stabilityKey]; before || len(why) > 0 {
		shown[stabilityKey] = why
	}
	return shown
}

func failedManifests(account string, statuses []activities.ManifestStatus) error {
	var faults, reasons []string
	for _, s := range statuses {
		if s.Failed {
			faults = append(faults, describe(account, s)+s.Message)
			reasons = append(reasons, because(s)...)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return &pipeline.Error{Code: pipeline.CodeFailed, Message: faults[0], Details: append(faults, reasons...)}
}

func describe(account string, s activities.ManifestStatus) string {
	return "'" + s.Name + "' in '" + location(s) + "' for account " + account + ": "
}

func location(s activities.ManifestStatus) string {
	if s.Namespace == "_" {
		return ""
	}
	return s.Namespace
}
