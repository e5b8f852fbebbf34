package clouddriver

import (
	"context"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	rolloutManager = "kubectl-rollout"
	// restartedAtAnnotation is where kubectl says when a workload was restarted.
	restartedAtAnnotation = "kubectl.kubernetes.io/restartedAt"
)

// PauseRollout implements [activities.ClouddriverOperations]. Kubernetes pauses
// Deployments alone, so the other kinds that Spinnaker knows to be pausable are
// refused as kubectl does. One that is paused already stays so.
func (c *Clouddriver) PauseRollout(ctx context.Context, in activities.ManifestInput) (activities.Done, error) {
	return c.rollout(ctx, in, "pause rollout", func(live *unstructured.Unstructured) (*change, error) { return pausing(live, true) })
}

// ResumeRollout implements [activities.ClouddriverOperations], the inverse of
// PauseRollout.
func (c *Clouddriver) ResumeRollout(ctx context.Context, in activities.ManifestInput) (activities.Done, error) {
	return c.rollout(ctx, in, "resume rollout", func(live *unstructured.Unstructured) (*change, error) { return pausing(live, false) })
}

// RollingRestart implements [activities.ClouddriverOperations], as kubectl
// rollout restart does it, once per operation.
func (c *Clouddriver) RollingRestart(ctx context.Context, in activities.ManifestInput) (activities.Done, error) {
	return c.rollout(ctx, in, "rolling restart", restarting)
}

func (c *Clouddriver) rollout(ctx context.Context, in activities.ManifestInput, what string, propose func(*unstructured.Unstructured) (*change, error)) (activities.Done, error) {
	heart := startHeart(ctx, nil)
	defer heart.rest()
	cl, o, err := c.locate(ctx, in, Write)
	if err != nil {
		return activities.Done{}, err
	}
	if err := cl.capable(o, what, func(k kindInfo) bool { return k.rollout }); err != nil {
		return activities.Done{}, err
	}
	_, changed, err := cl.changeOnce(ctx, o, in.Scope.Key(), what+" of", propose)
	if err == nil {
		c.log(in.Scope, in.Account).InfoContext(ctx, what, slog.String("namespace", o.namespace), slog.String("name", o.fullName()), slog.Bool("changed", changed))
	}
	return activities.Done{}, err
}

func pausing(live *unstructured.Unstructured, on bool) (*change, error) {
	if kind := KindOf(live.GroupVersionKind()); !kind.is("deployment") {
		verb := "resuming"
		if on {
			verb = "pausing"
		}
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "%s %s: %s is not supported by Kubernetes, except for a Deployment.", kind, live.GetName(), verb)
	}
	if isPaused(live) == on {
		return nil, nil //nolint:nilnil // nothing to change
	}
	return &change{kind: types.MergePatchType, manager: rolloutManager, fields: map[string]any{"spec": map[string]any{"paused": on}}}, nil
}

func isPaused(live *unstructured.Unstructured) bool {
	paused, _, _ := unstructured.NestedBool(live.Object, "spec", "paused")
	return paused
}

func restarting(live *unstructured.Unstructured) (*change, error) {
	if isPaused(live) {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Can't restart the paused deployment %s. Resume its rollout first.", live.GetName())
	}
	return &change{kind: types.StrategicMergePatchType, manager: rolloutManager, fields: map[string]any{
		"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": map[string]any{
			restartedAtAnnotation: time.Now().Format(time.RFC3339),
		}}}},
	}}, nil
}
