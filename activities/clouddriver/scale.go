package clouddriver

import (
	"context"
	"log/slog"
	"math"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// ScaleManifest implements [activities.ClouddriverOperations] (reference:
// clouddriver section 4). Errors: invalid for a kind without replicas and for
// replicas that no workload can have; not_found; what the API server refuses.
func (c *Clouddriver) ScaleManifest(ctx context.Context, in activities.ScaleManifestInput) (activities.Done, error) {
	heart := startHeart(ctx, nil)
	defer heart.rest()
	cl, o, err := c.locate(ctx, in.ManifestInput, Write)
	if err != nil {
		return activities.Done{}, err
	}
	_, changed, err := cl.scale(ctx, o, in)
	if err == nil {
		c.log(in.Scope, in.Account).InfoContext(ctx, "manifest scaled", slog.String("namespace", o.namespace), slog.String("name", o.fullName()),
			slog.Int64("replicas", in.Replicas), slog.Bool("changed", changed))
	}
	return activities.Done{}, err
}

// scale sets the replicas of an object and returns it, and whether they changed.
func (cl *cluster) scale(ctx context.Context, o object, in activities.ScaleManifestInput) (*unstructured.Unstructured, bool, error) {
	if in.Replicas < 0 || in.Replicas > math.MaxInt32 {
		return nil, false, pipeline.Errorf(pipeline.CodeInvalid, "%q cannot be scaled to %d replicas: set replicas to 0 or more.", in.ManifestName, in.Replicas)
	}
	var err error
	if in.Resize {
		err = cl.capable(o, "resize", func(k kindInfo) bool { return k.resize && k.scale })
	} else {
		err = cl.capable(o, "scale", func(k kindInfo) bool { return k.scale })
	}
	if err != nil {
		return nil, false, err
	}
	return cl.changeOnce(ctx, o, in.Scope.Key(), "scale", func(live *unstructured.Unstructured) (*change, error) {
		if n, found := sourceReplicas(live); found && n == in.Replicas {
			return nil, nil //nolint:nilnil // nothing to change
		}
		return &change{kind: types.MergePatchType, manager: "kubectl-scale", fields: map[string]any{"spec": map[string]any{"replicas": in.Replicas}}}, nil
	})
}

// locate opens the account and finds what an input names. Errors: those of
// [Clouddriver.open] and [cluster.locate].
func (c *Clouddriver) locate(ctx context.Context, in activities.ManifestInput, access Access) (*cluster, object, error) {
	cl, err := c.open(ctx, in.Scope, in.Account, access)
	if err != nil {
		return nil, object{}, err
	}
	o, err := cl.locate(ctx, in.Location, in.ManifestName)
	return cl, o, err
}
