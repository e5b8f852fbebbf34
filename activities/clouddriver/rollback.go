package clouddriver

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// FindRollback implements [activities.ClouddriverOperations]. It prepares the
// deployment as DeployManifest does, which changes nothing, and looks at what
// there is of it. Errors: those of DeployManifest.
func (c *Clouddriver) FindRollback(ctx context.Context, in activities.DeployManifestInput) (activities.FindRollbackOutput, error) {
	out := activities.FindRollbackOutput{Targets: []activities.RollbackTarget{}}
	cl, err := c.open(ctx, in.Scope, in.Account, Write)
	if err != nil {
		return out, err
	}
	heart := startHeart(ctx, nil)
	defer heart.rest()
	d := &deployment{Clouddriver: c, cluster: cl, in: in, operation: in.Scope.Key(), log: c.log(in.Scope, in.Account)}
	if d.selector, err = parseSelectors(in.LabelSelectors); err != nil {
		return out, err
	}
	manifests, err := d.prepare(ctx)
	if err != nil {
		return out, err
	}
	for _, m := range manifests {
		if !m.info.rollout || m.resource == nil || m.generated() {
			continue
		}
		o := object{resource: *m.resource, namespace: cl.orDefault(m.obj.GetNamespace()), name: m.obj.GetName()}
		target := activities.RollbackTarget{Namespace: o.namespace, Name: m.kind.String() + " " + o.name}
		live, err := cl.get(ctx, o.resource, o.namespace, o.name)
		switch {
		case apierrors.IsNotFound(err):
			target.Reason = "it is new with this deployment and has no earlier revision"
		case err != nil:
			return out, cl.missing(ctx, err, o, "read")
		default:
			history, err := cl.history(ctx, live)
			if err != nil {
				return out, err
			}
			target.UID = string(live.GetUID())
			if len(history) > 0 {
				target.Present = history[len(history)-1].number
			}
			if target.Revision = lastCompleted(live, history); target.Revision == 0 {
				target.Reason = "no rollout of an earlier revision is known to have been completed"
			}
		}
		out.Targets = append(out.Targets, target)
	}
	return out, nil
}

// lastCompleted is the newest revision whose rollout was completed, by what the
// workload itself tells; 0 when it tells of none.
func lastCompleted(live *unstructured.Unstructured, history []revision) int64 {
	if len(history) == 0 {
		return 0
	}
	newest := history[len(history)-1]
	s, err := judge(live)
	stable := err == nil && s.Stable
	seen := observed(live, live.GetGeneration())
	st, _ := dig(live.Object, "status")
	count := func(key string) float64 { n, _ := number(st[key]); return n }
	switch kind := KindOf(live.GroupVersionKind()); {
	case kind.is("deployment"):
		for _, c := range conditions(live) {
			stable = stable || seen && c.String("type") == "Progressing" && c.String("reason") == "NewReplicaSetAvailable"
		}
		if stable {
			return newest.number
		}
		// A rollout that does not get on leaves what was there serving.
		for i := len(history) - 2; i >= 0; i-- {
			setStatus, _ := dig(history[i].object.Object, "status")
			if n, _ := number(setStatus["availableReplicas"]); n > 0 {
				return history[i].number
			}
		}
	case kind.is("statefulset"):
		// The current revision becomes the updated one when its rollout is completed.
		name := pipeline.Map(st).String("currentRevision")
		if stable {
			name = pipeline.Map(st).String("updateRevision")
		}
		for _, r := range history {
			if r.object.GetName() == name && (name != pipeline.Map(st).String("updateRevision") || count("readyReplicas") > 0) {
				return r.number
			}
		}
	case stable, seen && count("updatedNumberScheduled") >= count("desiredNumberScheduled") && count("numberAvailable") > 0:
		return newest.number
	}
	return 0
}

// RollBack implements [activities.ClouddriverOperations]: an undo to a known
// revision, once per operation, unless somebody else has changed the workload
// meanwhile. Errors: what the API server refuses; what speaks against it is an
// answer.
func (c *Clouddriver) RollBack(ctx context.Context, in activities.RollBackInput) (activities.RollBackOutput, error) {
	var none activities.RollBackOutput
	if in.Target.Revision == 0 {
		return activities.RollBackOutput{Left: in.Target.Reason}, nil
	}
	heart := startHeart(ctx, nil)
	defer heart.rest()
	cl, o, err := c.locate(ctx, in.ManifestInput, Write)
	if err != nil {
		return none, err
	}
	if err := cl.capable(o, "undo rollout", func(k kindInfo) bool { return k.rollout }); err != nil {
		return none, err
	}
	var left string
	live, changed, err := cl.changeOnce(ctx, o, in.Scope.Key(), "roll back", func(live *unstructured.Unstructured) (*change, error) {
		if left = refuses(live, in); left != "" {
			return nil, nil //nolint:nilnil // nothing to change
		}
		history, err := cl.history(ctx, live)
		if err != nil {
			return nil, err
		}
		var to *revision
		if to, left = rollbackTo(in.Target, history); to == nil {
			return nil, nil //nolint:nilnil // nothing to change
		}
		made, err := goBack(live, *to)
		if err == nil && made == nil {
			left = fmt.Sprintf("it is at revision %d already", to.number)
		}
		return made, err
	})
	switch {
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return activities.RollBackOutput{Left: "it is gone"}, nil
	case err != nil:
		return none, err
	case left != "":
		return activities.RollBackOutput{Left: left}, nil
	}
	if KindOf(live.GroupVersionKind()).is("statefulset") {
		if err := cl.freeRollback(ctx, o, live); err != nil {
			return none, err
		}
	}
	c.log(in.Scope, in.Account).InfoContext(ctx, "rolled back", slog.String("namespace", o.namespace), slog.String("name", o.fullName()),
		slog.Int64("revision", in.Target.Revision), slog.Bool("changed", changed))
	return activities.RollBackOutput{Revision: in.Target.Revision}, nil
}

