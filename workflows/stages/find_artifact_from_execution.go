package stages

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// FindArtifactFromExecution takes artifacts over from the latest execution of a
// pipeline (reference: orca section 6.1).
//
//	{"type": "findArtifactFromExecution", "refId": "1", "name": "What was deployed to test",
//	 "application": "shop", "pipeline": "3c1b…", "executionOptions": {"successful": true},
//	 "expectedArtifacts": [{"id": "7f0c…", "displayName": "Image",
//	  "matchArtifact": {"type": "docker/image", "name": "registry.example.com/shop"},
//	  "useDefaultArtifact": true, "defaultArtifact": {"type": "docker/image", "name": "registry.example.com/shop", "version": "stable"}}]}
type FindArtifactFromExecution struct{}

var (
	_ workflows.StageType  = FindArtifactFromExecution{}
	_ workflows.Caller     = FindArtifactFromExecution{}
	_ workflows.Documented = FindArtifactFromExecution{}
)

// Type implements workflows.StageType.
func (FindArtifactFromExecution) Type() string { return "findArtifactFromExecution" }

// Tasks implements workflows.StageType.
func (f FindArtifactFromExecution) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "findArtifactFromExecution", Timeout: 10 * time.Minute, Run: f.find}}
}

func (FindArtifactFromExecution) find(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	s := t.Stage
	id := s.Context.String("pipeline")
	if id == "" {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no pipeline: set pipeline to the ID of a pipeline configuration.", s.Name)
	}
	list := s.Context.List("expectedArtifacts")
	if single := s.Context["expectedArtifact"]; list == nil && single != nil {
		list = []any{single} // as older pipelines have it
	}
	expected, err := pipeline.ParseExpectedArtifacts(list)
	if err != nil {
		return workflows.Outcome{}, pipeline.Wrap(pipeline.CodeInvalid, err, "The expectedArtifacts of stage '%s' cannot be read: %s", s.Name, pipeline.MessageOf(err))
	}
	var artifacts []pipeline.Artifact
	if len(expected) > 0 {
		if artifacts, err = artifactsOfLatest(ctx, t, id, expected); err != nil {
			return workflows.Outcome{}, err
		}
	}
	values, err := workflows.BoundValues(expected, artifacts)
	return workflows.Outcome{Context: values, Outputs: values.Clone()}, err
}

// artifactsOfLatest returns the artifacts of the latest execution that the stage
// allows. Of its own pipeline's executions a stage does not take what it left
// there itself.
func artifactsOfLatest(ctx workflow.Context, t *workflows.TaskRun, id string, expected []pipeline.ExpectedArtifact) ([]pipeline.Artifact, error) {
	own := t.Execution()
	in := activities.LatestExecutionsInput{Scope: t.Scope(), ConfigID: id, Statuses: statusesOf(t.Stage), Matching: expected}
	if id == own.PipelineConfigID {
		in.ButNotStage = t.Stage.RefID
	}
	latest, err := workflows.Call(ctx, t, activities.LatestExecutions, in)
	if err != nil || len(latest.Executions) == 0 {
		return nil, err
	}
	if latest.Executions[0].ID == own.ID {
		return own.Artifacts(in.ButNotStage) // what others see of it is a moment behind
	}
	return latest.Executions[0].Artifacts, nil
}

// statusesOf reads which executions the stage takes artifacts from; none are
// all.
func statusesOf(s *pipeline.Stage) []pipeline.Status {
	options := s.Context.Map("executionOptions")
	var out []pipeline.Status
	if options.Bool("successful") || options.Bool("succeeded") {
		out = append(out, pipeline.Succeeded)
	}
	if options.Bool("terminal") {
		out = append(out, pipeline.Terminal)
	}
	if options.Bool("running") {
		out = append(out, pipeline.Running)
	}
	return out
}

// Calls implements workflows.Caller.
func (FindArtifactFromExecution) Calls(s *pipeline.Stage) []string {
	return []string{"read the latest execution of the pipeline " + s.Context.String("pipeline")}
}

// Describe implements workflows.Documented.
func (FindArtifactFromExecution) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Takes artifacts over from the latest execution of a pipeline, its own or another.",
		Inputs: []workflows.Field{
			{Name: "application", Type: "text", Text: "The pipeline's application, for user interfaces."},
			{Name: "pipeline", Type: "ID of a pipeline configuration", Text: "Whose executions are looked at. The one that started last counts."},
			{Name: "executionOptions", Type: "map of booleans", Default: "executions of any status", Text: "`successful`, `terminal` and `running`: which executions count. `succeeded` is another word for `successful`."},
			{Name: "expectedArtifact", Type: "expected artifact", Text: "A single one, as older pipelines have it, where `expectedArtifacts` is absent."},
		},
		Outputs: []workflows.Field{
			{Name: "artifacts", Type: "list of artifacts", Text: "What was found, each once."},
			{Name: "resolvedExpectedArtifacts", Type: "list of expected artifacts", Text: "The expected artifacts, each with its `boundArtifact`."},
		},
		Notes: []string{
			"Artifacts of later stages come before those of earlier ones, and those of the trigger last; the first that matches is taken. One that nothing matches is its `defaultArtifact`, with `useDefaultArtifact`, or fails the stage.",
			"In executions of its own pipeline the stage passes over what it left there itself.",
			"The artifacts that match may be one MiB of JSON together.",
		},
	}
}
