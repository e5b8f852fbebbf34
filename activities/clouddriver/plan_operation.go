package clouddriver

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// target finds the object that a criterion means, without waiting for one.
func (p *planning) target(ctx context.Context, in activities.ResolveTargetInput) (string, error) {
	pick, ok := criteria[in.Criteria]
	if !ok {
		return "", unknownCriteria(in.Criteria)
	}
	members, err := p.cluster.members(ctx, in.Kind, in.Location, in.Application, in.Cluster)
	if err != nil {
		return "", err
	}
	found := pick(members)
	if found == nil {
		return "", noTarget(in, len(members))
	}
	return KindOf(found.GroupVersionKind()).String() + " " + found.GetName(), nil
}

func patchTarget(in *activities.PatchManifestInput) *activities.ManifestInput {
	if in == nil {
		return nil
	}
	return &in.ManifestInput
}

func scaleTargetOf(in *activities.ScaleManifestInput) *activities.ManifestInput {
	if in == nil {
		return nil
	}
	return &in.ManifestInput
}

// change plans the change of one live object.
func (p *planning) change(ctx context.Context, in activities.ManifestInput, try func(object) (*unstructured.Unstructured, error)) error {
	o, err := p.cluster.locate(ctx, in.Location, in.ManifestName)
	if err != nil {
		return err
	}
	out := plannedObject(o)
	live, err := p.cluster.get(ctx, o.resource, o.namespace, o.name)
	if err != nil {
		err = p.cluster.missing(ctx, err, o, "read")
	}
	var result *unstructured.Unstructured
	if err == nil {
		result, err = try(o)
	}
	if err != nil {
		p.verdict(ctx, &out, err)
		if at := p.createdBefore(o); at && pipeline.CodeOf(err) == pipeline.CodeNotFound {
			out.Action, out.Message, out.Details = activities.PlanUntried, "It cannot be tried yet: it would be created before.", nil
		}
		p.add(out)
		return nil
	}
	out.Action = activities.PlanChanged
	if out.Changes, out.MoreChanges = difference(live, result); len(out.Changes) == 0 {
		out.Action = activities.PlanLeft
	}
	p.add(out)
	return nil
}

func (p *planning) createdBefore(o object) bool {
	for _, ref := range p.created {
		if ref == plannedObject(o).Ref() {
			return true
		}
	}
	return false
}

func plannedObject(o object) activities.PlannedObject {
	return activities.PlannedObject{
		Kind: KindOf(o.resource.gvk).String(), APIVersion: o.resource.gvk.GroupVersion().String(), Namespace: o.namespace, Name: o.name,
	}
}

// delete plans a deletion.
func (p *planning) delete(ctx context.Context, in activities.DeleteManifestInput) error {
	options, err := deleteOptions(in.Options, p.log(in.Scope, in.Account))
	if err != nil {
		return err
	}
	chosen, err := p.cluster.choose(ctx, in)
	if err != nil {
		return err
	}
	for _, d := range chosen {
		out := plannedObject(d.object)
		out.Action = activities.PlanDeleted
		if err := p.cluster.remove(ctx, d.object, d.UID, options); err != nil {
			p.verdict(ctx, &out, err)
		}
		p.add(out)
	}
	if len(chosen) == 0 {
		p.out.Problems = append(p.out.Problems, activities.PlanProblem{Message: "There is nothing to delete: no object is there that the stage names.", Passing: true})
	}
	return nil
}
