package clouddriver

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// deleteParallel bounds how many objects are waited for at once.
const deleteParallel = 50

// doomed is one object that a delete has chosen. The list of them is the
// heartbeat's details: an attempt that follows a crash deletes and reports
// these, and never an object of the same name that came later.
type doomed struct {
	Location string    `json:"location"` // as answers name it
	Kind     string    `json:"kind"`     // for [catalog.resolve]
	FullName string    `json:"fullName"`
	Name     string    `json:"name"`
	UID      types.UID `json:"uid"`
	object   object
}

// DeleteManifest implements [activities.Clouddriver] (reference: clouddriver
// section 4). Like kubectl it returns when the objects are gone, finalizers
// included; deleting what does not exist is a success. A repetition in the same
// activity reports the objects that its forerunner deleted; a new call reports
// what was still there.
func (c *Clouddriver) DeleteManifest(ctx context.Context, in activities.DeleteManifestInput) (activities.DeleteManifestOutput, error) {
	var none activities.DeleteManifestOutput
	log := c.log(in.Scope, in.Account)
	options, err := deleteOptions(in.Options, log)
	if err != nil {
		return none, err
	}
	cl, err := c.open(ctx, in.Scope, in.Account, Write)
	if err != nil {
		return none, err
	}
	heart := startQuietHeart(ctx)
	defer heart.rest()
	var chosen []doomed
	if resumed(ctx, &chosen) && chosen != nil { // a beat of before the choice holds none
		err = cl.relocate(ctx, chosen)
	} else {
		chosen, err = cl.choose(ctx, in)
	}
	if err != nil {
		return none, err
	}
	heart.progress(chosen)
	if in.Detach {
		for _, d := range chosen {
			if err := cl.detach(ctx, d.object); err != nil {
				return none, err
			}
		}
	}
	if err := cl.destroy(ctx, chosen, options); err != nil {
		return none, err
	}
	out := activities.DeleteManifestOutput{ManifestNamesByNamespace: map[string][]string{}}
	for _, d := range chosen {
		out.ManifestNamesByNamespace[d.Location] = append(out.ManifestNamesByNamespace[d.Location], d.FullName)
		log.InfoContext(ctx, "manifest deleted", slog.String("namespace", d.Location), slog.String("name", d.FullName))
	}
	return out, nil
}

// choose finds the live objects that the request means.
func (cl *cluster) choose(ctx context.Context, in activities.DeleteManifestInput) ([]doomed, error) {
	if in.ManifestName != "" {
		o, err := cl.locate(ctx, in.Location, in.ManifestName)
		if err != nil {
			return nil, err
		}
		live, err := cl.get(ctx, o.resource, o.namespace, o.name)
		if apierrors.IsNotFound(err) {
			return []doomed{}, nil
		}
		if err != nil {
			return nil, fromAPI(ctx, err, in.Account, "read "+o.String())
		}
		if in.UID != "" && string(live.GetUID()) != in.UID {
			return []doomed{}, nil // what was meant is gone, and its name is another's
		}
		return []doomed{doom(o.resource, live)}, nil
	}
	if len(in.Kinds) == 0 {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Nothing is named to be deleted. Set manifestName, or kinds with labelSelectors.")
	}
	selector, err := parseSelectors(in.LabelSelectors)
	if err != nil {
		return nil, err
	}
	if len(in.LabelSelectors.Selectors) == 0 { // ANY says that every object is meant
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "A deletion by kind needs at least one label selector, or every object of the kind would go.")
	}
	chosen := []doomed{}
	for _, kind := range in.Kinds {
		r, err := cl.catalog.resolve(ctx, kind)
		if err != nil {
			return nil, err
		}
		namespace := in.Location
		if namespace == clusterScope {
			namespace = ""
		}
		if r.namespaced {
			if err := cl.account.checkNamespace(namespace); err != nil {
				return nil, err
			}
		}
		err = cl.each(ctx, r, namespace, metav1.ListOptions{LabelSelector: selector.String()}, func(obj *unstructured.Unstructured) {
			chosen = append(chosen, doom(r, obj))
		})
		if err != nil {
			return nil, err
		}
	}
	if len(chosen) > maxManifests {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The label selectors match %d objects; at most %d are deleted at once. Narrow the selectors.", len(chosen), maxManifests)
	}
	return chosen, nil
}

