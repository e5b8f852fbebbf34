package clouddriver

import (
	"context"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// maxOrphans is how many orphaned objects are told.
	maxOrphans = 100
	// maxFormer is how many objects of earlier deployments are looked for, and
	// maxScans how many lists of a kind in a namespace are read.
	maxFormer, maxScans = 300, 20
)

// orphanage finds orphaned objects.
type orphanage struct {
	*planning
	app, cluster string
	// mine are the objects of the deployment, artifacts what they are versions of.
	mine, artifacts, told map[activities.PlannedRef]bool
}

// orphans tells of what the stage leaves behind: objects that it deployed before
// and that its manifests do not hold any more, as long as they still belong to the
// application; and, when the stage names a cluster of its own, what else belongs to
// that cluster. Nothing is done about them.
func (p *planning) orphans(ctx context.Context, d *deployment, trials []*trial) error {
	f := &orphanage{
		planning: p, app: d.in.Moniker.App, cluster: d.in.Moniker.Cluster,
		mine: namesOf(trials), artifacts: map[activities.PlannedRef]bool{}, told: map[activities.PlannedRef]bool{},
	}
	if f.app == "" {
		f.app = d.in.Scope.Application
	}
	for _, o := range p.out.Objects {
		f.told[o.Ref()] = true // deleted already, or refused
	}
	scans := map[string]scan{}
	for _, t := range trials {
		ref := t.out.Ref()
		ref.Name = t.m.name
		f.artifacts[ref] = true
		if t.m.resource != nil {
			s := scan{*t.m.resource, t.m.obj.GetNamespace()}
			scans[s.key()] = s
		}
	}
	if err := f.former(ctx, scans); err != nil {
		return err
	}
	if f.cluster == "" {
		return nil
	}
	if len(scans) > maxScans {
		f.out.Problems = append(f.out.Problems, activities.PlanProblem{
			Message: "The stage has objects of too many kinds and namespaces to look for orphaned ones in all of them.", Passing: true,
		})
	}
	for i, key := range slices.Sorted(maps.Keys(scans)) {
		if i == maxScans {
			break
		}
		s := scans[key]
		err := p.cluster.each(ctx, s.resource, s.namespace, metav1.ListOptions{}, func(obj *unstructured.Unstructured) {
			if annotationOf(obj, monikerPrefix+"cluster") == f.cluster {
				f.consider(obj, "It belongs to the cluster "+f.cluster+" and is not among the manifests. It stays as it is.")
			}
		})
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeForbidden {
			return err
		}
	}
	return nil
}

// scan is a kind in a namespace.
type scan struct {
	resource  resource
	namespace string
}

func (s scan) key() string { return s.resource.gvk.String() + " " + s.namespace }

// former looks at what earlier runs of the stage deployed, and notes their kinds.
func (f *orphanage) former(ctx context.Context, scans map[string]scan) error {
	looked := 0
	for _, location := range slices.Sorted(maps.Keys(f.in.Deployed)) {
		names := slices.Clone(f.in.Deployed[location])
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			if looked++; looked > maxFormer {
				return nil
			}
			o, err := f.planning.cluster.locate(ctx, location, name)
			if err != nil {
				if code := pipeline.CodeOf(err); code == pipeline.CodeInvalid || code == pipeline.CodeNotFound {
					continue // a kind or namespace that is not served any more
				}
				return err
			}
			s := scan{o.resource, o.namespace}
			scans[s.key()] = s
			live, err := f.planning.cluster.get(ctx, o.resource, o.namespace, o.name)
			if err != nil {
				if converted := fromAPI(ctx, err, f.in.Account, "read "+o.String()); !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
					return converted
				}
				continue
			}
			f.consider(live, "The stage deployed it before, and it is not among the manifests any more. It stays as it is.")
		}
	}
	return nil
}

// consider tells of an object unless it is the deployment's own, an older version of
// one, another application's, or made by a controller.
func (f *orphanage) consider(obj *unstructured.Unstructured, why string) {
	o := plannedLive(obj)
	ref := o.Ref()
	artifact := ref
	artifact.Name = annotationOf(obj, artifactNameAnnotation)
	switch {
	case f.mine[ref] || f.told[ref] || f.artifacts[artifact] || obj.GetDeletionTimestamp() != nil || metav1.GetControllerOf(obj) != nil:
		return
	case !strings.EqualFold(annotationOf(obj, monikerPrefix+"application"), f.app):
		return
	}
	f.told[ref] = true
	o.Action, o.Message = activities.PlanOrphaned, why
	if f.out.Counts[activities.PlanOrphaned] == maxOrphans {
		f.out.Cut++
		return
	}
	f.add(o)
}
