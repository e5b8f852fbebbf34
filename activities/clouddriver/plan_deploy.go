package clouddriver

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// trial is one manifest of a planned deployment.
type trial struct {
	m        *manifest
	selected bool
	// live is the object as it is, nil when there is none.
	live *unstructured.Unstructured
	// result is the object as it would be, nil when that cannot be told.
	result *unstructured.Unstructured
	out    activities.PlannedObject
	err    error
}

// deploy plans a deployment. Everything up to the first write is the deployment's
// own code; then each manifest is sent by its strategy, as a dry run of its own,
// so that one which is refused hides no other.
func (p *planning) deploy(ctx context.Context, in activities.DeployManifestInput) error {
	d := &deployment{
		Clouddriver: p.Clouddriver, cluster: p.cluster, in: in, operation: in.Scope.Key(), log: p.log(in.Scope, in.Account), aside: p.setAside,
	}
	manifests, err := d.prepare(ctx)
	if err != nil {
		return err
	}
	if err := d.checkWhole(manifests); err != nil {
		p.problem(err)
	}
	trials := p.look(ctx, d, manifests)
	p.try(ctx, d, trials)
	selected := 0
	for _, t := range trials {
		if t.selected {
			selected++
		}
		p.add(t.out)
	}
	p.addRefused(ctx)
	if err := d.checkSelected(selected + len(p.refused)); err != nil {
		p.problem(err)
	}
	p.out.CreatedArtifacts = d.created.list
	if err := p.takeAway(ctx, d, trials); err != nil {
		p.problem(err)
	}
	if err := p.orphans(ctx, d, trials); err != nil {
		p.problem(err)
	}
	return nil
}

// setAside implements [aside]: what is wrong with one manifest stands at it. What
// is wrong with the world ends the plan.
func (p *planning) setAside(_ int, raw map[string]any, err error) error {
	if passing(err) || pipeline.CodeOf(err) == pipeline.CodeTimeout {
		return err
	}
	p.refused = append(p.refused, setAside{obj: &unstructured.Unstructured{Object: raw}, err: err})
	return nil
}

func (p *planning) addRefused(ctx context.Context) {
	for _, r := range p.refused {
		o := activities.PlannedObject{
			Kind: KindOf(r.obj.GroupVersionKind()).String(), APIVersion: r.obj.GetAPIVersion(), Namespace: r.obj.GetNamespace(), Name: r.obj.GetName(),
		}
		p.verdict(ctx, &o, r.err)
		p.add(o)
	}
}

// look reads what is there, and notes what is not.
func (p *planning) look(ctx context.Context, d *deployment, manifests []*manifest) []*trial {
	trials := make([]*trial, len(manifests))
	var group errgroup.Group
	group.SetLimit(tryParallel)
	for i, m := range manifests {
		t := &trial{m: m, selected: d.selects(m)}
		trials[i] = t
		if !t.selected || m.resource == nil {
			continue
		}
		at := p.cluster.target(m, d.operation)
		group.Go(func() error {
			live, err := p.cluster.get(ctx, at.resource, at.namespace, at.name)
			if err != nil && !apierrors.IsNotFound(err) {
				t.err = p.cluster.blame(ctx, err, m.obj, "read", at)
			}
			t.live = live
			return nil
		})
	}
	_ = group.Wait() // each trial holds its own error
	for _, t := range trials {
		t.out = activities.PlannedObject{
			Kind: t.m.kind.String(), APIVersion: t.m.obj.GetAPIVersion(), Namespace: t.m.obj.GetNamespace(), Name: t.m.obj.GetName(),
		}
		if t.m.generateName {
			t.out.Name = t.m.obj.GetGenerateName() + "*"
		}
		if t.selected && t.err == nil && t.live == nil {
			p.created = append(p.created, t.out.Ref())
		}
	}
	return trials
}

// try sends every manifest as a dry run.
func (p *planning) try(ctx context.Context, d *deployment, trials []*trial) {
	var group errgroup.Group
	group.SetLimit(tryParallel)
	for _, t := range trials {
		if p.untriable(t) {
			continue
		}
		group.Go(func() error {
			p.tryOne(ctx, d, t)
			return nil // each trial holds its own error
		})
	}
	_ = group.Wait()
}

func (p *planning) tryOne(ctx context.Context, d *deployment, t *trial) {
	if t.err == nil {
		t.result, t.err = p.cluster.trySubmit(ctx, t.m, d.operation)
	}
	if t.err != nil {
		t.result = nil
		p.verdict(ctx, &t.out, t.err)
		return
	}
	t.judge()
}

