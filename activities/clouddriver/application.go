package clouddriver

import (
	"context"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// ApplicationResources implements [activities.Clouddriver]: it looks at the
// objects themselves, in all namespaces that the account may use. An object
// belongs to the application that its moniker annotation names. What the user may
// not see counts too, since it would be orphaned; its names are not told.
func (c *Clouddriver) ApplicationResources(ctx context.Context, in activities.ApplicationResourcesInput) (activities.ApplicationResourcesOutput, error) {
	var none activities.ApplicationResourcesOutput
	if in.Application == "" {
		return none, pipeline.Errorf(pipeline.CodeInvalid, "No application is named whose resources are to be listed.")
	}
	cl, err := c.open(ctx, in.Scope, in.Account, Read)
	hidden := pipeline.CodeOf(err) == pipeline.CodeForbidden && err != nil
	if hidden {
		cl, err = c.openUnasked(ctx, in.Account)
	}
	if err != nil {
		return none, err
	}
	heart := startHeart(ctx, nil)
	defer heart.rest()
	clusters, groups := map[string]bool{}, map[string]bool{}
	for _, kind := range append(cl.account.kindsOf(serverGroupManagers, serverGroups), cl.account.kindsOf(securityGroups)...) {
		r, err := cl.catalog.resolve(ctx, kind)
		if pipeline.CodeOf(err) == pipeline.CodeInvalid && err != nil {
			continue // the cluster does not serve this kind
		}
		if err != nil {
			return none, err
		}
		err = cl.everywhere(ctx, r, func(obj *unstructured.Unstructured) {
			if !strings.EqualFold(annotationOf(obj, monikerPrefix+"application"), in.Application) {
				return
			}
			name := KindOf(obj.GroupVersionKind()).String() + " " + obj.GetName()
			if cl.account.info(KindOf(obj.GroupVersionKind())).spinnakerKind == securityGroups {
				groups[name] = true
				return
			}
			if cluster := annotationOf(obj, monikerPrefix+"cluster"); cluster != "" {
				name = cluster
			}
			clusters[name] = true
		})
		if err != nil {
			return none, err
		}
	}
	if hidden {
		clusters, groups = nameless(clusters), nameless(groups)
	}
	return activities.ApplicationResourcesOutput{Clusters: firstOf(clusters), SecurityGroups: firstOf(groups)}, nil
}

// nameless hides what a set holds.
func nameless(set map[string]bool) map[string]bool {
	if len(set) == 0 {
		return set
	}
	return map[string]bool{"something that you may not see": true}
}

// firstOf lists what a set holds, sorted and bounded.
func firstOf(set map[string]bool) []string {
	out := append([]string{}, slices.Sorted(maps.Keys(set))...)
	return out[:min(len(out), activities.MaxApplicationResources)]
}

// everywhere shows every object of a resource in the namespaces that the account
// may use.
func (cl *cluster) everywhere(ctx context.Context, r resource, see func(*unstructured.Unstructured)) error {
	for _, namespace := range cl.account.Namespaces {
		if err := cl.each(ctx, r, namespace, metav1.ListOptions{}, see); err != nil {
			return err
		}
	}
	if len(cl.account.Namespaces) > 0 {
		return nil
	}
	r.namespaced = false // without a namespace a list holds all of them
	return cl.each(ctx, r, "", metav1.ListOptions{}, func(obj *unstructured.Unstructured) {
		if !slices.Contains(cl.account.OmitNamespaces, obj.GetNamespace()) {
			see(obj)
		}
	})
}