func doom(r resource, obj *unstructured.Unstructured) doomed {
	o := object{resource: r, namespace: obj.GetNamespace(), name: obj.GetName()}
	kind := r.gvk.Kind
	if r.gvk.Group != "" {
		kind += "." + r.gvk.Group
	}
	return doomed{
		Location: scopeOf(o.namespace), Kind: kind, FullName: o.fullName(), Name: o.name, UID: obj.GetUID(), object: o,
	}
}

// relocate finds the resources of objects that an earlier attempt chose.
func (cl *cluster) relocate(ctx context.Context, chosen []doomed) error {
	for i := range chosen {
		d := &chosen[i]
		r, err := cl.catalog.resolve(ctx, d.Kind)
		if err != nil {
			return err
		}
		d.object = object{resource: r, name: d.Name}
		if r.namespaced {
			d.object.namespace = d.Location
		}
	}
	return nil
}

// destroy deletes the objects one by one and then waits until all are gone.
func (cl *cluster) destroy(ctx context.Context, chosen []doomed, options metav1.DeleteOptions) error {
	for _, d := range chosen {
		if err := cl.remove(ctx, d.object, d.UID, options); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deleteParallel)
	for _, d := range chosen {
		group.Go(func() error { return cl.awaitGone(ctx, d.object, d.UID) })
	}
	return group.Wait()
}

// remove deletes the object with this UID. One that is gone, or whose name
// belongs to another object by now, counts as deleted. Deletion in the
// background is the default, as with kubectl.
func (cl *cluster) remove(ctx context.Context, o object, uid types.UID, options metav1.DeleteOptions) error {
	if options.PropagationPolicy == nil {
		background := metav1.DeletePropagationBackground
		options.PropagationPolicy = &background
	}
	options.Preconditions = &metav1.Preconditions{UID: &uid}
	options.DryRun = dryRun(ctx)
	request, cancel := within(ctx)
	defer cancel()
	err := cl.client(o.resource, o.namespace).Delete(request, o.name, options)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return fromAPI(ctx, err, cl.account.Name, "delete "+o.String())
}

// deleteOptions reads the stage's options: text, booleans and numbers alike.
// orphanDependents beats cascading. Errors: invalid for a cascading that
// kubectl would not know either.
func deleteOptions(in pipeline.Map, log *slog.Logger) (metav1.DeleteOptions, error) {
	var out metav1.DeleteOptions
	policy := func(p metav1.DeletionPropagation) { out.PropagationPolicy = &p }
	cascading, orphan := optionText(in, "cascading"), optionText(in, "orphanDependents")
	switch {
	case strings.EqualFold(orphan, "true"):
		policy(metav1.DeletePropagationOrphan)
	case orphan != "":
		policy(metav1.DeletePropagationBackground)
	case cascading == "":
	case strings.EqualFold(cascading, "false"), strings.EqualFold(cascading, "orphan"):
		policy(metav1.DeletePropagationOrphan)
	case strings.EqualFold(cascading, "true"), strings.EqualFold(cascading, "background"):
		policy(metav1.DeletePropagationBackground)
	case strings.EqualFold(cascading, "foreground"):
		policy(metav1.DeletePropagationForeground)
	default:
		return out, pipeline.Errorf(pipeline.CodeInvalid, "Option cascading is %q. Use true, false, background, foreground or orphan.", cascading)
	}
	grace := optionText(in, "gracePeriodSeconds")
	if grace == "" {
		return out, nil
	}
	seconds, err := strconv.ParseInt(grace, 10, 64)
	if err != nil {
		log.Warn("gracePeriodSeconds is not a number and is ignored", slog.String("value", grace))
		return out, nil //nolint:nilerr // Spinnaker's rule: a warning, not an error
	}
	if seconds >= 0 {
		seconds = max(seconds, 1) // as kubectl: 0 would forget a pod whose containers still run
		out.GracePeriodSeconds = &seconds
	}
	return out, nil
}

// optionText reads an option however it was written.
func optionText(in pipeline.Map, key string) string {
	switch v := in[key].(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case float64:
		return strconv.FormatInt(int64(v), 10)
	default:
		return fmt.Sprint(v)
	}
}
