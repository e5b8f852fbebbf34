package clouddriver

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// observePatience is how long a change of traffic waits until the workload's
// controller has taken in the new pod template, which it might otherwise make one
// more pod from the old of.
const observePatience = 10 * time.Second

// EnableManifest implements [activities.ClouddriverOperations] (reference:
// clouddriver section 9): the workload's pod template, and where Spinnaker knows
// its pods the live ones, get the labels that the load balancers select.
//
// Errors: not_found without the workload or a load balancer; invalid for a load
// balancer that is no service; what the API server refuses.
func (c *Clouddriver) EnableManifest(ctx context.Context, in activities.TrafficInput) (activities.TrafficOutput, error) {
	return c.changeTraffic(ctx, in, true)
}

// DisableManifest implements [activities.ClouddriverOperations], the inverse of
// EnableManifest.
func (c *Clouddriver) DisableManifest(ctx context.Context, in activities.TrafficInput) (activities.TrafficOutput, error) {
	return c.changeTraffic(ctx, in, false)
}

func (c *Clouddriver) changeTraffic(ctx context.Context, in activities.TrafficInput, on bool) (activities.TrafficOutput, error) {
	var none activities.TrafficOutput
	heart := startHeart(ctx, nil)
	defer heart.rest()
	cl, o, err := c.locate(ctx, in.ManifestInput, Write)
	if err != nil {
		return none, err
	}
	live, err := cl.get(ctx, o.resource, o.namespace, o.name)
	if in.UID != "" && (apierrors.IsNotFound(err) || err == nil && string(live.GetUID()) != in.UID) {
		return activities.TrafficOutput{Gone: true}, nil
	}
	if apierrors.IsNotFound(err) {
		return none, pipeline.Wrap(pipeline.CodeNotFound, err, "Could not find kubernetes manifest: %s of account %q does not exist.", o, in.Account)
	}
	if err != nil {
		return none, cl.missing(ctx, err, o, "read")
	}
	if err := cl.direct(ctx, o, live, in.LoadBalancers, on); err != nil {
		return none, err
	}
	c.log(in.Scope, in.Account).InfoContext(ctx, "traffic changed", slog.String("namespace", o.namespace), slog.String("name", o.fullName()), slog.Bool("enabled", on))
	return none, nil
}

// direct brings the labels of a workload and its pods to the state in which the
// load balancers, or else those of its annotation, do or do not select them. It is
// computed from what is there, so a repetition goes on where the first ended.
func (cl *cluster) direct(ctx context.Context, o object, live *unstructured.Unstructured, balancers []string, on bool) error {
	if len(balancers) == 0 {
		var err error
		if balancers, err = loadBalancersOf(live); err != nil {
			return err
		}
	}
	selected := map[string]string{}
	for _, name := range balancers {
		selector, err := cl.balancerSelector(ctx, o.namespace, name)
		if err != nil {
			return err
		}
		maps.Copy(selected, selector)
	}
	if len(selected) == 0 {
		return nil
	}
	changed, err := cl.relabel(ctx, o, selected, on)
	if err != nil || changed == nil || !cl.account.info(KindOf(o.resource.gvk)).pods {
		return err
	}
	return cl.relabelPods(ctx, o, changed, selected, on)
}

// detach stops traffic to an object that is to be deleted, so that none is lost
// with it. Load balancers that are not there, and annotations that name none,
// send no traffic.
func (cl *cluster) detach(ctx context.Context, o object) error {
	live, err := cl.get(ctx, o.resource, o.namespace, o.name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return cl.missing(ctx, err, o, "read")
	}
	balancers, _ := loadBalancersOf(live)
	for _, name := range balancers {
		err := cl.direct(ctx, o, live, []string{name}, false)
		if code := pipeline.CodeOf(err); err != nil && code != pipeline.CodeNotFound && code != pipeline.CodeInvalid {
			return err
		}
	}
	return nil
}

// balancerSelector is what a live load balancer selects pods by.
func (cl *cluster) balancerSelector(ctx context.Context, namespace, fullName string) (map[string]string, error) {
	kind, name, ok := strings.Cut(fullName, " ")
	if !ok || kind == "" || name == "" || strings.Contains(name, " ") {
		return nil, pipeline.Errorf(pipeline.CodeInvalid,
			"Failed to perform operation with load balancer '%s'. Load balancers must be specified in the form '{kind} {name}', e.g. 'service my-service'.", fullName)
	}
	if !ParseKind(kind).is("service") {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "No support for load balancing via %s exists in Spinnaker. Name a service.", ParseKind(kind))
	}
	r, err := cl.catalog.resolve(ctx, "service")
	if err != nil {
		return nil, err
	}
	service, err := cl.get(ctx, r, namespace, name)
	if apierrors.IsNotFound(err) {
		return nil, pipeline.Wrap(pipeline.CodeNotFound, err, "Could not find load balancer: %s does not exist in namespace %s.", fullName, cl.orDefault(namespace))
	}
	if err != nil {
		return nil, fromAPI(ctx, err, cl.account.Name, "read "+fullName)
	}
	selector, _, _ := unstructured.NestedStringMap(service.Object, "spec", "selector")
	return selector, nil
}