// untriable marks what no dry run can tell of: the API server looks at each object
// by itself, without those that would be there by then.
func (p *planning) untriable(t *trial) bool {
	namespace := activities.PlannedRef{Kind: "namespace", Name: t.m.obj.GetNamespace()}
	switch {
	case !t.selected:
		t.out.Action, t.out.Message = activities.PlanLeft, "The label selectors do not select it: it is not deployed."
	case t.m.resource == nil:
		t.out.Action = activities.PlanUntried
		t.out.Message = "It would be created, and cannot be tried since its kind does not exist yet: the CustomResourceDefinition is deployed with it."
	case t.m.resource.namespaced && slices.Contains(p.created, namespace):
		t.out.Action = activities.PlanUntried
		t.out.Message = "It would be created, and cannot be tried since its namespace does not exist yet: it is created before."
	default:
		return false
	}
	return true
}

// judge says what the dry run showed.
func (t *trial) judge() {
	switch {
	case t.live != nil && t.m.strategy("recreate"):
		t.out.Action = activities.PlanRecreated
		var leaveOut [][]string
		if t.m.kind.is("job") {
			leaveOut = drawn
		}
		t.out.Changes, t.out.MoreChanges = difference(t.live, t.result, leaveOut...)
	case t.live != nil:
		t.out.Changes, t.out.MoreChanges = difference(t.live, t.result)
		t.out.Action = activities.PlanChanged
		if len(t.out.Changes) == 0 {
			t.out.Action = activities.PlanLeft
		}
	default:
		t.out.Action = activities.PlanCreated
		if prior := highest(t.m.priors); prior != nil {
			t.out.ComparedWith = prior.GetName()
			t.out.Changes, t.out.MoreChanges = difference(prior, t.result, ofVersion...)
		}
	}
}

// takeAway tells of what a deployment removes once what it made is stable: versions
// beyond the history, and the server groups that a strategy replaces.
func (p *planning) takeAway(ctx context.Context, d *deployment, trials []*trial) error {
	planned := namesOf(trials)
	told := map[activities.PlannedRef]bool{}
	tell := func(o activities.PlannedObject) {
		if !told[o.Ref()] {
			told[o.Ref()] = true
			p.add(o)
		}
	}
	for _, t := range trials {
		if t.result == nil || d.in.Strategy == "" || !t.m.kind.is("replicaset") {
			continue
		}
		app := d.in.Moniker.App
		if app == "" {
			app = d.in.Scope.Application
		}
		others, err := p.cluster.members(ctx, "replicaSet", t.result.GetNamespace(), app, annotationOf(t.result, monikerPrefix+"cluster"))
		if err != nil {
			return err
		}
		slices.SortStableFunc(others, byAge)
		for _, other := range others {
			o := plannedLive(other)
			if planned[o.Ref()] {
				continue
			}
			unstable, err := isUnstable(other)
			if err != nil {
				return err
			}
			o.Action, o.Message = activities.PlanDisabled, "The strategy "+d.in.Strategy+" takes its traffic away."
			if unstable || d.in.Strategy == activities.StrategyHighlander {
				o.Action, o.Message = activities.PlanDeleted, "The strategy "+d.in.Strategy+" deletes it."
			}
			tell(o)
		}
	}
	for _, t := range trials {
		limit, limited := 0, false
		if t.result != nil && t.m.version >= 0 {
			limit, limited = historyLimit(t.result)
		}
		if !limited {
			continue
		}
		versions := slices.Clone(t.m.priors)
		if t.live == nil {
			versions = append(versions, t.result)
		}
		for _, old := range beyond(*t.m.resource, versions, limit, func(v *unstructured.Unstructured) bool { return planned[plannedLive(v).Ref()] }) {
			tell(activities.PlannedObject{
				Kind: t.m.kind.String(), APIVersion: t.m.obj.GetAPIVersion(), Namespace: old.object.namespace, Name: old.Name,
				Action: activities.PlanDeleted, Message: "max-version-history keeps " + strconv.Itoa(limit) + ": it is the oldest beyond them.",
			})
		}
	}
	return nil
}

// plannedLive is a live object as a plan names it.
func plannedLive(obj *unstructured.Unstructured) activities.PlannedObject {
	return activities.PlannedObject{
		Kind: KindOf(obj.GroupVersionKind()).String(), APIVersion: obj.GetAPIVersion(), Namespace: obj.GetNamespace(), Name: obj.GetName(),
	}
}

// namesOf are the objects that a deployment holds, tried or not.
func namesOf(trials []*trial) map[activities.PlannedRef]bool {
	out := make(map[activities.PlannedRef]bool, len(trials))
	for _, t := range trials {
		ref := t.out.Ref()
		ref.Name = strings.TrimSuffix(ref.Name, "*")
		out[ref] = true
		if t.result != nil {
			out[plannedLive(t.result).Ref()] = true
		}
	}
	return out
}
