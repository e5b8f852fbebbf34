package clouddriver

import (
	"context"
	"encoding/json"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// maxSizeNamespaces bounds the namespaces of one ClusterSize.
const maxSizeNamespaces = 200

// maxServerGroups bounds the server groups that one ClusterSize answers with.
const maxServerGroups = 10_000

// ClusterSize implements [activities.Clouddriver]: it reads the objects
// themselves and not a cache. An object belongs to the cluster that its moniker
// annotations name; a ReplicaSet has those of the Deployment that made it.
func (c *Clouddriver) ClusterSize(ctx context.Context, in activities.ClusterSizeInput) (activities.ClusterSizeOutput, error) {
	var none activities.ClusterSizeOutput
	if len(in.Namespaces) > maxSizeNamespaces {
		return none, pipeline.Errorf(pipeline.CodeTooLarge, "The size of a cluster is asked for in %d namespaces: name at most %d.", len(in.Namespaces), maxSizeNamespaces)
	}
	cl, err := c.open(ctx, in.Scope, in.Account, Read)
	if err != nil {
		return none, err
	}
	heart := startHeart(ctx, nil)
	defer heart.rest()
	out := activities.ClusterSizeOutput{ServerGroups: map[string][]string{}}
	count := 0
	for _, namespace := range in.Namespaces {
		if err := cl.account.checkNamespace(namespace); err != nil {
			return none, err
		}
		names, err := cl.serverGroups(ctx, namespace, in)
		if err != nil {
			return none, err
		}
		out.ServerGroups[namespace] = names
		if count += len(names); count > maxServerGroups {
			return none, pipeline.Errorf(pipeline.CodeTooLarge, "The cluster '%s' has more than %d server groups.", in.Cluster, maxServerGroups)
		}
	}
	return out, nil
}

// serverGroups lists the cluster's server groups in one namespace, sorted.
func (cl *cluster) serverGroups(ctx context.Context, namespace string, in activities.ClusterSizeInput) ([]string, error) {
	var members []*unstructured.Unstructured
	for _, kind := range cl.account.kindsOf(serverGroups) {
		r, err := cl.catalog.resolve(ctx, kind)
		if pipeline.CodeOf(err) == pipeline.CodeInvalid && err != nil {
			continue // the cluster does not serve this kind
		}
		if err != nil {
			return nil, err
		}
		err = cl.each(ctx, r, namespace, metav1.ListOptions{}, func(obj *unstructured.Unstructured) {
			app := annotationOf(obj, monikerPrefix+"application")
			if annotationOf(obj, monikerPrefix+"cluster") == in.Cluster && (app == "" || in.Application == "" || app == in.Application) {
				members = append(members, obj)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	if in.EnabledOnly && len(members) > 0 {
		selectors, err := cl.serviceSelectors(ctx, namespace)
		if err != nil {
			return nil, err
		}
		members = slices.DeleteFunc(members, func(obj *unstructured.Unstructured) bool { return isDisabled(obj, selectors) })
	}
	names := []string{}
	for _, obj := range members {
		names = append(names, KindOf(obj.GroupVersionKind()).String()+" "+obj.GetName())
	}
	slices.Sort(names)
	return names, nil
}

// kindsOf lists the kinds of an account that count as one of Spinnaker's kinds.
func (a *account) kindsOf(spinnakerKinds ...string) []string {
	var out []string
	for _, info := range kinds {
		if slices.Contains(spinnakerKinds, info.spinnakerKind) {
			out = append(out, info.name)
		}
	}
	for _, info := range a.custom {
		if slices.Contains(spinnakerKinds, info.spinnakerKind) {
			out = append(out, info.name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// serviceSelectors are the selectors of a namespace's services.
func (cl *cluster) serviceSelectors(ctx context.Context, namespace string) ([]labels.Selector, error) {
	r, err := cl.catalog.resolve(ctx, "service")
	if err != nil {
		return nil, err
	}
	var out []labels.Selector
	err = cl.each(ctx, r, namespace, metav1.ListOptions{}, func(obj *unstructured.Unstructured) {
		if selector, _, _ := unstructured.NestedStringMap(obj.Object, "spec", "selector"); len(selector) > 0 {
			out = append(out, labels.SelectorFromSet(selector))
		}
	})
	return out, err
}

// isDisabled reports whether a server group is meant to take traffic (its
// annotation names load balancers) and no service selects its pods (reference:
// clouddriver section 9).
func isDisabled(obj *unstructured.Unstructured, services []labels.Selector) bool {
	var balancers []string
	if json.Unmarshal([]byte(annotationOf(obj, loadBalancersAnnotation)), &balancers) != nil || len(balancers) == 0 {
		return false
	}
	podLabels, _, _ := unstructured.NestedStringMap(obj.Object, "spec", "template", "metadata", "labels")
	return !slices.ContainsFunc(services, func(s labels.Selector) bool { return s.Matches(labels.Set(podLabels)) })
}
