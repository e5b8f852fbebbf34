package stages

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// maxConsumed is how long the document that a stage takes its outputs from may be,
// in bytes.
const maxConsumed = 1 << 20

// consumesArtifact tells whether a Job leaves its outputs in an artifact.
func consumesArtifact(s *pipeline.Stage) bool {
	return strings.EqualFold(s.Context.String("consumeArtifactSource"), "artifact")
}

// consumeArtifact is the task that reads a JSON object from an artifact and leaves
// its keys as outputs (reference: orca section 6.1, runJob).
func consumeArtifact() workflows.Task {
	return workflows.Task{Name: "consumeArtifact", Timeout: 10 * time.Minute, Run: func(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
		c := t.Stage.Context
		inline, err := inlineArtifact(t.Stage, c.Map("consumeArtifact"), "consumeArtifact")
		if err != nil {
			return workflows.Outcome{}, err
		}
		artifact, err := t.BoundArtifact(ctx, c.String("consumeArtifactId"), inline)
		if err != nil {
			return workflows.Outcome{}, err
		}
		if artifact == nil {
			return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "No artifact could be bound to '%s': the stage '%s' reads its outputs from it.", c.String("consumeArtifactId"), t.Stage.Name)
		}
		if account := c.String("consumeArtifactAccount"); account != "" {
			artifact.ArtifactAccount = account
		}
		out, err := workflows.Call(ctx, t, activities.FetchArtifact, activities.FetchArtifactInput{Scope: t.Scope(), Artifact: *artifact})
		if err != nil {
			return workflows.Outcome{}, err
		}
		if len(out.Content) > maxConsumed {
			return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeTooLarge, "The artifact '%s' of stage '%s' is %d bytes: at most %d become outputs.", artifact.Name, t.Stage.Name, len(out.Content), maxConsumed)
		}
		value, err := pipeline.DecodeValue(out.Content)
		outputs := pipeline.AsMap(value)
		if err != nil || outputs == nil {
			return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The artifact '%s' of stage '%s' is no JSON object.", artifact.Name, t.Stage.Name)
		}
		return workflows.Outcome{Outputs: outputs}, nil
	}}
}
