package clouddriver

import (
	"context"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// checkHistory refuses a red/black deployment whose history would not hold the
// server group that it replaces (reference: clouddriver section 9).
func (d *deployment) checkHistory(m *manifest) error {
	if d.in.Strategy != activities.StrategyRedBlack && d.in.Strategy != activities.StrategyBlueGreen {
		return nil
	}
	const key = strategyPrefix + "max-version-history"
	n, err := strconv.Atoi(strings.TrimSpace(m.annotation(key)))
	if err != nil || n >= 2 {
		return nil //nolint:nilerr // absent, or no number: no limit
	}
	return pipeline.Errorf(pipeline.CodeInvalid,
		"The max version history specified in your manifest conflicts with the behavior of the Red/Black rollout strategy. Please update your %s annotation to a value greater than or equal to 2.", key)
}

// FindReplaced implements [activities.ClouddriverOperations]. It reads the objects
// themselves and not a cache.
func (c *Clouddriver) FindReplaced(ctx context.Context, in activities.FindReplacedInput) (activities.FindReplacedOutput, error) {
	out := activities.FindReplacedOutput{Replaced: []activities.ReplacedServerGroup{}}
	cl, err := c.open(ctx, in.Scope, in.Account, Read)
	if err != nil {
		return out, err
	}
	heart := startHeart(ctx, nil)
	defer heart.rest()
	made, err := cl.made(ctx, in)
	if err != nil {
		return out, err
	}
	seen := map[types.UID]bool{}
	for _, m := range made {
		seen[m.GetUID()] = true // a deployment does not replace what it made itself
	}
	for _, m := range made {
		others, err := cl.members(ctx, "replicaSet", m.GetNamespace(), in.Application, annotationOf(m, monikerPrefix+"cluster"))
		if err != nil {
			return out, err
		}
		fresh := in.Operation != "" && annotationOf(m, operationAnnotation) == in.Operation
		slices.SortStableFunc(others, byAge)
		for _, other := range others {
			if seen[other.GetUID()] || fresh && byAge(other, m) > 0 {
				continue
			}
			seen[other.GetUID()] = true
			unstable, err := isUnstable(other)
			if err != nil {
				return out, err
			}
			out.Replaced = append(out.Replaced, activities.ReplacedServerGroup{
				Namespace: other.GetNamespace(), ManifestName: "replicaSet " + other.GetName(), UID: string(other.GetUID()), Unstable: unstable,
			})
		}
	}
	return out, nil
}

// made reads the ReplicaSets that a deployment made, each of which must be there.
func (cl *cluster) made(ctx context.Context, in activities.FindReplacedInput) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, group := range in.Made {
		o, err := cl.locate(ctx, group.Namespace, "replicaSet "+group.Name)
		if err != nil {
			return nil, err
		}
		live, err := cl.get(ctx, o.resource, o.namespace, o.name)
		if apierrors.IsNotFound(err) || err == nil && live.GetDeletionTimestamp() != nil {
			return nil, pipeline.Errorf(pipeline.CodeNotFound, "%s of account %q is gone, so the server groups that it replaces keep their traffic. Deploy again.", o, in.Account)
		}
		if err != nil {
			return nil, cl.missing(ctx, err, o, "read")
		}
		out = append(out, live)
	}
	return out, nil
}

// isUnstable reports whether a ReplicaSet is neither stable nor failed. One with
// ready and available pods counts as fine.
func isUnstable(live *unstructured.Unstructured) (bool, error) {
	st, _ := dig(live.Object, "status")
	ready, _ := number(st["readyReplicas"])
	available, _ := number(st["availableReplicas"])
	if ready > 0 && available > 0 {
		return false, nil
	}
	s, err := judge(live)
	return err == nil && !s.Stable && !s.Failed, err
}
