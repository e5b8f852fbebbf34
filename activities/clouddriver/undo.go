package clouddriver

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	revisionAnnotation = "deployment.kubernetes.io/revision"
	templateHashLabel  = "pod-template-hash"
)

// ownAnnotations are those that a Deployment keeps for itself when it takes over
// the annotations of an earlier ReplicaSet.
var ownAnnotations = []string{
	lastAppliedAnnotation, revisionAnnotation, "deployment.kubernetes.io/revision-history",
	"deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas",
	"deprecated.deployment.rollback.to", doneAnnotation,
}

// revision is one entry of a workload's rollout history: a ReplicaSet of a
// Deployment, a ControllerRevision of a StatefulSet or DaemonSet.
type revision struct {
	number int64
	object *unstructured.Unstructured
}

// UndoRollout implements [activities.ClouddriverOperations] as kubectl rollout
// undo does it (reference: clouddriver section 4), once per operation: the
// revision that is brought back gets the highest number, so a repetition would
// otherwise count from there and go back further.
//
// Errors: invalid for a kind without a history, a paused Deployment and a
// revision that is not there; not_found; what the API server refuses.
func (c *Clouddriver) UndoRollout(ctx context.Context, in activities.UndoRolloutInput) (activities.UndoRolloutOutput, error) {
	var out activities.UndoRolloutOutput
	if in.Revision == nil && in.NumRevisionsBack == nil {
		return out, pipeline.Errorf(pipeline.CodeInvalid, "Nothing says how far to roll %q back: set numRevisionsBack or revision.", in.ManifestName)
	}
	heart := startHeart(ctx, nil)
	defer heart.rest()
	cl, o, err := c.locate(ctx, in.ManifestInput, Write)
	if err != nil {
		return out, err
	}
	if err := cl.capable(o, "undo rollout", func(k kindInfo) bool { return k.rollout }); err != nil {
		return out, err
	}
	_, changed, err := cl.changeOnce(ctx, o, in.Scope.Key(), "undo the rollout of", func(live *unstructured.Unstructured) (*change, error) {
		history, err := cl.history(ctx, live)
		if err != nil {
			return nil, err
		}
		to, err := chooseRevision(o, history, in)
		if err != nil {
			return nil, err
		}
		out.Revision = to.number
		made, err := goBack(live, to)
		out.Skipped = err == nil && made == nil
		return made, err
	})
	if err != nil {
		return activities.UndoRolloutOutput{}, err
	}
	c.log(in.Scope, in.Account).InfoContext(ctx, "rollout undone", slog.String("namespace", o.namespace), slog.String("name", o.fullName()),
		slog.Int64("revision", out.Revision), slog.Bool("changed", changed))
	return out, nil
}

// history lists the revisions of a workload, oldest first.
func (cl *cluster) history(ctx context.Context, live *unstructured.Unstructured) ([]revision, error) {
	kind := "controllerRevision.apps"
	ofDeployment := KindOf(live.GroupVersionKind()).is("deployment")
	if ofDeployment {
		kind = "replicaSet.apps"
	}
	r, err := cl.catalog.resolve(ctx, kind)
	if err != nil {
		return nil, err
	}
	options, err := selectedBy(live)
	if err != nil {
		return nil, err
	}
	var out []revision
	err = cl.each(ctx, r, live.GetNamespace(), options, func(obj *unstructured.Unstructured) {
		if owner := metav1.GetControllerOf(obj); owner == nil || owner.UID != live.GetUID() {
			return
		}
		var n int64
		var found bool
		if ofDeployment {
			parsed, err := strconv.ParseInt(obj.GetAnnotations()[revisionAnnotation], 10, 64)
			n, found = parsed, err == nil
		} else {
			n, found, _ = unstructured.NestedInt64(obj.Object, "revision")
		}
		if found {
			out = append(out, revision{number: n, object: obj})
		}
	})
	slices.SortStableFunc(out, func(a, b revision) int { return cmp.Compare(a.number, b.number) })
	return out, err
}