// refuses says why a workload is not to be rolled back; empty when it may be.
func refuses(live *unstructured.Unstructured, in activities.RollBackInput) string {
	deployed := in.Deployed
	s, err := judge(live)
	switch {
	case string(live.GetUID()) != deployed.Map("metadata").String("uid"):
		return "another object has its name by now"
	case string(live.GetUID()) != in.Target.UID:
		return "the deployment made it anew, which takes its history away"
	case !sameSpec(live, deployed):
		return "it was changed by somebody else since this stage deployed it"
	case err == nil && s.Stable:
		return "it is stable by now"
	case isPaused(live):
		return "its rollout is paused"
	}
	return ""
}

// sameSpec compares what is live to what was deployed. Autoscalers own replicas.
func sameSpec(live *unstructured.Unstructured, deployed pipeline.Map) bool {
	now, _ := dig(live.Object, "spec")
	then, _ := plain(map[string]any(deployed.Map("spec"))).(map[string]any)
	return now != nil && then != nil && equalWithout(now, then, "replicas")
}

// rollbackTo picks the revision to go back to, or says why there is none.
func rollbackTo(target activities.RollbackTarget, history []revision) (*revision, string) {
	var to *revision
	newest := history[max(len(history)-1, 0):]
	if len(newest) == 0 || newest[0].number <= target.Present {
		return nil, fmt.Sprintf("the deployment changed nothing in its pods: revision %d was there before", target.Present)
	}
	for i, r := range history {
		switch {
		case r.number == target.Revision:
			to = &history[i]
		case r.number > target.Present && r.number < newest[0].number:
			return nil, fmt.Sprintf("somebody else has deployed revision %d meanwhile", r.number)
		}
	}
	if to == nil {
		return nil, fmt.Sprintf("revision %d is no longer in its history: raise its revisionHistoryLimit", target.Revision)
	}
	return to, ""
}

// freeRollback deletes the pods that keep a StatefulSet from going back: its
// controller waits for each pod to be ready before it touches the next, also for
// one whose revision never gets ready.
func (cl *cluster) freeRollback(ctx context.Context, o object, changed *unstructured.Unstructured) error {
	deadline := time.Now().Add(observePatience)
	for {
		live, err := cl.get(ctx, o.resource, o.namespace, o.name)
		if err != nil {
			return cl.missing(ctx, err, o, "read")
		}
		if live.GetUID() != changed.GetUID() || live.GetGeneration() != changed.GetGeneration() {
			return nil // somebody else's by now
		}
		if observed(live, live.GetGeneration()) {
			st, _ := dig(live.Object, "status")
			return cl.deleteUnready(ctx, live, pipeline.Map(st).String("updateRevision"))
		}
		if time.Now().After(deadline) {
			return pipeline.Errorf(pipeline.CodeUnavailable, "The controller of %s does not take its change in.", o)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// deleteUnready deletes a StatefulSet's pods that are neither ready nor of the
// revision.
func (cl *cluster) deleteUnready(ctx context.Context, live *unstructured.Unstructured, revisionName string) error {
	r, err := cl.catalog.resolve(ctx, "pod")
	if err != nil {
		return err
	}
	options, err := selectedBy(live)
	if err != nil {
		return err
	}
	stuck := map[string]types.UID{}
	var names []string
	err = cl.each(ctx, r, live.GetNamespace(), options, func(pod *unstructured.Unstructured) {
		if !metav1.IsControlledBy(pod, live) || pod.GetLabels()["controller-revision-hash"] == revisionName || pod.GetDeletionTimestamp() != nil {
			return
		}
		for _, c := range conditions(pod) {
			if c.String("type") == "Ready" && c.String("status") == "True" {
				return
			}
		}
		names = append(names, pod.GetName())
		stuck[pod.GetName()] = pod.GetUID()
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := cl.remove(ctx, object{resource: r, namespace: live.GetNamespace(), name: name}, stuck[name], metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}