// relabel changes one object's labels and returns it as it then is, nil when it
// is gone.
func (cl *cluster) relabel(ctx context.Context, o object, selected map[string]string, on bool) (*unstructured.Unstructured, error) {
	var contest contest
	for {
		live, err := cl.get(ctx, o.resource, o.namespace, o.name)
		if apierrors.IsNotFound(err) {
			return nil, nil //nolint:nilnil // gone: nothing to change
		}
		if err != nil {
			return nil, cl.missing(ctx, err, o, "read")
		}
		ops := labelOps(live, selected, on)
		if len(ops) == 0 {
			return live, nil
		}
		ops = append(ops, map[string]any{"op": "add", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()})
		data, err := json.Marshal(ops)
		if err != nil {
			return nil, pipeline.Wrap(pipeline.CodeInternal, err, "The patch of %s cannot be written: %s.", o, err)
		}
		changed, err := cl.patch(ctx, target{object: o}, types.JSONPatchType, data, metav1.PatchOptions{FieldManager: "kubectl-patch"})
		switch {
		case err == nil:
			return changed, nil
		case apierrors.IsNotFound(err):
			return nil, nil //nolint:nilnil // gone: nothing to change
		case !outrun(err):
			return nil, cl.missing(ctx, err, o, "change the labels of")
		}
		if err := contest.lost(ctx, cl, err, "change the labels of", o); err != nil {
			return nil, err
		}
	}
}

// labelOps are the operations that add or remove labels: those of the pod
// template where there is one with labels, else the object's own.
func labelOps(live *unstructured.Unstructured, selected map[string]string, on bool) []any {
	prefix := "/spec/template/metadata/labels"
	labels, ok := dig(live.Object, "spec", "template", "metadata", "labels")
	if !ok {
		prefix = "/metadata/labels"
		labels, ok = dig(live.Object, "metadata", "labels")
	}
	var ops []any
	if on && !ok {
		ops = append(ops, map[string]any{"op": "add", "path": prefix, "value": map[string]any{}})
	}
	for _, key := range slices.Sorted(maps.Keys(selected)) {
		path := prefix + "/" + escapePointer(key)
		value, there := labels[key]
		switch {
		case on && there && value == selected[key]:
		case on && there:
			ops = append(ops, map[string]any{"op": "replace", "path": path, "value": selected[key]})
		case on:
			ops = append(ops, map[string]any{"op": "add", "path": path, "value": selected[key]})
		case there:
			ops = append(ops, map[string]any{"op": "remove", "path": path})
		}
	}
	return ops
}

// relabelPods changes the labels of a workload's live pods, until its controller
// knows the new template and none is left.
func (cl *cluster) relabelPods(ctx context.Context, o object, workload *unstructured.Unstructured, selected map[string]string, on bool) error {
	deadline := time.Now().Add(observePatience)
	for {
		live, err := cl.get(ctx, o.resource, o.namespace, o.name)
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return cl.missing(ctx, err, o, "read")
		}
		seen := observed(live, workload.GetGeneration())
		pods, err := cl.ownedPods(ctx, workload)
		if err != nil {
			return err
		}
		for _, pod := range pods {
			if _, err := cl.relabel(ctx, pod, selected, on); err != nil {
				return err
			}
		}
		if seen || time.Now().After(deadline) {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func observed(live *unstructured.Unstructured, generation int64) bool {
	n, _, _ := unstructured.NestedInt64(live.Object, "status", "observedGeneration")
	return n >= generation
}

// ownedPods lists the pods that a workload selects and owns.
func (cl *cluster) ownedPods(ctx context.Context, workload *unstructured.Unstructured) ([]object, error) {
	r, err := cl.catalog.resolve(ctx, "pod")
	if err != nil {
		return nil, err
	}
	options, err := selectedBy(workload)
	if err != nil {
		return nil, err
	}
	var out []object
	err = cl.each(ctx, r, workload.GetNamespace(), options, func(pod *unstructured.Unstructured) {
		owned := slices.ContainsFunc(pod.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.Name == workload.GetName() })
		if owned {
			out = append(out, object{resource: r, namespace: pod.GetNamespace(), name: pod.GetName()})
		}
	})
	return out, err
}