// selectedBy are the options of a list of what a workload's own selector selects.
func selectedBy(live *unstructured.Unstructured) (metav1.ListOptions, error) {
	var written metav1.LabelSelector
	spec, _ := dig(live.Object, "spec", "selector")
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(spec, &written); err != nil {
		return metav1.ListOptions{}, pipeline.Wrap(pipeline.CodeInvalid, err, "The selector of %s cannot be read: %s.", live.GetName(), err)
	}
	selector, err := metav1.LabelSelectorAsSelector(&written)
	if err != nil {
		return metav1.ListOptions{}, pipeline.Wrap(pipeline.CodeInvalid, err, "The selector of %s cannot be read: %s.", live.GetName(), err)
	}
	return metav1.ListOptions{LabelSelector: selector.String()}, nil
}

// chooseRevision picks one of the history. A number that two entries have means
// the later of them, as with kubectl.
func chooseRevision(o object, history []revision, in activities.UndoRolloutInput) (revision, error) {
	if back := in.NumRevisionsBack; back != nil {
		at := int64(len(history)) - *back - 1
		if at < 0 {
			return revision{}, pipeline.Errorf(pipeline.CodeInvalid, "There are %d revision(s) in total, cannot rollback %d.", len(history), *back)
		}
		if *back < 0 {
			return revision{}, pipeline.Errorf(pipeline.CodeInvalid, "%s cannot be rolled back %d revisions: set numRevisionsBack to 0 or more.", o, *back)
		}
		return history[at], nil
	}
	want := *in.Revision
	if want == 0 {
		if len(history) < 2 {
			return revision{}, pipeline.Errorf(pipeline.CodeInvalid, "No rollout history found for %s: there is no revision before the present one.", o)
		}
		return history[len(history)-2], nil
	}
	for _, r := range slices.Backward(history) {
		if r.number == want {
			return r, nil
		}
	}
	var have []int64
	for _, r := range history {
		have = append(have, r.number)
	}
	return revision{}, pipeline.Errorf(pipeline.CodeInvalid, "Unable to find specified revision %d in history: %s has the revisions %v.", want, o, have)
}

// goBack is the change that brings a revision back, nil when it is the present
// one.
func goBack(live *unstructured.Unstructured, to revision) (*change, error) {
	if !KindOf(live.GroupVersionKind()).is("deployment") {
		return goBackByData(live, to)
	}
	if isPaused(live) {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Cannot roll back the paused deployment %s: resume its rollout first.", live.GetName())
	}
	template := withoutHash(to.object)
	if equalValues(template, withoutHash(live)) {
		return nil, nil //nolint:nilnil // nothing to change
	}
	annotations := map[string]any{}
	for _, key := range ownAnnotations {
		if value, ok := live.GetAnnotations()[key]; ok {
			annotations[key] = value
		}
	}
	for key, value := range to.object.GetAnnotations() {
		if !slices.Contains(ownAnnotations, key) {
			annotations[key] = value
		}
	}
	return &change{kind: types.JSONPatchType, manager: rolloutManager, ops: []any{
		map[string]any{"op": "replace", "path": "/spec/template", "value": template},
		map[string]any{"op": "add", "path": "/metadata/annotations", "value": annotations},
	}}, nil
}

// withoutHash is a copy of an object's pod template without the label that its
// Deployment's controller adds.
func withoutHash(obj *unstructured.Unstructured) map[string]any {
	spec, _ := dig(obj.DeepCopy().Object, "spec", "template")
	if labels, ok := dig(spec, "metadata", "labels"); ok {
		delete(labels, templateHashLabel)
	}
	pruneNulls(spec)
	return spec
}

// goBackByData applies what a ControllerRevision keeps, which is a strategic
// patch.
func goBackByData(live *unstructured.Unstructured, to revision) (*change, error) {
	data, ok := dig(to.object.DeepCopy().Object, "data")
	if !ok {
		return nil, pipeline.Errorf(pipeline.CodeUnprocessable, "The revision %d of %s holds no data to go back to.", to.number, live.GetName())
	}
	kept, _ := dig(to.object.DeepCopy().Object, "data", "spec", "template")
	delete(kept, "$patch")
	pruneNulls(kept)
	if equalValues(kept, withoutHash(live)) {
		return nil, nil //nolint:nilnil // nothing to change
	}
	return &change{kind: types.StrategicMergePatchType, manager: rolloutManager, fields: data}, nil
}
