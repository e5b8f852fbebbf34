package clouddriver

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// targetPatience is how long a target may be looked for in vain: Orca's ten
	// tries, 200 ms apart.
	targetPatience = 2 * time.Second
	// readPatience is how long an object may be absent that is to be read: Orca's
	// five tries, a second apart.
	readPatience = 5 * time.Second
)

// ResolveTarget implements [activities.ClouddriverOperations]. It reads the
// objects themselves and not a cache.
func (c *Clouddriver) ResolveTarget(ctx context.Context, in activities.ResolveTargetInput) (activities.ResolveTargetOutput, error) {
	var none activities.ResolveTargetOutput
	pick, ok := criteria[in.Criteria]
	if !ok {
		return none, unknownCriteria(in.Criteria)
	}
	cl, err := c.open(ctx, in.Scope, in.Account, Read)
	if err != nil {
		return none, err
	}
	heart := startHeart(ctx, nil)
	defer heart.rest()
	deadline := time.Now().Add(targetPatience)
	for {
		members, err := cl.members(ctx, in.Kind, in.Location, in.Application, in.Cluster)
		if err != nil {
			return none, err
		}
		if found := pick(members); found != nil {
			return activities.ResolveTargetOutput{ManifestName: KindOf(found.GroupVersionKind()).String() + " " + found.GetName()}, nil
		}
		if time.Now().After(deadline) {
			return none, noTarget(in, len(members))
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return none, err
		}
	}
}

func unknownCriteria(criteria string) error {
	return pipeline.Errorf(pipeline.CodeInvalid, "The criteria %q is unknown: use oldest, newest, second_newest, largest or smallest.", criteria)
}

func noTarget(in activities.ResolveTargetInput, members int) error {
	return pipeline.Errorf(pipeline.CodeNotFound,
		"No manifest could be found matching the criteria %s: account %q has %d objects of the kind %s in namespace %s whose annotations name the application %q and the cluster %q.",
		in.Criteria, in.Account, members, in.Kind, in.Location, in.Application, in.Cluster)
}

// members lists the live objects of a kind whose annotations name the
// application and the cluster.
func (cl *cluster) members(ctx context.Context, kind, location, application, cluster string) ([]*unstructured.Unstructured, error) {
	r, err := cl.catalog.resolve(ctx, kind)
	if err != nil {
		return nil, err
	}
	namespace := location
	if namespace == clusterScope {
		namespace = ""
	}
	if r.namespaced {
		if err := cl.account.checkNamespace(namespace); err != nil {
			return nil, err
		}
	}
	var out []*unstructured.Unstructured
	err = cl.each(ctx, r, namespace, metav1.ListOptions{}, func(obj *unstructured.Unstructured) {
		if annotationOf(obj, monikerPrefix+"cluster") == cluster && annotationOf(obj, monikerPrefix+"application") == application {
			out = append(out, obj)
		}
	})
	return out, err
}

// criteria pick one of a cluster's members, or nil (reference: clouddriver
// section 4).
var criteria = map[string]func([]*unstructured.Unstructured) *unstructured.Unstructured{
	"oldest":   func(m []*unstructured.Unstructured) *unstructured.Unstructured { return nth(sorted(m, byAge), 0) },
	"smallest": func(m []*unstructured.Unstructured) *unstructured.Unstructured { return nth(sorted(m, bySize), 0) },
	"newest": func(m []*unstructured.Unstructured) *unstructured.Unstructured {
		return nth(sorted(m, byAge), len(m)-1)
	},
	"largest": func(m []*unstructured.Unstructured) *unstructured.Unstructured {
		return nth(sorted(m, bySize), len(m)-1)
	},
	"second_newest": func(m []*unstructured.Unstructured) *unstructured.Unstructured {
		return nth(sorted(m, byAge), len(m)-2)
	},
}

func nth(list []*unstructured.Unstructured, n int) *unstructured.Unstructured {
	if n < 0 || n >= len(list) {
		return nil
	}
	return list[n]
}

func sorted(list []*unstructured.Unstructured, by func(a, b *unstructured.Unstructured) int) []*unstructured.Unstructured {
	return slices.SortedStableFunc(slices.Values(list), by)
}

// byAge compares creation times, which are whole seconds; of one second the
// lower version is older.
func byAge(a, b *unstructured.Unstructured) int {
	return cmp.Or(
		strings.Compare(created(a), created(b)),
		cmp.Compare(parseVersion(annotationOf(a, artifactVersionAnnotation)), parseVersion(annotationOf(b, artifactVersionAnnotation))),
		strings.Compare(a.GetName(), b.GetName()))
}

func bySize(a, b *unstructured.Unstructured) int {
	return cmp.Compare(size(a), size(b))
}

// size is spec.replicas, -1 without.
func size(obj *unstructured.Unstructured) int64 {
	n, found := sourceReplicas(obj)
	if !found {
		return -1
	}
	return n
}

// ReadManifest implements [activities.ClouddriverOperations]. Errors: not_found
// when the object is absent for five seconds.
func (c *Clouddriver) ReadManifest(ctx context.Context, in activities.ManifestInput) (activities.ReadManifestOutput, error) {
	var none activities.ReadManifestOutput
	heart := startHeart(ctx, nil)
	defer heart.rest()
	cl, o, err := c.locate(ctx, in, Read)
	if err != nil {
		return none, err
	}
	deadline := time.Now().Add(readPatience)
	for {
		live, err := cl.get(ctx, o.resource, o.namespace, o.name)
		if err == nil {
			return activities.ReadManifestOutput{Manifest: shown(live), Artifacts: c.settings.references(cl.account, live)}, nil
		}
		if !apierrors.IsNotFound(err) {
			return none, cl.missing(ctx, err, o, "read")
		}
		if time.Now().After(deadline) {
			return none, pipeline.Wrap(pipeline.CodeNotFound, err, "Manifest %s not found in %s of account %q.", o.fullName(), scopeOf(o.namespace), in.Account)
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return none, err
		}
	}
}

// references lists what an object refers to, once each, by the rules of its kind
// (reference: clouddriver section 8).
func (s Settings) references(a *account, live *unstructured.Unstructured) []pipeline.Artifact {
	kind := KindOf(live.GroupVersionKind())
	set := artifactSet{list: []pipeline.Artifact{}}
	for _, place := range s.slots(&manifest{obj: live, kind: kind, info: a.info(kind), version: -1}) {
		set.add(pipeline.Artifact{Type: place.kind, Name: place.name(place.text()), Reference: place.text()})
	}
	return set.list
}
