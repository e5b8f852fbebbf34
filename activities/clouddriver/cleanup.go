package clouddriver

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
)

// CleanupArtifacts implements [activities.Clouddriver] (reference: clouddriver
// sections 4 and 6): of every deployed manifest with max-version-history N, the
// oldest versions beyond N are deleted, those that take traffic after they were
// taken out of their load balancers. The version that was just deployed
// stays even if it is the oldest, which happens when its content is used again.
func (c *Clouddriver) CleanupArtifacts(ctx context.Context, in activities.CleanupArtifactsInput) (activities.Done, error) {
	cl, err := c.open(ctx, in.Scope, in.Account, Write)
	if err != nil {
		return activities.Done{}, err
	}
	heart := startHeart(ctx, nil)
	defer heart.rest()
	log := c.log(in.Scope, in.Account)
	deployed := make([]*unstructured.Unstructured, 0, len(in.Manifests))
	for _, m := range in.Manifests {
		if m != nil {
			deployed = append(deployed, &unstructured.Unstructured{Object: plain(map[string]any(m)).(map[string]any)})
		}
	}
	for _, obj := range deployed {
		surplus, err := cl.surplus(ctx, obj, deployed)
		if err != nil {
			return activities.Done{}, err
		}
		for _, d := range surplus {
			if err := cl.detach(ctx, d.object); err != nil {
				return activities.Done{}, err
			}
		}
		if err := cl.destroy(ctx, surplus, metav1.DeleteOptions{}); err != nil {
			return activities.Done{}, err
		}
		for _, d := range surplus {
			log.InfoContext(ctx, "old version deleted", slog.String("namespace", d.Location), slog.String("name", d.FullName))
		}
	}
	return activities.Done{}, nil
}

// surplus returns the versions of obj's artifact that its history limit no
// longer covers.
func (cl *cluster) surplus(ctx context.Context, obj *unstructured.Unstructured, deployed []*unstructured.Unstructured) ([]doomed, error) {
	limit, limited := historyLimit(obj)
	name := annotationOf(obj, artifactNameAnnotation)
	if !limited || name == "" {
		return nil, nil
	}
	r, err := cl.catalog.find(ctx, obj.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	versions, err := cl.priorVersions(ctx, r, obj.GetNamespace(), name)
	if err != nil {
		return nil, err
	}
	return beyond(r, versions, limit, func(v *unstructured.Unstructured) bool {
		return slices.ContainsFunc(deployed, func(d *unstructured.Unstructured) bool { return d.GetUID() == v.GetUID() })
	}), nil
}

// historyLimit is how many versions an object's annotation keeps; false for no
// limit, which is also what text that is no number means.
func historyLimit(obj *unstructured.Unstructured) (int, bool) {
	limit, err := strconv.Atoi(strings.TrimSpace(annotationOf(obj, strategyPrefix+"max-version-history")))
	return max(limit, 0), err == nil
}

// beyond returns the oldest of the versions, which are in the order of their age,
// that a limit does not cover; current ones are passed over.
func beyond(r resource, versions []*unstructured.Unstructured, limit int, current func(*unstructured.Unstructured) bool) []doomed {
	versions = slices.DeleteFunc(slices.Clone(versions), func(v *unstructured.Unstructured) bool {
		return parseVersion(annotationOf(v, artifactVersionAnnotation)) < 0
	})
	surplus := len(versions) - limit
	var out []doomed
	for _, v := range versions {
		if surplus <= len(out) {
			break
		}
		if !current(v) {
			out = append(out, doom(r, v))
		}
	}
	return out
}
