package workflowstest

import (
	"context"
	"strings"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// The operations on live objects: each does what it is asked, and there is one
// object for every criteria.

// PatchManifest implements activities.ClouddriverOperations.
func (w *World) PatchManifest(ctx context.Context, in activities.PatchManifestInput) (activities.PatchManifestOutput, error) {
	return ask(ctx, w, activities.PatchManifest, in, func() (activities.PatchManifestOutput, error) {
		return activities.PatchManifestOutput{
			Manifests:                []pipeline.Map{{"kind": "deployment", "metadata": map[string]any{"namespace": in.Location, "name": "web"}}},
			ManifestNamesByNamespace: map[string][]string{in.Location: {in.ManifestName}},
			BoundArtifacts:           in.RequiredArtifacts,
		}, nil
	})
}

// ScaleManifest implements activities.ClouddriverOperations.
func (w *World) ScaleManifest(ctx context.Context, in activities.ScaleManifestInput) (activities.Done, error) {
	return ask(ctx, w, activities.ScaleManifest, in, done)
}

// UndoRollout implements activities.ClouddriverOperations.
func (w *World) UndoRollout(ctx context.Context, in activities.UndoRolloutInput) (activities.UndoRolloutOutput, error) {
	return ask(ctx, w, activities.UndoRollout, in, func() (activities.UndoRolloutOutput, error) { return activities.UndoRolloutOutput{Revision: 1}, nil })
}

// FindRollback implements activities.ClouddriverOperations: every Deployment is at
// revision 3, which is stable.
func (w *World) FindRollback(ctx context.Context, in activities.DeployManifestInput) (activities.FindRollbackOutput, error) {
	return ask(ctx, w, activities.FindRollback, in, func() (activities.FindRollbackOutput, error) {
		out := activities.FindRollbackOutput{}
		for _, m := range in.Manifests {
			if strings.EqualFold(m.String("kind"), "deployment") {
				out.Targets = append(out.Targets, activities.RollbackTarget{
					Namespace: "shop", Name: "deployment " + m.Map("metadata").String("name"), UID: "u", Present: 3, Revision: 3,
				})
			}
		}
		return out, nil
	})
}

// RollBack implements activities.ClouddriverOperations.
func (w *World) RollBack(ctx context.Context, in activities.RollBackInput) (activities.RollBackOutput, error) {
	return ask(ctx, w, activities.RollBack, in, func() (activities.RollBackOutput, error) {
		return activities.RollBackOutput{Revision: in.Target.Revision}, nil
	})
}

// PauseRollout implements activities.ClouddriverOperations.
func (w *World) PauseRollout(ctx context.Context, in activities.ManifestInput) (activities.Done, error) {
	return ask(ctx, w, activities.PauseRollout, in, done)
}

// ResumeRollout implements activities.ClouddriverOperations.
func (w *World) ResumeRollout(ctx context.Context, in activities.ManifestInput) (activities.Done, error) {
	return ask(ctx, w, activities.ResumeRollout, in, done)
}

// RollingRestart implements activities.ClouddriverOperations.
func (w *World) RollingRestart(ctx context.Context, in activities.ManifestInput) (activities.Done, error) {
	return ask(ctx, w, activities.RollingRestart, in, done)
}

// EnableManifest implements activities.ClouddriverOperations.
func (w *World) EnableManifest(ctx context.Context, in activities.TrafficInput) (activities.TrafficOutput, error) {
	return ask(ctx, w, activities.EnableManifest, in, func() (activities.TrafficOutput, error) { return activities.TrafficOutput{}, nil })
}

// DisableManifest implements activities.ClouddriverOperations.
func (w *World) DisableManifest(ctx context.Context, in activities.TrafficInput) (activities.TrafficOutput, error) {
	return ask(ctx, w, activities.DisableManifest, in, func() (activities.TrafficOutput, error) { return activities.TrafficOutput{}, nil })
}

// FindReplaced implements activities.ClouddriverOperations: nothing was there
// before.
func (w *World) FindReplaced(ctx context.Context, in activities.FindReplacedInput) (activities.FindReplacedOutput, error) {
	return ask(ctx, w, activities.FindReplaced, in, func() (activities.FindReplacedOutput, error) { return activities.FindReplacedOutput{}, nil })
}

// ResolveTarget implements activities.ClouddriverOperations.
func (w *World) ResolveTarget(ctx context.Context, in activities.ResolveTargetInput) (activities.ResolveTargetOutput, error) {
	return ask(ctx, w, activities.ResolveTarget, in, func() (activities.ResolveTargetOutput, error) {
		return activities.ResolveTargetOutput{ManifestName: in.Kind + " " + in.Criteria}, nil
	})
}

// ReadManifest implements activities.ClouddriverOperations.
func (w *World) ReadManifest(ctx context.Context, in activities.ManifestInput) (activities.ReadManifestOutput, error) {
	return ask(ctx, w, activities.ReadManifest, in, func() (activities.ReadManifestOutput, error) {
		return activities.ReadManifestOutput{
			Manifest:  pipeline.Map{"kind": "Deployment", "metadata": map[string]any{"name": "web"}},
			Artifacts: []pipeline.Artifact{{Type: "docker/image", Name: "nginx", Reference: "nginx:1"}},
		}, nil
	})
}

func done() (activities.Done, error) { return activities.Done{}, nil }
