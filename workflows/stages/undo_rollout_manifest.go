package stages

import (
	"strconv"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// UndoRolloutManifest brings an earlier revision of a workload back and waits
// until it is stable (reference: orca section 6.1, clouddriver section 4).
//
//	{"type": "undoRolloutManifest", "refId": "1", "name": "Undo", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop",
//	 "manifestName": "deployment web", "numRevisionsBack": 1}
type UndoRolloutManifest struct{}

var (
	_ workflows.StageType  = UndoRolloutManifest{}
	_ workflows.Caller     = UndoRolloutManifest{}
	_ workflows.Receiver   = UndoRolloutManifest{}
	_ workflows.Documented = UndoRolloutManifest{}
)

// Type implements workflows.StageType.
func (UndoRolloutManifest) Type() string { return "undoRolloutManifest" }

// Tasks implements workflows.StageType.
func (UndoRolloutManifest) Tasks(s *pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		changes("undoRolloutManifest", func(ctx workflow.Context, t *workflows.TaskRun, target activities.ManifestInput) error {
			in := activities.UndoRolloutInput{ManifestInput: target}
			var err error
			if in.NumRevisionsBack, err = optionalNumber(t.Stage, "numRevisionsBack"); err != nil {
				return err
			}
			if in.Revision, err = optionalNumber(t.Stage, "revision"); err != nil {
				return err
			}
			if in.Revision == nil && in.NumRevisionsBack == nil {
				return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' does not say how far to go back: set numRevisionsBack or revision.", t.Stage.Name)
			}
			_, err = workflows.Call(ctx, t, activities.UndoRollout, in)
			return err
		}),
		instant("monitorUndoRollout"),
		becomesStable(s),
	}
}

// optionalNumber reads a whole number, nil when there is none. Errors: invalid.
func optionalNumber(s *pipeline.Stage, key string) (*int64, error) {
	if v := s.Context[key]; v == nil || v == "" {
		return nil, nil //nolint:nilnil // absent
	}
	n, ok := s.Context.Int(key)
	if !ok {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' has the %s %v: set a whole number.", s.Name, key, s.Context[key])
	}
	return &n, nil
}

// Received implements workflows.Receiver: what the object waits for.
func (UndoRolloutManifest) Received(*pipeline.Stage) []string { return waitingKeys }

// Calls implements workflows.Caller.
func (UndoRolloutManifest) Calls(s *pipeline.Stage) []string {
	if n, _ := optionalNumber(s, "numRevisionsBack"); n != nil {
		return callOn("go "+strconv.FormatInt(*n, 10)+" revisions back with", s)
	}
	if n, _ := optionalNumber(s, "revision"); n != nil {
		return callOn("go back to revision "+strconv.FormatInt(*n, 10)+" of", s)
	}
	return callOn("undo the rollout of", s)
}

// Describe implements workflows.Documented.
func (UndoRolloutManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Brings an earlier revision of a Deployment, StatefulSet or DaemonSet back, as `kubectl rollout undo` does, and waits until it is stable.",
		Inputs: staticInputs(
			workflows.Field{Name: "numRevisionsBack", Type: "whole number", Text: "How many revisions to go back from the present one."},
			workflows.Field{Name: "revision", Type: "whole number", Text: "The revision to go back to, without `numRevisionsBack`; 0 is the one before the present."},
			stableField),
		Notes: []string{
			"A revision that is the present one already changes nothing. A paused Deployment is refused.",
			"A worker that dies leaves no doubt: the change carries the stage's key, so it is made once and never goes back further.",
			stabilityNote,
		},
	}
}
